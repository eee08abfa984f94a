"""The native loops as a TensorFlow operation: its tensors, its gradient, and what it refuses."""

import gc
import resource
import subprocess
import sys
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import layers
from nlp_rnn.layers import cells, scan
from nlp_rnn.layers.batch_split import usable_cores
from nlp_rnn.layers.native import differentiable, operation
from nlp_rnn.layers.native.compiler import vector_registers
from nlp_rnn.layers.native.differentiable import native_scan
from nlp_rnn.layers.native.kernel_spec import KernelSpec
from nlp_rnn.layers.native.signatures import forward_inputs, forward_outputs
from nlp_rnn.layers.scan_types import ScanSpec
from tests.conformance import normal
from tests.layers.native.test_kernels import NATIVE, problem

WRONG_SHAPES = {
    "kernel": lambda i, m: (i._replace(x=tf.zeros((9, 4, 2))), m),
    "mask": lambda i, m: (i, m._replace(padding=m.padding[:1])),
    "dropout_mask": lambda i, m: (i, m._replace(dropout=m.dropout[:, :2])),
    "initial_0": lambda i, m: (i._replace(initial=(i.initial[0][:3], i.initial[1])), m),
    "initial_1": lambda i, m: (i._replace(initial=(i.initial[0], i.initial[1][:, :2])), m),
    "recurrent_kernel": lambda i, m: (i._replace(recurrent_kernel=i.recurrent_kernel[:3]), m),
}


@pytest.mark.parametrize("name", WRONG_SHAPES)
def test_refuses_tensors_that_disagree_in_shape(name, monkeypatch, force_strategy):
    cell, inputs, masks = problem("LSTM", 9, 4, 3, 8, masked=True, dropout=True)
    force_strategy(NATIVE)
    monkeypatch.setattr(scan, "_share_batch_size", lambda inputs: inputs)  # as if no size were known statically
    inputs, masks = WRONG_SHAPES[name](inputs, masks)
    with pytest.raises(ValueError, match=rf"^{name} must have shape \[.*\], in agreement with .*, got \["):
        scan.scan(ScanSpec(cell), inputs, masks, True)


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG_SHAPES)
def test_refuses_them_when_it_runs_if_sizes_are_not_known_statically(name):
    _, inputs, masks = problem("LSTM", 9, 4, 3, 16, masked=True, dropout=True)
    spec = KernelSpec(cells.LSTM, 1, *vector_registers(), True, True)
    in_shapes, out_shapes = forward_inputs(spec), forward_outputs(spec)
    named = {
        "options": tf.constant([2, 0, 1, 16], tf.int64),
        **differentiable._by_name(*WRONG_SHAPES[name](inputs, masks)),
    }
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"{name} must be \[[BTFUC, ]*\], in agreement"):
        operation.run(operation.program(spec).forward, len(out_shapes), [named[name] for name in in_shapes])


def test_computes_no_gradient_for_x_if_none_is_needed(native_runs):
    layer, x = layers.LSTM(8), tf.constant(normal(32, 4, 3))
    layer.build(x.shape)

    def gradients(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True))
        return tape.gradient(loss, [x, *[w.value for w in layer.trainable_weights]])

    complete = [gradients(x), tf.function(gradients)(x)]
    layer.input_gradient = False
    without = [gradients(x), tf.function(gradients)(x)]
    assert len(native_runs) == 2 * 4, "forward and backward each time"
    for (d_x, *expected), (none, *got) in zip(complete, without, strict=True):
        assert d_x.shape == x.shape
        assert none is None
        for one, other in zip(expected, got, strict=True):
            np.testing.assert_array_equal(one, other)


def test_computes_the_gradient_for_an_x_behind_stop_gradient(native_runs):
    layer, x = layers.GRU(8), tf.constant(normal(32, 4, 3))

    def gradient(x):
        x = tf.stop_gradient(x + 0.1)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True))
        return tape.gradient(loss, x)

    graph = tf.function(gradient, input_signature=[tf.TensorSpec([None, None, 3])])
    assert graph.get_concrete_function().output_shapes[-1] == 3
    assert native_runs
    np.testing.assert_array_equal(graph(x), gradient(x))


@pytest.mark.slow
@pytest.mark.parametrize("units", [16, 22])
def test_a_mask_of_unknown_rank(units, native_runs):
    layer, x, mask = layers.GRU(units), tf.constant(normal(32, 4, 3)), normal(32, 4) > 0

    @tf.function(autograph=False)
    def masked():
        return layer(x, mask=tf.numpy_function(lambda: mask, [], tf.bool), training=True)

    np.testing.assert_allclose(masked(), layer(x, mask=mask), rtol=1e-4, atol=1e-5)
    assert native_runs


@pytest.mark.parametrize("units", [16, 22])
def test_a_failed_step_does_not_affect_the_next(units):
    layer = layers.LSTM(units)

    @tf.function(
        autograph=False, input_signature=[tf.TensorSpec([None, None, 3]), tf.TensorSpec([None, None], tf.bool)]
    )
    def step(x, mask):
        return layer(x, mask=mask, training=True)

    x, mask = normal(32, 4, 3), normal(32, 4) > 0
    for _ in range(3):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"mask must be \[B, T\], in agreement"):
            step(x, mask[:, :3])
        np.testing.assert_allclose(step(x, mask), layer(x, mask=mask), rtol=1e-4, atol=1e-5)


