"""The loops as TensorFlow kernels: functions that read the input tensors, run a loop, and write the output tensors.

Shapes as in `signatures.py`.
"""

from llvmlite import ir

from nlp_rnn.layers.native import backward, forward
from nlp_rnn.layers.native.kernel_base import CACHE_LINE, Kernel
from nlp_rnn.layers.native.kernel_spec import KernelSpec
from nlp_rnn.layers.native.signatures import (
    backward_inputs,
    backward_outputs,
    forward_inputs,
    forward_outputs,
    weight_shapes,
)
from nlp_rnn.layers.native.simd import I64, i64

TABLE_ROWS = 64  # of the table of `backward.py`, which spans several steps if one has fewer rows
NONTEMPORAL_SIZE = 2**20  # float32 numbers; from here on, saved values are stored past the caches


class ForwardKernel(Kernel):
    """Generates the kernel `run_forward`."""

    def __init__(self, spec: KernelSpec, module: ir.Module):
        loop = forward.ForwardLoop(spec, module)
        super().__init__(spec, "run_forward", loop, forward_inputs(spec), forward_outputs(spec))

    def _workspace_layout(self):
        order, states = self.spec.order, ["h", *(["dropped_h_0", "dropped_h_1"] if self.spec.dropout else [])]
        layout = {"kernel": self.size("F", "U", len(order.x)), "bias": self.size("U", len(order.x))}
        if self.spec.cell.recurrent:
            layout["recurrent_kernel"] = self.size("U", "U", len(order.h))
            layout["recurrent_bias"] = self.size("U", len(order.h_only))
        return layout | {name: self.size("B", "U") for name in states}

    def _emit_body(self, workspace):
        buffers = self._divide(workspace, self._workspace_layout())
        self._pack_weights(buffers)
        arrays = {**self.inputs, **self.outputs, **buffers, **self._initialize_states(buffers)}
        unused = {"table_steps": i64(1), "left_stride": i64(0), "right_stride": i64(0)}
        fields = self._time_fields(self.options["reverse"]) | unused
        self._emit_jobs(fields | {"nontemporal": self._nontemporal()}, arrays)

    def _nontemporal(self):
        """Whether saved values are stored past the caches; only whole lines, as partial ones are slow to store so."""
        if not self.spec.saves or self.spec.lanes != CACHE_LINE:
            return i64(0)
        large = self.simd.builder.icmp_signed(">=", self.size("T", "B", "K", "U"), i64(NONTEMPORAL_SIZE))
        return self.simd.builder.zext(large, I64)

    def _pack_weights(self, target):
        order, inputs = self.spec.order, self.inputs
        self.packing.pack_panels(inputs["kernel"], self.context.sizes["F"], order.x, target["kernel"])
        self.packing.pack_bias(inputs["bias"], order.x_only, target["bias"])
        if not self.spec.cell.recurrent:
            return
        shared = self.simd.builder.gep(target["bias"], [self.size("U", len(order.x_only))])
        self.packing.pack_bias(inputs["bias"], order.shared, shared, inputs["recurrent_bias"])
        rows = self.options["unpadded_units"]
        self.packing.pack_panels(inputs["recurrent_kernel"], rows, order.h, target["recurrent_kernel"])
        self.packing.pack_bias(inputs["recurrent_bias"], order.h_only, target["recurrent_bias"])

    def _initialize_states(self, buffers):
        """Copy the initial states to where the loop overwrites them; the last step has to leave h in its output."""
        builder, count = self.simd.builder, self.size("B", "U")
        odd = builder.icmp_signed("!=", builder.and_(self.context.sizes["T"], i64(1)), i64(0))
        pair = self.outputs["state_0"], buffers["h"]
        states = {"h_0": builder.select(odd, *pair[::-1]), "h_1": builder.select(odd, *pair)}
        self.packing.copy(self.inputs["initial_0"], states["h_0"], count)
        for n in range(1, self.spec.cell.states):
            self.packing.copy(self.inputs[f"initial_{n}"], self.outputs[f"state_{n}"], count)
        if self.spec.dropout:
            with self.simd.loop(i64(0), count, self.spec.lanes) as at:
                factors = (self.simd.load(self.inputs[name], at) for name in ("initial_0", "dropout_mask"))
                self.simd.store(self.simd.mul(*factors), buffers["dropped_h_0"], at)
        return states


