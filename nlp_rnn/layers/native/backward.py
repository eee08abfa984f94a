"""The loop backward: the gradients of a step go into a table of rows, and every product is made from it.

The table has, for each row of the batch and a few steps (`span`), on its left [x, h, 1] and on its right the gradients
for the pre-activations, in the order of `kinds.Order`. The right times the kernels, transposed, is what goes on to x
and to h before the step. The left, transposed, times the right is what the kernels and the biases are given, added up
over the steps: one product of many rows, while these are in the cache.

Shapes as in `loop.py`; N rows of the table, `wide_left` and `wide_right` numbers apart.
"""

from llvmlite import ir

from nlp_rnn.layers.native.emitter import number
from nlp_rnn.layers.native.equations import value
from nlp_rnn.layers.native.kinds import ACROSS, Kind
from nlp_rnn.layers.native.loop import Loop
from nlp_rnn.layers.native.outer import outer


def arrays(kind: Kind) -> list[str]:
    """The names of the arrays that the loop takes.

    Inputs: x, what was kept, the mask and the factors on h as in `forward.py`; h before the first step [B, U] and the
    sequence of h; panels of the transposed kernels; the gradients for the sequences [B, T, U]. Read and written: the
    gradients for the states [B, U]. Written: the gradient for x; `d_weights`, [F + U + 1, G' U], to which is added; and
    the table.
    """
    given = ["x", "h_0", "h", "kept", "kernel", "recurrent_kernel", "mask", "drop"]
    gradients = [f"d_state_{n}" for n in range(kind.cell.states)]
    gradients += [f"d_sequence_{n}" for n in range(kind.sequences)]
    return [*given, *gradients, "d_x", "d_weights", "left", "right"]


