"""Bidirectional layers and stacks compared with `keras.layers`, and with their layers called one by one."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.layers import GRU, LSTM, RNN, Bidirectional, Stack, Zoneout
from tests.conformance import LEFT, RIGHT, B, F, T, U, normal


def test_a_layer_above_one_that_runs_backwards_gets_the_reversed_mask():
    x, mask = normal(B, T, F), tf.constant(RIGHT)
    lower, upper = LSTM(U, return_sequences=True, go_backwards=True), LSTM(U, return_sequences=True)
    stack = Stack([lower, upper])
    outputs = stack(x, mask=mask)
    flipped = mask[:, ::-1]
    np.testing.assert_array_equal(outputs, upper(lower(x, mask=mask), mask=flipped))
    np.testing.assert_array_equal(stack.compute_mask(x, mask), flipped)
    np.testing.assert_array_equal(upper(lower(x, mask=mask)), outputs)  # Keras propagates the mask


def test_gates_of_both_directions_are_in_the_order_of_the_input():
    layer, x = Bidirectional(GRU(U, return_gates=True, return_sequences=True)), normal(B, T, F)
    _, forward, backward = layer(x)
    single = GRU(U, return_gates=True)
    single.build(x.shape)
    single.set_weights(layer.backward.get_weights())
    _, reversed_gates = single(x[:, ::-1])
    np.testing.assert_allclose(backward["z"], reversed_gates["z"][:, ::-1], rtol=0, atol=1e-5)
    assert forward["z"].shape == (B, T, U)


def test_a_stack_matches_its_layers_called_one_by_one():
    lower, upper = Bidirectional(LSTM(U, return_sequences=True, return_state=True)), GRU(U, return_state=True)
    stack, x, mask = Stack([lower, upper]), normal(B, T, F), tf.constant(RIGHT)
    start = [tf.constant(normal(B, U, seed=n)) for n in range(5)]
    middle, *states = lower(x, initial_state=start[:4], mask=mask)
    y, last = upper(middle, initial_state=start[4:], mask=mask)
    for got, expected in zip(stack(x, initial_state=start, mask=mask), [y, *states, last], strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("wrap", [Bidirectional, lambda layer, **options: Zoneout(layer, 0.1, **options)])
def test_a_wrapper_has_the_dtype_of_its_layer(wrap):
    assert wrap(LSTM(4, dtype="float64"))(normal(2, T, F)).dtype == "float64"
    with pytest.raises(ValueError, match="must be that of the wrapped layer, float32, got mixed_float16"):
        wrap(LSTM(4), dtype="mixed_float16")


def test_merge_modes_match_keras():
    for merge, sequences in itertools.product(("concat", "sum", "mul", "ave"), (True, False)):
        theirs = keras.layers.Bidirectional(keras.layers.GRU(U, return_sequences=sequences), merge_mode=merge)
        ours = Bidirectional(GRU(U, return_sequences=sequences), merge_mode=merge)
        for layer in (theirs, ours):
            layer.build((B, T, F))
        ours.set_weights(theirs.get_weights())
        np.testing.assert_allclose(ours(normal(B, T, F)), theirs(normal(B, T, F)), rtol=0, atol=1e-5)


def test_refuses_wrong_arguments():
    with pytest.raises(ValueError, match="layer must be a recurrent layer that runs forward"):
        Bidirectional(LSTM(3, go_backwards=True))
    with pytest.raises(ValueError, match="activity_regularizer of lstm.* must be None: pass it to Bidirectional"):
        Bidirectional(LSTM(3, activity_regularizer="l2"))
    with pytest.raises(ValueError, match="merge_mode must be one of"):
        Bidirectional(LSTM(3), merge_mode="stack")
    with pytest.raises(ValueError, match="return_sequences of"):
        Stack([LSTM(3), LSTM(3)])
    with pytest.raises(ValueError, match="at least one layer"):
        Stack([])
    with pytest.raises(ValueError, match="must be a list of 4 tensors, got 2"):
        Stack([LSTM(3, return_sequences=True), LSTM(3)])(normal(B, T, F), initial_state=[tf.zeros((B, 3))] * 2)
    with pytest.raises(ValueError, match="must be a list of 2 tensors, got"):
        Bidirectional(GRU(3))(normal(B, T, F), initial_state=tf.zeros((B, 3)))


PAIRS = [(RNN, keras.layers.SimpleRNN), (LSTM, keras.layers.LSTM), (GRU, keras.layers.GRU)]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("options", [{"return_sequences": True, "return_state": True}, {"activation": "relu"}])
def test_works_in_the_bidirectional_layer_of_keras(ours, theirs, options):
    """As a layer of Keras in there does: outputs and gradients, with padding, and in training."""
    layers = [keras.layers.Bidirectional(kind(U, **options), merge_mode="ave") for kind in (theirs, ours)]
    for layer in layers:
        layer.build((B, T, F))
    layers[1].set_weights(layers[0].get_weights())
    for mask in (None, RIGHT, LEFT):
        results = []
        for layer in layers:
            with tf.GradientTape() as tape:
                y = layer(normal(B, T, F), mask=None if mask is None else tf.constant(mask), training=True)
                loss = sum(tf.reduce_sum(tf.sin(part)) for part in tf.nest.flatten(y))
            results.append([*tf.nest.flatten(y), *tape.gradient(loss, [w.value for w in layer.trainable_weights])])
        for expected, got in zip(*results, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_the_bidirectional_layer_of_keras_with_an_initial_state_and_saved(tmp_path):
    inputs = keras.Input((T, F))
    model = keras.Model(inputs, keras.layers.Bidirectional(LSTM(U, return_sequences=True))(inputs))
    model.save(tmp_path / "model.keras")
    again, x = keras.saving.load_model(tmp_path / "model.keras"), normal(B, T, F)
    np.testing.assert_array_equal(again(x), model(x))
    ours = Bidirectional(LSTM(U, return_sequences=True))
    ours.build(x.shape)
    ours.set_weights(again.get_weights())
    states = [tf.constant(normal(B, U, seed=n)) for n in range(4)]
    theirs = again.layers[-1](x, initial_state=states)
    np.testing.assert_allclose(ours(x, initial_state=states), theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_works_in_the_time_distributed_layer_of_keras(kind, training):
    """Over sequences of sequences, of which there is a known number."""
    layer, x = keras.layers.TimeDistributed(kind(U)), normal(32, 2, T, F)
    y = layer(x, training=training)
    graph = tf.function(lambda x: layer(x, training=training))
    for number in range(2):
        np.testing.assert_allclose(y[:, number], layer.layer(x[:, number]), rtol=0, atol=1e-5)
    np.testing.assert_allclose(graph(x), y, rtol=0, atol=1e-5)


@pytest.mark.parametrize("wrap", [Bidirectional, keras.layers.Bidirectional, lambda layer: Stack([layer])])
def test_a_wrapper_carries_and_resets_states(wrap):
    layer, x = wrap(GRU(U, stateful=True, return_sequences=True)), normal(B, T, F)
    first, second = layer(x), layer(x)
    assert layer.stateful and all(np.any(state) for state in layer.states)
    assert not np.allclose(first, second)
    layer.reset_state()
    np.testing.assert_array_equal(layer(x), first)


def test_a_wrapped_layer_works_in_the_bidirectional_layer_of_keras():
    x = normal(B, T, F)
    theirs, ours = (
        kind(Zoneout(GRU(U, return_sequences=True), 0.2)) for kind in (keras.layers.Bidirectional, Bidirectional)
    )
    for layer in (theirs, ours):
        layer.build(x.shape)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(theirs(x), ours(x), rtol=0, atol=1e-6)
