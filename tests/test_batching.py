"""Encoding and length buckets."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.batching import LengthBuckets, dataset_of, encode, numbered
from nlp_rnn.checks import InputError
from nlp_rnn.sources import Example
from nlp_rnn.text import TextEncoder, Vocabulary


def test_texts_come_one_by_one_with_their_labels(tmp_path):
    encoder = TextEncoder(Vocabulary([b"good", b"bad"]), max_tokens=3)
    encoded = encode([("good bad", 1), ("", 0), ("bad bad bad good", 2)], encoder, tmp_path / "some.ids")
    assert [(ids.tolist(), label) for ids, label in encoded] == [([2, 3], 1), ([], 0), ([3, 3, 2], 2)]


@pytest.fixture
def texts(tmp_path):
    encoder = TextEncoder(Vocabulary([b"a", b"b"]), max_tokens=50)
    lengths = np.random.default_rng(0).integers(0, 70, 300)
    return encode(((" ".join("ab"[n % 2] * int(n)), n % 3) for n in lengths), encoder, tmp_path / "x.ids"), lengths


def test_encoding_says_what_was_cut_and_stays_on_disk(texts):
    encoded, lengths = texts
    np.testing.assert_array_equal(encoded.lengths, np.minimum(lengths, 50))
    np.testing.assert_array_equal(encoded.labels, lengths % 3)
    assert encoded.cut == (lengths > 50).sum() > 0
    assert isinstance(encoded.ids, np.memmap)


@pytest.mark.parametrize("seed", [None, 0])
def test_every_text_is_in_one_batch_whole(texts, seed):
    encoded, _ = texts
    buckets = LengthBuckets(encoded, most_texts=16, most_tokens=400, seed=seed)
    seen = 0
    for ids, labels in buckets.dataset():
        assert len(labels) <= 16 and ids.shape[0] == len(labels)
        assert ids.shape[1] * len(labels) <= 400 * 1.3 or len(labels) == 1
        seen += len(labels)
    assert seen == len(encoded)
    assert sorted(np.concatenate(buckets.plan())) == list(range(len(encoded)))
    row = buckets.plan()[0][0]
    ids, _ = buckets.padded(np.array([row]))
    np.testing.assert_array_equal(ids[0, : encoded.lengths[row]], encoded.ids[slice(*encoded.offsets[row : row + 2])])


def test_padding_is_a_small_share(texts):
    buckets = LengthBuckets(texts[0], most_texts=16, most_tokens=400, seed=0)
    cells = sum(tf.size(ids).numpy() for ids, _ in buckets.dataset())
    assert texts[0].lengths.sum() / cells > 0.8


def test_the_order_depends_on_seed_and_epoch_alone(texts):
    def order(seed, epoch):
        buckets = LengthBuckets(texts[0], most_texts=16, seed=seed)
        buckets.epoch = epoch
        assert len(buckets.plan()) == len(buckets)
        return np.concatenate(buckets.plan()).tolist()

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(0, 4) != order(1, 4)


def test_texts_without_a_token_make_a_batch_of_padding(tmp_path):
    encoded = encode([("", 0), (" ", 1)], TextEncoder(Vocabulary([b"a"])), tmp_path / "x.ids")
    [(ids, labels)] = LengthBuckets(encoded).dataset()
    assert ids.numpy().tolist() == [[0], [0]] and labels.numpy().tolist() == [0, 1]


def test_an_unknown_label_says_where():
    with pytest.raises(InputError, match="x.csv, line 3: label 'c' is not one of the classes: a, b"):
        list(numbered([Example("t", "a", "x.csv, line 2"), Example("t", "c", "x.csv, line 3")], ["a", "b"]))


@pytest.mark.parametrize("slices", [False, True])
def test_a_generator_passes_anew_each_time_and_one_pass_at_a_time(slices):
    def items():
        yield from (np.arange(n, n + 2, dtype=np.int32) for n in range(0, 6, 2))

    spec = tf.TensorSpec([None], tf.int32)
    data = dataset_of(lambda: ((item, item) for item in items()), (spec, spec), 6 if slices else 3, slices)
    for _ in range(2):
        found = [first.numpy().tolist() for first, _ in data]
        assert found == (list(range(6)) if slices else [[0, 1], [2, 3], [4, 5]])


def test_a_pass_that_another_one_has_overtaken_fails_rather_than_mixes_with_it():
    some = tf.TensorSpec([], tf.int32)
    data = dataset_of(lambda: ((np.int32(n), np.int32(n)) for n in range(40)), (some, some), 40)
    first = iter(data)
    next(first)
    assert [int(n) for n, _ in data] == list(range(40))
    with pytest.raises(tf.errors.UnknownError, match="another pass over the same batches has begun"):
        list(first)


@pytest.mark.parametrize(("batches", "said"), [(4, "fewer"), (6, "more")])
@pytest.mark.parametrize("together", [1, 2])
def test_batches_that_are_more_or_fewer_than_said_are_not_lost_unseen(batches, said, together):
    stacked = [np.arange(n, min(n + together, batches), dtype=np.int32) for n in range(0, batches, together)]
    items = stacked if together > 1 else [one[0] for one in stacked]
    some = tf.TensorSpec([None] if together > 1 else [], tf.int32)
    data = dataset_of(lambda: ((item, item) for item in items), (some, some), 5, together > 1)
    with pytest.raises(tf.errors.UnknownError, match=f"there must be 5 batches, got {said}"):
        list(data)


def test_a_generator_has_ended_when_its_pass_has():
    ended = []

    def items():
        yield from ((np.int64(n), np.float64(n)) for n in range(3))  # cast, as they fit
        ended.append(True)

    some = tf.TensorSpec([], tf.int32)
    assert len(list(dataset_of(items, (some, some), 3))) == 3 and ended == [True]
