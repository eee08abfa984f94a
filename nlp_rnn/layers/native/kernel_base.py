"""What the forward and the backward kernel share: reading inputs, allocating outputs, and running jobs on threads.

Shapes as in `signatures.py`.
"""

from collections.abc import Callable, Mapping

from llvmlite import ir

from nlp_rnn.layers.native import MIN_ROWS_PER_PART
from nlp_rnn.layers.native.c_api import VOID_POINTER
from nlp_rnn.layers.native.kernel_context import KernelContext
from nlp_rnn.layers.native.kernel_spec import KernelSpec
from nlp_rnn.layers.native.loop import JOB, JOB_FIELDS, TimeLoop
from nlp_rnn.layers.native.packing import WeightPacking
from nlp_rnn.layers.native.signatures import OPTIONS, Shapes
from nlp_rnn.layers.native.simd import F32, I64, SimdBuilder, i64
from nlp_rnn.layers.native.thread_pool import MAX_JOBS, run_jobs_address

CACHE_LINE = 16  # float32 numbers
Value = ir.Value


class Kernel:
    """Generates a kernel that runs a loop over parts of the batch.

    Args:
        spec: what it is specialised for.
        name: the name of the function.
        loop: the loop that it runs.
        inputs, outputs: the shapes of its tensors, by name.
    """

    def __init__(self, spec: KernelSpec, name: str, loop: TimeLoop, inputs: Shapes, outputs: Shapes):
        self.spec, self.loop = spec, loop
        function = ir.Function(loop.simd.module, ir.FunctionType(ir.VoidType(), [VOID_POINTER]), name)
        self.simd = SimdBuilder(function, spec.lanes)
        self.context = KernelContext(self.simd, function.args[0])
        self.context.sizes |= {"O": i64(len(OPTIONS)), "K": i64(len(spec.saved))}
        self.inputs = self._read_inputs(inputs)
        with self.context.if_valid():
            self._define_sizes()
            tensors = self.context.allocate(list(outputs.values()), self._workspace_size())
            with self.context.if_allocated(tensors):
                *arrays, workspace = map(self._float_pointer, self.context.addresses(tensors))
                self.outputs = dict(zip(outputs, arrays, strict=True))
                self._emit_body(workspace)
            self.context.release(tensors)
        self.context.finish()
        self.simd.builder.ret_void()

    def _read_inputs(self, shapes) -> dict[str, Value]:
        inputs = {}
        for n, (name, shape) in enumerate(shapes.items()):
            inputs[name] = self._float_pointer(self.context.input(n, name, shape))
            if name == "initial_0":  # U is defined from here on, and the weights come later
                self.context.sizes["C"] = self.size("U", self.spec.cell.columns)
        return inputs

    def _workspace_layout(self) -> dict[str, Value]:
        """The arrays of the workspace, and how many numbers each has."""
        raise NotImplementedError

    def _emit_body(self, workspace: Value) -> None:
        """Emit what the kernel does once its outputs are allocated."""
        raise NotImplementedError

    def size(self, *letters: str | int) -> Value:
        """The product of the sizes of letters and of integers."""
        return self.context.size(*letters)

    def _define_sizes(self) -> None:
        """Read the options, and decide how many parts the batch is split into."""
        builder, sizes = self.simd.builder, self.context.sizes
        options = builder.bitcast(self.inputs["options"], I64.as_pointer())
        self.options = {name: builder.load(builder.gep(options, [i64(n)])) for n, name in enumerate(OPTIONS)}
        sizes["X"] = builder.mul(sizes["F"], self.options["input_gradient"])
        max_parts = builder.sdiv(sizes["B"], i64(MIN_ROWS_PER_PART))
        self.parts = self._max(1, self._min(self.options["max_parts"], max_parts, i64(MAX_JOBS)))
        self.packing = WeightPacking(self.simd, self.spec.cell.columns, sizes["U"])

    def _min(self, *values):
        least, *others = values
        for other in others:
            least = self.simd.builder.select(self.simd.builder.icmp_signed("<", other, least), other, least)
        return least

    def _max(self, bound, value):
        below = self.simd.builder.icmp_signed("<", value, i64(bound))
        return self.simd.builder.select(below, i64(bound), value)

    def _rows_per_part(self):
        """The rows of the largest part."""
        return self.simd.builder.sdiv(self.simd.index(self.context.sizes["B"], self.parts, -1), self.parts)

    def _round_to_lines(self, count):
        """Round up to whole cache lines."""
        return self.simd.builder.and_(self.simd.index(count, CACHE_LINE - 1), i64(-CACHE_LINE))

    def _divide(self, workspace, layout):
        """Divide the workspace into arrays, by name."""
        start, arrays = i64(0), {}
        for name, count in layout.items():
            arrays[name] = self.simd.builder.gep(workspace, [start])
            start = self.simd.index(start, self._round_to_lines(count))
        return arrays

    def _workspace_size(self):
        return self.simd.index(*map(self._round_to_lines, self._workspace_layout().values()))

    def _emit_jobs(
        self,
        fields: Mapping[str, Value],
        arrays: Mapping[str, Value],
        arrays_of_part: Callable[[Value], Mapping[str, Value]] | None = None,
    ) -> None:
        """Run the loop for all parts of the batch, on several threads.

        Args:
            fields: those of `JOB_FIELDS` that this class does not define.
            arrays: the arrays that all parts share.
            arrays_of_part: returns the arrays that a part has to itself, from its number.
        """
        builder, length = self.simd.builder, len(JOB_FIELDS) + len(self.loop.array_names)
        jobs = builder.alloca(I64, size=builder.mul(self.parts, i64(length)))
        letters = {"batch": "B", "steps": "T", "units": "U", "features": "F", "gradient_features": "X"}
        fields = {name: self.context.sizes[letter] for name, letter in letters.items()} | dict(fields)
        fields["unpadded_units"] = self.options["unpadded_units"]
        with self.simd.loop(i64(0), self.parts) as part:
            self._write_job(jobs, part, fields, arrays, arrays_of_part)
        signature = ir.FunctionType(ir.VoidType(), [I64, JOB, I64, I64])
        task = builder.ptrtoint(self.loop.function, I64)
        with builder.if_then(builder.icmp_signed(">", self.size("B", "T"), i64(0))):
            run_jobs = builder.inttoptr(i64(run_jobs_address()), signature.as_pointer())
            builder.call(run_jobs, [task, jobs, self.parts, i64(length)])

    def _write_job(self, jobs, part, fields, arrays, arrays_of_part):
        builder, batch = self.simd.builder, self.context.sizes["B"]
        ends = (builder.sdiv(builder.mul(n, batch), self.parts) for n in (part, self.simd.index(part, 1)))
        fields = fields | dict(zip(("begin", "end"), ends, strict=True))
        arrays = arrays | (arrays_of_part(part) if arrays_of_part else {})
        values = [fields[name] for name in JOB_FIELDS]
        names = self.loop.array_names
        values += [builder.ptrtoint(arrays[name], I64) if name in arrays else i64(0) for name in names]
        for n, value in enumerate(values):
            builder.store(value, builder.gep(jobs, [self.simd.index((part, len(values)), n)]))

    def _time_fields(self, reverse):
        """The first step, and the direction in which the loop runs."""
        builder, last = self.simd.builder, self.simd.index(self.context.sizes["T"], -1)
        backwards = builder.icmp_signed("!=", reverse, i64(0))
        first = builder.select(backwards, last, i64(0))
        return {"first_step": first, "step_direction": builder.select(backwards, i64(-1), i64(1))}

    def _float_pointer(self, address):
        return self.simd.builder.bitcast(address, F32.as_pointer())
