"""C functions of TensorFlow and of the system, for machine code and for Python to call."""

import ctypes
import functools
from pathlib import Path
from typing import Any

import tensorflow as tf
from llvmlite import ir

ANY = ir.IntType(8).as_pointer()
CODE = ir.IntType(32)  # the C type int
NOTHING = ir.VoidType()
TENSORFLOW = (  # of its C API, what is called
    "TF_AllocateOutput", "TF_AllocateTemp", "TF_DeleteStatus", "TF_DeleteTensor", "TF_Dim", "TF_GetCode", "TF_GetInput",
    "TF_Message", "TF_NewKernelBuilder", "TF_NewOpDefinitionBuilder", "TF_NewStatus", "TF_OpDefinitionBuilderAddAttr",
    "TF_OpDefinitionBuilderAddInput", "TF_OpDefinitionBuilderAddOutput",
    "TF_OpDefinitionBuilderSetShapeInferenceFunction", "TF_OpKernelConstruction_Failure",
    "TF_OpKernelConstruction_GetAttrInt64", "TF_OpKernelContext_Failure", "TF_RegisterKernelBuilder",
    "TF_RegisterOpDefinition", "TF_SetStatus", "TF_ShapeInferenceContextSetUnknownShape", "TF_TensorData",
)  # fmt: skip
SYSTEM = (
    "pthread_cond_init", "pthread_cond_signal", "pthread_cond_wait",
    "pthread_mutex_init", "pthread_mutex_lock", "pthread_mutex_unlock",
)  # fmt: skip


@functools.cache
def tensorflow() -> ctypes.CDLL:
    """TensorFlow's library that has the C API.

    Raises:
        OSError: there is none.
    """
    for path in sorted(Path(tf.sysconfig.get_lib()).glob("libtensorflow_framework*")):
        return ctypes.CDLL(str(path))
    raise OSError("this TensorFlow has no libtensorflow_framework")


@functools.cache
def system() -> ctypes.CDLL:
    """What is linked to Python itself: the C library."""
    return ctypes.CDLL(None)


def available() -> bool:
    """Whether all of it is there; where it is not, nothing of this package is used."""
    try:
        libraries = {tensorflow(): TENSORFLOW, system(): SYSTEM}
    except (OSError, TypeError):  # of Windows the second
        return False
    return all(hasattr(library, name) for library, names in libraries.items() for name in names)


def kept(thing: Any) -> Any:
    """What is never freed: TensorFlow or a thread may use it until the process ends, after Python has."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
    return thing


def called(builder: ir.IRBuilder, library: ctypes.CDLL, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
    """Write a call of a C function with arguments of the types it has."""
    address = ctypes.cast(library[name], ctypes.c_void_p).value
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    function = builder.inttoptr(ir.Constant(ir.IntType(64), address), kind.as_pointer())
    return builder.call(function, arguments)
