"""The backward loop: the gradients of a step fill a table, and every matrix product is computed from that table.

The table has one row for each row of the batch at each of a few steps (`table_steps`). Its left part holds [x, h, 1],
its right part the gradients for the pre-activations, in the order of `kernel_spec.ColumnOrder`. The right part times
the transposed kernels gives the gradients for x and for h before the step. The transposed left part times the right
part gives the gradients for the kernels and biases, summed over the steps: one product of many rows, while the table is
in the cache.

Shapes as in `loop.py`; N rows of the table, whose parts have strides `left_stride` and `right_stride`.
"""

from llvmlite import ir

from nlp_rnn.layers.native.kernel_spec import COLUMN_TILES, KernelSpec
from nlp_rnn.layers.native.loop import TimeLoop
from nlp_rnn.layers.native.outer_product import emit_outer_product
from nlp_rnn.layers.native.simd import i64
from nlp_rnn.layers.native.tracing import evaluate


def array_names(spec: KernelSpec) -> list[str]:
    """The names of the arrays that the loop takes.

    - Read: x, the saved values, the mask and the dropout mask as in `forward.py`; h before the first step [B, U] and
      the sequence of h; panels of the transposed kernels; the gradients for the sequences [B, T, U].
    - Read and written: the gradients for the states [B, U].
    - Written: the gradient for x; `d_weights`, [F + U + 1, G' U], which is added to; and the table.
    """
    inputs = ["x", "h_0", "h", "saved", "kernel", "recurrent_kernel", "mask", "dropout_mask"]
    gradients = [f"d_state_{n}" for n in range(spec.cell.states)]
    gradients += [f"d_sequence_{n}" for n in range(spec.num_sequences)]
    return [*inputs, *gradients, "d_x", "d_weights", "left", "right"]


