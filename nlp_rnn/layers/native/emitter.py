"""Vector instructions, written with llvmlite: loops, loads and stores of a few floats, and the functions of cells."""

import contextlib
from collections.abc import Callable, Iterable, Iterator

from llvmlite import ir

INT, FLOAT, BYTE = ir.IntType(64), ir.FloatType(), ir.IntType(8)
Value = ir.Value
LIMIT = 7.99881172180175781  # beyond it, tanh is 1 in float32
# tanh(x) = x P(x^2) / Q(x^2) to within 3e-7, the rational approximation that Eigen and XLA use as well.
NUMERATOR = (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08)
NUMERATOR += (1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03)
DENOMINATOR = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)


def number(n: int) -> Value:
    """An integer constant."""
    return ir.Constant(INT, n)


class Emitter:
    """Appends to one function; `lanes` floats are a vector, and a Python float stands for a vector of it.

    Args:
        function: without a body.
        lanes: floats of a vector.
    """

    def __init__(self, function: ir.Function, lanes: int):
        self.module = function.module
        self.builder = ir.IRBuilder(function.append_basic_block())
        self.lanes = lanes
        self.vector = ir.VectorType(FLOAT, lanes)
        self.one = ir.Constant(FLOAT, 1.0)
        names = {"Mul": self.mul, "AddV2": self.add, "AddN": self.add, "Sub": self.sub, "Neg": self.negative}
        functions = {"Tanh": self.tanh, "Sigmoid": self.sigmoid}
        gradients = {"TanhGrad": self.tanh_gradient, "SigmoidGrad": self.sigmoid_gradient}
        self.arithmetic = {**names, **functions, **gradients}

    @contextlib.contextmanager
    def loop(self, start: Value, stop: Value, step: int = 1) -> Iterator[Value]:
        """The counter of a loop, whose body is what is written within."""
        before = self.builder.block
        head, body, end = (self.builder.append_basic_block() for _ in range(3))
        self.builder.branch(head)
        self.builder.position_at_end(head)
        counter = self.builder.phi(INT)
        counter.add_incoming(start, before)
        self.builder.cbranch(self.builder.icmp_signed("<", counter, stop), body, end)
        self.builder.position_at_end(body)
        yield counter
        counter.add_incoming(self.builder.add(counter, number(step)), self.builder.block)
        self.builder.branch(head)
        self.builder.position_at_end(end)

    def cut(self, start: Value, stop: Value, sizes: Iterable[int], body: Callable[[Value, int], None]) -> None:
        """Write `body` for a range cut into pieces of these sizes, the last of them 1."""
        for size in sizes:
            rest = self.builder.srem(self.builder.sub(stop, start), number(size))
            end = self.builder.sub(stop, rest)
            with self.loop(start, end, size) as first:
                body(first, size)
            start = end

    @contextlib.contextmanager
    def sums(self, start: Value, stop: Value, totals: list[Value]) -> Iterator[tuple[Value, list[Value]]]:
        """The counter of a loop that is run once at least, and vectors that it adds to, in registers.

        Within, the list is to be given the sums after the turn; after the loop it has the last ones.
        """
        before = self.builder.block
        body, end = (self.builder.append_basic_block() for _ in range(2))
        self.builder.branch(body)
        self.builder.position_at_end(body)
        counter = self.builder.phi(INT)
        counter.add_incoming(start, before)
        phis = [self.builder.phi(self.vector) for _ in totals]
        sums = list(phis)
        yield counter, sums
        following = self.builder.add(counter, number(1))
        counter.add_incoming(following, self.builder.block)
        for phi, total, found in zip(phis, totals, sums, strict=True):
            phi.add_incoming(total, before)
            phi.add_incoming(found, self.builder.block)
        self.builder.cbranch(self.builder.icmp_signed("<", following, stop), body, end)
        self.builder.position_at_end(end)

    def index(self, *terms: Value | int | tuple) -> Value:
        """A sum of integers, and of products of integers where a term is a tuple."""
        products = [self._folded(self.builder.mul, term if isinstance(term, tuple) else (term,), 1) for term in terms]
        total = self._folded(self.builder.add, [product for product in products if product != 0], 0)
        return number(total) if isinstance(total, int) else total

    def _folded(self, operation, terms, neutral):
        """Terms put together, without those that change nothing."""
        found, *more = [term for term in terms if not (isinstance(term, int) and term == neutral)] or [neutral]
        for term in more:
            found = operation(*(number(t) if isinstance(t, int) else t for t in (found, term)))
        return found

    def load(self, array: Value, at: Value) -> Value:
        """The vector of an array that begins at an index."""
        found = self.builder.load(self._vector_at(array, at))
        found.align = 4
        return found

    def store(self, value: Value | float, array: Value, at: Value) -> None:
        """Write a vector."""
        self.builder.store(self.whole(value), self._vector_at(array, at)).align = 4

    def store_past(self, value: Value | float, array: Value, at: Value) -> None:
        """Write a vector past the caches, at a place that its size divides; others see it after a `fence`."""
        store = self.builder.store(self.whole(value), self._vector_at(array, at))
        store.align = 4 * self.lanes
        store.set_metadata("nontemporal", self.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))

    def fence(self) -> None:
        """Have all that was written seen by whoever reads after this."""
        self.builder.fence("seq_cst")

    def prefetch(self, array: Value, at: Value) -> None:
        """Have the vector that begins at an index brought into the cache, for it is soon read; it need not exist."""
        place, short = self._vector_at(array, at), ir.IntType(32)
        kind, name = ir.FunctionType(ir.VoidType(), [place.type, *[short] * 3]), "llvm.prefetch.p0"
        function = self.module.globals.get(name) or ir.Function(self.module, kind, name)
        reading, near, data = (ir.Constant(short, n) for n in (0, 2, 1))
        self.builder.call(function, [place, reading, near, data])

    def store_some(self, value: Value, array: Value, at: Value, count: Value) -> None:
        """Write the first `count` floats of a vector, or all of it."""
        numbers = ir.VectorType(INT, self.lanes)
        lane = ir.Constant(numbers, list(range(self.lanes)))
        mask = self.builder.icmp_signed("<", lane, self._spread(count, numbers))
        place = self._vector_at(array, at)
        bits = ir.VectorType(ir.IntType(1), self.lanes)
        kind = ir.FunctionType(ir.VoidType(), [self.vector, place.type, ir.IntType(32), bits])
        name = f"llvm.masked.store.v{self.lanes}f32.p0"
        store = self.module.globals.get(name) or ir.Function(self.module, kind, name)
        self.builder.call(store, [value, place, ir.Constant(ir.IntType(32), 4), mask])

    def copy(self, source: Value, start: Value, target: Value, at: Value, count: Value) -> None:
        """Copy so many floats from one array to another."""
        with self.loop(number(0), count) as n:
            found = self.builder.load(self.builder.gep(source, [self.index(start, n)]))
            self.builder.store(found, self.builder.gep(target, [self.index(at, n)]))

    def spread(self, array: Value, at: Value) -> Value:
        """A vector of one number of an array."""
        return self._spread(self.builder.load(self.builder.gep(array, [at])), self.vector)

    def holds(self, array: Value, at: Value) -> Value:
        """Whether the byte at an index is not 0, as a condition for `select`."""
        byte = self.builder.load(self.builder.gep(array, [at]))
        found = self.builder.icmp_unsigned("!=", byte, ir.Constant(BYTE, 0))
        return self._spread(found, ir.VectorType(ir.IntType(1), self.lanes))

    def select(self, condition: Value, one: Value | float, other: Value | float) -> Value:
        """One vector where a condition holds, else the other."""
        return self.builder.select(condition, self.whole(one), self.whole(other))

    def whole(self, value: Value | float) -> Value:
        """A vector, of a number as well."""
        return ir.Constant(self.vector, [value] * self.lanes) if isinstance(value, float) else value

    def add(self, *terms: Value | float) -> Value | float:
        """Their sum."""
        total, *rest = [term for term in terms if term != 0.0] or [0.0]
        for term in rest:
            total = self._binary(self.builder.fadd, total, term)
        return total

    def sub(self, one: Value | float, other: Value | float) -> Value | float:
        """Their difference."""
        return one if other == 0.0 else self._binary(self.builder.fsub, one, other)

    def mul(self, one: Value | float, other: Value | float) -> Value | float:
        """Their product."""
        if 1.0 in (one, other):
            return other if one == 1.0 else one
        return self._binary(self.builder.fmul, one, other)

    def negative(self, value: Value) -> Value:
        """Minus a vector."""
        return self.mul(value, -1.0)

    def fused(self, one: Value, other: Value, more: Value) -> Value:
        """One times other, plus more; at once where the processor can."""
        return self._call("fmuladd", one, other, more)

    def tanh(self, x: Value) -> Value:
        """The hyperbolic tangent; NaN of NaN."""
        x = self._bounded(x)
        square = self.builder.fmul(x, x)
        above, below = (self._polynomial(terms, square) for terms in (NUMERATOR, DENOMINATOR))
        return self.builder.fdiv(self.builder.fmul(x, above), below)

    def sigmoid(self, x: Value) -> Value:
        """1 / (1 + exp(-x))."""
        half = self.whole(0.5)
        return self.fused(self.tanh(self.mul(x, 0.5)), half, half)

    def tanh_gradient(self, y: Value, d: Value) -> Value:
        """The gradient through tanh, where its value is y."""
        return self.mul(d, self.sub(1.0, self.mul(y, y)))

    def sigmoid_gradient(self, y: Value, d: Value) -> Value:
        """The gradient through the sigmoid function, where its value is y."""
        return self.mul(d, self.mul(y, self.sub(1.0, y)))

    def _bounded(self, x):
        for sign, limit in (("<", -LIMIT), (">", LIMIT)):  # comparisons with NaN are false: it stays
            x = self.builder.select(self.builder.fcmp_ordered(sign, x, self.whole(limit)), self.whole(limit), x)
        return x

    def _polynomial(self, terms, x):
        total = self.whole(terms[0])
        for term in terms[1:]:
            total = self.fused(total, x, self.whole(term))
        return total

    def _binary(self, operation, one, other):
        return operation(self.whole(one), self.whole(other), flags=("contract",))

    def _vector_at(self, array, at):
        return self.builder.bitcast(self.builder.gep(array, [at]), self.vector.as_pointer())

    def _spread(self, scalar, vector):
        nothing = ir.Constant(vector, ir.Undefined)
        first = self.builder.insert_element(nothing, scalar, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, nothing, zeros)

    def _call(self, name, *values):
        name = f"llvm.{name}.v{self.lanes}f32"
        kind = ir.FunctionType(self.vector, [self.vector] * len(values))
        return self.builder.call(self.module.globals.get(name) or ir.Function(self.module, kind, name), values)
