"""Split a batch into halves that run concurrently, each on one core.

If two cores share every loop instead, they wait for each other at the end of each loop, and one of them idles during
the many small operations in between. With halves they wait for each other only once.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import tensorflow as tf

from nlp_rnn.layers.cores import tensorflow_threads
from nlp_rnn.layers.native import MIN_ROWS_PER_PART

NUM_SPLITS = 2  # measured on two cores; each split is traced, and its gradients are added to those of the others
MIN_NATIVE_ROWS = 2 * MIN_ROWS_PER_PART  # batches of fewer rows do not run in machine code

_concurrent_splits: ContextVar[int] = ContextVar("concurrent_splits", default=1)


def split_batch(function: Callable, *tensors: tf.Tensor) -> list:
    """Apply a function to each half of the rows of tensors, concurrently if that is faster.

    The batch stays whole in eager execution, with few rows or an unknown number of them, on a GPU, with an odd number
    of cores, and if TensorFlow runs one operation at a time.

    Args:
        function: takes the tensors; its results for a row must not depend on the other rows.
        tensors: [B, ...] each.

    Returns:
        The results: for both halves, or one for the whole batch.

    Examples:
        >>> @tf.function
        ... def total(x):
        ...     return tf.add_n(split_batch(tf.reduce_sum, x))
        >>> float(total(tf.ones((64, 2))))
        128.0
    """
    rows = tensors[0].shape[0]
    if not _is_faster(rows):
        return [function(*tensors)]
    ends = [rows * n // NUM_SPLITS for n in range(NUM_SPLITS + 1)]
    with _count_splits(NUM_SPLITS):
        return [function(*(tensor[begin:end] for tensor in tensors)) for begin, end in itertools.pairwise(ends)]


def concurrent_splits() -> int:
    """Return how many splits of a batch share the cores where the caller is traced; 1 outside of `split_batch`."""
    return _concurrent_splits.get()


def usable_cores() -> int:
    """Return how many cores one operation may use."""
    return tensorflow_threads("intra")


def _is_faster(rows):
    alone = tf.executing_eagerly() or tf.config.list_logical_devices("GPU") or tensorflow_threads("inter") < NUM_SPLITS
    return rows is not None and rows >= NUM_SPLITS * MIN_NATIVE_ROWS and usable_cores() % NUM_SPLITS == 0 and not alone


@contextlib.contextmanager
def _count_splits(count: int) -> Iterator[None]:
    token = _concurrent_splits.set(count)
    try:
        yield
    finally:
        _concurrent_splits.reset(token)
