"""Batches made in Python as a `tf.data.Dataset`: the interface of all training data."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf


class Batches(Protocol):
    """Training data in batches; every epoch has the same number of them.

    Attributes:
        epoch: decides the order of the next pass; the trainer sets it when an epoch begins.
        ready_times: when each batch of the epoch being read was made, in seconds of `time.monotonic`.
        max_steps_per_execution: maximum number of training steps per call of the train function, where steps are short.
        points: tokens or values per batch; used where one call runs several steps.
    """

    epoch: int
    ready_times: list[float]
    max_steps_per_execution: int

    @property
    def points(self) -> int: ...

    @property
    def arrays(self) -> Sequence[np.ndarray]:
        """All data that training depends on; a checkpoint can be resumed only with the same."""
        ...

    def __len__(self) -> int: ...

    def dataset(self) -> tf.data.Dataset:
        """The batches of one epoch; every pass uses the current value of `epoch`."""
        ...


def dataset_of(
    batches: Callable[[], Iterator], signature: Sequence[Any], count: int, stacked: bool = False
) -> tf.data.Dataset:
    """The `count` batches that a generator function yields, a few of them prefetched.

    Only one pass at a time: when another one begins, an unfinished one fails.

    Args:
        batches: the function.
        signature: a `tf.TensorSpec` for each part of a batch.
        count: how many batches there are.
        stacked: the function yields several batches at a time, stacked; the signature is that of the stack.
    """
    items = _Passes(batches, [spec.dtype.as_numpy_dtype for spec in signature], count, stacked)

    def item(current, _):
        current, *arrays = tf.numpy_function(items, [current], [tf.int64, *(spec.dtype for spec in signature)])
        parts = (tf.ensure_shape(array, spec.shape) for array, spec in zip(arrays, signature, strict=True))
        return tf.ensure_shape(current, []), tuple(parts)

    # Not `from_generator`, which takes a small network's steps of time to begin.
    data = tf.data.Dataset.range(count).scan(np.int64(0), item)
    if stacked:
        data = data.unbatch().take(count)
    options = tf.data.Options()
    options.autotune.enabled = False  # nothing to tune here, and its thread may delay the end of an epoch for seconds
    return data.apply(tf.data.experimental.assert_cardinality(count)).prefetch(4).with_options(options)


class _Passes:
    """Called repeatedly, returns the items of a generator function one by one, for one pass at a time.

    The argument and the first result of a call are the number of the pass: 0 begins one, and only the newest continues.

    Args:
        items: the function.
        types: the data types of the arrays of an item.
        count: number of batches per pass.
        stacked: an item is a stack of several batches.
    """

    def __init__(self, items, types, count, stacked):
        self.items, self.types, self.count, self.stacked = items, types, count, stacked
        self.newest, self.lock = 0, threading.Lock()  # what is prefetched for an abandoned pass may still arrive

    def __call__(self, current):
        with self.lock:
            if current == 0:
                current = self.newest = self.newest + 1
                self.iterator, self.left = self.items(), self.count
            if current != self.newest:
                raise RuntimeError("another pass over the same batches has begun")
            arrays = self._next()
        return np.int64(current), *map(np.asarray, arrays, self.types)

    def _next(self):
        """The next item; the last one only if the generator ends after it, since further items would be lost."""
        arrays = next(self.iterator, None)
        self.left -= len(arrays[0]) if self.stacked and arrays is not None else 1
        more = arrays is not None and self.left <= 0 and next(self.iterator, None) is not None
        if arrays is None or self.left < 0 or more:
            raise RuntimeError(f"there must be {self.count} batches, got {'fewer' if arrays is None else 'more'}")
        return arrays
