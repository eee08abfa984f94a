"""What the forward and the backward loop share: their arguments, the memory layout, and products with a kernel.

Shapes: B batch, T time steps, F features, U units, padded to whole vectors, G' columns of the cell in the order of
`kernel_spec.ColumnOrder`, L lanes of a vector. A kernel is packed into panels, [columns / L, rows, L], which a loop
reads sequentially.
"""

from collections.abc import Callable, Iterable

from llvmlite import ir

from nlp_rnn.layers.native.kernel_spec import KernelSpec
from nlp_rnn.layers.native.simd import F32, I8, I64, SimdBuilder, i64
from nlp_rnn.layers.native.tracing import require_trace

JOB_FIELDS = (
    "begin",  # the rows of the batch that this job processes: from `begin` to `end`
    "end",
    "batch",  # B
    "steps",  # T
    "units",  # U
    "features",  # F
    "unpadded_units",  # U without padding, the rows of the recurrent kernel
    "gradient_features",  # F, or 0 if x needs no gradient
    "first_step",
    "step_direction",  # 1 or -1
    "table_steps",  # time steps in the table of `backward.py`
    "left_stride",  # numbers from one row of that table to the next, of its left and its right part
    "right_stride",
    "nontemporal",  # whether saved values are stored past the caches
)
BYTE_ARRAYS = ("mask",)
Value = ir.Value
JOB = I64.as_pointer()


class RowTile:
    """A few rows of the batch at one step.

    Attributes:
        rows: their indices in [B, ...].
        steps: their indices in [B T, ...].
    """

    def __init__(self, simd: SimdBuilder, first: Value, count: int, steps: Value, t: Value):
        self.rows = [simd.index(first, n) for n in range(count)]
        self.steps = [simd.index((row, steps), t) for row in self.rows]


class TimeLoop:
    """A generated function that runs over time for the rows `begin` to `end` of a batch.

    Its one argument is a job: an array of `JOB_FIELDS`, followed by the addresses of the arrays.

    Args:
        spec: what it is specialised for.
        module: the module to add it to.
        name: the name of the function.
        arrays: the names of the arrays that it takes.
    """

    def __init__(self, spec: KernelSpec, module: ir.Module, name: str, arrays: list[str]):
        self.spec, self.traced, self.order = spec, require_trace(spec.cell), spec.order
        self.array_names = arrays
        self.function = ir.Function(module, ir.FunctionType(ir.VoidType(), [JOB]), name)
        self.function.linkage = "internal"
        self.simd = SimdBuilder(self.function, spec.lanes)
        self.fields = {name: self._field(n) for n, name in enumerate(JOB_FIELDS)}
        self.arrays = {name: self._pointer(name, n) for n, name in enumerate(arrays, len(JOB_FIELDS))}
        self.units, self.steps = self.fields["units"], self.fields["steps"]
        self.blocks = self.simd.builder.sdiv(self.units, i64(spec.lanes))

    def load(self, array: str, at: Value) -> Value:
        """Load the vector that begins at an index of an array."""
        return self.simd.load(self.arrays[array], at)

    def store(self, value: Value | float, array: str, at: Value) -> None:
        """Store a vector."""
        self.simd.store(value, self.arrays[array], at)

    def prefetch_x(self, step: Value) -> None:
        """Prefetch x of the next step, for the row that is now at `step`: it lies elsewhere in memory."""
        following = self.simd.index((self.simd.index(step, self.fields["step_direction"]), self.fields["features"]))
        with self.simd.loop(i64(0), self.fields["features"], self.spec.lanes) as feature:
            self.simd.prefetch(self.arrays["x"], self.simd.index(following, feature))

    def vector_index(self, row: Value, unit: Value, column: int = 0, columns: int = 1) -> Value:
        """The index of a vector in an array [rows, columns, U]."""
        return self.simd.index((row, columns, self.units), (column, self.units), unit)

    def saved_index(self, t: Value, row: Value, unit: Value, column: int) -> Value:
        """The index of a vector in the saved values, [T, B, columns, U]."""
        row = self.simd.index((t, self.fields["batch"]), row)
        return self.vector_index(row, unit, column, len(self.spec.saved))

    def for_row_tiles(self, tiles: Iterable[int], t: Value, body: Callable[[RowTile], None]) -> None:
        """Emit `body` over the rows of the job at step t, tile by tile."""

        def emit(first, size):
            body(RowTile(self.simd, first, size, self.steps, t))

        self.simd.tiled_loop(self.fields["begin"], self.fields["end"], tiles, emit)

    def matmul(
        self, left: Value, rows: list[Value], panels: list[tuple[Value, Value]], length: Value, totals: list[list]
    ) -> list[list[Value]]:
        """Add the products of rows of `left` with panels of a kernel to `totals`.

        Args:
            left: an array.
            rows: the index in `left` at which each row of `length` numbers begins.
            panels: for each panel, the array and the index at which the panel begins.
            length: the rows of the kernel.
            totals: the initial vector, or float, for each row and panel.

        Returns:
            The sum for each row and panel.
        """
        with self.simd.accumulate(i64(0), length, [self.simd.splat(t) for row in totals for t in row]) as (k, sums):
            right = [self.simd.load(array, self.simd.index(at, (k, self.spec.lanes))) for array, at in panels]
            scalars = [self.simd.broadcast(left, self.simd.index(at, k)) for at in rows]
            pairs = [(scalar, vector) for scalar in scalars for vector in right]
            sums[:] = [
                self.simd.fma(scalar, vector, total) for (scalar, vector), total in zip(pairs, sums, strict=True)
            ]
        width = len(panels)
        return [sums[n * width : (n + 1) * width] for n in range(len(rows))]

    def padding_conditions(self, tile: RowTile) -> list[Value | None]:
        """For each row, the condition that the step is not padding; None without a mask."""
        return [self.simd.load_condition(self.arrays["mask"], at) if self.spec.masked else None for at in tile.steps]

    def where(self, condition: Value | None, if_true: Value | float, if_false: Value | float) -> Value | float:
        """Select by a condition; without one, return `if_true`."""
        return if_true if condition is None else self.simd.select(condition, if_true, if_false)

    def _field(self, n):
        return self.simd.builder.load(self.simd.builder.gep(self.function.args[0], [i64(n)]))

    def _pointer(self, name, n):
        return self.simd.builder.inttoptr(self._field(n), (I8 if name in BYTE_ARRAYS else F32).as_pointer())
