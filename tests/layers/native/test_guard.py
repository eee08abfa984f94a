"""Whatever keeps machine code from running is said in one line, and the loops of TensorFlow take over."""

import ctypes
import subprocess
import sys
import warnings

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import layers
from nlp_rnn.layers import cells, native
from nlp_rnn.layers.native import c_api, compiler, operation, self_check
from tests.conformance import normal

EQUATION = """
import sys, warnings
{before}
import numpy as np, tensorflow as tf
from nlp_rnn.layers import LSTM
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    layer, x = LSTM(4), tf.ones((32, 3, 5))
    layer.build(x.shape)
    with tf.GradientTape() as tape:
        y = layer(x, training=True)
    assert all(np.any(g) for g in tape.gradient(y, layer.trainable_weights))
    np.testing.assert_allclose(y, layer(x), rtol=1e-5)
    expected = LSTM(4, activation="softsign")  # no machine code for it
    assert np.isfinite(expected(x)).all()
told = [str(w.message) for w in caught if "without machine code" in str(w.message)]
print(*told, sep="\\n")
"""


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """As in a process that has compiled nothing, and in which nothing has failed."""
    monkeypatch.setattr(native, "_failures", [])
    monkeypatch.setattr(operation, "_program", operation._program.__wrapped__)
    monkeypatch.setattr(self_check, "checked_program", self_check.checked_program.__wrapped__)
    monkeypatch.setattr("nlp_rnn.layers.native.differentiable.checked_program", self_check.checked_program)


def check_falls_back(native_runs, message):
    """A layer warns once with these words, and gives and learns what it should."""
    layer, x = layers.GRU(4), tf.constant(normal(32, 3, 5))
    layer.build(x.shape)
    with pytest.warns(RuntimeWarning, match=f"^recurrent layers run without machine code here.*{message}") as said:
        with tf.GradientTape() as tape:
            y = layer(x, training=True)
        gradients = tape.gradient(y, [w.value for w in layer.weights])
        again = layer(x)
    assert len(said) == 1 and "\n" not in str(said[0].message)
    assert not native_runs
    monkey = pytest.MonkeyPatch()
    monkey.setenv(native.SWITCH, "0")
    np.testing.assert_allclose(y, layer(x, training=True), rtol=1e-6)
    np.testing.assert_allclose(y, again, rtol=1e-5, atol=1e-6)
    monkey.undo()
    assert all(np.any(gradient) for gradient in gradients)


@pytest.mark.parametrize("name", c_api.TENSORFLOW_FUNCTIONS + c_api.PTHREAD_FUNCTIONS)
def test_a_c_function_that_is_missing(name, monkeypatch, native_runs):
    class Without:
        def __init__(self, library):
            self.library = library

        def __getattr__(self, wanted):
            if wanted == name:
                raise AttributeError(wanted)
            return getattr(self.library, wanted)

    libraries = {"tensorflow_library": c_api.tensorflow_library(), "c_library": c_api.c_library()}
    for function, library in libraries.items():
        monkeypatch.setattr(c_api, function, lambda library=library: Without(library))
    monkeypatch.setattr(operation, "operation_name", operation.operation_name.__wrapped__)
    check_falls_back(native_runs, f"no function {name}")


def test_no_c_library(monkeypatch, native_runs):
    monkeypatch.setattr(c_api, "c_library", lambda: ctypes.CDLL(3))  # raises TypeError, as CDLL(None) does on Windows
    monkeypatch.setattr(operation, "operation_name", operation.operation_name.__wrapped__)
    check_falls_back(native_runs, "no C library with POSIX threads")


@pytest.mark.parametrize(
    ("function", "reason"),
    [("compile_module", "LLVM: unknown\n  processor"), ("_check", "TensorFlow refused to register NlpRnnScan: no")],
)
def test_llvm_or_tensorflow_refuses(function, reason, monkeypatch, native_runs):
    def refuse(_):
        raise RuntimeError(reason)

    monkeypatch.setattr(operation, function, refuse)
    monkeypatch.setattr(operation, "operation_name", operation.operation_name.__wrapped__)
    check_falls_back(native_runs, " ".join(reason.split()))


def test_an_error_in_the_equation_of_a_cell_is_not_blamed_on_the_machine():
    def step(z, state):
        raise ValueError("not an equation")

    class Broken(layers.Recurrent):
        cell = cells.LSTM._replace(step=step)

    with pytest.raises(ValueError, match="not an equation"):
        Broken(4)(normal(32, 3, 5), training=True)
    assert not native._failures


def test_executable_memory_is_forbidden(monkeypatch, native_runs):
    class Forbidding:
        def mprotect(self, *_):
            return -1

    monkeypatch.setattr(compiler, "c_library", Forbidding)
    monkeypatch.setattr(compiler, "require_executable_memory", compiler.require_executable_memory.__wrapped__)
    check_falls_back(native_runs, "this system forbids executable memory")


@pytest.mark.parametrize("wrong", ["forward", "backward"])
def test_a_kernel_that_computes_something_else(wrong, monkeypatch, native_runs):
    run, calls = self_check.run, []

    def miscompiled(number, outputs, tensors):
        calls.append(number)
        results = run(number, outputs, tensors)
        return [result + 0.01 for result in results] if len(calls) == (1 if wrong == "forward" else 2) else results

    monkeypatch.setattr(self_check, "run", miscompiled)
    check_falls_back(native_runs, "wrong")


def test_a_private_module_of_tensorflow_is_missing(monkeypatch, native_runs):
    """Eagerly, a graph runs the operation; in graphs, no one knows whether XLA compiles them."""
    from tensorflow.python import eager

    for name in ("tensorflow.python.eager.execute", "tensorflow.python.ops.control_flow_util"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delattr(eager, "execute", raising=False)
    monkeypatch.setattr(operation, "_eagerly", operation._eagerly.__wrapped__)
    layer, x = layers.LSTM(4, return_sequences=True), tf.constant(normal(3, 4, 5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        eager = layer(x)
        assert native_runs
        native_runs.clear()
        graph = tf.function(lambda x: layer(x, training=True))(x)
    assert not native_runs
    np.testing.assert_allclose(eager, graph, rtol=1e-5, atol=1e-6)


def test_the_switch(monkeypatch, native_runs):
    monkeypatch.setenv(native.SWITCH, "0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layers.LSTM(4)(normal(32, 3, 5), training=True)
    assert not native_runs


FORBID = """
import ctypes, os
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # which needs such memory itself
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):  # PR_SET_MDWE, of Linux 6.3
    sys.exit(print("no such system call"))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("sys.modules['llvmlite'] = None", "llvmlite"),
        pytest.param("import os; os.environ['NLP_RNN_NATIVE'] = '0'", None, marks=pytest.mark.thorough),
        pytest.param(FORBID, "executable memory", marks=pytest.mark.thorough),
        pytest.param("", None, marks=pytest.mark.thorough),
    ],
    ids=["llvmlite missing", "switched off", "executable memory forbidden", "nothing wrong"],
)
def test_in_a_process_of_its_own(before, message):
    code = EQUATION.format(before=before)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    said = done.stdout.strip().splitlines()
    if said != ["no such system call"]:
        assert (len(said), message is None or message in said[0]) == (0 if message is None else 1, True)
