"""The kernels as a TensorFlow operation, `NlpRnnScan`, that is made known to TensorFlow when this is imported.

What there is to run is an attribute of it, `program`: a number that this process alone gives, and that another one
refuses, as it has not the machine code. A process in which this is not imported cannot read a graph with it at all.
"""

import ctypes
import functools
import itertools
import secrets
import threading
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf
from llvmlite import ir
from tensorflow.python.eager import context, execute  # nothing public runs an operation that came later
from tensorflow.python.framework import op_def_registry

from nlp_rnn.layers.native.compiling import compiled
from nlp_rnn.layers.native.emitter import INT, Emitter, number
from nlp_rnn.layers.native.foreign import ANY, NOTHING, available, kept, tensorflow
from nlp_rnn.layers.native.kernels import BackwardKernel, ForwardKernel
from nlp_rnn.layers.native.kinds import Kind
from nlp_rnn.layers.native.tensors import INVALID_ARGUMENT, Tensors

NAME = "NlpRnnScan"
BITS = 16  # of a program's number, which one of this process it is; the others are the process
PROCESS = secrets.randbits(62 - BITS)
ADDRESSES = kept((ctypes.c_int64 * 2**BITS)())
ELSEWHERE = "a recurrent layer called with training=True runs only in the process that called it"


class Program(NamedTuple):
    """The numbers of the two kernels of a kind."""

    forward: int
    backward: int


_ONE_AT_A_TIME = threading.Lock()


def program(kind: Kind) -> Program:
    """Both kernels, compiled when they are first asked for; then kept for as long as the process runs."""
    with _ONE_AT_A_TIME:
        name()
        return _program(kind)


def run(chosen: int, outputs: int, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """What a kernel makes of tensors: so many tensors of float32, in a graph of unknown shape."""
    types = [tensor.dtype.as_datatype_enum for tensor in tensors]
    if tf.executing_eagerly():
        attributes = ("program", chosen, "Tin", types, "outputs", outputs)
        return execute.execute(name().encode(), outputs, list(tensors), attributes, context.context())
    value = tf.compat.v1.AttrValue
    attributes = {"program": value(i=chosen), "outputs": value(i=outputs)}
    attributes["Tin"] = value(list=value.ListValue(type=types))
    return tf.compat.v1.get_default_graph().create_op(name(), list(tensors), attrs=attributes).outputs


@functools.cache  # code that may be running must not be freed
def _program(kind):
    module = ir.Module()
    ForwardKernel(kind, module)
    BackwardKernel(kind, module)
    engine = kept(compiled(module))
    found = []
    for function in ("run_forward", "run_backward"):
        index = next(n for n, address in enumerate(ADDRESSES) if not address)
        ADDRESSES[index] = engine.get_function_address(function)
        found.append((PROCESS << BITS) + index)
    return Program(*found)


@functools.cache
def name() -> str:
    """Of the operation; it is made known to TensorFlow when it is first asked for.

    TensorFlow ends the process when a name comes twice, as it does where this module is loaded again.
    """
    engine = kept(compiled(_glue()))
    names = (NAME + ("" if n == 1 else str(n)) for n in itertools.count(1))
    free = next(found for found in names if op_def_registry.get(found) is None).encode()
    api, status, operation = tensorflow(), _made("TF_NewStatus"), _made("TF_NewOpDefinitionBuilder", free)
    for attribute in (b"program: int", b"Tin: list(type)", b"outputs: int"):
        api.TF_OpDefinitionBuilderAddAttr(operation, attribute)
    api.TF_OpDefinitionBuilderAddInput(operation, b"given: Tin")
    api.TF_OpDefinitionBuilderAddOutput(operation, b"found: outputs * float")
    unknown = ctypes.cast(api.TF_ShapeInferenceContextSetUnknownShape, ctypes.c_void_p)
    api.TF_OpDefinitionBuilderSetShapeInferenceFunction(operation, unknown)
    api.TF_RegisterOpDefinition(operation, status)
    functions = (ctypes.c_void_p(engine.get_function_address(part)) for part in ("create", "compute", "delete"))
    kernel = _made("TF_NewKernelBuilder", free, b"CPU", *functions)
    api.TF_RegisterKernelBuilder(free, kernel, status)
    _check(status)
    return free.decode()


def _made(function, *arguments):
    function = tensorflow()[function]
    function.restype = ctypes.c_void_p
    return ctypes.c_void_p(function(*arguments))


def _check(status):
    if tensorflow().TF_GetCode(status):
        message = tensorflow()["TF_Message"]
        message.restype = ctypes.c_char_p
        raise RuntimeError(f"TensorFlow refused {NAME}: {message(status).decode()}")


def _glue():
    """What TensorFlow calls to make a kernel, to run it, and to let it go; a kernel is the address of its function."""
    module = ir.Module()
    _creating(module)
    e = Emitter(ir.Function(module, ir.FunctionType(NOTHING, [ANY, ANY]), "compute"), 1)
    kernel, given = e.builder.function.args
    e.builder.call(e.builder.bitcast(kernel, ir.FunctionType(NOTHING, [ANY]).as_pointer()), [given])
    e.builder.ret_void()
    Emitter(ir.Function(module, ir.FunctionType(NOTHING, [ANY]), "delete"), 1).builder.ret_void()
    return module


def _creating(module):
    e = Emitter(ir.Function(module, ir.FunctionType(ANY, [ANY]), "create"), 1)
    builder, slot = e.builder, e.builder.alloca(INT)
    builder.store(number(0), slot)
    tensors = Tensors(e, builder.function.args[0])
    tensors.attribute("program", slot)
    found = builder.load(slot)
    table = builder.inttoptr(number(ctypes.addressof(ADDRESSES)), INT.as_pointer())
    foreign = builder.icmp_signed("!=", builder.ashr(found, number(BITS)), number(PROCESS))
    with builder.if_then(foreign):
        tensors.fail(INVALID_ARGUMENT, tensors.text(ELSEWHERE), "TF_OpKernelConstruction_Failure")
    address = builder.load(builder.gep(table, [builder.and_(found, number(2**BITS - 1))]))
    tensors.end()
    builder.ret(builder.inttoptr(builder.select(foreign, number(0), address), ANY))


if available():  # a saved model that holds the operation can be read where this is imported
    name()
