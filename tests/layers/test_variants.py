"""The variants of the LSTM and the GRU, and the regularizing wrappers, compared with NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.layers import (
    GRU,
    LSTM,
    CoupledLSTM,
    LayerNormLSTM,
    MinGRU,
    PeepholeLSTM,
    ProjectedLSTM,
    WeightDrop,
    Zoneout,
)
from tests.conformance import B, F, T, U, normal

P = 3


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def layer_normalise(x):
    """Each row with mean 0 and variance 1."""
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def peephole(x, W, R, b, pi, pf, po):
    h, c = np.zeros((B, U)), np.zeros((B, U))
    for t in range(T):
        zi, zf, zg, zo = np.split(x[:, t] @ W + h @ R + b, 4, -1)
        new = sigmoid(zf + pf * c) * c + sigmoid(zi + pi * c) * np.tanh(zg)
        c = new
        h = sigmoid(zo + po * c) * np.tanh(c)
    return h


def coupled(x, W, R, b):
    h, c = np.zeros((B, U)), np.zeros((B, U))
    for t in range(T):
        zf, zg, zo = np.split(x[:, t] @ W + h @ R + b, 3, -1)
        c = sigmoid(zf) * c + (1 - sigmoid(zf)) * np.tanh(zg)
        h = sigmoid(zo) * np.tanh(c)
    return h


def projected(x, W, R, b, projection):
    h, c = np.zeros((B, P)), np.zeros((B, U))
    for t in range(T):
        zi, zf, zg, zo = np.split(x[:, t] @ W + h @ R + b, 4, -1)
        c = sigmoid(zf) * c + sigmoid(zi) * np.tanh(zg)
        h = (sigmoid(zo) * np.tanh(c)) @ projection
    return h


def layer_norm(x, W, R, b, gain_x, gain_h, gain_c, shift_c):
    h, c = np.zeros((B, U)), np.zeros((B, U))
    for t in range(T):
        zi, zf, zg, zo = np.split(gain_x * layer_normalise(x[:, t] @ W) + b + gain_h * layer_normalise(h @ R), 4, -1)
        c = sigmoid(zf) * c + sigmoid(zi) * np.tanh(zg)
        h = sigmoid(zo) * np.tanh(gain_c * layer_normalise(c) + shift_c)
    return h


def min_gru(x, W, b):
    h = np.zeros((B, U))
    for t in range(T):
        xz, g = np.split(x[:, t] @ W + b, 2, -1)
        h = (1 - sigmoid(xz)) * h + sigmoid(xz) * g
    return h


ORACLES = {
    "PeepholeLSTM": (lambda: PeepholeLSTM(U), peephole),
    "CoupledLSTM": (lambda: CoupledLSTM(U), coupled),
    "ProjectedLSTM": (lambda: ProjectedLSTM(U, P), projected),
    "LayerNormLSTM": (lambda: LayerNormLSTM(U), layer_norm),
    "MinGRU": (lambda: MinGRU(U), min_gru),
}


@pytest.mark.parametrize("name", ORACLES)
def test_matches_numpy(name):
    make, oracle = ORACLES[name]
    layer, x = make(), normal(B, T, F)
    layer.build(x.shape)
    layer.set_weights([normal(*w.shape, seed=n) for n, w in enumerate(layer.get_weights())])
    np.testing.assert_allclose(layer(x), oracle(x, *layer.get_weights()), rtol=0, atol=1e-5)


def test_zoneout_interpolates_the_states_at_inference():
    wrapped = Zoneout(GRU(U), 0.25)
    x = normal(B, 1, F)
    start = tf.constant(normal(B, U, seed=1))
    new = wrapped.layer(x, initial_state=start)
    np.testing.assert_allclose(wrapped(x, initial_state=start), 0.25 * start + 0.75 * new, rtol=0, atol=1e-6)


def test_zoneout_keeps_a_fraction_of_the_units_in_training():
    keras.utils.set_random_seed(0)
    wrapped, x, start = Zoneout(GRU(50), 0.25), normal(200, 1, F), tf.constant(normal(200, 50, seed=1))
    after = wrapped(x, initial_state=start, training=True).numpy()
    kept = after == start.numpy()
    assert abs(kept.mean() - 0.25) < 0.02
    np.testing.assert_allclose(after[~kept], wrapped.layer(x, initial_state=start).numpy()[~kept], atol=1e-6)


def test_weight_drop_drops_entries_of_the_recurrent_kernel_in_training():
    """With zero inputs, the output depends on the initial state through the recurrent kernel alone."""
    keras.utils.set_random_seed(0)
    wrapped = WeightDrop(LSTM(U), 0.5)
    x, start = tf.zeros((1, 1, F)), [tf.ones((1, U)), tf.zeros((1, U))]
    inference = wrapped(x, initial_state=start)
    np.testing.assert_array_equal(inference, wrapped.layer(x, initial_state=start))
    samples = [wrapped(x, initial_state=start, training=True).numpy() for _ in range(20)]
    assert np.std(samples, axis=0).min() > 1e-3


def test_refuses_wrong_arguments():
    with pytest.raises(ValueError, match="layer must be a recurrent layer, got"):
        Zoneout(keras.layers.Dense(3), 0.1)
    with pytest.raises(ValueError, match="layer must have a recurrent kernel, got MinGRU"):
        WeightDrop(MinGRU(U), 0.1)
    with pytest.raises(ValueError, match="layer must have reset_after=True"):
        WeightDrop(Zoneout(GRU(U, reset_after=False), 0.1), 0.1)
    with pytest.raises(ValueError, match="rate must be a number from 0"):
        Zoneout(LSTM(U), 1.0)
    with pytest.raises(ValueError, match="recurrent_dropout must be 0: MinGRU has no recurrent product"):
        MinGRU(U, recurrent_dropout=0.5)
    with pytest.raises(
        ValueError, match="recurrent_regularizer must be None: MinGRU has no recurrent kernel, got 'l2'"
    ):
        MinGRU(U, recurrent_regularizer="l2")
    with pytest.raises(ValueError, match="activation must be 'tanh': the equation of PeepholeLSTM has no other, got"):
        PeepholeLSTM(U, activation="relu")
    with pytest.raises(ValueError, match="projection_units must be a positive int, got 0"):
        ProjectedLSTM(U, 0)


@pytest.mark.parametrize("name", ORACLES)
def test_a_variant_without_a_bias_is_one_with_a_bias_of_zero(name):
    make, _ = ORACLES[name]
    config, x = make().get_config(), normal(B, T, F)
    with_bias, without = (type(make()).from_config({**config, "use_bias": bias}) for bias in (True, False))
    for layer in (with_bias, without):
        layer.build(x.shape)
    with_bias.bias.assign(tf.zeros_like(with_bias.bias))
    without.set_weights([w.numpy() for w in with_bias.weights if w is not with_bias.bias])
    np.testing.assert_allclose(without(x), with_bias(x), rtol=0, atol=1e-6)


@pytest.mark.parametrize("wrap", [lambda layer: Zoneout(layer, 0.2), lambda layer: WeightDrop(layer, 0.2)])
def test_a_wrapper_carries_the_states_and_has_the_activity_regularizer_of_its_layer(wrap):
    wrapped, x = wrap(LSTM(U, stateful=True, activity_regularizer="l2")), normal(B, T, F)
    assert wrapped.stateful
    last = wrapped(x)
    np.testing.assert_allclose(wrapped.losses, [0.01 * np.sum(np.square(last)) / B], rtol=1e-5)
    np.testing.assert_array_equal(wrapped.states[0], last)
    wrapped.reset_state()
    np.testing.assert_array_equal(wrapped(x), last)
    assert not np.array_equal(wrapped(x), last)
