"""The loops as TensorFlow kernels: functions that take the tensors of a call, run a loop, and leave its results.

Shapes: B batch, T time steps, F features, U units, whole vectors; C the columns of a kernel, K of what is kept; X the
features that are told their gradient, F or 0; O options of a call.
"""

from llvmlite import ir

from nlp_rnn.layers.native import backward, forward
from nlp_rnn.layers.native.emitter import FLOAT, INT, Emitter, number
from nlp_rnn.layers.native.foreign import ANY
from nlp_rnn.layers.native.kinds import Kind
from nlp_rnn.layers.native.loop import JOB, NUMBERS, Loop
from nlp_rnn.layers.native.packing import Packing
from nlp_rnn.layers.native.pool import MOST, share
from nlp_rnn.layers.native.tensors import Tensors

OPTIONS = ("parts", "reverse", "told", "units")  # the last: without those that fill up a vector
FEWEST_ROWS = 8  # of a part of the batch: with fewer, its matrix products no longer fill a core
TABLE = 64  # rows of the table of `backward.py`, of several steps where one has fewer
LINE = 16  # floats of a line of the cache
MUCH = 2**20  # floats: what is kept goes past the caches from here on
WEIGHTS = {"kernel": "FC", "bias": "C", "recurrent_kernel": "UC", "recurrent_bias": "C"}
Value = ir.Value


def weights(kind: Kind) -> dict[str, str]:
    """The shapes of the weights that a layer has, by name; without biases it has zeros for them."""
    return {name: shape for name, shape in WEIGHTS.items() if kind.cell.recurrent or not name.startswith("recurrent")}


def taken_forward(kind: Kind) -> dict[str, str]:
    """The shapes of what the kernel takes, by name, in their order."""
    first = {"options": "O", "x": "BTF", **{f"initial_{n}": "BU" for n in range(kind.cell.states)}}
    return first | ({"mask": "BT"} if kind.masked else {}) | ({"drop": "BU"} if kind.dropped else {}) | weights(kind)


def made_forward(kind: Kind) -> dict[str, str]:
    """The same of what it makes."""
    sequences = {f"sequence_{n}": "BTU" for n in range(kind.sequences)}
    return sequences | {f"state_{n}": "BU" for n in range(kind.cell.states)} | {"kept": "TBKU"}


def taken_backward(kind: Kind) -> dict[str, str]:
    """The same of what the kernel of the gradients takes: all that forward does, what this made, and gradients."""
    gradients = {f"d_state_{n}": "BU" for n in range(kind.cell.states)}
    gradients |= {f"d_sequence_{n}": "BTU" for n in range(kind.sequences)}
    return {**taken_forward(kind), "kept": "TBKU", "h": "BTU", **gradients}


def made_backward(kind: Kind) -> dict[str, str]:
    """The same of the gradients that it makes."""
    return {"x": "BTX", **{f"initial_{n}": "BU" for n in range(kind.cell.states)}, **weights(kind)}


