"""What a TensorFlow kernel takes and gives, in TensorFlow's C API: tensors in and out, memory, and what was wrong.

A shape is written in letters, such as "BTF". The first tensor that has a letter says what it stands for; a later one
must agree.
"""

import contextlib
import functools

from llvmlite import ir

from nlp_rnn.layers.native.emitter import BYTE, INT, Emitter, number
from nlp_rnn.layers.native.foreign import ANY, CODE, NOTHING, called, tensorflow

FLOATS, INVALID_ARGUMENT, RESOURCE_EXHAUSTED = 1, 3, 8  # of TF_DataType and TF_Code
Value = ir.Value


class Tensors:
    """Writes what a kernel does with its tensors.

    Args:
        e: of a function that is given a TF_OpKernelContext.
        context: that.

    Attributes:
        sizes: what the letters stand for.
    """

    def __init__(self, e: Emitter, context: Value):
        self.e, self.context = e, context
        self.sizes: dict[str, Value] = {}
        self.status = self._call("TF_NewStatus", ANY)
        self._held: list[Value] = []
        self._wrong = ir.Constant(ir.IntType(1), 0)
        self._reason = ir.Constant(ANY, None)

    def taken(self, n: int, name: str, shape: str) -> Value:
        """The address of input n; its rank is known to be right, its shape is checked."""
        slot = self.e.builder.alloca(ANY)
        self.e.builder.store(ir.Constant(ANY, None), slot)
        self._call("TF_GetInput", NOTHING, self.context, CODE(n), slot, self.status)
        tensor = self.e.builder.load(slot)
        self._held.append(tensor)
        for axis, letter in enumerate(shape):
            size = self._call("TF_Dim", INT, tensor, CODE(axis))
            self._require(size, self.sizes.setdefault(letter, size), name, shape)
        return self._address(tensor)

    def if_right(self) -> contextlib.AbstractContextManager:
        """What is written within is done when all that was taken is as it must be; else the kernel fails."""
        builder = self.e.builder
        with builder.if_then(self._wrong):
            self.fail(INVALID_ARGUMENT, self._reason)
        return builder.if_then(builder.not_(self._wrong))

    def made(self, shapes: list[str], floats: Value) -> list[Value]:
        """The tensors of the outputs, of these shapes, and one of so many floats of memory; null where is no room."""
        outputs = [self._output(n, shape) for n, shape in enumerate(shapes)]
        dims = self._dims([floats])
        attributes = self._attributes()
        memory = self._call("TF_AllocateTemp", ANY, self.context, CODE(FLOATS), dims, CODE(1), attributes, self.status)
        return [*outputs, memory]

    def if_room(self, tensors: list[Value]) -> contextlib.AbstractContextManager:
        """What is written within is done when there was room for all of these; else the kernel fails."""
        builder, null = self.e.builder, ir.Constant(ANY, None)
        lacking = functools.reduce(builder.or_, [builder.icmp_unsigned("==", t, null) for t in tensors])
        with builder.if_then(lacking):
            self.fail(RESOURCE_EXHAUSTED, self.text("no memory is left for what a recurrent layer makes"))
        return builder.if_then(builder.not_(lacking))

    def addresses(self, tensors: list[Value]) -> list[Value]:
        """Where the numbers of tensors are."""
        return [self._address(tensor) for tensor in tensors]

    def give_back(self, tensors: list[Value]) -> None:
        """Let go of tensors."""
        for tensor in tensors:
            self._call("TF_DeleteTensor", NOTHING, tensor)

    def end(self) -> None:
        """Let go of all that was taken."""
        self.give_back(self._held)
        self._call("TF_DeleteStatus", NOTHING, self.status)

    def fail(self, code: int, reason: Value, how: str = "TF_OpKernelContext_Failure") -> None:
        """Tell TensorFlow that it did not work."""
        self._call("TF_SetStatus", NOTHING, self.status, CODE(code), reason)
        self._call(how, NOTHING, self.context, self.status)

    def attribute(self, name: str, slot: Value) -> None:
        """Read an integer attribute of an operation that is being made."""
        self._call("TF_OpKernelConstruction_GetAttrInt64", NOTHING, self.context, self.text(name), slot, self.status)

    def size(self, *letters: str | int) -> Value:
        """A product of sizes and numbers."""
        return self.e.index(tuple(self.sizes[letter] if isinstance(letter, str) else letter for letter in letters))

    def _output(self, n, shape):
        sizes = [self.sizes[letter] for letter in shape]
        count = self.e.index((*sizes, 4))
        dims = self._dims(sizes)
        arguments = self.context, CODE(n), CODE(FLOATS), dims, CODE(len(shape)), count, self.status
        return self._call("TF_AllocateOutput", ANY, *arguments)

    def _dims(self, sizes):
        dims = self.e.builder.alloca(INT, size=len(sizes))
        for axis, size in enumerate(sizes):
            self.e.builder.store(size, self.e.builder.gep(dims, [CODE(axis)]))
        return dims

    def _attributes(self):
        """A TF_AllocatorAttributes: how much of it there is, and that it is memory of the host."""
        kind = ir.LiteralStructType([INT, BYTE])
        slot = self.e.builder.alloca(kind)
        self.e.builder.store(ir.Constant(kind, (number(9), ir.Constant(BYTE, 1))), slot)
        return slot

    def _require(self, size, wanted, name, shape):
        differs = self.e.builder.icmp_signed("!=", size, wanted)
        text = self.text(f"{name} must be [{', '.join(shape)}] of the sizes of the other tensors of a recurrent layer")
        self._reason = self.e.builder.select(self._wrong, self._reason, text)
        self._wrong = self.e.builder.or_(self._wrong, differs)

    def text(self, text: str) -> Value:
        """The address of a text."""
        data = bytearray(text.encode() + b"\0")
        kind = ir.ArrayType(BYTE, len(data))
        held = ir.GlobalVariable(self.e.module, kind, self.e.module.get_unique_name("text"))
        held.linkage, held.global_constant, held.initializer = "private", True, ir.Constant(kind, data)
        return self.e.builder.bitcast(held, ANY)

    def _address(self, tensor):
        return self._call("TF_TensorData", ANY, tensor)

    def _call(self, name, result, *arguments):
        return called(self.e.builder, tensorflow(), name, result, *arguments)
