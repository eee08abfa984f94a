"""Batches from a generator as a `tf.data.Dataset`."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.batches import dataset_of


@pytest.mark.parametrize("slices", [False, True])
def test_each_pass_reads_the_generator_anew(slices):
    def items():
        yield from (np.arange(n, n + 2, dtype=np.int32) for n in range(0, 6, 2))

    spec = tf.TensorSpec([None], tf.int32)
    data = dataset_of(lambda: ((item, item) for item in items()), (spec, spec), 6 if slices else 3, slices)
    for _ in range(2):
        rows = [first.numpy().tolist() for first, _ in data]
        assert rows == (list(range(6)) if slices else [[0, 1], [2, 3], [4, 5]])


def test_a_pass_fails_once_another_one_has_begun():
    some = tf.TensorSpec([], tf.int32)
    data = dataset_of(lambda: ((np.int32(n), np.int32(n)) for n in range(40)), (some, some), 40)
    first = iter(data)
    next(first)
    assert [int(n) for n, _ in data] == list(range(40))
    with pytest.raises(tf.errors.UnknownError, match="another pass over the same batches has begun"):
        list(first)


@pytest.mark.parametrize(("batches", "reported"), [(4, "fewer"), (6, "more")])
@pytest.mark.parametrize("together", [1, 2])
def test_more_or_fewer_batches_than_announced_are_an_error(batches, reported, together):
    stacked = [np.arange(n, min(n + together, batches), dtype=np.int32) for n in range(0, batches, together)]
    items = stacked if together > 1 else [one[0] for one in stacked]
    some = tf.TensorSpec([None] if together > 1 else [], tf.int32)
    data = dataset_of(lambda: ((item, item) for item in items), (some, some), 5, together > 1)
    with pytest.raises(tf.errors.UnknownError, match=f"there must be 5 batches, got {reported}"):
        list(data)


def test_the_generator_ends_with_its_pass():
    ended = []

    def items():
        yield from ((np.int64(n), np.float64(n)) for n in range(3))  # cast, as they fit
        ended.append(True)

    some = tf.TensorSpec([], tf.int32)
    assert len(list(dataset_of(items, (some, some), 3))) == 3 and ended == [True]
