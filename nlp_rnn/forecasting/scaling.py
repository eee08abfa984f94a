"""Scaling of each window by its own values, so that one network serves series of any magnitude.

Shapes: B windows, L points of context, T any points.
"""

from typing import NamedTuple

import tensorflow as tf

from nlp_rnn.forecasting.settings import SCALINGS

__all__ = ["SCALINGS", "Scale", "scale_of"]

LOG_FLOOR = 1e-6  # replaces values that are not above zero, as a fraction of the largest one
FLAT = 1e-4  # a spread below this fraction of the absolute centre counts as zero


class Scale(NamedTuple):
    """How the values of each window are scaled: as (value - centre) / spread, optionally after taking logarithms.

    Attributes:
        centre, spread: [B, 1] each.
        usable: bool [B, 1], whether there was a value to scale by; otherwise the targets may be of any magnitude.
        floor: [B, 1], the lower bound of values before logarithms are taken; None without logarithms.
    """

    centre: tf.Tensor
    spread: tf.Tensor
    usable: tf.Tensor
    floor: tf.Tensor | None

    def scaled(self, values: tf.Tensor) -> tf.Tensor:
        """Values [B, T], scaled to about the same magnitude; NaN stays NaN."""
        if self.floor is not None:
            values = tf.math.log(tf.maximum(values, self.floor))
        return (values - self.centre) / self.spread

    def unscaled(self, scaled: tf.Tensor) -> tf.Tensor:
        """The inverse of `scaled`, for [B, T] or [B, T, ...]."""
        shape = tf.concat([tf.shape(self.centre), tf.ones([tf.rank(scaled) - 2], tf.int32)], 0)
        values = scaled * tf.reshape(self.spread, shape) + tf.reshape(self.centre, shape)
        return values if self.floor is None else tf.exp(values)


def scale_of(context: tf.Tensor, scaling: str, centering_window: int = 1) -> Scale:
    """The scale of each window, from its context.

    Args:
        context: float [B, L]; NaN where a value is missing.
        scaling: "log", for values above zero: the logarithm of the ratio to the centre; "deviation": multiples of the
            standard deviation; "size": multiples of the mean absolute value, not centred, for counts; "centre":
            centred only.
        centering_window: the centre is the mean of this many of the last values that are not missing.

    A window without a value has centre 0 and spread 1.

    Examples:
        >>> scale = scale_of(tf.constant([[1.0, 2.0, 6.0, float("nan")]]), "deviation", centering_window=2)
        >>> float(scale.centre[0, 0]), round(float(scale.spread[0, 0]), 3)
        (4.0, 2.16)
    """
    there = ~tf.math.is_nan(context)
    count = tf.reduce_sum(tf.cast(there, context.dtype), 1, keepdims=True)
    usable = tf.reduce_any(there & ((context != 0) | (scaling == "centre")), 1, keepdims=True)
    floor = None
    if scaling == "log":
        largest = tf.reduce_max(tf.where(there, context, 0.0), 1, keepdims=True)
        floor = LOG_FLOOR * tf.where(largest > 0, largest, 1.0)
        context = tf.math.log(tf.maximum(tf.where(there, context, 1.0), floor))
    context = tf.where(there, context, 0.0)
    mean = tf.reduce_sum(context, 1, keepdims=True) / tf.maximum(count, 1.0)
    centre, spread = _recent_mean(context, there, centering_window), tf.ones_like(mean)
    if scaling == "deviation":
        square = tf.reduce_sum(tf.where(there, tf.square(context - mean), 0.0), 1, keepdims=True)
        spread = _above_zero(tf.sqrt(square / tf.maximum(count, 1.0)), centre)
    if scaling == "size":
        size = tf.reduce_sum(tf.abs(context), 1, keepdims=True) / tf.maximum(count, 1.0)
        centre, spread = tf.zeros_like(mean), _above_zero(size, mean)
    return Scale(centre, spread, usable, floor)


def _recent_mean(context, there, window):
    """The mean of the last `window` values that are not missing, [B, 1]."""
    one = tf.cast(there, context.dtype)
    taken = one * tf.cast(tf.cumsum(one, 1, reverse=True) <= window, context.dtype)
    return tf.reduce_sum(context * taken, 1, keepdims=True) / tf.maximum(tf.reduce_sum(taken, 1, keepdims=True), 1.0)


def _above_zero(spread, centre):
    """The spread; for a constant window, its absolute value, or 1 if that is 0."""
    size = tf.abs(centre)
    instead = tf.where(size > 0, size, 1.0)
    return tf.where(spread > FLAT * instead, spread, instead)
