"""The bag of unigrams and bigrams compared with sums in plain Python."""

from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.layers import BagOfBigrams
from tests.conformance import normal

V, C, BUCKETS, SCALE = 9, 3, 7, 5.0
TEXTS = [[3, 8, 3, 8, 2], [5], [], [1, 1, 1]]


def bag(**settings):
    layer = BagOfBigrams(V, C, BUCKETS, **settings)
    layer.build((None, None))
    layer.table.assign(normal(V + BUCKETS, C))
    return layer


def bucket(left, right, buckets=BUCKETS):
    return ((left * 1_000_003 + right) * 2_654_435_761 % 2**32) * buckets // 2**32


def scores(table, text):
    rows = text + [V + bucket(left, right) for left, right in pairwise(text)]
    return SCALE * sum((table[row] for row in rows), np.zeros(C)) / max(len(rows), 1) ** 0.5


@pytest.mark.parametrize("side", ["left", "right"])
def test_sums_the_weights_of_tokens_and_bigrams(side):
    layer = bag()
    ids = np.zeros((len(TEXTS), 6), np.int32)
    for row, text in enumerate(TEXTS):
        ids[row, (6 - len(text) if side == "left" else 0) :][: len(text)] = text
    expected = [scores(layer.table.numpy(), text) for text in TEXTS]
    np.testing.assert_allclose(layer(ids), expected, rtol=1e-5, atol=1e-6)
    assert layer(ids[:, :1]).shape == layer.compute_output_shape(ids.shape) == (4, C)
    again = BagOfBigrams.from_config(layer.get_config())
    again.build((None, None))
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(ids), layer(ids))


def test_hashes_large_ids_without_overflow_and_fills_buckets_evenly():
    layer = BagOfBigrams(V, C, 2**18)
    left, right = (np.random.default_rng(seed).integers(1, 2**31 - 1, 50_000) for seed in (0, 1))
    expected = [bucket(int(a), int(b), 2**18) for a, b in zip(left, right, strict=True)]
    assert layer.bucket(left, right).tolist() == expected
    assert layer.bucket(tf.constant(left), tf.constant(right)).numpy().tolist() == expected
    a, b = (side.reshape(-1) for side in np.meshgrid(np.arange(2, 402), np.arange(2, 402)))
    counts = np.bincount(layer.bucket(a, b), minlength=2**18)
    assert counts.max() <= 8
    assert (counts > 0).sum() > 0.95 * 2**18 * (1 - np.exp(-len(a) / 2**18))


def test_dropout_acts_in_training_only():
    keras.utils.set_random_seed(0)
    layer, ids = bag(dropout=0.5), np.tile(TEXTS[0], (4000, 1))
    np.testing.assert_array_equal(layer(ids)[0], layer(ids)[1])
    dropped = layer(ids, training=True).numpy()
    assert len(np.unique(dropped[:, 0])) > 100
    np.testing.assert_allclose(dropped.mean(0), layer(ids)[0], atol=0.4)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dropout": 1.0}, "dropout must be a number from 0"),
        ({"buckets": 0}, "buckets must be a positive int"),
        ({"classes": 0}, "classes must be a positive int"),
    ],
    ids=str,
)
def test_refuses_wrong_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        BagOfBigrams(**{"vocabulary_size": V, "classes": C, **wrong})


def test_has_the_gradient_of_a_sum_and_computes_in_half_precision():
    layer, ids = bag(), tf.constant([[3, 8, 3], [5, 0, 0]])

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def gradient(ids):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(ids, training=True)[:, 0])
        return tape.gradient(loss, layer.table.value)

    expected = np.zeros((V + BUCKETS, C))
    for row in (3, 8, 3, V + bucket(3, 8), V + bucket(8, 3)):
        expected[row, 0] += SCALE / 5**0.5
    expected[5, 0] += SCALE
    np.testing.assert_allclose(tf.convert_to_tensor(gradient(ids)), expected, rtol=1e-5)
    half = bag(dtype="mixed_bfloat16")
    assert half(ids).dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(half(ids), tf.float32), layer(ids), rtol=0.05, atol=0.1)


def test_initial_weights_are_log_ratios_of_counts():
    layer = bag()
    layer.start_from_texts((np.array(text, np.int32), label) for text, label in zip(TEXTS, (0, 2, 2, 0), strict=True))
    table, total, class_counts = layer.table.numpy(), len(TEXTS), (2, 0, 2)
    for row in range(V + BUCKETS):
        contains = [row in {*text, *(V + bucket(*pair) for pair in pairwise(text))} for text in TEXTS]
        for label, members in enumerate(((0, 3), (), (1, 2))):
            observed = sum(contains[n] for n in members)
            expected = sum(contains) * class_counts[label] / total
            assert table[row, label] == pytest.approx(0.1 * np.log((observed + 10) / (expected + 10)), abs=1e-6)
    layer.start_from_texts([])
    assert not layer.table.numpy().any()


def test_copies_the_weights_of_the_same_tokens_and_classes():
    start, layer = bag(), BagOfBigrams(V + 2, C + 1, BUCKETS)
    layer.build((None, None))
    layer.start_from(start, {0: 2, 3: 1})
    ids = np.array([TEXTS[0], TEXTS[0][::-1]])
    np.testing.assert_allclose(layer(ids).numpy()[:, [0, 3]], start(ids).numpy()[:, [2, 1]], rtol=1e-6)
    assert not layer(ids).numpy()[:, [1, 2]].any()
    assert not layer(np.array([[V, V + 1]])[:, :1]).numpy().any(), "a new token keeps its weight, here 0"
    with pytest.raises(ValueError, match="buckets must be 7, as in the trained layer, got 8"):
        BagOfBigrams(V, C, BUCKETS + 1).start_from(start, {0: 0})