class _Kernel:
    """Writes what both kernels share."""

    def __init__(self, kind: Kind, name: str, loop: Loop, taken: dict[str, str], made: dict[str, str]):
        self.kind, self.loop = kind, loop
        function = ir.Function(loop.e.module, ir.FunctionType(ir.VoidType(), [ANY]), name)
        self.e = Emitter(function, kind.lanes)
        self.tensors = Tensors(self.e, function.args[0])
        self.tensors.sizes |= {"O": number(len(OPTIONS)), "K": number(len(kind.kept))}
        self.at: dict[str, Value] = {}
        for n, (array, shape) in enumerate(taken.items()):
            self.at[array] = self._floats(self.tensors.taken(n, array, shape))
            if array == "initial_0":  # now it is known
                self.tensors.sizes["C"] = self.size("U", kind.cell.columns)
        with self.tensors.if_right():
            self._say_sizes()
            tensors = self.tensors.made(list(made.values()), self._memory())
            with self.tensors.if_room(tensors):
                *outputs, memory = map(self._floats, self.tensors.addresses(tensors))
                self.made = dict(zip(made, outputs, strict=True))
                self._work(memory)
            self.tensors.give_back(tensors)
        self.tensors.end()
        self.e.builder.ret_void()

    def size(self, *letters):
        return self.tensors.size(*letters)

    def _say_sizes(self):
        """Name the options, and how the rows are shared."""
        builder, sizes = self.e.builder, self.tensors.sizes
        options = builder.bitcast(self.at["options"], INT.as_pointer())
        self.option = {o: builder.load(builder.gep(options, [number(n)])) for n, o in enumerate(OPTIONS)}
        sizes["X"] = builder.mul(sizes["F"], self.option["told"])
        most = builder.sdiv(sizes["B"], number(FEWEST_ROWS))
        self.parts = self._at_least(1, self._at_most(self.option["parts"], most, number(MOST)))
        self.packing = Packing(self.e, self.kind.cell.columns, sizes["U"])

    def _at_most(self, *values):
        least, *others = values
        for other in others:
            least = self.e.builder.select(self.e.builder.icmp_signed("<", other, least), other, least)
        return least

    def _at_least(self, least, value):
        below = self.e.builder.icmp_signed("<", value, number(least))
        return self.e.builder.select(below, number(least), value)

    def _rows(self):
        """The rows of the largest part."""
        return self.e.builder.sdiv(self.e.index(self.tensors.sizes["B"], self.parts, -1), self.parts)

    def _lines(self, floats):
        """So many floats, as whole lines of the cache."""
        return self.e.builder.and_(self.e.index(floats, LINE - 1), number(-LINE))

    def _pieces(self, memory, sizes):
        """Memory cut into pieces of so many floats, by name."""
        start, found = number(0), {}
        for name, floats in sizes.items():
            found[name] = self.e.builder.gep(memory, [start])
            start = self.e.index(start, self._lines(floats))
        return found

    def _memory(self):
        """How many floats of memory are needed."""
        return self.e.index(*map(self._lines, self._shared().values()))

    def _run(self, numbers, arrays, of_part=None):
        """Share the jobs among the threads; `of_part` says which arrays each part has for itself."""
        builder, sizes = self.e.builder, self.tensors.sizes
        length = len(NUMBERS) + len(self.loop.names)
        jobs = builder.alloca(INT, size=builder.mul(self.parts, number(length)))
        same = {"batch": "B", "steps": "T", "units": "U", "features": "F", "told": "X"}
        numbers = {name: sizes[letter] for name, letter in same.items()} | numbers
        numbers["fed"] = self.option["units"]
        with self.e.loop(number(0), self.parts) as part:
            ends = (self.e.builder.sdiv(builder.mul(n, sizes["B"]), self.parts) for n in (part, self.e.index(part, 1)))
            said = numbers | dict(zip(("begin", "end"), ends, strict=True))
            own = arrays | (of_part(part) if of_part else {})
            values = [said[name] for name in NUMBERS]
            values += [builder.ptrtoint(own[name], INT) if name in own else number(0) for name in self.loop.names]
            for n, value in enumerate(values):
                builder.store(value, builder.gep(jobs, [self.e.index((part, length), n)]))
        kind = ir.FunctionType(ir.VoidType(), [INT, JOB, INT, INT])
        task = builder.ptrtoint(self.loop.function, INT)
        with builder.if_then(builder.icmp_signed(">", self.size("B", "T"), number(0))):
            shared = builder.inttoptr(number(share()), kind.as_pointer())
            builder.call(shared, [task, jobs, self.parts, number(length)])

    def _turns(self, reverse):
        """The first step, and which way it goes on."""
        builder, last = self.e.builder, self.e.index(self.tensors.sizes["T"], -1)
        there = builder.icmp_signed("!=", reverse, number(0))
        return {
            "first": builder.select(there, last, number(0)),
            "onward": builder.select(there, number(-1), number(1)),
        }

    def _floats(self, address):
        return self.e.builder.bitcast(address, FLOAT.as_pointer())