class BackwardLoop(TimeLoop):
    """Generates the function `backward`."""

    def __init__(self, spec: KernelSpec, module: ir.Module):
        super().__init__(spec, module, "backward", array_names(spec))
        self.outer_product = emit_outer_product(spec, module)
        fields, builder = self.fields, self.simd.builder
        self.row_count = builder.sub(fields["end"], fields["begin"])
        with self.simd.loop(i64(0), self.steps) as iteration:
            t = self.simd.index(fields["first_step"], (iteration, fields["step_direction"]))
            slot = builder.srem(iteration, fields["table_steps"])
            self.table_offset = builder.sub(builder.mul(slot, self.row_count), fields["begin"])
            following = self.simd.index(iteration, 1)
            self.is_first_step = builder.icmp_signed("==", following, self.steps)
            self.for_row_tiles((spec.row_tile, 1), t, lambda tile: self._emit_cell_gradients(tile, t))
            self._emit_products(t)
            full = builder.icmp_signed("==", self.simd.index(slot, 1), fields["table_steps"])
            with builder.if_then(builder.or_(full, self.is_first_step)):
                self._emit_weight_gradients(builder.mul(self.simd.index(slot, 1), self.row_count))
        builder.ret_void()

    def _table_row(self, row):
        """The row of the table for a row of the batch."""
        return self.simd.index(row, self.table_offset)

    def _emit_cell_gradients(self, tile, t):
        """Fill the table, and update the gradients for the states with all that does not go through U."""
        conditions = self.padding_conditions(tile)
        with self.simd.loop(i64(0), self.blocks) as block:
            unit = self.simd.index((block, self.spec.lanes))
            for row, step, condition in zip(tile.rows, tile.steps, conditions, strict=True):
                self._emit_unit_gradients(row, step, t, unit, condition)
        for row, step in zip(tile.rows, tile.steps, strict=True):
            left = self.simd.index((self._table_row(row), self.fields["left_stride"]))
            x = self.simd.index((step, self.fields["features"]))
            self.prefetch_x(step)
            self.simd.copy(self.arrays["x"], x, self.arrays["left"], left, self.fields["features"])
            one = self.simd.index(left, self.fields["features"], self.units)
            self.simd.builder.store(self.simd.one, self.simd.builder.gep(self.arrays["left"], [one]))

    def _emit_unit_gradients(self, row, step, t, unit, condition):
        at, in_sequence = self.vector_index(row, unit), self.vector_index(step, unit)
        h = self._load_h_before(at, step, unit)
        self._prefetch_sequences(step, unit)
        values = {column.key: self._load_saved(t, row, unit, n) for n, column in enumerate(self.spec.saved)}
        values[self.traced.states[0].key] = h
        d_after = [self.load(f"d_state_{n}", at) for n in range(self.spec.cell.states)]
        for n in range(self.spec.num_sequences):
            d_after[n] = self.simd.add(d_after[n], self.load(f"d_sequence_{n}", in_sequence))
        values |= {column.key: d for column, d in zip(self.traced.d_new_states, d_after, strict=True)}
        self._store_pre_activation_gradients(row, unit, values, condition)
        for n, column in enumerate(self.traced.d_states):
            d_state = 0.0 if column is None else evaluate(column, values, self.simd.operations)
            self.store(self.where(condition, d_state, d_after[n]), f"d_state_{n}", at)
        if self.spec.cell.recurrent:
            stride, features = self.fields["left_stride"], self.fields["features"]
            left = self.simd.index((self._table_row(row), stride), features, unit)
            h = self.simd.mul(h, self.load("dropout_mask", at)) if self.spec.dropout else h
            self.store(h, "left", left)

    def _store_pre_activation_gradients(self, row, unit, values, condition):
        right = self.simd.index((self._table_row(row), self.fields["right_stride"]), unit)
        for n, column in enumerate(self._gradient_columns()):
            d_pre = self.where(condition, evaluate(column, values, self.simd.operations), 0.0)
            self.store(d_pre, "right", self.simd.index(right, (n, self.units)))

    def _load_saved(self, t, row, unit, column):
        """Load a saved value, and prefetch that of the next iteration: it left the cache long ago."""
        following = self.simd.index(t, self.fields["step_direction"])
        self.simd.prefetch(self.arrays["saved"], self.saved_index(following, row, unit, column))
        return self.load("saved", self.saved_index(t, row, unit, column))

    def _prefetch_sequences(self, step, unit):
        """Prefetch what the next iteration reads of the sequences: each row of them lies elsewhere in memory."""
        direction = self.fields["step_direction"]
        next_step, step_after_next = (self.simd.index(step, (n, direction)) for n in (1, 2))
        for n in range(self.spec.num_sequences):
            self.simd.prefetch(self.arrays[f"d_sequence_{n}"], self.vector_index(next_step, unit))
        self.simd.prefetch(self.arrays["h"], self.vector_index(step_after_next, unit))

    def _gradient_columns(self):
        """The gradients for the pre-activations, in the order of the table."""
        d_wx, d_uh = self.traced.d_pre[0], self.traced.d_pre[-1]
        return [d_wx[n] for n in self.order.x] + [d_uh[n] for n in self.order.h_only]

    def _load_h_before(self, at, step, unit):
        """Load h before a step: that after the previous step, or the initial one."""
        before = self.vector_index(self.simd.index(step, self.fields["step_direction"]), unit)
        builder = self.simd.builder
        array = builder.select(self.is_first_step, self.arrays["h_0"], self.arrays["h"])
        return self.simd.load(array, builder.select(self.is_first_step, at, before))

    def _emit_products(self, t):
        """Add the gradient for h before the step, and write that for x."""
        order = self.order
        if self.spec.cell.recurrent:
            self._emit_product("recurrent_kernel", self.units, len(order.x_only), order.h, t, self._add_to_h)
        self._emit_product("kernel", self.fields["gradient_features"], 0, order.x, t, self._store_x)

    def _emit_product(self, kernel, columns, first, order, t, write):
        """Multiply the right part of the table, from column `first` on, with a transposed kernel.

        Args:
            kernel: the panels of the transposed kernel.
            columns: how many columns the transposed kernel has.
            first: the first column of the right part that is used.
            order: the columns that are used.
            t: the step.
            write: emits what to do with a result, from its row, its step, its column and the vector.
        """
        lanes, length = self.spec.lanes, self.simd.index((len(order), self.units))
        begin = self.simd.index((first, self.units))
        blocks = self.simd.builder.sdiv(self.simd.index(columns, lanes - 1), i64(lanes))

        def emit_blocks(block, count):
            starts = [self.simd.index((self.simd.index(block, n), length, lanes)) for n in range(count)]
            panels = [(self.arrays[kernel], start) for start in starts]
            self.for_row_tiles(self.spec.row_tiles, t, lambda tile: emit_tile(tile, block, panels))

        def emit_tile(tile, block, panels):
            stride = self.fields["right_stride"]
            at = [self.simd.index((self._table_row(row), stride), begin) for row in tile.rows]
            zeros = [[0.0] * len(panels) for _ in at]
            results = self.matmul(self.arrays["right"], at, panels, length, zeros)
            for row, step, vectors in zip(tile.rows, tile.steps, results, strict=True):
                for n, vector in enumerate(vectors):
                    write(row, step, self.simd.index((self.simd.index(block, n), lanes)), vector)

        self.simd.tiled_loop(i64(0), blocks, COLUMN_TILES, emit_blocks)

    def _add_to_h(self, row, _, unit, vector):
        at = self.vector_index(row, unit)
        vector = self.simd.mul(vector, self.load("dropout_mask", at)) if self.spec.dropout else vector
        self.store(self.simd.add(self.load("d_state_0", at), vector), "d_state_0", at)

    def _store_x(self, _, step, feature, vector):
        features = self.fields["features"]
        at = self.simd.index((step, features), feature)
        self.simd.store_partial(vector, self.arrays["d_x"], at, self.simd.builder.sub(features, feature))

    def _emit_weight_gradients(self, rows):
        """Add the product of the transposed left part and the right part of the table to `d_weights`."""
        features, units, order = self.fields["features"], self.units, self.order
        ones_row, all_columns = self.simd.index(features, units), self.simd.index((order.num_columns, units))
        self._call_outer_product(rows, i64(0), features, i64(0), self.simd.index((len(order.x), units)))
        if self.spec.cell.recurrent:
            begin = self.simd.index((len(order.x_only), units))
            self._call_outer_product(rows, features, ones_row, begin, all_columns)
        self._call_outer_product(rows, ones_row, self.simd.index(ones_row, 1), i64(0), all_columns)

    def _call_outer_product(self, rows, top, bottom, begin, end):
        """Update the part of `d_weights` from row `top` to `bottom` and from column `begin` to `end`."""
        builder, lanes = self.simd.builder, i64(self.spec.lanes)
        width = self.simd.index((self.order.num_columns, self.units))
        strides = self.fields["left_stride"], self.fields["right_stride"], width
        part = top, bottom, builder.sdiv(begin, lanes), builder.sdiv(end, lanes)
        arrays = (self.arrays[name] for name in ("left", "right", "d_weights"))
        builder.call(self.outer_product, [rows, *part, *strides, *arrays])
