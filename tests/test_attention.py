"""Attention and decoders against NumPy, step by step and all at once."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.layers import Attention, Decoder
from tests.conformance import normal

B, T, S, Q, M, A = 3, 4, 5, 6, 7, 8
MASK = np.arange(S) < np.array([5, 2, 0])[:, None]  # the last memory is all padding


def oracle(layer, query, memory, mask, coverage):
    """Of one row: weights and mean, one query and one vector after the other."""
    weights = {name.split("/")[-1]: value for name, value in ((w.path, w.numpy()) for w in layer.weights)}
    scores = np.zeros((len(query), len(memory)))
    for t, s in np.ndindex(*scores.shape):
        if layer.score == "multiplicative":
            scores[t, s] = query[t] @ (memory[s] @ weights["kernel"])
        else:
            hidden = query[t] @ weights["query_kernel"] + memory[s] @ weights["memory_kernel"] + weights["bias"]
            hidden = hidden + (coverage[s] * weights["coverage_kernel"] if layer.coverage else 0)
            scores[t, s] = np.tanh(hidden) @ weights["scale"][:, 0]
    kept = np.where(mask, np.exp(scores - scores.max()), 0)
    kept = kept / np.maximum(kept.sum(1, keepdims=True), 1e-30)
    return kept @ memory, kept


@pytest.mark.parametrize(("score", "coverage"), [("multiplicative", False), ("additive", False), ("additive", True)])
def test_attention_is_what_the_equations_say(score, coverage):
    layer = Attention(score, A, coverage)
    layer.build((B, T, Q), (B, S, M))
    layer.set_weights([normal(*w.shape, seed=n) for n, w in enumerate(layer.weights)])
    query, memory, covered = normal(B, T, Q, seed=5), normal(B, S, M, seed=6), np.abs(normal(B, S, seed=7))
    mean, weights = layer(query, memory, tf.constant(MASK), tf.constant(covered))
    for row in range(B):
        expected = oracle(layer, query[row], memory[row], MASK[row], covered[row])
        np.testing.assert_allclose(mean[row], expected[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(weights[row], expected[1], rtol=1e-4, atol=1e-6)
    assert not weights.numpy()[~np.broadcast_to(MASK[:, None], weights.shape)].any()
    assert layer.compute_output_shape((B, T, Q), (B, S, M)) == (mean.shape, weights.shape)


def test_padding_alone_gives_no_nan_in_half_precision():
    found = Attention(dtype="float16")(tf.ones((1, 1, 3)), tf.ones((1, 2, 3)), tf.constant([[False, False]]))
    assert not any(np.asarray(part).any() for part in found) and found[0].dtype == "float16"


def test_a_memory_padded_on_the_left_ends_where_it_ends():
    decoder, memory = Decoder(3, attention="none", dtype="float64"), tf.constant(normal(2, 4, 3), tf.float64)
    mask = tf.constant([[False, False, True, True], [True, True, True, False]])
    assert decoder(tf.ones((2, 1, 2), tf.float64), memory, mask)[0].dtype == "float64"
    assert {weight.dtype for weight in decoder.weights} == {"float64"}
    np.testing.assert_array_equal(decoder.memory(memory, mask).keys, [memory[0, 3], memory[1, 2]])


def test_large_scores_and_padding_alone_give_no_nan():
    layer = Attention()
    with tf.GradientTape() as tape:
        mean, _ = layer(1e4 * normal(B, T, Q), 1e4 * normal(B, S, M), tf.constant(MASK))
        loss = tf.reduce_sum(mean)
    assert np.isfinite(mean).all() and np.isfinite(tape.gradient(loss, layer.kernel.value)).all()
    assert not mean[2].numpy().any()


WAYS = [
    {},
    {"attention": "additive", "cell": "gru"},
    {"attention": "none"},
    {"attention": "none", "cell": "rnn", "layers": 2},
    {"input_feeding": True, "layers": 2},
    {"attention": "additive", "coverage": True},
    {"attention": "additive", "coverage": True, "input_feeding": True, "cell": "gru"},
]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_decoder_gives_step_by_step_what_it_gives_at_once(way):
    layer = Decoder(A, **way)
    inputs, vectors, mask = normal(B, T, Q), tf.constant(normal(B, S, M)), tf.constant(MASK)
    whole, weights = layer(inputs, vectors, mask)
    memory = layer.memory(vectors, mask)
    standing = layer.begin(memory)
    for t in range(T):
        output, weight, standing = layer.step(inputs[:, t], memory, standing)
        np.testing.assert_allclose(output, whole[:, t], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(weight, weights[:, t], rtol=1e-4, atol=1e-6)
    for row in (0, 1):  # without the padding it is the same
        kept = vectors[row : row + 1, : MASK[row].sum()]
        np.testing.assert_allclose(layer(inputs[row : row + 1], kept)[0][0], whole[row], rtol=1e-4, atol=1e-5)
    assert layer.compute_output_shape((B, T, Q), (B, S, M)) == (whole.shape, weights.shape)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_every_weight_of_a_decoder_is_trained_in_a_graph(way):
    layer = Decoder(A, dropout=0.1, recurrent_dropout=0.1, **way)
    layer.build((None, None, Q), (None, None, M))

    @tf.function(input_signature=[tf.TensorSpec([None, None, Q]), tf.TensorSpec([None, None, M])])
    def gradients(inputs, vectors):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.sin(layer(inputs, vectors, training=True)[0]))
        return tape.gradient(loss, [w.value for w in layer.trainable_weights])

    for weight, gradient in zip(layer.trainable_weights, gradients(normal(B, T, Q), normal(B, S, M)), strict=True):
        assert np.any(gradient) and np.isfinite(gradient).all(), weight.path


def test_the_plain_context_is_the_textbook_equation():
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
def test_a_layer_is_made_again_of_its_config_and_computes_in_other_types(make):
    layer, given = make(), (normal(B, T, Q), normal(B, S, M))
    more = {"coverage": tf.zeros((B, S))} if isinstance(layer, Attention) else {}
    expected = layer(*given, mask=tf.constant(MASK), **more)
    again = type(layer).from_config(layer.get_config())
    again(*given, mask=tf.constant(MASK), **more)
    again.set_weights(layer.get_weights())
    for got, wanted in zip(again(*given, mask=tf.constant(MASK), **more), expected, strict=True):
        np.testing.assert_array_equal(got, wanted)
    kept = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = make()
        assert half(*given, mask=tf.constant(MASK), **more)[0].dtype == tf.bfloat16
        assert all(weight.dtype == "float32" for weight in half.weights)
    finally:
        keras.config.set_dtype_policy(kept)


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
def test_wrong_arguments_are_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()
