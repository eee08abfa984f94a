"""Pack weights into the layout that the loops read, and unpack their gradients.

A kernel [rows, C U], C columns of U units, is packed into panels, [columns / L, rows, L] with L lanes of a vector,
which a loop reads sequentially. Its columns get the order of a `kernel_spec.ColumnOrder`.
"""

from collections.abc import Sequence

from llvmlite import ir

from nlp_rnn.layers.native.simd import SimdBuilder, i64

Value = ir.Value


class WeightPacking:
    """Emits the packing and unpacking of weights.

    Args:
        simd: builds the function to emit it into.
        columns: C.
        units: U, whole vectors.
    """

    def __init__(self, simd: SimdBuilder, columns: int, units: Value):
        self.simd, self.columns, self.units = simd, columns, units
        self.lanes = simd.lanes
        self.blocks = simd.builder.sdiv(units, i64(simd.lanes))

    def pack_panels(self, kernel: Value, rows: Value, order: Sequence[int], target: Value) -> None:
        """Pack the columns of a kernel that are in `order`, in this order, into panels."""
        for n, column in enumerate(order):
            with self.simd.loop(i64(0), self.blocks) as block, self.simd.loop(i64(0), rows) as row:
                at = self.simd.index((row, self.columns, self.units), (column, self.units), (block, self.lanes))
                panel = self.simd.index((n, self.blocks), block)
                destination = self.simd.index((panel, rows, self.lanes), (row, self.lanes))
                self.simd.store(self.simd.load(kernel, at), target, destination)

    def pack_transposed(self, kernel: Value, rows: Value, order: Sequence[int], target: Value) -> None:
        """Pack the transposed kernel, [len(order) U, rows], into panels; the last panel is padded with zeros.

        Results computed from the padding are never read, but arithmetic on whatever the memory held, such as denormal
        numbers, may be slow.
        """
        builder, length = self.simd.builder, self.simd.index((len(order), self.units))
        last = self.simd.index((builder.sdiv(rows, i64(self.lanes)), length, self.lanes))
        with builder.if_then(builder.icmp_signed("!=", builder.srem(rows, i64(self.lanes)), i64(0))):
            self.fill_zeros(target, last, self.simd.index((length, self.lanes)))
        for n, column in enumerate(order):
            with self.simd.loop(i64(0), rows) as row, self.simd.loop(i64(0), self.units) as unit:
                panel, lane = (divide(row, i64(self.lanes)) for divide in (builder.sdiv, builder.srem))
                at = self.simd.index((row, self.columns, self.units), (column, self.units), unit)
                panel_row = self.simd.index((n, self.units), unit)
                start = self.simd.index((panel, length, self.lanes), (panel_row, self.lanes))
                value = builder.load(builder.gep(kernel, [at]))
                builder.store(value, builder.gep(target, [self.simd.index(start, lane)]))

    def pack_bias(self, bias: Value, order: Sequence[int], target: Value, other: Value | None = None) -> None:
        """Copy the columns of a bias that are in `order`, in this order; add those of the bias `other`, if any."""
        for n, column in enumerate(order):
            with self.simd.loop(i64(0), self.units, self.lanes) as unit:
                at = self.simd.index((column, self.units), unit)
                value = self.simd.load(bias, at)
                value = value if other is None else self.simd.add(value, self.simd.load(other, at))
                self.simd.store(value, target, self.simd.index((n, self.units), unit))

    def unpack(
        self, source: Value, first: Value, rows: Value, start: int, width: int, order: Sequence[int], target: Value
    ) -> None:
        """Copy a part of a packed array into a kernel.

        Args:
            source: an array of `width` columns.
            first: the first row to copy.
            rows: how many rows to copy.
            start: the first column to copy.
            width: columns of `source`.
            order: the column of the kernel for each column copied.
            target: the kernel.
        """
        for n, column in enumerate(order, start):
            with self.simd.loop(i64(0), rows) as row, self.simd.loop(i64(0), self.units, self.lanes) as unit:
                at = self.simd.index((self.simd.index(first, row), width, self.units), (n, self.units), unit)
                destination = self.simd.index((row, self.columns, self.units), (column, self.units), unit)
                self.simd.store(self.simd.load(source, at), target, destination)

    def copy(self, source: Value, target: Value, count: Value) -> None:
        """Copy `count` numbers, whole vectors."""
        with self.simd.loop(i64(0), count, self.lanes) as at:
            self.simd.store(self.simd.load(source, at), target, at)

    def fill_zeros(self, target: Value, start: Value, count: Value) -> None:
        """Write `count` zeros, whole vectors."""
        with self.simd.loop(i64(0), count, self.lanes) as n:
            self.simd.store(0.0, target, self.simd.index(start, n))