class ForwardKernel(_Kernel):
    """Writes the kernel `run_forward`."""

    def __init__(self, kind: Kind, module: ir.Module):
        loop = forward.Forward(kind, module)
        super().__init__(kind, "run_forward", loop, taken_forward(kind), made_forward(kind))

    def _shared(self):
        order, states = self.kind.order, ["h", *(["fed_0", "fed_1"] if self.kind.dropped else [])]
        found = {"kernel": self.size("F", "U", len(order.x)), "bias": self.size("U", len(order.x))}
        if self.kind.cell.recurrent:
            found["recurrent_kernel"] = self.size("U", "U", len(order.h))
            found["recurrent_bias"] = self.size("U", len(order.of_h))
        return found | {name: self.size("B", "U") for name in states}

    def _work(self, memory):
        pieces = self._pieces(memory, self._shared())
        self._pack(pieces)
        arrays = {**self.at, **self.made, **pieces, **self._states(pieces)}
        unused = {"span": number(1), "wide_left": number(0), "wide_right": number(0)}
        self._run(self._turns(self.option["reverse"]) | unused | {"past": self._past()}, arrays)

    def _past(self):
        """Whether what is kept is written past the caches, in whole lines: parts of one are slow to write so."""
        much = self.e.builder.icmp_signed(">=", self.size("T", "B", "K", "U"), number(MUCH))
        return self.e.builder.zext(much, INT) if self.kind.lanes == LINE else number(0)

    def _pack(self, to):
        order, at = self.kind.order, self.at
        self.packing.panels(at["kernel"], self.tensors.sizes["F"], order.x, to["kernel"])
        self.packing.ordered(at["bias"], order.of_x, to["bias"])
        if not self.kind.cell.recurrent:
            return
        shared = self.e.builder.gep(to["bias"], [self.size("U", len(order.of_x))])
        self.packing.ordered(at["bias"], order.shared, shared, at["recurrent_bias"])
        self.packing.panels(at["recurrent_kernel"], self.option["units"], order.h, to["recurrent_kernel"])
        self.packing.ordered(at["recurrent_bias"], order.of_h, to["recurrent_bias"])

    def _states(self, pieces):
        """The initial states where they are written over; h is where it will be after the last step."""
        builder, count = self.e.builder, self.size("B", "U")
        odd = builder.icmp_signed("!=", builder.and_(self.tensors.sizes["T"], number(1)), number(0))
        pair = self.made["state_0"], pieces["h"]
        found = {"h_0": builder.select(odd, *pair[::-1]), "h_1": builder.select(odd, *pair)}
        self.packing.copied(self.at["initial_0"], found["h_0"], count)
        for n in range(1, self.kind.cell.states):
            self.packing.copied(self.at[f"initial_{n}"], self.made[f"state_{n}"], count)
        if self.kind.dropped:
            with self.e.loop(number(0), count, self.kind.lanes) as place:
                parts = (self.e.load(self.at[name], place) for name in ("initial_0", "drop"))
                self.e.store(self.e.mul(*parts), pieces["fed_0"], place)
        return found


