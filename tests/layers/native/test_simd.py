"""The emitted activation functions compared with NumPy."""

import ctypes

import numpy as np
from llvmlite import ir

from nlp_rnn.layers.native.compiler import compile_module
from nlp_rnn.layers.native.simd import F32, I64, SimdBuilder, i64


def test_tanh_and_sigmoid_match_numpy():
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64, *[F32.as_pointer()] * 3]), "both")
    simd = SimdBuilder(function, 4)
    count, x, tanh, sigmoid = function.args
    with simd.loop(i64(0), count, 4) as at:
        for array, activation in ((tanh, simd.tanh), (sigmoid, simd.sigmoid)):
            simd.store(activation(simd.load(x, at)), array, at)
    simd.builder.ret_void()
    engine = compile_module(module)
    values = np.concatenate([np.linspace(-12, 12, 4001), [np.inf, -np.inf, np.nan]]).astype("float32")
    results = np.zeros((2, len(values)), np.float32)
    call = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * 3)
    call(engine.get_function_address("both"))(len(values), *(a.ctypes.data for a in (values, *results)))
    np.testing.assert_allclose(results[0], np.tanh(values), rtol=5e-7, atol=3e-7)
    np.testing.assert_allclose(results[1], 1 / (1 + np.exp(-values.astype("float64"))), rtol=0, atol=3e-7)
    assert abs(results[0][:-1]).max() <= 1
