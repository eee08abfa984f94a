"""Inference in machine code: where it is used, that it equals the loops of TensorFlow, and that no export holds it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from nlp_rnn import layers
from nlp_rnn.graph import in_process
from nlp_rnn.layers.native import operation
from tests.conformance import RIGHT, B, F, T, normal
from tests.test_conformance import LAYERS, MODELS

SHAPES = [(1, 5, 3, 5), (3, 1, 4, 16), (2, 0, 4, 8), (17, 6, 9, 20), (40, 3, 2, 33)]  # batch, steps, features, units


def operations(path):
    """The operations of a saved model."""
    content = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    graph = content.meta_graphs[0].graph_def
    return {node.op for node in [*graph.node, *(n for function in graph.library.function for n in function.node_def)]}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "CoupledLSTM", "MinGRU"])
def test_equals_the_loops_of_tensorflow(name, masked, shape):
    """Which a graph that may be saved runs."""
    batch, steps, features, units = shape
    layer = getattr(layers, name)(units, return_sequences=True, return_state=True, go_backwards=steps == 6)
    layer.build((batch, steps, features))
    x = normal(batch, steps, features)
    mask = tf.constant(normal(batch, steps, seed=1) > 0) if masked else None
    states = [tf.constant(normal(batch, units, seed=n)) for n in range(layer.num_states)]
    portable = tf.function(lambda x: layer(x, initial_state=states, mask=mask), autograph=False)
    for got, expected in zip(layer(x, initial_state=states, mask=mask), portable(x), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_only_the_last_state_is_computed_if_no_sequence_is_returned(native_runs, monkeypatch):
    outputs, run = [], operation.run
    monkeypatch.setattr(operation, "run", lambda *arguments: outputs.append(run(*arguments)) or outputs[-1])
    last = layers.GRU(4)(normal(B, T, F))
    assert [output.shape for output in outputs[0]] == [(B, 16)] and last.shape == (B, 4)


def test_is_used_wherever_the_graph_stays_in_this_process(native_runs):
    model = keras.Sequential([keras.Input((None, F)), layers.LSTM(4)])
    model.compile("sgd", "mse")
    x, y = normal(B, T, F), normal(B, 4)
    ways = {
        "eager": lambda: model(x),
        "predict": lambda: model.predict(x, verbose=0),
        "evaluate": lambda: model.evaluate(x, y, verbose=0),
        "validation": lambda: model.fit(x[:1], y[:1], validation_data=(x, y), verbose=0),
    }
    for way, call in ways.items():
        native_runs.clear()
        call()
        assert native_runs, way
    native_runs.clear()
    portable, fast = tf.function(model), tf.function(model)
    expected = portable(x)
    assert not native_runs, "it may be saved"
    with in_process():
        np.testing.assert_allclose(fast(x), expected, rtol=1e-5, atol=1e-6)
    assert native_runs


def test_has_all_derivatives(native_runs):
    """Which the loops of TensorFlow compute, since nothing is saved for them."""
    x, layer, reference = tf.constant(normal(B, T, F)), layers.LSTM(4), keras.layers.LSTM(4)
    layer.build(x.shape)
    reference.build(x.shape)
    reference.set_weights(layer.get_weights())

    def derivatives(layer):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = tf.reduce_sum(tf.sin(layer(x, mask=tf.constant(RIGHT))))
            first = inner.gradient(loss, [x, *(w.value for w in layer.weights)])
            penalty = tf.add_n([tf.reduce_sum(g**2) for g in first])
        return [*first, outer.gradient(penalty, x)]

    for got, expected in zip(derivatives(layer), derivatives(reference), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    assert native_runs


def test_a_gradient_of_x_alone_or_of_a_state(native_runs):
    x, layer = tf.constant(normal(B, T, F)), layers.GRU(4, return_state=True)
    state = tf.constant(normal(B, 4))
    with tf.GradientTape() as tape:
        tape.watch(state)
        _, last = layer(x, initial_state=[state])
        loss = tf.reduce_sum(last)
    gradient = tape.gradient(loss, state)
    assert np.abs(gradient).min() > 0 and native_runs


def call_in_every_way(model, x):
    model(x)
    tf.function(model)(x)
    model.compile("sgd", "mse")
    y = np.zeros_like(model.predict(x, verbose=0))
    model.evaluate(x, y, verbose=0)
    if model.trainable_weights:
        model.fit(np.repeat(x, 8, 0), np.repeat(y, 8, 0), batch_size=32, validation_data=(x, y), verbose=0)


def assert_exports_hold_core_operations_only(model, x, folder):
    model.export(folder / "keras", verbose=False)
    tf.saved_model.save(model, str(folder / "tensorflow"))
    for name in ("keras", "tensorflow"):
        assert not any(used.startswith(operation.NAME) for used in operations(folder / name)), name
    loaded = tf.saved_model.load(str(folder / "keras"))
    for got, expected in zip(tf.nest.flatten(loaded.serve(x)), tf.nest.flatten(model(x)), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        name if name.startswith(("LSTM,", "Stack")) else pytest.param(name, marks=pytest.mark.thorough)
        for name in LAYERS
    ],
)
def test_the_export_of_a_layer_that_was_called_in_every_way_does_not_hold_it(name, tmp_path):
    x, layer = normal(B, T, F), LAYERS[name]()
    model = keras.Sequential([keras.Input((None, F)), layer])
    call_in_every_way(model, x)
    assert_exports_hold_core_operations_only(model, x, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("name", MODELS)
def test_the_export_of_a_model_that_was_called_in_every_way_does_not_hold_it(name, tmp_path):
    ids, model = np.where(RIGHT, 5, 0).astype("int32"), MODELS[name]()
    call_in_every_way(model, ids)
    assert_exports_hold_core_operations_only(model, ids, tmp_path)
