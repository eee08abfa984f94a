"""Attention compared with NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.layers import Attention
from tests.conformance import normal

B, T, S, Q, M, A = 3, 4, 5, 6, 7, 8
MASK = np.arange(S) < np.array([5, 2, 0])[:, None]  # the last memory is all padding


def oracle(layer, query, memory, mask, coverage):
    """The context vectors and weights of one row, computed for one query and one vector at a time."""
    values = {w.path.split("/")[-1]: w.numpy() for w in layer.weights}
    scores = np.zeros((len(query), len(memory)))
    for t, s in np.ndindex(*scores.shape):
        if layer.score == "multiplicative":
            scores[t, s] = query[t] @ (memory[s] @ values["kernel"])
        else:
            hidden = query[t] @ values["query_kernel"] + memory[s] @ values["memory_kernel"] + values["bias"]
            hidden = hidden + (coverage[s] * values["coverage_kernel"] if layer.coverage else 0)
            scores[t, s] = np.tanh(hidden) @ values["scale"][:, 0]
    weights = np.where(mask, np.exp(scores - scores.max()), 0)
    weights = weights / np.maximum(weights.sum(1, keepdims=True), 1e-30)
    return weights @ memory, weights


@pytest.mark.parametrize(("score", "coverage"), [("multiplicative", False), ("additive", False), ("additive", True)])
def test_matches_the_equations(score, coverage):
    layer = Attention(score, A, coverage)
    layer.build((B, T, Q), (B, S, M))
    layer.set_weights([normal(*w.shape, seed=n) for n, w in enumerate(layer.weights)])
    query, memory, covered = normal(B, T, Q, seed=5), normal(B, S, M, seed=6), np.abs(normal(B, S, seed=7))
    context, weights = layer(query, memory, tf.constant(MASK), tf.constant(covered))
    for row in range(B):
        expected = oracle(layer, query[row], memory[row], MASK[row], covered[row])
        np.testing.assert_allclose(context[row], expected[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(weights[row], expected[1], rtol=1e-4, atol=1e-6)
    assert not weights.numpy()[~np.broadcast_to(MASK[:, None], weights.shape)].any()
    assert layer.compute_output_shape((B, T, Q), (B, S, M)) == (context.shape, weights.shape)


def test_all_padding_gives_no_nan_in_half_precision():
    outputs = Attention(dtype="float16")(tf.ones((1, 1, 3)), tf.ones((1, 2, 3)), tf.constant([[False, False]]))
    assert not any(np.asarray(output).any() for output in outputs)
    assert outputs[0].dtype == "float16"


def test_large_scores_and_all_padding_give_no_nan():
    layer = Attention()
    with tf.GradientTape() as tape:
        context, _ = layer(1e4 * normal(B, T, Q), 1e4 * normal(B, S, M), tf.constant(MASK))
        loss = tf.reduce_sum(context)
    assert np.isfinite(context).all()
    assert np.isfinite(tape.gradient(loss, layer.kernel.value)).all()
    assert not context[2].numpy().any()
