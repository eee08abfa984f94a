"""The losses for large vocabularies against TensorFlow's over all words."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.training import losses
from nlp_rnn.training.losses import cross_entropy, sampled_cross_entropy
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


def value_and_gradients(loss, static):
    given, targets, weights = inputs()
    weights = tf.constant(weights)
    size = N if static else None

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([size, U]), tf.TensorSpec([V, U]), tf.TensorSpec([V])])
    def run(*given):
        with tf.GradientTape() as tape:
            tape.watch([*given, weights])
            value = 3 * loss(*given, targets, weights)
        return value, tape.gradient(value, [*given, weights])

    return run(*given)


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("chunk_size", [10**6, 4 * V, 1])
def test_equals_tensorflow_in_chunks_of_any_size(chunk_size, static):
    expected, of_plain = value_and_gradients(plain, True)
    got, gradients = value_and_gradients(lambda *given: cross_entropy(*given, chunk_size=chunk_size), static)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    for a, b in zip(gradients, of_plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rows", [0, 1, 130, 1500])
def test_any_dynamic_number_of_rows(rows):
    _, kernel, bias = inputs()[0]
    states, targets = tf.constant(normal(rows, U)), tf.constant(np.arange(rows) % V, tf.int32)
    shapes = tf.TensorSpec([None, U]), tf.TensorSpec([None], tf.int32)

    @tf.function(autograph=False, input_signature=shapes)
    def run(states, targets):
        with tf.GradientTape() as tape:
            tape.watch(states)
            loss = cross_entropy(states, kernel, bias, targets, tf.ones_like(states[:, 0]), chunk_size=400 * V)
        return loss, tape.gradient(loss, states)

    loss, gradient = run(states, targets)
    np.testing.assert_allclose(loss, plain(states, kernel, bias, targets, tf.ones(rows)), rtol=1e-5)
    assert gradient.shape == (rows, U)


def test_no_chunk_has_more_rows_than_allowed(monkeypatch):
    rows_seen, chunk_of_rows = [], losses._chunk

    def chunk(states, *more):
        tf.py_function(lambda rows: rows_seen.append(int(rows)), [tf.shape(states)[0]], [])
        return chunk_of_rows(states, *more)

    monkeypatch.setattr(losses, "_chunk", chunk)
    value_and_gradients(lambda *given: cross_entropy(*given, chunk_size=4 * V), static=False)
    assert max(rows_seen) <= 4 and sum(rows_seen) >= N


def test_the_loss_of_each_position_needs_no_more_logits_than_allowed():
    (states, kernel, bias), targets, _ = inputs()
    rows_seen = []

    def logits(rows):
        rows_seen.append(rows.shape[0])
        return tf.matmul(rows, kernel, transpose_b=True) + bias

    each = losses.per_token_cross_entropy(logits, states, targets, V, chunk_size=3 * V)
    assert len(rows_seen) == 4 and max(rows_seen) == 3
    whole = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits(states))
    np.testing.assert_allclose(each, whole, rtol=1e-5)
    assert losses.per_token_cross_entropy(logits, states[:0], targets[:0], V).shape == (0,)


def test_is_finite_for_large_logits():
    loss = cross_entropy(tf.ones((1, 1)), tf.constant([[1e4], [-1e4]]), tf.zeros(2), tf.constant([1]), tf.ones(1))
    np.testing.assert_allclose(loss, 2e4, rtol=1e-5)


@pytest.mark.parametrize("static", [True, False])
def test_sampled_words_give_the_sampled_softmax_of_tensorflow(static):
    def theirs(states, kernel, bias, targets, weights):
        labels = tf.cast(targets, tf.int64)[:, None]
        return tf.reduce_sum(weights * tf.nn.sampled_softmax_loss(kernel, bias, labels, states, 9, V, seed=3))

    results = []
    for loss in (theirs, lambda *given: sampled_cross_entropy(*given, num_samples=9, seed=3)):
        tf.random.set_seed(0)  # of the sampling, together with `seed`
        value, gradients = value_and_gradients(loss, static)
        results.append([value, *map(tf.convert_to_tensor, gradients)])
    for expected, actual in zip(*results, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)


def test_the_sampled_gradient_lowers_the_full_loss():
    (states, kernel, bias), targets, weights = inputs()
    kernel, weights = tf.Variable(kernel), tf.constant(weights)
    before = plain(states, kernel, bias, targets, weights)
    for step in range(60):
        with tf.GradientTape() as tape:
            loss = sampled_cross_entropy(states, kernel, bias, targets, weights, num_samples=8, seed=step)
        gradient = tape.gradient(loss, kernel)
        assert isinstance(gradient, tf.IndexedSlices)
        kernel.assign_sub(0.1 * tf.convert_to_tensor(gradient))
    assert plain(states, kernel, bias, targets, weights) < 0.5 * before


@pytest.mark.parametrize("name, loss", [("chunk_size", cross_entropy), ("num_samples", sampled_cross_entropy)])
def test_refuses_what_is_not_a_size(name, loss):
    given, targets, weights = inputs()
    with pytest.raises(ValueError, match=f"{name} must be a positive int, got 0"):
        loss(*given, targets, weights, **{name: 0})


@pytest.mark.parametrize("chunk_size", [10**6, 4 * V])
def test_label_smoothing_spreads_the_target(chunk_size):
    def smoothed(states, kernel, bias, targets, weights):
        wanted = 0.8 * tf.one_hot(targets, V) + 0.2 / V
        logits = states @ tf.transpose(kernel) + bias
        return tf.reduce_sum(weights * tf.nn.softmax_cross_entropy_with_logits(wanted, logits))

    expected, expected_gradients = value_and_gradients(smoothed, True)
    value, gradients = value_and_gradients(
        lambda *given: cross_entropy(*given, chunk_size=chunk_size, label_smoothing=0.2), True
    )
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    for a, b in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_the_arguments_of_version_0_1_are_accepted_with_a_warning():
    inputs_, targets, weights = inputs()
    expected = cross_entropy(*inputs_, targets, weights, label_smoothing=0.1)
    with pytest.warns(FutureWarning, match="the argument smoothing is now label_smoothing"):
        np.testing.assert_array_equal(cross_entropy(*inputs_, targets, weights, smoothing=0.1), expected)
