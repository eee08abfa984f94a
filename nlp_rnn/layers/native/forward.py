"""The forward loop: one step, for a few rows and the units of one vector, is computed in registers.

Shapes as in `loop.py`.
"""

from llvmlite import ir

from nlp_rnn.layers.native.kernel_spec import KernelSpec
from nlp_rnn.layers.native.loop import TimeLoop
from nlp_rnn.layers.native.simd import i64
from nlp_rnn.layers.native.tracing import evaluate


def array_names(spec: KernelSpec) -> list[str]:
    """The names of the arrays that the loop takes.

    - Read: x [B, T, F]; the panels of W and U, and the biases, with their columns in the order of `ColumnOrder`; the
      mask [B, T]; the dropout mask [B, U].
    - Read and written: h before and after a step, `h_0` and `h_1` alternating; the same of h times its dropout mask;
      the other states [B, U].
    - Written: the sequences [B, T, U], and the saved values, if any.
    """
    inputs = ["x", "kernel", "recurrent_kernel", "bias", "recurrent_bias", "mask", "dropout_mask"]
    states = ["h_0", "h_1", "dropped_h_0", "dropped_h_1", *(f"state_{n}" for n in range(1, spec.cell.states))]
    sequences = [f"sequence_{n}" for n in range(spec.num_sequences)]
    return [*inputs, *states, *sequences, *(["saved"] if spec.saves else [])]


class ForwardLoop(TimeLoop):
    """Generates the function `forward`."""

    def __init__(self, spec: KernelSpec, module: ir.Module):
        super().__init__(spec, module, "forward", array_names(spec))
        with self.simd.loop(i64(0), self.steps) as iteration:
            t = self.simd.index(self.fields["first_step"], (iteration, self.fields["step_direction"]))
            self._swap_buffers(iteration)
            with self.simd.loop(i64(0), self.blocks) as block:
                tiles = spec.row_tiles if spec.order.num_columns > 2 else (2 * spec.row_tile, *spec.row_tiles)
                self.for_row_tiles(tiles, t, lambda tile: self._emit_tile(tile, block, t))
        self.simd.fence()
        self.simd.builder.ret_void()

    def _swap_buffers(self, iteration):
        """Select the buffers that h is read from and written to; they alternate."""
        even = self.simd.builder.icmp_unsigned("==", self.simd.builder.and_(iteration, i64(1)), i64(0))
        for name in ("h", "dropped_h"):
            pair = self.arrays[f"{name}_0"], self.arrays[f"{name}_1"]
            self.arrays[f"{name}_before"] = self.simd.builder.select(even, *pair)
            self.arrays[f"{name}_after"] = self.simd.builder.select(even, *pair[::-1])

    def _emit_tile(self, tile, block, t):
        with self.simd.builder.if_then(self.simd.builder.icmp_signed("==", block, i64(0))):  # once for all units
            for step in tile.steps:
                self.prefetch_x(step)
        unit = self.simd.index((block, self.spec.lanes))
        pre = self._pre_activations(tile, block, unit)
        conditions = self.padding_conditions(tile)
        for row, step, values, condition in zip(tile.rows, tile.steps, pre, conditions, strict=True):
            self._emit_step(row, step, t, unit, values, condition)

    def _emit_step(self, row, step, t, unit, values, condition):
        at = self.vector_index(row, unit)
        others = (self.load(f"state_{n}", at) for n in range(1, self.spec.cell.states))
        states = [self.load("h_before", at), *others]
        values |= {column.key: state for column, state in zip(self.traced.states, states, strict=True)}
        new_states = [evaluate(column, values, self.simd.operations) for column in self.traced.new_states]
        new_states = [self.where(condition, new, old) for new, old in zip(new_states, states, strict=True)]
        self._store_states(new_states, at, self.vector_index(step, unit))
        if self.spec.saves:
            saved = [evaluate(column, values, self.simd.operations) for column in self.spec.saved]
            self._save(saved, [self.saved_index(t, row, unit, n) for n in range(len(saved))])

    def _save(self, vectors, indices):
        """Save values for the backward pass; past the caches if there are so many that they would evict all else."""
        nontemporal = self.simd.builder.icmp_signed("!=", self.fields["nontemporal"], i64(0))
        with self.simd.builder.if_else(nontemporal) as (then, otherwise):
            for store, branch in ((self.simd.store_nontemporal, then), (self.simd.store, otherwise)):
                with branch:
                    for vector, at in zip(vectors, indices, strict=True):
                        store(vector, self.arrays["saved"], at)

    def _pre_activations(self, tile, block, unit):
        """The pre-activations of each row by column key; a shared sum takes the place of its W x, with U h = 0."""
        order = self.order
        results = self._input_product(tile, block, unit)
        values = [dict(self._by_key(0, order.x, row)) for row in results]
        if not self.spec.cell.recurrent:
            return values
        bias = [self.load("recurrent_bias", self.vector_index(i64(0), unit, n)) for n in range(len(order.h_only))]
        h = "dropped_h_before" if self.spec.dropout else "h_before"
        totals = [row[len(order.x_only) :] + bias for row in results]
        rows = [self.simd.index((row, self.units)) for row in tile.rows]
        results = self._product(h, rows, "recurrent_kernel", self.fields["unpadded_units"], block, totals)
        for by_key, row in zip(values, results, strict=True):
            by_key.update(self._by_key(0, order.shared, row))
            if not self.spec.cell.additive:
                by_key.update(self._by_key(1, order.shared, [0.0] * len(order.shared)))
                by_key.update(self._by_key(1, order.h_only, row[len(order.shared) :]))
        return values

    def _input_product(self, tile, block, unit):
        """W x + b for each row, a vector for each column."""
        bias = [self.load("bias", self.vector_index(i64(0), unit, n)) for n in range(len(self.order.x))]
        features = self.fields["features"]
        rows = [self.simd.index((step, features)) for step in tile.steps]
        return self._product("x", rows, "kernel", features, block, [bias] * len(rows))

    def _by_key(self, which, columns, values):
        keys = [self.traced.pre[which][n].key for n in columns]
        return zip(keys, values, strict=False)

    def _product(self, array, rows, kernel, length, block, totals):
        columns = range(len(totals[0]))
        starts = [self.simd.index((self.simd.index((n, self.blocks), block), length, self.spec.lanes)) for n in columns]
        panels = [(self.arrays[kernel], start) for start in starts]
        return self.matmul(self.arrays[array], rows, panels, length, totals)

    def _store_states(self, states, at, in_sequence):
        """Store the states after the step, and those of them whose sequence is returned."""
        self.store(states[0], "h_after", at)
        if self.spec.dropout:
            self.store(self.simd.mul(states[0], self.load("dropout_mask", at)), "dropped_h_after", at)
        for n, state in enumerate(states):
            if n:
                self.store(state, f"state_{n}", at)
            if n < self.spec.num_sequences:
                self.store(state, f"sequence_{n}", in_sequence)
