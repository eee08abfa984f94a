"""Inputs, outputs and errors of a TensorFlow kernel, through TensorFlow's C API.

A shape is written in letters, such as "BTF". The first tensor with a letter defines its size; later tensors must agree.
"""

import contextlib
import functools
from collections.abc import Sequence

from llvmlite import ir

from nlp_rnn.layers.native.c_api import C_INT, VOID, VOID_POINTER, emit_call, tensorflow_library
from nlp_rnn.layers.native.simd import I1, I8, I64, SimdBuilder, i64

TF_FLOAT, INVALID_ARGUMENT, RESOURCE_EXHAUSTED = 1, 3, 8  # of TF_DataType and TF_Code
ALLOCATOR_ATTRIBUTES_SIZE = 9  # of the struct TF_AllocatorAttributes, in bytes
Value = ir.Value


class KernelContext:
    """Emits what a kernel does with its tensors.

    Args:
        simd: builds the function that is called with a TF_OpKernelContext.
        context: that TF_OpKernelContext.

    Attributes:
        sizes: the size of each letter.
    """

    def __init__(self, simd: SimdBuilder, context: Value):
        self.simd, self.context = simd, context
        self.sizes: dict[str, Value] = {}
        self.status = self._call("TF_NewStatus", VOID_POINTER)
        self._inputs: list[Value] = []
        self._invalid = ir.Constant(I1, 0)
        self._reason = ir.Constant(VOID_POINTER, None)

    def input(self, n: int, name: str, shape: str) -> Value:
        """Return the address of input n. Its shape is checked; its rank has to be right already."""
        slot = self.simd.builder.alloca(VOID_POINTER)
        self.simd.builder.store(ir.Constant(VOID_POINTER, None), slot)
        self._call("TF_GetInput", VOID, self.context, C_INT(n), slot, self.status)
        tensor = self.simd.builder.load(slot)
        self._inputs.append(tensor)
        for axis, letter in enumerate(shape):
            size = self._call("TF_Dim", I64, tensor, C_INT(axis))
            self._require(size, self.sizes.setdefault(letter, size), name, shape)
        return self._address(tensor)

    def if_valid(self) -> contextlib.AbstractContextManager:
        """Run what the `with` block emits only if all inputs are valid; otherwise the kernel fails."""
        builder = self.simd.builder
        with builder.if_then(self._invalid):
            self.fail(INVALID_ARGUMENT, self._reason)
        return builder.if_then(builder.not_(self._invalid))

    def allocate(self, shapes: Sequence[str], workspace: Value) -> list[Value]:
        """Allocate the outputs and then a workspace of `workspace` float32 numbers; null if out of memory."""
        outputs = [self._allocate_output(n, shape) for n, shape in enumerate(shapes)]
        dims = self._dims([workspace])
        arguments = self.context, C_INT(TF_FLOAT), dims, C_INT(1), self._allocator_attributes(), self.status
        return [*outputs, self._call("TF_AllocateTemp", VOID_POINTER, *arguments)]

    def if_allocated(self, tensors: Sequence[Value]) -> contextlib.AbstractContextManager:
        """Run what the `with` block emits only if all tensors were allocated; otherwise the kernel fails."""
        builder, null = self.simd.builder, ir.Constant(VOID_POINTER, None)
        missing = functools.reduce(builder.or_, [builder.icmp_unsigned("==", t, null) for t in tensors])
        with builder.if_then(missing):
            self.fail(RESOURCE_EXHAUSTED, self.string("out of memory for the results of a recurrent layer"))
        return builder.if_then(builder.not_(missing))

    def addresses(self, tensors: Sequence[Value]) -> list[Value]:
        """Return the addresses of the tensors' data."""
        return [self._address(tensor) for tensor in tensors]

    def release(self, tensors: Sequence[Value]) -> None:
        """Release references to tensors."""
        for tensor in tensors:
            self._call("TF_DeleteTensor", VOID, tensor)

    def finish(self) -> None:
        """Release the inputs and the status."""
        self.release(self._inputs)
        self._call("TF_DeleteStatus", VOID, self.status)

    def fail(self, code: int, reason: Value, function: str = "TF_OpKernelContext_Failure") -> None:
        """Report an error to TensorFlow."""
        self._call("TF_SetStatus", VOID, self.status, C_INT(code), reason)
        self._call(function, VOID, self.context, self.status)

    def attribute(self, name: str, slot: Value) -> None:
        """Read an integer attribute of the operation while its kernel is being constructed."""
        self._call("TF_OpKernelConstruction_GetAttrInt64", VOID, self.context, self.string(name), slot, self.status)

    def size(self, *letters: str | int) -> Value:
        """Return the product of the sizes of letters and of integers."""
        factors = (self.sizes[letter] if isinstance(letter, str) else letter for letter in letters)
        return self.simd.index(tuple(factors))

    def string(self, text: str) -> Value:
        """Return the address of a constant C string."""
        data = bytearray(text.encode() + b"\0")
        array = ir.ArrayType(I8, len(data))
        constant = ir.GlobalVariable(self.simd.module, array, self.simd.module.get_unique_name("text"))
        constant.linkage, constant.global_constant, constant.initializer = "private", True, ir.Constant(array, data)
        return self.simd.builder.bitcast(constant, VOID_POINTER)

    def _allocate_output(self, n, shape):
        sizes = [self.sizes[letter] for letter in shape]
        count = self.simd.index((*sizes, 4))
        dims = self._dims(sizes)
        arguments = self.context, C_INT(n), C_INT(TF_FLOAT), dims, C_INT(len(shape)), count, self.status
        return self._call("TF_AllocateOutput", VOID_POINTER, *arguments)

    def _dims(self, sizes):
        dims = self.simd.builder.alloca(I64, size=len(sizes))
        for axis, size in enumerate(sizes):
            self.simd.builder.store(size, self.simd.builder.gep(dims, [C_INT(axis)]))
        return dims

    def _allocator_attributes(self):
        """A TF_AllocatorAttributes: its size, and that the memory is the host's."""
        struct = ir.LiteralStructType([I64, I8])
        slot = self.simd.builder.alloca(struct)
        value = ir.Constant(struct, (i64(ALLOCATOR_ATTRIBUTES_SIZE), ir.Constant(I8, 1)))
        self.simd.builder.store(value, slot)
        return slot

    def _require(self, size, expected, name, shape):
        differs = self.simd.builder.icmp_signed("!=", size, expected)
        text = f"{name} must be [{', '.join(shape)}], in agreement with the other tensors of a recurrent layer"
        self._reason = self.simd.builder.select(self._invalid, self._reason, self.string(text))
        self._invalid = self.simd.builder.or_(self._invalid, differs)

    def _address(self, tensor):
        return self._call("TF_TensorData", VOID_POINTER, tensor)

    def _call(self, name, result, *arguments):
        return emit_call(self.simd.builder, tensorflow_library(), name, result, *arguments)