class Backward(Loop):
    """Writes the loop."""

    def __init__(self, kind: Kind, module: ir.Module):
        super().__init__(kind, module, "backward", arrays(kind))
        self.outer = outer(kind, module)
        numbers, builder = self.numbers, self.e.builder
        self.count = builder.sub(numbers["end"], numbers["begin"])
        with self.e.loop(number(0), self.steps) as turn:
            t = self.e.index(numbers["first"], (turn, numbers["onward"]))
            slot = builder.srem(turn, numbers["span"])
            self.base = builder.sub(builder.mul(slot, self.count), numbers["begin"])
            following = self.e.index(turn, 1)
            self.at_first = builder.icmp_signed("==", following, self.steps)
            self.over_rows((kind.tall, 1), t, lambda rows: self._through_the_cell(rows, t))
            if kind.cell.recurrent:
                self._on(self.units, "recurrent_kernel", t, len(self.order.of_x), self.order.h, self._add_to_h)
            self._on(numbers["told"], "kernel", t, 0, self.order.x, self._write_x)
            full = builder.icmp_signed("==", self.e.index(slot, 1), numbers["span"])
            with builder.if_then(builder.or_(full, self.at_first)):
                self._weights(builder.mul(self.e.index(slot, 1), self.count))
        builder.ret_void()

    def _in_table(self, row):
        """The row of the table of a row of the batch."""
        return self.e.index(row, self.base)

    def _through_the_cell(self, rows, t):
        """Fill the table, and leave what goes past U to the states before."""
        counts = self.mask_of(rows)
        with self.e.loop(number(0), self.blocks) as block:
            unit = self.e.index((block, self.kind.lanes))
            for row, step, condition in zip(rows.rows, rows.steps, counts, strict=True):
                self._gradients(row, step, t, unit, condition)
        for row, step in zip(rows.rows, rows.steps, strict=True):
            left = self.e.index((self._in_table(row), self.numbers["wide_left"]))
            x = self.e.index((step, self.numbers["features"]))
            self.fetch_x(step)
            self.e.copy(self.arrays["x"], x, self.arrays["left"], left, self.numbers["features"])
            one = self.e.index(left, self.numbers["features"], self.units)
            self.e.builder.store(self.e.one, self.e.builder.gep(self.arrays["left"], [one]))

    def _gradients(self, row, step, t, unit, condition):
        at, in_sequence = self.place(row, unit), self.place(step, unit)
        h = self._h_before(at, step, unit)
        self._fetch(step, unit)
        known = {column.key: self._kept(t, row, unit, n) for n, column in enumerate(self.kind.kept)}
        known[self.equation.states[0].key] = h
        d_after = [self.load(f"d_state_{n}", at) for n in range(self.kind.cell.states)]
        for n in range(self.kind.sequences):
            d_after[n] = self.e.add(d_after[n], self.load(f"d_sequence_{n}", in_sequence))
        known |= {column.key: d for column, d in zip(self.equation.d_new, d_after, strict=True)}
        right = self.e.index((self._in_table(row), self.numbers["wide_right"]), unit)
        for n, column in enumerate(self._columns()):
            found = self.chosen(condition, value(column, known, self.e.arithmetic), 0.0)
            self.store(found, "right", self.e.index(right, (n, self.units)))
        for n, column in enumerate(self.equation.d_states):
            found = 0.0 if column is None else value(column, known, self.e.arithmetic)
            self.store(self.chosen(condition, found, d_after[n]), f"d_state_{n}", at)
        if self.kind.cell.recurrent:
            left = self.e.index((self._in_table(row), self.numbers["wide_left"]), self.numbers["features"], unit)
            self.store(self.e.mul(h, self.load("drop", at)) if self.kind.dropped else h, "left", left)

    def _kept(self, t, row, unit, column):
        """What was kept, and the same of the next step on its way: it is long out of the cache."""
        following = self.e.index(t, self.numbers["onward"])
        self.e.prefetch(self.arrays["kept"], self.kept_at(following, row, unit, column))
        return self.load("kept", self.kept_at(t, row, unit, column))

    def _fetch(self, step, unit):
        """Have what the next step reads of the sequences on its way: of each row it is in another place of memory."""
        following, past = (self.e.index(step, (n, self.numbers["onward"])) for n in (1, 2))
        for n in range(self.kind.sequences):
            self.e.prefetch(self.arrays[f"d_sequence_{n}"], self.place(following, unit))
        self.e.prefetch(self.arrays["h"], self.place(past, unit))

    def _columns(self):
        """The gradients for the pre-activations, in the order of the table."""
        of_x, of_h = self.equation.d_pre[0], self.equation.d_pre[-1]
        return [of_x[n] for n in self.order.x] + [of_h[n] for n in self.order.of_h]

    def _h_before(self, at, step, unit):
        """h before a step: that after the one before, or the initial one."""
        before = self.place(self.e.index(step, self.numbers["onward"]), unit)
        builder = self.e.builder
        array = builder.select(self.at_first, self.arrays["h_0"], self.arrays["h"])
        return self.e.load(array, builder.select(self.at_first, at, before))

    def _on(self, columns, kernel, t, first, order, write):
        """Hand `write` the products of the table's right with a transposed kernel of so many columns."""
        lanes, length = self.kind.lanes, self.e.index((len(order), self.units))
        begin = self.e.index((first, self.units))
        blocks = self.e.builder.sdiv(self.e.index(columns, lanes - 1), number(lanes))

        def of_blocks(block, wide):
            starts = [self.e.index((self.e.index(block, n), length, lanes)) for n in range(wide)]
            panels = [(self.arrays[kernel], start) for start in starts]

            def of_rows(rows):
                at = [self.e.index((self._in_table(row), self.numbers["wide_right"]), begin) for row in rows.rows]
                zeros = [[0.0] * wide for _ in at]
                found = self.products(self.arrays["right"], at, panels, length, zeros)
                for row, step, totals in zip(rows.rows, rows.steps, found, strict=True):
                    for n, total in enumerate(totals):
                        write(row, step, self.e.index((self.e.index(block, n), lanes)), total)

            self.over_rows(self.kind.sizes, t, of_rows)

        self.e.cut(number(0), blocks, ACROSS, of_blocks)

    def _add_to_h(self, row, _, unit, total):
        at = self.place(row, unit)
        total = self.e.mul(total, self.load("drop", at)) if self.kind.dropped else total
        self.store(self.e.add(self.load("d_state_0", at), total), "d_state_0", at)

    def _write_x(self, _, step, feature, total):
        features = self.numbers["features"]
        at = self.e.index((step, features), feature)
        self.e.store_some(total, self.arrays["d_x"], at, self.e.builder.sub(features, feature))

    def _weights(self, rows):
        """Add the products of the table's left, transposed, with its right."""
        features, units, order = self.numbers["features"], self.units, self.order
        past, every = self.e.index(features, units), self.e.index((order.count, units))
        self._outer(rows, number(0), features, number(0), self.e.index((len(order.x), units)))
        if self.kind.cell.recurrent:
            self._outer(rows, features, past, self.e.index((len(order.of_x), units)), every)
        self._outer(rows, past, self.e.index(past, 1), number(0), every)

    def _outer(self, rows, top, bottom, begin, end):
        """The part of `d_weights` from row `top` to `bottom` and from column `begin` to `end`."""
        builder, lanes = self.e.builder, number(self.kind.lanes)
        wide = self.numbers["wide_left"], self.numbers["wide_right"], self.e.index((self.order.count, self.units))
        cut = top, bottom, builder.sdiv(begin, lanes), builder.sdiv(end, lanes)
        arrays = (self.arrays[name] for name in ("left", "right", "d_weights"))
        builder.call(self.outer, [rows, *cut, *wide, *arrays])
