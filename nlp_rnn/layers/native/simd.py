"""Emit vector instructions with llvmlite: loops, vector loads and stores, and the operations that cells use."""

import contextlib
from collections.abc import Callable, Iterable, Iterator

from llvmlite import ir

I64, I32, I8, I1, F32 = ir.IntType(64), ir.IntType(32), ir.IntType(8), ir.IntType(1), ir.FloatType()
Value = ir.Value
TANH_BOUND = 7.99881172180175781  # beyond it, tanh is 1 in float32
# tanh(x) = x P(x^2) / Q(x^2) to within 3e-7: the rational approximation that Eigen and XLA use as well.
NUMERATOR = (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08)
NUMERATOR += (1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03)
DENOMINATOR = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)


def i64(n: int) -> Value:
    """Return a 64-bit integer constant."""
    return ir.Constant(I64, n)


class SimdBuilder:
    """Appends instructions to one function.

    A vector has `lanes` float32 numbers. Where a vector is expected, a Python float stands for a vector filled with it.
    Indices count float32 numbers (bytes in a byte array).

    Args:
        function: a function without a body.
        lanes: float32 lanes of a vector.
    """

    def __init__(self, function: ir.Function, lanes: int):
        self.module = function.module
        self.builder = ir.IRBuilder(function.append_basic_block())
        self.lanes = lanes
        self.vector = ir.VectorType(F32, lanes)
        self.one = ir.Constant(F32, 1.0)
        binary = {"Mul": self.mul, "AddV2": self.add, "AddN": self.add, "Sub": self.sub, "Neg": self.neg}
        activations = {"Tanh": self.tanh, "Sigmoid": self.sigmoid}
        gradients = {"TanhGrad": self.tanh_gradient, "SigmoidGrad": self.sigmoid_gradient}
        self.operations = {**binary, **activations, **gradients}  # by the names of the TensorFlow operations

    @contextlib.contextmanager
    def loop(self, start: Value, stop: Value, step: int = 1) -> Iterator[Value]:
        """Emit a loop from `start` up to `stop`; yields the counter, and the `with` block emits the body."""
        before = self.builder.block
        head, body, end = (self.builder.append_basic_block() for _ in range(3))
        self.builder.branch(head)
        self.builder.position_at_end(head)
        counter = self.builder.phi(I64)
        counter.add_incoming(start, before)
        self.builder.cbranch(self.builder.icmp_signed("<", counter, stop), body, end)
        self.builder.position_at_end(body)
        yield counter
        counter.add_incoming(self.builder.add(counter, i64(step)), self.builder.block)
        self.builder.branch(head)
        self.builder.position_at_end(end)

    def tiled_loop(self, start: Value, stop: Value, tiles: Iterable[int], body: Callable[[Value, int], None]) -> None:
        """Emit one loop per tile size, each over what the loop before it left; the last size must be 1.

        Args:
            start, stop: the range.
            tiles: the tile sizes, in descending order.
            body: emits the body, from the first index of a tile and the tile's size.
        """
        for size in tiles:
            rest = self.builder.srem(self.builder.sub(stop, start), i64(size))
            end = self.builder.sub(stop, rest)
            with self.loop(start, end, size) as first:
                body(first, size)
            start = end

    @contextlib.contextmanager
    def accumulate(self, start: Value, stop: Value, totals: list[Value]) -> Iterator[tuple[Value, list[Value]]]:
        """Emit a loop, of at least one iteration, that keeps running sums in registers.

        Yields the counter and a list of the sums so far. The `with` block must store the sums after the iteration in
        that list; after the loop it holds the final ones.
        """
        before = self.builder.block
        body, end = (self.builder.append_basic_block() for _ in range(2))
        self.builder.branch(body)
        self.builder.position_at_end(body)
        counter = self.builder.phi(I64)
        counter.add_incoming(start, before)
        phis = [self.builder.phi(self.vector) for _ in totals]
        sums = list(phis)
        yield counter, sums
        following = self.builder.add(counter, i64(1))
        counter.add_incoming(following, self.builder.block)
        for phi, total, updated in zip(phis, totals, sums, strict=True):
            phi.add_incoming(total, before)
            phi.add_incoming(updated, self.builder.block)
        self.builder.cbranch(self.builder.icmp_signed("<", following, stop), body, end)
        self.builder.position_at_end(end)

    def index(self, *terms: Value | int | tuple) -> Value:
        """Emit a sum of integers; a tuple among the terms stands for the product of its elements."""
        products = [self._fold(self.builder.mul, term if isinstance(term, tuple) else (term,), 1) for term in terms]
        total = self._fold(self.builder.add, [product for product in products if product != 0], 0)
        return i64(total) if isinstance(total, int) else total

    def _fold(self, operation, terms, neutral):
        """Combine the terms, without those equal to the neutral element."""
        result, *rest = [term for term in terms if not (isinstance(term, int) and term == neutral)] or [neutral]
        for term in rest:
            result = operation(*(i64(t) if isinstance(t, int) else t for t in (result, term)))
        return result

    def load(self, array: Value, at: Value) -> Value:
        """Load the vector that begins at an index of an array."""
        vector = self.builder.load(self._vector_at(array, at))
        vector.align = 4
        return vector

    def store(self, value: Value | float, array: Value, at: Value) -> None:
        """Store a vector."""
        self.builder.store(self.splat(value), self._vector_at(array, at)).align = 4

    def store_nontemporal(self, value: Value | float, array: Value, at: Value) -> None:
        """Store a vector past the caches, at an address aligned to its size; a `fence` makes it visible to others."""
        store = self.builder.store(self.splat(value), self._vector_at(array, at))
        store.align = 4 * self.lanes
        store.set_metadata("nontemporal", self.module.add_metadata([ir.Constant(I32, 1)]))

    def fence(self) -> None:
        """Emit a full memory barrier."""
        self.builder.fence("seq_cst")

    def prefetch(self, array: Value, at: Value) -> None:
        """Prefetch the vector that begins at an index, for reading; the address need not be valid."""
        pointer = self._vector_at(array, at)
        signature, name = ir.FunctionType(ir.VoidType(), [pointer.type, *[I32] * 3]), "llvm.prefetch.p0"
        function = self.module.globals.get(name) or ir.Function(self.module, signature, name)
        read, locality, data_cache = (ir.Constant(I32, n) for n in (0, 2, 1))
        self.builder.call(function, [pointer, read, locality, data_cache])

    def store_partial(self, value: Value, array: Value, at: Value, count: Value) -> None:
        """Store the first `count` lanes of a vector; all of them if `count` is larger."""
        integers = ir.VectorType(I64, self.lanes)
        lane = ir.Constant(integers, list(range(self.lanes)))
        mask = self.builder.icmp_signed("<", lane, self._broadcast(count, integers))
        pointer = self._vector_at(array, at)
        bits = ir.VectorType(I1, self.lanes)
        signature = ir.FunctionType(ir.VoidType(), [self.vector, pointer.type, I32, bits])
        name = f"llvm.masked.store.v{self.lanes}f32.p0"
        function = self.module.globals.get(name) or ir.Function(self.module, signature, name)
        self.builder.call(function, [value, pointer, ir.Constant(I32, 4), mask])

    def copy(self, source: Value, start: Value, target: Value, at: Value, count: Value) -> None:
        """Copy `count` numbers, one by one."""
        with self.loop(i64(0), count) as n:
            value = self.builder.load(self.builder.gep(source, [self.index(start, n)]))
            self.builder.store(value, self.builder.gep(target, [self.index(at, n)]))

    def broadcast(self, array: Value, at: Value) -> Value:
        """Load one number of an array into all lanes of a vector."""
        return self._broadcast(self.builder.load(self.builder.gep(array, [at])), self.vector)

    def load_condition(self, array: Value, at: Value) -> Value:
        """Load a boolean byte as a condition for `select`."""
        byte = self.builder.load(self.builder.gep(array, [at]))
        condition = self.builder.icmp_unsigned("!=", byte, ir.Constant(I8, 0))
        return self._broadcast(condition, ir.VectorType(I1, self.lanes))

    def select(self, condition: Value, if_true: Value | float, if_false: Value | float) -> Value:
        """Select lane by lane between two vectors."""
        return self.builder.select(condition, self.splat(if_true), self.splat(if_false))

    def splat(self, value: Value | float) -> Value:
        """Return a vector filled with a Python float; a vector as it is."""
        return ir.Constant(self.vector, [value] * self.lanes) if isinstance(value, float) else value

    def add(self, *terms: Value | float) -> Value | float:
        """Emit a sum."""
        total, *rest = [term for term in terms if term != 0.0] or [0.0]
        for term in rest:
            total = self._binary(self.builder.fadd, total, term)
        return total

    def sub(self, a: Value | float, b: Value | float) -> Value | float:
        """Emit a difference."""
        return a if b == 0.0 else self._binary(self.builder.fsub, a, b)

    def mul(self, a: Value | float, b: Value | float) -> Value | float:
        """Emit a product."""
        if 1.0 in (a, b):
            return b if a == 1.0 else a
        return self._binary(self.builder.fmul, a, b)

    def neg(self, value: Value) -> Value:
        """Emit a negation."""
        return self.mul(value, -1.0)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """Emit a * b + c, fused where the processor can."""
        return self._intrinsic("fmuladd", a, b, c)

    def tanh(self, x: Value) -> Value:
        """Emit the hyperbolic tangent; NaN stays NaN."""
        x = self._clamp(x)
        square = self.builder.fmul(x, x)
        numerator, denominator = (self._polynomial(terms, square) for terms in (NUMERATOR, DENOMINATOR))
        return self.builder.fdiv(self.builder.fmul(x, numerator), denominator)

    def sigmoid(self, x: Value) -> Value:
        """Emit 1 / (1 + exp(-x))."""
        half = self.splat(0.5)
        return self.fma(self.tanh(self.mul(x, 0.5)), half, half)

    def tanh_gradient(self, y: Value, d: Value) -> Value:
        """Emit the gradient through tanh from its value y, as TensorFlow's TanhGrad."""
        return self.mul(d, self.sub(1.0, self.mul(y, y)))

    def sigmoid_gradient(self, y: Value, d: Value) -> Value:
        """Emit the gradient through the sigmoid from its value y, as TensorFlow's SigmoidGrad."""
        return self.mul(d, self.mul(y, self.sub(1.0, y)))

    def _clamp(self, x):
        for sign, bound in (("<", -TANH_BOUND), (">", TANH_BOUND)):  # comparisons with NaN are false, so NaN stays
            x = self.builder.select(self.builder.fcmp_ordered(sign, x, self.splat(bound)), self.splat(bound), x)
        return x

    def _polynomial(self, coefficients, x):
        """Horner's scheme; the highest power first."""
        total = self.splat(coefficients[0])
        for coefficient in coefficients[1:]:
            total = self.fma(total, x, self.splat(coefficient))
        return total

    def _binary(self, operation, a, b):
        return operation(self.splat(a), self.splat(b), flags=("contract",))

    def _vector_at(self, array, at):
        return self.builder.bitcast(self.builder.gep(array, [at]), self.vector.as_pointer())

    def _broadcast(self, scalar, vector):
        undefined = ir.Constant(vector, ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, ir.Constant(I32, 0))
        zeros = ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, undefined, zeros)

    def _intrinsic(self, name, *arguments):
        name = f"llvm.{name}.v{self.lanes}f32"
        signature = ir.FunctionType(self.vector, [self.vector] * len(arguments))
        function = self.module.globals.get(name) or ir.Function(self.module, signature, name)
        return self.builder.call(function, arguments)
