"""Weights in the form in which the loops take them, and their gradients back.

A kernel [rows, C U], C columns of U units, is taken in panels, [columns / L, rows, L]: what a loop reads of it in turn.
Its columns are put in an order of `kinds.Order`.
"""

from collections.abc import Sequence

from llvmlite import ir

from nlp_rnn.layers.native.emitter import Emitter, number

Value = ir.Value


class Packing:
    """Writes how weights are put in order.

    Args:
        e: of the function it is part of.
        columns: C.
        units: U, whole vectors.
    """

    def __init__(self, e: Emitter, columns: int, units: Value):
        self.e, self.columns, self.units = e, columns, units
        self.lanes = e.lanes
        self.blocks = e.builder.sdiv(units, number(e.lanes))

    def panels(self, kernel: Value, rows: Value, order: Sequence[int], to: Value) -> None:
        """The columns of a kernel that are named, in this order, as panels."""
        for n, column in enumerate(order):
            with self.e.loop(number(0), self.blocks) as block, self.e.loop(number(0), rows) as row:
                at = self.e.index((row, self.columns, self.units), (column, self.units), (block, self.lanes))
                panel = self.e.index((n, self.blocks), block)
                place = self.e.index((panel, rows, self.lanes), (row, self.lanes))
                self.e.store(self.e.load(kernel, at), to, place)

    def transposed(self, kernel: Value, rows: Value, order: Sequence[int], to: Value) -> None:
        """The same of the kernel transposed, [len(order) U, rows], its last panel filled up with zeros.

        Nobody reads what is made of these; but what memory happens to hold may be slow to compute with.
        """
        builder, length = self.e.builder, self.e.index((len(order), self.units))
        last = self.e.index((builder.sdiv(rows, number(self.lanes)), length, self.lanes))
        with builder.if_then(builder.icmp_signed("!=", builder.srem(rows, number(self.lanes)), number(0))):
            self.zeros(to, last, self.e.index((length, self.lanes)))
        for n, column in enumerate(order):
            with self.e.loop(number(0), rows) as row, self.e.loop(number(0), self.units) as unit:
                panel, lane = (f(row, number(self.lanes)) for f in (builder.sdiv, builder.srem))
                at = self.e.index((row, self.columns, self.units), (column, self.units), unit)
                place = self.e.index((panel, length, self.lanes), ((self.e.index((n, self.units), unit)), self.lanes))
                one = builder.load(builder.gep(kernel, [at]))
                builder.store(one, builder.gep(to, [self.e.index(place, lane)]))

    def ordered(self, bias: Value, order: Sequence[int], to: Value, more: Value | None = None) -> None:
        """The columns of a bias that are named, in this order; `more` is added."""
        for n, column in enumerate(order):
            with self.e.loop(number(0), self.units, self.lanes) as unit:
                at = self.e.index((column, self.units), unit)
                found = self.e.load(bias, at)
                found = found if more is None else self.e.add(found, self.e.load(more, at))
                self.e.store(found, to, self.e.index((n, self.units), unit))

    def restored(
        self, found: Value, first: Value, rows: Value, start: int, width: int, order: Sequence[int], to: Value
    ):
        """Rows from `first` of an array of `width` columns, those from `start` on, as a kernel with this order."""
        for n, column in enumerate(order, start):
            with self.e.loop(number(0), rows) as row, self.e.loop(number(0), self.units, self.lanes) as unit:
                at = self.e.index((self.e.index(first, row), width, self.units), (n, self.units), unit)
                place = self.e.index((row, self.columns, self.units), (column, self.units), unit)
                self.e.store(self.e.load(found, at), to, place)

    def copied(self, source: Value, to: Value, count: Value) -> None:
        """So many numbers, whole vectors."""
        with self.e.loop(number(0), count, self.lanes) as at:
            self.e.store(self.e.load(source, at), to, at)

    def zeros(self, to: Value, start: Value, count: Value) -> None:
        """So many zeros, whole vectors."""
        with self.e.loop(number(0), count, self.lanes) as n:
            self.e.store(0.0, to, self.e.index(start, n))
