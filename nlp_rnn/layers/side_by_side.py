"""Halves of a batch side by side: each core works through a small network by itself, and waits for the other once.

Otherwise two cores share every loop, wait for each other at the end of each, and one of them idles while the other does
the many small operations between them.
"""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import tensorflow as tf

from nlp_rnn.layers.native.kernels import FEWEST_ROWS
from nlp_rnn.layers.native.pool import cores

HALVES = 2  # measured on two cores; each part is traced, and adds its gradient to that of the others
LEAST = 2 * FEWEST_ROWS  # rows: fewer are not run in machine code

_running: ContextVar[int] = ContextVar("running", default=1)


def side_by_side(function: Callable, *tensors: tf.Tensor) -> list:
    """What a function makes of one half of the rows of tensors, and of the other, as a list.

    Of all rows at once where halves would not be faster: eagerly, where rows are few or their number is not known, on a
    GPU, with an odd number of cores, or where TensorFlow runs one operation at a time.

    Args:
        function: takes the tensors, and makes of each row what does not depend on the others.
        tensors: [B, ...] each.

    Example:
        >>> @tf.function
        ... def total(x):
        ...     return tf.add_n(side_by_side(tf.reduce_sum, x))
        >>> float(total(tf.ones((64, 2))))
        128.0
    """
    rows = tensors[0].shape[0]
    if not _worth(rows):
        return [function(*tensors)]
    ends = [rows * n // HALVES for n in range(HALVES + 1)]
    with _among(HALVES):
        return [function(*(tensor[begin:end] for tensor in tensors)) for begin, end in itertools.pairwise(ends)]


def running() -> int:
    """How many halves share the cores, where the caller is traced."""
    return _running.get()


def usable_cores() -> int:
    """How many cores one operation may be shared among."""
    return _threads("intra")


def _worth(rows):
    alone = tf.executing_eagerly() or tf.config.list_logical_devices("GPU") or _threads("inter") < HALVES
    return rows is not None and rows >= HALVES * LEAST and usable_cores() % HALVES == 0 and not alone


def _threads(kind):
    """How many threads TensorFlow has, between ("inter") or within ("intra") operations: as told, or one a core."""
    told = getattr(tf.config.threading, f"get_{kind}_op_parallelism_threads")()
    return told or int(os.environ.get(f"TF_NUM_{kind.upper()}OP_THREADS") or 0) or cores()


@contextlib.contextmanager
def _among(count: int) -> Iterator[None]:
    token = _running.set(count)
    try:
        yield
    finally:
        _running.reset(token)
