"""What the loops forward and backward share: their arguments, how memory is laid out, and products with a kernel.

Shapes: B batch, T time steps, F features, U units, filled up to whole vectors, G' columns of the cell in the order of
`kinds.Order`, L floats of a vector. A kernel is given in panels, [columns / L, rows, L]: what a loop reads of it one
after the other.
"""

from collections.abc import Callable, Iterable

from llvmlite import ir

from nlp_rnn.layers.native.emitter import BYTE, FLOAT, INT, Emitter, number
from nlp_rnn.layers.native.equations import equation
from nlp_rnn.layers.native.kinds import Kind

NUMBERS = (
    "begin",
    "end",
    "batch",
    "steps",
    "units",
    "features",
    "fed",
    "told",
    "first",
    "onward",
    "span",
    "wide_left",
    "wide_right",
    "past",
)
BYTES = ("mask",)
Value = ir.Value
JOB = INT.as_pointer()


class Rows:
    """A few rows of the batch in one step.

    Attributes:
        rows: their numbers.
        steps: where they are among the B T rows of all steps.
    """

    def __init__(self, e: Emitter, first: Value, count: int, steps: Value, t: Value):
        self.rows = [e.index(first, n) for n in range(count)]
        self.steps = [e.index((row, steps), t) for row in self.rows]


class Loop:
    """A function that runs over time for the rows `begin` to `end`, and the means to write it.

    Its argument is a job: `NUMBERS`, and then the addresses of the arrays.

    Args:
        kind: what it is made for.
        module: where it is put.
        name: of the function.
        arrays: the names of the arrays it takes.
    """

    def __init__(self, kind: Kind, module: ir.Module, name: str, arrays: list[str]):
        self.kind, self.equation, self.order = kind, equation(kind.cell), kind.order
        self.names = arrays
        self.function = ir.Function(module, ir.FunctionType(ir.VoidType(), [JOB]), name)
        self.function.linkage = "internal"
        self.e = Emitter(self.function, kind.lanes)
        self.numbers = {name: self._said(n) for n, name in enumerate(NUMBERS)}
        self.arrays = {name: self._pointer(name, n) for n, name in enumerate(arrays, len(NUMBERS))}
        self.units, self.steps = self.numbers["units"], self.numbers["steps"]
        self.blocks = self.e.builder.sdiv(self.units, number(kind.lanes))

    def load(self, array: str, at: Value) -> Value:
        """The vector of an array that begins at an index."""
        return self.e.load(self.arrays[array], at)

    def store(self, found: Value | float, array: str, at: Value) -> None:
        """Write a vector."""
        self.e.store(found, self.arrays[array], at)

    def fetch_x(self, step: Value) -> None:
        """Have x of the next step on its way, of the row that is now at `step`: it is in another place of memory."""
        following = self.e.index((self.e.index(step, self.numbers["onward"]), self.numbers["features"]))
        with self.e.loop(number(0), self.numbers["features"], self.kind.lanes) as feature:
            self.e.prefetch(self.arrays["x"], self.e.index(following, feature))

    def place(self, row: Value, unit: Value, column: int = 0, columns: int = 1) -> Value:
        """The index of a vector in an array of rows of `columns` U numbers."""
        return self.e.index((row, columns, self.units), (column, self.units), unit)

    def kept_at(self, t: Value, row: Value, unit: Value, column: int) -> Value:
        """The index of a vector in what is kept, [T, B, columns, U]."""
        return self.place(self.e.index((t, self.numbers["batch"]), row), unit, column, len(self.kind.kept))

    def over_rows(self, sizes: Iterable[int], t: Value, body: Callable[[Rows], None]) -> None:
        """Write `body` for the rows of this call in step t, so many at a time, the largest number first."""

        def of(first, size):
            body(Rows(self.e, first, size, self.steps, t))

        self.e.cut(self.numbers["begin"], self.numbers["end"], sizes, of)

    def products(
        self, left: Value, rows: list[Value], panels: list[tuple[Value, Value]], length: Value, totals: list[list]
    ) -> list[list[Value]]:
        """`totals`, a vector for each row and panel, plus the products of rows of `left` with panels of a kernel.

        Args:
            left: an array.
            rows: where `length` numbers of it begin.
            panels: arrays, and where in them a panel begins.
            length: the rows of the kernel.
            totals: begun with; a vector or a float for each row and panel.
        """
        with self.e.sums(number(0), length, [self.e.whole(t) for row in totals for t in row]) as (k, sums):
            right = [self.e.load(array, self.e.index(at, (k, self.kind.lanes))) for array, at in panels]
            ones = [self.e.spread(left, self.e.index(at, k)) for at in rows]
            pairs = [(one, many) for one in ones for many in right]
            sums[:] = [self.e.fused(one, many, total) for (one, many), total in zip(pairs, sums, strict=True)]
        wide = len(panels)
        return [sums[n * wide : (n + 1) * wide] for n in range(len(rows))]

    def mask_of(self, rows: Rows) -> list[Value | None]:
        """Of each row whether the step counts, as a condition; None where there is no mask."""
        return [self.e.holds(self.arrays["mask"], at) if self.kind.masked else None for at in rows.steps]

    def chosen(self, condition: Value | None, new: Value | float, old: Value | float) -> Value | float:
        """The new where there is no condition or where it holds."""
        return new if condition is None else self.e.select(condition, new, old)

    def _said(self, n):
        return self.e.builder.load(self.e.builder.gep(self.function.args[0], [number(n)]))

    def _pointer(self, name, n):
        return self.e.builder.inttoptr(self._said(n), (BYTE if name in BYTES else FLOAT).as_pointer())