class BackwardKernel(Kernel):
    """Generates the kernel `run_backward`."""

    def __init__(self, spec: KernelSpec, module: ir.Module):
        loop = backward.BackwardLoop(spec, module)
        super().__init__(spec, "run_backward", loop, backward_inputs(spec), backward_outputs(spec))

    def _define_sizes(self):
        super()._define_sizes()
        builder, sizes = self.simd.builder, self.context.sizes
        table_steps = builder.sdiv(i64(TABLE_ROWS), self._max(1, self._rows_per_part()))
        self.table_steps = self._max(1, self._min(table_steps, sizes["T"]))
        self.left_stride = self._stride(self.simd.index(sizes["F"], sizes["U"], 1))
        self.right_stride = self._stride(self.size("U", self.spec.order.num_columns))
        self.table_rows = self.simd.index((self._rows_per_part(), self.table_steps))
        rows = self.simd.index(sizes["F"], sizes["U"], 1)
        self.gradient_size = self.simd.index((rows, self.size("U", self.spec.order.num_columns)))

    def _stride(self, columns):
        """A row stride of an odd number of cache lines: with an even one, rows compete for few sets of a cache."""
        lines = self.simd.builder.sdiv(self.simd.index(columns, CACHE_LINE - 1), i64(CACHE_LINE))
        return self.simd.index((self.simd.builder.or_(lines, i64(1)), CACHE_LINE))

    def _workspace_layout(self):
        order = self.spec.order
        layout = {"kernel": self._transposed_size("F", order.x)}
        if self.spec.cell.recurrent:
            layout["recurrent_kernel"] = self._transposed_size("U", order.h)
        per_part = self._layout_per_part()
        return layout | {name: self.simd.index((count, self.parts)) for name, count in per_part.items()}

    def _layout_per_part(self):
        """The arrays that each part has to itself; whole cache lines, so that threads share none."""
        strides = {"left": self.left_stride, "right": self.right_stride}
        layout = {name: self.simd.index((self.table_rows, stride)) for name, stride in strides.items()}
        layout["d_weights"] = self.gradient_size
        return {name: self._round_to_lines(count) for name, count in layout.items()}

    def _transposed_size(self, rows, order):
        """The size of the panels of a transposed kernel."""
        lanes = self.spec.lanes
        padded = self.simd.builder.and_(self.simd.index(self.context.sizes[rows], lanes - 1), i64(-lanes))
        return self.simd.index((padded, self.size("U", len(order))))

    def _emit_body(self, workspace):
        buffers = self._divide(workspace, self._workspace_layout())
        self._pack_weights(buffers)
        stride = self._layout_per_part()["d_weights"]
        self.packing.fill_zeros(buffers["d_weights"], i64(0), self.simd.index((stride, self.parts)))
        states = {f"d_state_{n}": self.outputs[f"initial_{n}"] for n in range(self.spec.cell.states)}
        arrays = {**self.inputs, "h_0": self.inputs["initial_0"], **buffers, **states, "d_x": self.outputs["x"]}
        fields = {"table_steps": self.table_steps, "nontemporal": i64(0)}
        fields |= {"left_stride": self.left_stride, "right_stride": self.right_stride}
        reverse = self.simd.builder.sub(i64(1), self.options["reverse"])
        self._emit_jobs(self._time_fields(reverse) | fields, arrays, lambda part: self._arrays_of_part(buffers, part))
        self._sum_over_parts(buffers["d_weights"], stride)
        self._unpack_gradients(buffers["d_weights"])

    def _pack_weights(self, target):
        order, inputs, sizes = self.spec.order, self.inputs, self.context.sizes
        self.packing.pack_transposed(inputs["kernel"], sizes["F"], order.x, target["kernel"])
        if self.spec.cell.recurrent:
            kernel = inputs["recurrent_kernel"]
            self.packing.pack_transposed(kernel, sizes["U"], order.h, target["recurrent_kernel"])
        for n in range(self.spec.cell.states):
            self.packing.copy(inputs[f"d_state_{n}"], self.outputs[f"initial_{n}"], self.size("B", "U"))

    def _arrays_of_part(self, buffers, part):
        starts = {name: self.simd.index((count, part)) for name, count in self._layout_per_part().items()}
        return {name: self.simd.builder.gep(buffers[name], [start]) for name, start in starts.items()}

    def _sum_over_parts(self, gradients, stride):
        """Add the gradients of all parts to those of the first."""
        lanes = self.spec.lanes
        with (
            self.simd.loop(i64(1), self.parts) as part,
            self.simd.loop(i64(0), self.gradient_size, lanes) as at,
        ):
            other = self.simd.load(gradients, self.simd.index((part, stride), at))
            self.simd.store(self.simd.add(self.simd.load(gradients, at), other), gradients, at)

    def _unpack_gradients(self, gradients):
        order, sizes = self.spec.order, self.context.sizes
        ones_row = self.simd.index(sizes["F"], sizes["U"])
        rows = {"kernel": (i64(0), sizes["F"]), "recurrent_kernel": (sizes["F"], sizes["U"])}
        for name in weight_shapes(self.spec):
            first, count = rows.get(name, (ones_row, i64(1)))
            start, columns = (len(order.x_only), order.h) if name.startswith("recurrent") else (0, order.x)
            self.packing.unpack(gradients, first, count, start, order.num_columns, columns, self.outputs[name])
