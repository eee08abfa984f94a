"""C functions of TensorFlow and of the C library, called from generated code and from Python."""

import ctypes
import functools
from pathlib import Path
from typing import TypeVar

import tensorflow as tf
from llvmlite import ir

VOID = ir.VoidType()
VOID_POINTER = ir.IntType(8).as_pointer()
C_INT = ir.IntType(32)
TENSORFLOW_FUNCTIONS = (
    "TF_AllocateOutput", "TF_AllocateTemp", "TF_DeleteStatus", "TF_DeleteTensor", "TF_Dim", "TF_GetCode", "TF_GetInput",
    "TF_Message", "TF_NewKernelBuilder", "TF_NewOpDefinitionBuilder", "TF_NewStatus", "TF_OpDefinitionBuilderAddAttr",
    "TF_OpDefinitionBuilderAddInput", "TF_OpDefinitionBuilderAddOutput",
    "TF_OpDefinitionBuilderSetShapeInferenceFunction", "TF_OpKernelConstruction_Failure",
    "TF_OpKernelConstruction_GetAttrInt64", "TF_OpKernelContext_Failure", "TF_RegisterKernelBuilder",
    "TF_RegisterOpDefinition", "TF_SetStatus", "TF_ShapeInferenceContextSetUnknownShape", "TF_TensorData",
)  # fmt: skip
PTHREAD_FUNCTIONS = (
    "pthread_cond_init", "pthread_cond_signal", "pthread_cond_wait",
    "pthread_mutex_init", "pthread_mutex_lock", "pthread_mutex_unlock",
)  # fmt: skip

T = TypeVar("T")


@functools.cache
def tensorflow_library() -> ctypes.CDLL:
    """Load the shared library that exports TensorFlow's C API.

    Raises:
        OSError: this build of TensorFlow has none.
    """
    for path in sorted(Path(tf.sysconfig.get_lib()).glob("libtensorflow_framework*")):
        return ctypes.CDLL(str(path))
    raise OSError("this build of TensorFlow has no libtensorflow_framework")


@functools.cache
def c_library() -> ctypes.CDLL:
    """Return the C library that the Python interpreter is linked to."""
    return ctypes.CDLL(None)


def require() -> None:
    """Check that all C functions exist here.

    Raises:
        OSError: one is missing.
    """
    try:
        libraries = {tensorflow_library(): TENSORFLOW_FUNCTIONS, c_library(): PTHREAD_FUNCTIONS}
    except TypeError:  # of CDLL(None) on Windows
        raise OSError("this system has no C library with POSIX threads") from None
    for library, names in libraries.items():
        for name in names:
            if not hasattr(library, name):
                raise OSError(f"TensorFlow or the C library has no function {name}")


def keep_alive(value: T) -> T:
    """Never free `value`: TensorFlow or a thread may use it until the process ends, even after Python has shut down."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))
    return value


def emit_call(
    builder: ir.IRBuilder, library: ctypes.CDLL, name: str, result: ir.Type, *arguments: ir.Value
) -> ir.Value:
    """Emit a call of the C function `name`, whose parameters have the types of `arguments`."""
    address = ctypes.cast(library[name], ctypes.c_void_p).value
    signature = ir.FunctionType(result, [argument.type for argument in arguments])
    function = builder.inttoptr(ir.Constant(ir.IntType(64), address), signature.as_pointer())
    return builder.call(function, arguments)
