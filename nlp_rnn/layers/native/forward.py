"""The loop forward: of a few rows and the units of one vector, all of a step is made in registers.

Shapes as in `loop.py`.
"""

from llvmlite import ir

from nlp_rnn.layers.native.emitter import number
from nlp_rnn.layers.native.equations import value
from nlp_rnn.layers.native.kinds import Kind
from nlp_rnn.layers.native.loop import Loop


def arrays(kind: Kind) -> list[str]:
    """The names of the arrays that the loop takes.

    Inputs: x [B, T, F], the panels of W and U and the biases, the columns of each in the order of `Order`, the mask
    [B, T], the factors on h [B, U]. Both read and written: h and h times its factors before a step and after it, `h_0`
    and `h_1` in turn, and the other states [B, U]. Written: the sequences [B, T, U], and what is kept.
    """
    inputs = ["x", "kernel", "recurrent_kernel", "bias", "recurrent_bias", "mask", "drop"]
    states = ["h_0", "h_1", "fed_0", "fed_1", *(f"state_{n}" for n in range(1, kind.cell.states))]
    return [*inputs, *states, *(f"sequence_{n}" for n in range(kind.sequences)), "kept"]


class Forward(Loop):
    """Writes the loop."""

    def __init__(self, kind: Kind, module: ir.Module):
        super().__init__(kind, module, "forward", arrays(kind))
        with self.e.loop(number(0), self.steps) as turn:
            t = self.e.index(self.numbers["first"], (turn, self.numbers["onward"]))
            self._swap(turn)
            with self.e.loop(number(0), self.blocks) as block:
                sizes = kind.sizes if kind.order.count > 2 else (2 * kind.tall, *kind.sizes)
                self.over_rows(sizes, t, lambda rows: self._tile(rows, block, t))
        self.e.fence()
        self.e.builder.ret_void()

    def _swap(self, turn):
        """Name what h is read from and written to, which takes turns."""
        even = self.e.builder.icmp_unsigned("==", self.e.builder.and_(turn, number(1)), number(0))
        for name in ("h", "fed"):
            pair = self.arrays[f"{name}_0"], self.arrays[f"{name}_1"]
            self.arrays[f"{name}_before"] = self.e.builder.select(even, *pair)
            self.arrays[f"{name}_after"] = self.e.builder.select(even, *pair[::-1])

    def _tile(self, rows, block, t):
        with self.e.builder.if_then(self.e.builder.icmp_signed("==", block, number(0))):  # once for all units
            for step in rows.steps:
                self.fetch_x(step)
        unit = self.e.index((block, self.kind.lanes))
        pre = self._pre_activations(rows, block, unit)
        others = range(1, self.kind.cell.states)
        for row, step, given, counts in zip(rows.rows, rows.steps, pre, self.mask_of(rows), strict=True):
            at = self.place(row, unit)
            states = [self.load("h_before", at), *(self.load(f"state_{n}", at) for n in others)]
            known = given | {c.key: s for c, s in zip(self.equation.states, states, strict=True)}
            made = [value(column, known, self.e.arithmetic) for column in self.equation.new]
            made = [self.chosen(counts, new, old) for new, old in zip(made, states, strict=True)]
            self._write(made, at, self.place(step, unit))
            found = [value(column, known, self.e.arithmetic) for column in self.kind.kept]
            self._keep(found, [self.kept_at(t, row, unit, n) for n in range(len(found))])

    def _keep(self, found, places):
        """Keep vectors for the way back; past the caches where there is so much that it would drive out all else."""
        past = self.e.builder.icmp_signed("!=", self.numbers["past"], number(0))
        with self.e.builder.if_else(past) as (much, little):
            for write, branch in ((self.e.store_past, much), (self.e.store, little)):
                with branch:
                    for one, at in zip(found, places, strict=True):
                        write(one, self.arrays["kept"], at)

    def _pre_activations(self, rows, block, unit):
        """For each row the pre-activations by their columns' keys; where only a sum matters, it is that of W x."""
        order, first = self.order, number(0)
        bias = [self.load("bias", self.place(first, unit, n)) for n in range(len(order.x))]
        features = self.numbers["features"]
        at = [self.e.index((step, features)) for step in rows.steps]
        found = self._product("x", at, "kernel", features, block, [bias] * len(at))
        known = [dict(self._named(0, order.x, row)) for row in found]
        if not self.kind.cell.recurrent:
            return known
        bias = [self.load("recurrent_bias", self.place(first, unit, n)) for n in range(len(order.of_h))]
        fed = "fed_before" if self.kind.dropped else "h_before"
        begun = [row[len(order.of_x) :] + bias for row in found]
        at = [self.e.index((row, self.units)) for row in rows.rows]
        found = self._product(fed, at, "recurrent_kernel", self.numbers["fed"], block, begun)
        for names, row in zip(known, found, strict=True):
            names.update(self._named(0, order.shared, row))
            if not self.kind.cell.additive:
                names.update(self._named(1, order.shared, [0.0] * len(order.shared)))
                names.update(self._named(1, order.of_h, row[len(order.shared) :]))
        return known

    def _named(self, which, columns, values):
        keys = [self.equation.pre[which][n].key for n in columns]
        return zip(keys, values, strict=False)

    def _product(self, array, at, kernel, length, block, totals):
        wide = range(len(totals[0]))
        starts = [self.e.index((self.e.index((n, self.blocks), block), length, self.kind.lanes)) for n in wide]
        panels = [(self.arrays[kernel], start) for start in starts]
        return self.products(self.arrays[array], at, panels, length, totals)

    def _write(self, made, at, in_sequence):
        """The states after the step, and what is wanted of each step."""
        self.store(made[0], "h_after", at)
        if self.kind.dropped:
            self.store(self.e.mul(made[0], self.load("drop", at)), "fed_after", at)
        for n, state in enumerate(made):
            if n:
                self.store(state, f"state_{n}", at)
            if n < self.kind.sequences:
                self.store(state, f"sequence_{n}", in_sequence)
