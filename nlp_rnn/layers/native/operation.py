"""The kernels as a TensorFlow operation, `NlpRnnScan`, registered when it is first used.

Its attribute `program` says which kernel to run. The number is valid in this process only: another one, which does not
have the machine code, refuses it. A process that has not used the operation cannot load a graph with it.

The names of the operation, of its attributes and of its arguments are part of saved graphs and must not change.
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

from nlp_rnn.layers.native.c_api import VOID, VOID_POINTER, keep_alive, require, tensorflow_library
from nlp_rnn.layers.native.compiler import compile_module
from nlp_rnn.layers.native.kernel_context import INVALID_ARGUMENT, KernelContext
from nlp_rnn.layers.native.kernel_spec import KernelSpec
from nlp_rnn.layers.native.kernels import BackwardKernel, ForwardKernel
from nlp_rnn.layers.native.simd import I64, SimdBuilder, i64

NAME = "NlpRnnScan"
INDEX_BITS = 16  # the low bits of a program number are an index into `ADDRESSES`, the others identify the process
PROCESS_ID = secrets.randbits(62 - INDEX_BITS)
ADDRESSES = keep_alive((ctypes.c_int64 * 2**INDEX_BITS)())
FOREIGN_PROGRAM = "a recurrent layer that was traced in machine code runs only in the process that traced it"


class Program(NamedTuple):
    """The program numbers of the kernels of a `KernelSpec`; without a backward kernel if the other saves nothing."""

    forward: int
    backward: int | None = None


_compile_lock = threading.Lock()


def program(spec: KernelSpec) -> Program:
    """Return the kernels, compiled at the first call and kept for as long as the process runs."""
    with _compile_lock:
        operation_name()
        return _program(spec)


def run(program_number: int, outputs: int, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Run a kernel, or add it to the current graph.

    Args:
        program_number: which kernel to run.
        outputs: how many outputs it has.
        tensors: its inputs.

    Returns:
        The outputs, float32; of unknown shape in a graph.
    """
    if tf.executing_eagerly():
        return _eagerly()(program_number, outputs, list(tensors))
    types = [tensor.dtype.as_datatype_enum for tensor in tensors]
    graph = tf.compat.v1.get_default_graph()
    return graph.create_op(operation_name(), list(tensors), attrs=_attributes(program_number, outputs, types)).outputs


def _attributes(program_number, outputs, types):
    value = tf.compat.v1.AttrValue
    of_types = value(list=value.ListValue(type=types))
    return {"program": value(i=program_number), "outputs": value(i=outputs), "Tin": of_types}


@functools.cache
def _eagerly():
    """The function that runs a kernel in eager execution: TensorFlow's own, or a graph where this version has none."""
    try:  # no public API runs an operation that was registered later
        from tensorflow.python.eager import context, execute
    except ImportError:
        return _through_a_graph

    def directly(program_number, outputs, tensors):
        types = [tensor.dtype.as_datatype_enum for tensor in tensors]
        attributes = ("program", program_number, "Tin", types, "outputs", outputs)
        return execute.execute(operation_name().encode(), outputs, tensors, attributes, context.context())

    return directly


@functools.partial(tf.function, autograph=False, reduce_retracing=True)
def _through_a_graph(program_number, outputs, tensors):
    return run(program_number, outputs, tensors)


@functools.cache  # never evicted: code that may be running must not be freed
def _program(spec):
    module = ir.Module()
    ForwardKernel(spec, module)
    if spec.saves:
        BackwardKernel(spec, module)
    engine = keep_alive(compile_module(module))
    numbers = []
    for function in ("run_forward", "run_backward")[: 1 + spec.saves]:
        index = next(n for n, address in enumerate(ADDRESSES) if not address)
        ADDRESSES[index] = engine.get_function_address(function)
        numbers.append((PROCESS_ID << INDEX_BITS) + index)
    return Program(*numbers)


