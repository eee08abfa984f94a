"""C functions of TensorFlow and of the system, for machine code and for Python to call."""

import ctypes
import functools
from pathlib import Path

import tensorflow as tf
from llvmlite import ir

ANY = ir.IntType(8).as_pointer()
CODE = ir.IntType(32)  # the C type int


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


def called(builder: ir.IRBuilder, library: ctypes.CDLL, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
    """Write a call of a C function with arguments of the types it has."""
    address = ctypes.cast(library[name], ctypes.c_void_p).value
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    function = builder.inttoptr(ir.Constant(ir.IntType(64), address), kind.as_pointer())
    return builder.call(function, arguments)