def test_refuses_tensors_of_other_types():
    cell, inputs, masks = problem("LSTM", 32, 4, 3, 16, masked=True, dropout=True)
    integers = masks._replace(padding=tf.cast(masks.padding, tf.int32))
    with pytest.raises(ValueError, match="^mask must be of bool, got int32"):
        native_scan(ScanSpec(cell), inputs, integers, False, 2)
    booleans = masks._replace(dropout=masks.dropout > 0)
    with pytest.raises(ValueError, match="^dropout_mask must be of float32, got bool"):
        native_scan(ScanSpec(cell), inputs, booleans, False, 2)


@pytest.mark.slow
def test_memory_is_released(native_runs):
    layer, x = layers.LSTM(64, return_sequences=True), tf.constant(normal(64, 100, 8))
    layer.build(x.shape)  # a step allocates 12 MB

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x, training=True))
        return tape.gradient(loss, layer.trainable_weights[0].value)

    for _ in range(10):
        step()
    assert native_runs
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(100):
        step()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


OUT_OF_MEMORY = """
import resource, tensorflow as tf
from nlp_rnn import layers
layer, x = layers.LSTM(16, return_sequences=True), tf.ones((64, 30_000, 1))
layer(x[:, :2], training=True)
def allocated():
    return 4096 * int(open("/proc/self/statm").read().split()[0])
def fails():
    resource.setrlimit(resource.RLIMIT_AS, (allocated() + 600 * 2**20, resource.RLIM_INFINITY))
    try:
        layer(x, training=True)  # needs 740 MB for the saved values, and 120 before for the sequence
    except tf.errors.ResourceExhaustedError as error:
        return "out of memory for the results of a recurrent layer" in str(error)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
assert fails()
before = allocated()
assert all(fails() for _ in range(4))
assert allocated() - before < 200 * 2**20, allocated() - before
layer(x, training=True)
"""


@pytest.mark.thorough
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc")
def test_running_out_of_memory_leaks_none():
    subprocess.run([sys.executable, "-W", "ignore", "-c", OUT_OF_MEMORY], check=True, timeout=300)


SAVE = """
import sys, tensorflow as tf
from nlp_rnn import layers
module = tf.Module()
module.layer = layer = layers.GRU(8)
signature = [tf.TensorSpec([32, 4, 3])]
module.serve = tf.function(lambda x: layer(x), input_signature=signature)
module.train = tf.function(lambda x: layer(x, training=True), input_signature=signature)
module.train(tf.ones([32, 4, 3]))
tf.saved_model.save(module, sys.argv[1])
"""
LOAD = """
import importlib, sys, tensorflow as tf
from nlp_rnn.layers.native import operation
try:
    tf.saved_model.load(sys.argv[1])
except (tf.errors.NotFoundError, FileNotFoundError, RuntimeError) as error:
    assert "NlpRnnScan" in str(error), error
else:
    raise SystemExit("it was loaded")
operation.operation_name()
loaded = tf.saved_model.load(sys.argv[1])
x = tf.ones([32, 4, 3])
loaded.serve(x)
try:
    loaded.train(x)
except tf.errors.InvalidArgumentError as error:
    assert operation.FOREIGN_PROGRAM in str(error), error
else:
    raise SystemExit("it ran")
importlib.reload(operation)
assert operation.operation_name() == "NlpRnnScan2"
"""


@pytest.mark.thorough
def test_another_process_does_not_run_a_saved_training_call(tmp_path):
    for code in (SAVE, LOAD):
        subprocess.run([sys.executable, "-W", "ignore", "-c", code, tmp_path / "saved"], check=True, timeout=300)


@pytest.mark.thorough
def test_a_graph_is_freed_although_the_machine_code_is_not():
    cell, inputs, masks = problem("GRU", 32, 4, 3, 16, masked=False, dropout=False)

    named = {"options": tf.constant([2, 0, 1, 16], tf.int64), **differentiable._by_name(inputs, masks)}
    spec = KernelSpec(cell, 1, *vector_registers(), False, False)

    @tf.function(autograph=False)
    def forward(x):
        program = operation.program(spec).forward
        return differentiable._run(program, {**named, "x": x}, forward_inputs(spec), forward_outputs(spec))

    function = forward.get_concrete_function(tf.TensorSpec((32, 4, 3)))
    assert any(node.op == operation.NAME for node in function.graph.as_graph_def().node)
    graph = weakref.ref(function.graph)
    del function, forward
    gc.collect()
    assert graph() is None


@pytest.mark.slow
def test_a_model_trains_with_the_operation_and_is_served_without(tmp_path, monkeypatch):
    model = keras.Sequential([keras.Input((None, 3)), layers.Bidirectional(layers.GRU(8)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = normal(32, 7, 3)
    model.fit(x, normal(32, 1), verbose=0)
    calls = []
    monkeypatch.setattr(
        differentiable, "native_scan", lambda *arguments: calls.append(arguments) or native_scan(*arguments)
    )
    model.make_train_function(force=True)
    model.fit(x, normal(32, 1), verbose=0)
    max_parts = max(1, usable_cores() // 2)
    assert [arguments[3:] for arguments in calls[:2]] == [(False, max_parts, True), (True, max_parts, True)]
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_allclose(served.serve(x), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    names = {node.op for node in served.signatures["serving_default"].graph.as_graph_def().node}
    assert operation.NAME not in names