@functools.cache
def operation_name() -> str:
    """Register the operation at the first call, and return its name.

    The name has a number if this module is loaded again: TensorFlow aborts the process if a name is registered twice.

    Raises:
        OSError: a C function is missing here.
        RuntimeError: TensorFlow refuses the operation.
    """
    require()
    engine = keep_alive(compile_module(_callbacks()))
    names = (NAME + ("" if n == 1 else str(n)) for n in itertools.count(1))
    name = next(name for name in names if not _is_registered(name)).encode()
    status = _new("TF_NewStatus")
    _register_operation(name, status)
    functions = (ctypes.c_void_p(engine.get_function_address(part)) for part in ("create", "compute", "delete"))
    kernel = _new("TF_NewKernelBuilder", name, b"CPU", *functions)
    tensorflow_library().TF_RegisterKernelBuilder(name, kernel, status)
    _check(status)
    return name.decode()


def _is_registered(name):
    with tf.Graph().as_default() as graph:
        try:
            graph.create_op(name, [], attrs=_attributes(0, 0, []))
        except (tf.errors.NotFoundError, RuntimeError):  # the type of error depends on the version
            return False
        except ValueError:  # it takes an input
            return True
    return True


def _register_operation(name, status):
    api, operation = tensorflow_library(), _new("TF_NewOpDefinitionBuilder", name)
    for attribute in (b"program: int", b"Tin: list(type)", b"outputs: int"):
        api.TF_OpDefinitionBuilderAddAttr(operation, attribute)
    api.TF_OpDefinitionBuilderAddInput(operation, b"given: Tin")
    api.TF_OpDefinitionBuilderAddOutput(operation, b"found: outputs * float")
    unknown_shape = ctypes.cast(api.TF_ShapeInferenceContextSetUnknownShape, ctypes.c_void_p)
    api.TF_OpDefinitionBuilderSetShapeInferenceFunction(operation, unknown_shape)
    api.TF_RegisterOpDefinition(operation, status)


def _new(function, *arguments):
    """The object that a constructor of the C API returns."""
    function = tensorflow_library()[function]
    function.restype = ctypes.c_void_p
    return ctypes.c_void_p(function(*arguments))


def _check(status):
    if tensorflow_library().TF_GetCode(status):
        message = tensorflow_library()["TF_Message"]
        message.restype = ctypes.c_char_p
        raise RuntimeError(f"TensorFlow refused to register {NAME}: {message(status).decode()}")


def _callbacks():
    """The functions with which TensorFlow creates, runs and deletes a kernel; the kernel is a function's address."""
    module = ir.Module()
    _emit_create(module)
    simd = SimdBuilder(ir.Function(module, ir.FunctionType(VOID, [VOID_POINTER, VOID_POINTER]), "compute"), 1)
    kernel, kernel_context = simd.builder.function.args
    function = simd.builder.bitcast(kernel, ir.FunctionType(VOID, [VOID_POINTER]).as_pointer())
    simd.builder.call(function, [kernel_context])
    simd.builder.ret_void()
    delete = ir.Function(module, ir.FunctionType(VOID, [VOID_POINTER]), "delete")
    SimdBuilder(delete, 1).builder.ret_void()
    return module


def _emit_create(module):
    """create(construction): look up the address of a program; fail if the program is of another process."""
    simd = SimdBuilder(ir.Function(module, ir.FunctionType(VOID_POINTER, [VOID_POINTER]), "create"), 1)
    builder, slot = simd.builder, simd.builder.alloca(I64)
    builder.store(i64(0), slot)
    kernel_context = KernelContext(simd, builder.function.args[0])
    kernel_context.attribute("program", slot)
    number = builder.load(slot)
    table = builder.inttoptr(i64(ctypes.addressof(ADDRESSES)), I64.as_pointer())
    is_foreign = builder.icmp_signed("!=", builder.ashr(number, i64(INDEX_BITS)), i64(PROCESS_ID))
    with builder.if_then(is_foreign):
        reason = kernel_context.string(FOREIGN_PROGRAM)
        kernel_context.fail(INVALID_ARGUMENT, reason, "TF_OpKernelConstruction_Failure")
    address = builder.load(builder.gep(table, [builder.and_(number, i64(2**INDEX_BITS - 1))]))
    kernel_context.finish()
    builder.ret(builder.inttoptr(builder.select(is_foreign, i64(0), address), VOID_POINTER))
