"""Every window measured by itself, so that one network serves series of any size.

Shapes: B windows, L points known, T any points.
"""

from typing import NamedTuple

import tensorflow as tf

SCALINGS = ("log", "deviation", "size", "centre")
LEAST = 1e-6  # what stands in for a value that is not above zero, as a share of the largest one
FLAT = 1e-4  # so small a spread, as a share of the centre's size, is none


class Scale(NamedTuple):
    """How the values of each window are measured: as (value - centre) / spread, of logarithms if so chosen.

    Attributes:
        centre, spread: [B, 1] each.
        usable: bool [B, 1], whether there was anything to measure by; what follows other windows may be of any size.
        floor: [B, 1], the least value whose logarithm is taken; None for values as they are.
    """

    centre: tf.Tensor
    spread: tf.Tensor
    usable: tf.Tensor
    floor: tf.Tensor | None

    def measured(self, values: tf.Tensor) -> tf.Tensor:
        """Values [B, T] as numbers of about the same size; NaN stays NaN."""
        if self.floor is not None:
            values = tf.math.log(tf.maximum(values, self.floor))
        return (values - self.centre) / self.spread

    def values(self, measured: tf.Tensor) -> tf.Tensor:
        """The inverse of `measured`, for [B, T] or [B, T, ...]."""
        shape = tf.concat([tf.shape(self.centre), tf.ones([tf.rank(measured) - 2], tf.int32)], 0)
        found = measured * tf.reshape(self.spread, shape) + tf.reshape(self.centre, shape)
        return found if self.floor is None else tf.exp(found)


def scale_of(known: tf.Tensor, kind: str, recent: int = 1) -> Scale:
    """How to measure windows by what is known of them.

    Args:
        known: [B, L]; NaN where a value is missing.
        kind: "log", of values above zero, as the logarithm of the ratio to recent ones; "deviation", as multiples of
            the standard deviation; "size", as multiples of the mean absolute value, not centred, for counts; "centre",
            only less the recent ones.
        recent: the centre is the mean of so many of the last values there are.

    A window without a value has centre 0 and spread 1.

    Example:
        >>> scale = scale_of(tf.constant([[1.0, 2.0, 6.0, float("nan")]]), "deviation", recent=2)
        >>> float(scale.centre[0, 0]), round(float(scale.spread[0, 0]), 3)
        (4.0, 2.16)
    """
    there = ~tf.math.is_nan(known)
    count = tf.reduce_sum(tf.cast(there, known.dtype), 1, keepdims=True)
    usable = tf.reduce_any(there & ((known != 0) | (kind == "centre")), 1, keepdims=True)
    floor = None
    if kind == "log":
        largest = tf.reduce_max(tf.where(there, known, 0.0), 1, keepdims=True)
        floor = LEAST * tf.where(largest > 0, largest, 1.0)
        known = tf.math.log(tf.maximum(tf.where(there, known, 1.0), floor))
    known = tf.where(there, known, 0.0)
    mean = tf.reduce_sum(known, 1, keepdims=True) / tf.maximum(count, 1.0)
    centre, spread = _recent_mean(known, there, recent), tf.ones_like(mean)
    if kind == "deviation":
        square = tf.reduce_sum(tf.where(there, tf.square(known - mean), 0.0), 1, keepdims=True)
        spread = _above_zero(tf.sqrt(square / tf.maximum(count, 1.0)), centre)
    if kind == "size":
        size = tf.reduce_sum(tf.abs(known), 1, keepdims=True) / tf.maximum(count, 1.0)
        centre, spread = tf.zeros_like(mean), _above_zero(size, mean)
    return Scale(centre, spread, usable, floor)


def _recent_mean(known, there, recent):
    """The mean of the last `recent` values there are, [B, 1]."""
    one = tf.cast(there, known.dtype)
    taken = one * tf.cast(tf.cumsum(one, 1, reverse=True) <= recent, known.dtype)
    return tf.reduce_sum(known * taken, 1, keepdims=True) / tf.maximum(tf.reduce_sum(taken, 1, keepdims=True), 1.0)


def _above_zero(spread, centre):
    """The spread; of a constant window, which has none, the size of its value, or 1."""
    size = tf.abs(centre)
    instead = tf.where(size > 0, size, 1.0)
    return tf.where(spread > FLAT * instead, spread, instead)
