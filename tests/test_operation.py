"""The loops as a TensorFlow operation: its tensors, its gradient, and what it refuses."""

import ctypes
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
from nlp_rnn.layers.native import compiling, differentiable, foreign, kernels, operation
from nlp_rnn.layers.native.differentiable import native_scan
from nlp_rnn.layers.native.kinds import Kind
from nlp_rnn.layers.recurrence import Recurrence
from nlp_rnn.layers.side_by_side import usable_cores
from tests.conformance import normal
from tests.test_native import NATIVE, problem, results

WRONG = {
    "kernel": lambda i, f: (i._replace(x=tf.zeros((9, 4, 2))), f),
    "mask": lambda i, f: (i, f._replace(mask=f.mask[:1])),
    "drop": lambda i, f: (i, f._replace(drop=f.drop[:, :2])),
    "initial_0": lambda i, f: (i._replace(initial=(i.initial[0][:3], i.initial[1])), f),
    "initial_1": lambda i, f: (i._replace(initial=(i.initial[0], i.initial[1][:, :2])), f),
    "recurrent_kernel": lambda i, f: (i._replace(recurrent_kernel=i.recurrent_kernel[:3]), f),
}


@pytest.mark.parametrize("name", WRONG)
def test_refuses_arrays_that_it_would_read_beyond(name, monkeypatch):
    cell, inputs, fixed = problem("LSTM", 9, 4, 3, 8, masked=True, dropped=True)
    monkeypatch.setattr(scan, "choose", lambda *_: NATIVE)
    monkeypatch.setattr(scan, "_of_one_batch", lambda inputs: inputs)  # as where no size is known
    inputs, fixed = WRONG[name](inputs, fixed)
    with pytest.raises(ValueError, match=rf"^{name} must be \[.*\], as the other tensors of a recurrent layer, got \["):
        scan.scan(Recurrence(cell), inputs, fixed, True)


@pytest.mark.parametrize("name", WRONG)
def test_refuses_them_where_sizes_are_known_only_when_it_runs(name):
    _, inputs, fixed = problem("LSTM", 9, 4, 3, 16, masked=True, dropped=True)
    kind = Kind(cells.LSTM, 1, *compiling.processor(), True, True)
    taken, made = kernels.taken_forward(kind), kernels.made_forward(kind)
    named = {"options": tf.constant([2, 0, 1, 16], tf.int64), **differentiable._named(*WRONG[name](inputs, fixed))}
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"{name} must be \[[BTFUC, ]*\] of the sizes"):
        operation.run(operation.program(kind).forward, len(made), [named[name] for name in taken])


def test_no_gradient_is_made_where_nobody_asks_for_it():
    layer, x = layers.LSTM(8), tf.constant(normal(32, 4, 3))
    layer.build(x.shape)

    def gradients(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True))
        return tape.gradient(loss, [x, *[w.value for w in layer.trainable_weights]])

    found = [gradients(x), tf.function(gradients)(x)]
    layer.input_gradient = False
    without = [gradients(x), tf.function(gradients)(x)]
    for (of_x, *expected), (none, *got) in zip(found, without, strict=True):
        assert of_x.shape == x.shape
        assert none is None
        for one, other in zip(expected, got, strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_input_of_a_layer_may_be_asked_for_its_gradient_whatever_it_is_made_of():
    layer, x = layers.GRU(8), tf.constant(normal(32, 4, 3))

    def gradient(x):
        x = tf.stop_gradient(x + 0.1)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True))
        return tape.gradient(loss, x)

    of_any_size = tf.function(gradient, input_signature=[tf.TensorSpec([None, None, 3])])
    assert of_any_size.get_concrete_function().output_shapes[-1] == 3
    np.testing.assert_array_equal(of_any_size(x), gradient(x))


@pytest.mark.parametrize("units", [16, 22])
def test_a_mask_of_unknown_rank(units):
    layer, x, mask = layers.GRU(units), tf.constant(normal(32, 4, 3)), normal(32, 4) > 0

    @tf.function
    def masked():
        return layer(x, mask=tf.numpy_function(lambda: mask, [], tf.bool), training=True)

    np.testing.assert_allclose(masked(), layer(x, mask=mask), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("units", [16, 22])
def test_a_step_that_fails_does_not_keep_the_next_from_working(units):
    layer = layers.LSTM(units)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3]), tf.TensorSpec([None, None], tf.bool)])
    def step(x, mask):
        return layer(x, mask=mask, training=True)

    x, mask = normal(32, 4, 3), normal(32, 4) > 0
    for _ in range(3):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"mask must be \[B, T\] of the sizes"):
            step(x, mask[:, :3])
        np.testing.assert_allclose(step(x, mask), layer(x, mask=mask), rtol=1e-4, atol=1e-5)


def test_types_that_it_would_take_for_others_are_refused():
    cell, inputs, fixed = problem("LSTM", 32, 4, 3, 16, masked=True, dropped=True)
    run = Recurrence(cell)
    for name, tensor in {"mask": tf.cast(fixed.mask, tf.int32), "drop": fixed.drop > 0}.items():
        with pytest.raises(ValueError, match=rf"{name} must be of (bool|float32), got (int32|bool)"):
            native_scan(run, inputs, fixed._replace(**{name: tensor}), False, 2)


