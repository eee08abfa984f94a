"""Encoding of texts into arrays on disk, and batches of texts of similar length."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.splits import Example
from nlp_rnn.text.batching import LengthBuckets, encode, numbered
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.vocabulary import END, Vocabulary


def test_texts_come_one_by_one_with_their_labels(tmp_path):
    encoder = TextEncoder(Vocabulary([b"good", b"bad"]), max_tokens=3)
    encoded = encode([("good bad", 1), ("", 0), ("bad bad bad good", 2)], encoder, tmp_path / "some.ids")
    assert [(ids.tolist(), label) for ids, label in encoded] == [([2, 3], 1), ([], 0), ([3, 3, 2], 2)]


@pytest.fixture
def texts(tmp_path):
    encoder = TextEncoder(Vocabulary([b"a", b"b"]), max_tokens=50)
    lengths = np.random.default_rng(0).integers(0, 70, 300)
    return encode(((" ".join("ab"[n % 2] * int(n)), n % 3) for n in lengths), encoder, tmp_path / "x.ids"), lengths


def test_encoding_counts_the_texts_that_were_cut_and_stays_on_disk(texts):
    encoded, lengths = texts
    np.testing.assert_array_equal(encoded.lengths, np.minimum(lengths, 50))
    np.testing.assert_array_equal(encoded.labels, lengths % 3)
    assert encoded.cut == (lengths > 50).sum() > 0
    assert isinstance(encoded.ids, np.memmap)


@pytest.mark.parametrize("seed", [None, 0])
def test_every_text_is_in_one_batch_whole(texts, seed):
    encoded, _ = texts
    buckets = LengthBuckets(encoded, max_texts=16, max_tokens=400, seed=seed)
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


def test_little_is_padding(texts):
    buckets = LengthBuckets(texts[0], max_texts=16, max_tokens=400, seed=0)
    cells = sum(tf.size(ids).numpy() for ids, _ in buckets.dataset())
    assert texts[0].lengths.sum() / cells > 0.8


def test_the_order_depends_on_seed_and_epoch_alone(texts):
    def order(seed, epoch):
        buckets = LengthBuckets(texts[0], max_texts=16, seed=seed)
        buckets.epoch = epoch
        assert len(buckets.plan()) == len(buckets)
        return np.concatenate(buckets.plan()).tolist()

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(0, 4) != order(1, 4)


def test_texts_without_a_token_make_a_batch_of_padding(tmp_path):
    encoded = encode([("", 0), (" ", 1)], TextEncoder(Vocabulary([b"a"])), tmp_path / "x.ids")
    [(ids, labels)] = LengthBuckets(encoded).dataset()
    assert ids.numpy().tolist() == [[0], [0]] and labels.numpy().tolist() == [0, 1]


def test_an_unknown_label_is_reported_with_its_place():
    with pytest.raises(InputError, match="x.csv, line 3: label 'c' is not one of the classes: a, b"):
        list(numbered([Example("t", "a", "x.csv, line 2"), Example("t", "c", "x.csv, line 3")], ["a", "b"]))


def test_the_end_of_a_text_is_marked_where_its_label_says_so(tmp_path):
    encoder = TextEncoder(Vocabulary([b"a"]).with_end())
    encoded = encode([("a a", 0), ("a", 1), ("", 1)], encoder, tmp_path / "x.ids", end=True)
    assert [ids.tolist() for ids, _ in encoded] == [[3, 3], [3, END], [END]]


def test_batches_record_when_they_were_made(texts):
    buckets = LengthBuckets(texts[0], max_texts=16)
    for _ in range(2):
        assert len(list(buckets.dataset())) == len(buckets) == len(buckets.ready_times)
        assert buckets.ready_times == sorted(buckets.ready_times)
