"""The losses for large vocabularies against TensorFlow's own over all words."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import losses
from nlp_rnn.losses import cross_entropy, sampled_cross_entropy
from tests.conformance import normal

N, U, V = 10, 4, 30


def inputs():
    targets = tf.constant(np.random.default_rng(0).integers(0, V, N), tf.int32)
    weights = np.ones(N, "float32")
    weights[[2, 7]] = 0, 0.5
    return [tf.constant(normal(*s, seed=n)) for n, s in enumerate([(N, U), (V, U), (V,)])], targets, weights


def plain(states, kernel, bias, targets, weights):
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, states @ tf.transpose(kernel) + bias)
    return tf.reduce_sum(losses * weights)


def value_and_gradients(loss, known_size):
    given, targets, weights = inputs()
    weights = tf.constant(weights)
    size = N if known_size else None

    @tf.function(input_signature=[tf.TensorSpec([size, U]), tf.TensorSpec([V, U]), tf.TensorSpec([V])])
    def run(*given):
        with tf.GradientTape() as tape:
            tape.watch([*given, weights])
            value = 3 * loss(*given, targets, weights)
        return value, tape.gradient(value, [*given, weights])

    return run(*given)


@pytest.mark.parametrize("known_size", [True, False])
@pytest.mark.parametrize("chunk", [10**6, 4 * V, 1])
def test_equals_tensorflow_in_chunks_of_any_size(chunk, known_size):
    expected, of_plain = value_and_gradients(plain, True)
    got, gradients = value_and_gradients(lambda *given: cross_entropy(*given, chunk=chunk), known_size)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    for a, b in zip(gradients, of_plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rows", [0, 1, 130, 1500])
def test_any_number_of_rows_that_is_not_known(rows):
    _, kernel, bias = inputs()[0]
    states, targets = tf.constant(normal(rows, U)), tf.constant(np.arange(rows) % V, tf.int32)
    shapes = tf.TensorSpec([None, U]), tf.TensorSpec([None], tf.int32)

    @tf.function(input_signature=shapes)
    def run(states, targets):
        with tf.GradientTape() as tape:
            tape.watch(states)
            loss = cross_entropy(states, kernel, bias, targets, tf.ones_like(states[:, 0]), chunk=400 * V)
        return loss, tape.gradient(loss, states)

    loss, gradient = run(states, targets)
    np.testing.assert_allclose(loss, plain(states, kernel, bias, targets, tf.ones(rows)), rtol=1e-5)
    assert gradient.shape == (rows, U)


def test_no_more_rows_are_held_than_asked(monkeypatch):
    held, whole = [], losses._chunk

    def chunk(states, *more):
        tf.py_function(lambda rows: held.append(int(rows)), [tf.shape(states)[0]], [])
        return whole(states, *more)

    monkeypatch.setattr(losses, "_chunk", chunk)
    value_and_gradients(lambda *given: cross_entropy(*given, chunk=4 * V), known_size=False)
    assert max(held) <= 4 and sum(held) >= N


def test_the_loss_of_each_position_needs_no_more_logits_than_asked():
    (states, kernel, bias), targets, _ = inputs()
    held = []

    def logits(rows):
        held.append(rows.shape[0])
        return tf.matmul(rows, kernel, transpose_b=True) + bias

    found = losses.each_cross_entropy(logits, states, targets, V, chunk=3 * V)
    assert len(held) == 4 and max(held) == 3
    whole = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits(states))
    np.testing.assert_allclose(found, whole, rtol=1e-5)
    assert losses.each_cross_entropy(logits, states[:0], targets[:0], V).shape == (0,)


def test_is_finite_for_large_logits():
    loss = cross_entropy(tf.ones((1, 1)), tf.constant([[1e4], [-1e4]]), tf.zeros(2), tf.constant([1]), tf.ones(1))
    np.testing.assert_allclose(loss, 2e4, rtol=1e-5)


@pytest.mark.parametrize("known_size", [True, False])
def test_words_drawn_give_what_tensorflow_gives(known_size):
    def theirs(states, kernel, bias, targets, weights):
        labels = tf.cast(targets, tf.int64)[:, None]
        return tf.reduce_sum(weights * tf.nn.sampled_softmax_loss(kernel, bias, labels, states, 9, V, seed=3))

    found = []
    for loss in (theirs, lambda *given: sampled_cross_entropy(*given, samples=9, seed=3)):
        tf.random.set_seed(0)  # of the draw, together with `seed`
        value, gradients = value_and_gradients(loss, known_size)
        found.append([value, *map(tf.convert_to_tensor, gradients)])
    for expected, actual in zip(*found, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)


def test_sampling_every_word_trains_towards_the_same():
    """Steps along the sampled gradient lower the full loss."""
    (states, kernel, bias), targets, weights = inputs()
    kernel, weights = tf.Variable(kernel), tf.constant(weights)
    before = plain(states, kernel, bias, targets, weights)
    for step in range(60):
        with tf.GradientTape() as tape:
            loss = sampled_cross_entropy(states, kernel, bias, targets, weights, samples=8, seed=step)
        gradient = tape.gradient(loss, kernel)
        assert isinstance(gradient, tf.IndexedSlices)
        kernel.assign_sub(0.1 * tf.convert_to_tensor(gradient))
    assert plain(states, kernel, bias, targets, weights) < 0.5 * before


@pytest.mark.parametrize("name, loss", [("chunk", cross_entropy), ("samples", sampled_cross_entropy)])
def test_refuses_what_is_no_size(name, loss):
    given, targets, weights = inputs()
    with pytest.raises(ValueError, match=f"{name} must be a positive int, got 0"):
        loss(*given, targets, weights, **{name: 0})