class BackwardKernel(_Kernel):
    """Writes the kernel `run_backward`."""

    def __init__(self, kind: Kind, module: ir.Module):
        loop = backward.Backward(kind, module)
        super().__init__(kind, "run_backward", loop, taken_backward(kind), made_backward(kind))

    def _say_sizes(self):
        super()._say_sizes()
        builder, sizes = self.e.builder, self.tensors.sizes
        span = builder.sdiv(number(TABLE), self._at_least(1, self._rows()))
        self.span = self._at_least(1, self._at_most(span, sizes["T"]))
        self.left = self._spaced(self.e.index(sizes["F"], sizes["U"], 1))
        self.right = self._spaced(self.size("U", self.kind.order.count))
        self.table = self.e.index((self._rows(), self.span))
        self.sums = self.e.index((self.e.index(sizes["F"], sizes["U"], 1), self.size("U", self.kind.order.count)))

    def _spaced(self, columns):
        """How far apart rows of so many numbers are: an odd number of lines, or they share few places of a cache."""
        lines = self.e.builder.sdiv(self.e.index(columns, LINE - 1), number(LINE))
        return self.e.index((self.e.builder.or_(lines, number(1)), LINE))

    def _shared(self):
        order = self.kind.order
        found = {"kernel": self._transposed("F", order.x)}
        if self.kind.cell.recurrent:
            found["recurrent_kernel"] = self._transposed("U", order.h)
        return found | {name: self.e.index((floats, self.parts)) for name, floats in self._of_one_part().items()}

    def _of_one_part(self):
        """The floats of what each part has for itself, whole lines."""
        table = {"left": self.left, "right": self.right}
        floats = {name: self.e.index((self.table, wide)) for name, wide in table.items()} | {"d_weights": self.sums}
        return {name: self._lines(count) for name, count in floats.items()}

    def _transposed(self, rows, order):
        """The floats of the panels of a transposed kernel of so many rows."""
        lanes = self.kind.lanes
        filled = self.e.builder.and_(self.e.index(self.tensors.sizes[rows], lanes - 1), number(-lanes))
        return self.e.index((filled, self.size("U", len(order))))

    def _work(self, memory):
        pieces = self._pieces(memory, self._shared())
        self._pack(pieces)
        each = self._of_one_part()["d_weights"]
        self.packing.zeros(pieces["d_weights"], number(0), self.e.index((each, self.parts)))
        states = {f"d_state_{n}": self.made[f"initial_{n}"] for n in range(self.kind.cell.states)}
        arrays = {**self.at, "h_0": self.at["initial_0"], **pieces, **states, "d_x": self.made["x"]}
        table = {"span": self.span, "wide_left": self.left, "wide_right": self.right, "past": number(0)}
        back = self.e.builder.sub(number(1), self.option["reverse"])
        self._run(self._turns(back) | table, arrays, lambda part: self._of_part(pieces, part))
        self._add_up(pieces["d_weights"], each)
        self._restore(pieces["d_weights"])

    def _pack(self, to):
        order, sizes = self.kind.order, self.tensors.sizes
        self.packing.transposed(self.at["kernel"], sizes["F"], order.x, to["kernel"])
        if self.kind.cell.recurrent:
            self.packing.transposed(self.at["recurrent_kernel"], sizes["U"], order.h, to["recurrent_kernel"])
        for n in range(self.kind.cell.states):
            self.packing.copied(self.at[f"d_state_{n}"], self.made[f"initial_{n}"], self.size("B", "U"))

    def _of_part(self, pieces, part):
        starts = {name: self.e.index((floats, part)) for name, floats in self._of_one_part().items()}
        return {name: self.e.builder.gep(pieces[name], [start]) for name, start in starts.items()}

    def _add_up(self, sums, each):
        """The sums of all parts, in the place of the first."""
        with self.e.loop(number(1), self.parts) as part, self.e.loop(number(0), self.sums, self.kind.lanes) as at:
            more = self.e.load(sums, self.e.index((part, each), at))
            self.e.store(self.e.add(self.e.load(sums, at), more), sums, at)

    def _restore(self, sums):
        order, sizes = self.kind.order, self.tensors.sizes
        past = self.e.index(sizes["F"], sizes["U"])
        rows = {"kernel": (number(0), sizes["F"]), "recurrent_kernel": (sizes["F"], sizes["U"])}
        for name in weights(self.kind):
            first, count = rows.get(name, (past, number(1)))
            start, of = (len(order.of_x), order.h) if name.startswith("recurrent") else (0, order.x)
            self.packing.restored(sums, first, count, start, order.count, of, self.made[name])
