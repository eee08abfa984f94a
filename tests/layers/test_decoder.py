"""Decoders step by step and all at once, and what they share with attention."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.layers import Attention, Decoder
from tests.conformance import normal

B, T, S, Q, M, A = 3, 4, 5, 6, 7, 8
MASK = np.arange(S) < np.array([5, 2, 0])[:, None]  # the last memory is all padding


def test_without_attention_the_context_is_the_last_vector_that_is_not_padding():
    decoder, memory = Decoder(3, attention="none", dtype="float64"), tf.constant(normal(2, 4, 3), tf.float64)
    mask = tf.constant([[False, False, True, True], [True, True, True, False]])
    assert decoder(tf.ones((2, 1, 2), tf.float64), memory, mask)[0].dtype == "float64"
    assert {weight.dtype for weight in decoder.weights} == {"float64"}
    np.testing.assert_array_equal(decoder.memory(memory, mask).keys, [memory[0, 3], memory[1, 2]])


DECODERS = [
    {},
    {"attention": "additive", "cell": "gru"},
    {"attention": "none"},
    {"attention": "none", "cell": "rnn", "layers": 2},
    {"input_feeding": True, "layers": 2},
    {"attention": "additive", "coverage": True},
    {"attention": "additive", "coverage": True, "input_feeding": True, "cell": "gru"},
]


@pytest.mark.parametrize("options", DECODERS, ids=str)
def test_single_steps_match_the_whole_sequence(options):
    layer = Decoder(A, **options)
    inputs, vectors, mask = normal(B, T, Q), tf.constant(normal(B, S, M)), tf.constant(MASK)
    whole, weights = layer(inputs, vectors, mask)
    memory = layer.memory(vectors, mask)
    state = layer.begin(memory)
    for t in range(T):
        output, weight, state = layer.step(inputs[:, t], memory, state)
        np.testing.assert_allclose(output, whole[:, t], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(weight, weights[:, t], rtol=1e-4, atol=1e-6)
    for row in (0, 1):  # padding changes nothing
        unpadded = vectors[row : row + 1, : MASK[row].sum()]
        np.testing.assert_allclose(layer(inputs[row : row + 1], unpadded)[0][0], whole[row], rtol=1e-4, atol=1e-5)
    assert layer.compute_output_shape((B, T, Q), (B, S, M)) == (whole.shape, weights.shape)


@pytest.mark.slow
@pytest.mark.parametrize("options", DECODERS, ids=str)
def test_a_gradient_reaches_every_weight_in_a_graph(options):
    layer = Decoder(A, dropout=0.1, recurrent_dropout=0.1, **options)
    layer.build((None, None, Q), (None, None, M))

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None, Q]), tf.TensorSpec([None, None, M])])
    def gradients(inputs, vectors):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.sin(layer(inputs, vectors, training=True)[0]))
        return tape.gradient(loss, [w.value for w in layer.trainable_weights])

    for weight, gradient in zip(layer.trainable_weights, gradients(normal(B, T, Q), normal(B, S, M)), strict=True):
        assert np.any(gradient), weight.path
        assert np.isfinite(gradient).all(), weight.path


def test_a_fixed_context_matches_the_textbook_equation():
    layer = Decoder(A, "rnn", attention="none")
    inputs, vectors = normal(B, T, Q), normal(B, S, M)
    outputs, _ = layer(inputs, tf.constant(vectors), tf.constant(MASK))
    kernel, recurrent, bias = (w.numpy() for w in layer.recurrent.weights)
    for row in (0, 1):
        state, context = np.zeros(A), vectors[row, MASK[row].sum() - 1]
        for t in range(T):
            state = np.tanh(inputs[row, t] @ kernel[:Q] + state @ recurrent + context @ kernel[Q:] + bias)
            np.testing.assert_allclose(outputs[row, t], state, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [lambda: Attention("additive", A, True), lambda: Decoder(A, "gru", 2, "additive")])
def test_config_and_mixed_precision(make):
    layer, inputs = make(), (normal(B, T, Q), normal(B, S, M))
    options = {"coverage": tf.zeros((B, S))} if isinstance(layer, Attention) else {}
    expected = layer(*inputs, mask=tf.constant(MASK), **options)
    again = type(layer).from_config(layer.get_config())
    again(*inputs, mask=tf.constant(MASK), **options)
    again.set_weights(layer.get_weights())
    for got, wanted in zip(again(*inputs, mask=tf.constant(MASK), **options), expected, strict=True):
        np.testing.assert_array_equal(got, wanted)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = make()
        assert half(*inputs, mask=tf.constant(MASK), **options)[0].dtype == tf.bfloat16
        assert all(weight.dtype == "float32" for weight in half.weights)
    finally:
        keras.config.set_dtype_policy(policy)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Attention("dot"), "score must be"),
        (lambda: Attention(coverage=True), "coverage needs the additive score"),
        (lambda: Decoder(4, attention="none", input_feeding=True), "need attention"),
        (lambda: Decoder(4, coverage=True), "coverage needs the additive score"),
        (lambda: Decoder(0), "units must be"),
    ],
)
def test_refuses_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