def test_memory_is_given_back():
    layer, x = layers.LSTM(64, return_sequences=True), tf.constant(normal(64, 100, 8))
    layer.build(x.shape)  # a step makes 12 MB

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x, training=True))
        return tape.gradient(loss, layer.trainable_weights[0].value)

    for _ in range(10):
        step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(100):
        step()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


WITHOUT_MEMORY = """
import resource, tensorflow as tf
from nlp_rnn import layers
layer, x = layers.LSTM(16, return_sequences=True), tf.ones((64, 30_000, 1))
layer(x[:, :2], training=True)
def held():
    return 4096 * int(open("/proc/self/statm").read().split()[0])
def fails():
    resource.setrlimit(resource.RLIMIT_AS, (held() + 600 * 2**20, resource.RLIM_INFINITY))
    try:
        layer(x, training=True)  # what is kept is 740 MB, and the sequence before it 120
    except tf.errors.ResourceExhaustedError:
        return True
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
assert fails()
before = held()
assert all(fails() for _ in range(4))
assert held() - before < 200 * 2**20, held() - before
layer(x, training=True)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc")
def test_a_step_without_memory_leaves_nothing_behind():
    subprocess.run([sys.executable, "-W", "ignore", "-c", WITHOUT_MEMORY], check=True, timeout=120)


def test_where_something_is_missing_xla_does_it(monkeypatch):
    cell, inputs, fixed = problem("GRU", 32, 4, 3, 8, masked=True, dropped=False)
    run = Recurrence(cell)
    native = results(scan.scan, run, inputs, fixed, False)
    assert differentiable.runs(run, inputs, fixed)
    monkeypatch.setattr(foreign, "TENSORFLOW", (*foreign.TENSORFLOW, "TF_OfAnotherVersion"))
    assert not differentiable.runs(run, inputs, fixed)
    for expected, got in zip(native, results(scan.scan, run, inputs, fixed, False), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    monkeypatch.undo()
    monkeypatch.setattr(foreign, "system", lambda: ctypes.CDLL(3))  # of Windows
    assert not foreign.available()


SAVE = """
import sys, tensorflow as tf
from nlp_rnn import layers
module = tf.Module()
module.layer = layer = layers.GRU(8)
kind = [tf.TensorSpec([32, 4, 3])]
module.serve = tf.function(lambda x: layer(x), input_signature=kind)
module.train = tf.function(lambda x: layer(x, training=True), input_signature=kind)
module.train(tf.ones([32, 4, 3]))
tf.saved_model.save(module, sys.argv[1])
"""
LOAD = """
import importlib, sys, tensorflow as tf
from nlp_rnn.layers.native import operation
found = tf.saved_model.load(sys.argv[1])
x = tf.ones([32, 4, 3])
found.serve(x)
try:
    found.train(x)
except tf.errors.InvalidArgumentError as error:
    assert operation.ELSEWHERE in str(error), error
else:
    raise SystemExit("it ran")
importlib.reload(operation)
assert operation.name() == "NlpRnnScan2"
"""


def test_another_process_reads_what_it_has_no_machine_code_for_and_refuses_to_run_it(tmp_path):
    for code in (SAVE, LOAD):
        subprocess.run([sys.executable, "-W", "ignore", "-c", code, tmp_path / "saved"], check=True, timeout=300)


def test_a_graph_is_freed_though_the_machine_code_is_kept():
    cell, inputs, fixed = problem("GRU", 32, 4, 3, 16, masked=False, dropped=False)

    named = {"options": tf.constant([2, 0, 1, 16], tf.int64), **differentiable._named(inputs, fixed)}
    kind = Kind(cell, 1, *compiling.processor(), False, False)
    taken, made = kernels.taken_forward(kind), kernels.made_forward(kind)

    @tf.function
    def scanned(x):
        return differentiable._run(operation.program(kind).forward, {**named, "x": x}, taken, made)

    function = scanned.get_concrete_function(tf.TensorSpec((32, 4, 3)))
    assert any(node.op == operation.NAME for node in function.graph.as_graph_def().node)
    graph = weakref.ref(function.graph)
    del function, scanned
    gc.collect()
    assert graph() is None


def test_a_model_trains_with_them_and_is_served_without(tmp_path, monkeypatch):
    model = keras.Sequential([keras.Input((None, 3)), layers.Bidirectional(layers.GRU(8)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = normal(32, 7, 3)
    model.fit(x, normal(32, 1), verbose=0)
    called = []
    monkeypatch.setattr(scan, "native_scan", lambda *given: called.append(given) or native_scan(*given))
    model.make_train_function(force=True)
    model.fit(x, normal(32, 1), verbose=0)
    assert [given[3:] for given in called[:2]] == [(way, max(1, usable_cores() // 2)) for way in (False, True)]
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_allclose(served.serve(x), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    names = {node.op for node in served.signatures["serving_default"].graph.as_graph_def().node}
    assert operation.NAME not in names
