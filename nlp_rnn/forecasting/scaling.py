"""Scaling of each window by its own values, so that one network serves series of any magnitude.

Shapes: B windows, L points of context, T any points.
"""

from typing import NamedTuple

import tensorflow as tf

from nlp_rnn.forecasting.digits import ROUNDING
from nlp_rnn.forecasting.settings import SCALINGS

__all__ = ["SCALINGS", "Scale", "scale_of"]

LOG_FLOOR = 1e-6  # replaces values that are not above zero, as a fraction of the largest one
FARTHEST = 1e4  # spreads; a window that hardly varies may be followed by any value, which must not outweigh all others


class Scale(NamedTuple):
    """How the values of each window are scaled: (value - origin - centre) / spread, optionally of logarithms.

    The subtractions are in float64: float32 could not tell apart values that are far from zero. The origin is
    subtracted first, so that integers are scaled to the same bits whatever is added to all of them.

    Attributes:
        origin: float64 [B, 1], one of the values.
        centre: float64 [B, 1], the centre of the values, as a distance from the origin.
        spread: float64 [B, 1]; 0 scales every value to 0.
        usable: bool [B, 1], whether there was a value to scale by; otherwise the targets may be of any magnitude.
        floor: float64 [B, 1], the lower bound of values before logarithms are taken; None without logarithms.
        farthest: float64 [B, 1], the largest distance from the centre, in spreads; None for any.
    """

    origin: tf.Tensor
    centre: tf.Tensor
    spread: tf.Tensor
    usable: tf.Tensor
    floor: tf.Tensor | None
    farthest: tf.Tensor | None

    def scaled(self, values: tf.Tensor) -> tf.Tensor:
        """Values [B, T], scaled to about the same magnitude, float32; mask missing values afterwards."""
        values = tf.cast(values, tf.float64)
        if self.floor is not None:
            values = tf.math.log(tf.maximum(values, self.floor))
        distance = tf.math.divide_no_nan(values - self.origin - self.centre, self.spread)
        if self.farthest is not None:
            distance = tf.clip_by_value(distance, -self.farthest, self.farthest)
        return tf.cast(distance, tf.float32)

    def unscaled(self, scaled: tf.Tensor) -> tf.Tensor:
        """The inverse of `scaled`, for [B, T] or [B, T, ...], float64."""
        shape = tf.concat([tf.shape(self.centre), tf.ones([tf.rank(scaled) - 2], tf.int32)], 0)
        origin, centre, spread = (tf.reshape(part, shape) for part in (self.origin, self.centre, self.spread))
        values = tf.cast(scaled, tf.float64) * spread + centre + origin
        return values if self.floor is None else tf.exp(values)


def scale_of(context: tf.Tensor, scaling: str, centering_window: int = 1) -> Scale:
    """The scale of each window, from its context.

    Args:
        context: float [B, L]; NaN where a value is missing.
        scaling: "log", for values above zero: the logarithm of the ratio to the centre; "deviation": multiples of the
            standard deviation; "size": multiples of the mean absolute value, not centred, for counts; "centre":
            centred only.
        centering_window: the centre is the mean of this many of the last values that are not missing.

    A window without a value has its centre at 0. With "deviation" a window whose values are all the same has spread 0:
    its forecast is that value.

    Examples:
        >>> scale = scale_of(tf.constant([[1.0, 2.0, 6.0, float("nan")]]), "deviation", centering_window=2)
        >>> float((scale.origin + scale.centre)[0, 0]), round(float(scale.spread[0, 0]), 3)
        (4.0, 2.16)
    """
    there, context = ~tf.math.is_nan(context), tf.cast(context, tf.float64)
    count = tf.maximum(tf.reduce_sum(tf.cast(there, tf.float64), 1, keepdims=True), 1.0)
    usable = tf.reduce_any(there & ((context != 0) | (scaling == "centre")), 1, keepdims=True)
    if scaling == "size":
        size = tf.reduce_sum(tf.where(there, tf.abs(context), 0.0), 1, keepdims=True) / count
        zero = tf.zeros_like(size)
        return Scale(zero, zero, tf.where(size > 0, size, 1.0), usable, None, None)
    floor, origin = None, _largest(context, there)
    if scaling == "log":
        floor = LOG_FLOOR * tf.where(origin > 0, origin, 1.0)
        context = tf.math.log(tf.maximum(context, floor))
        origin = _largest(context, there)
    distance = tf.where(there, context - origin, 0.0)
    centre = _recent_mean(distance, there, centering_window)
    if scaling != "deviation":
        return Scale(origin, centre, tf.ones_like(centre), usable, floor, None)
    mean = tf.reduce_sum(distance, 1, keepdims=True) / count
    square = tf.reduce_sum(tf.where(there, tf.square(distance - mean), 0.0), 1, keepdims=True)
    spread = tf.sqrt(square / count)
    spread = tf.where(spread > ROUNDING * tf.abs(origin), spread, 0.0)
    return Scale(origin, centre, spread, spread > 0, floor, FARTHEST * tf.ones_like(spread))


def _largest(context, there):
    """The largest value, [B, 1]; 0 where all are missing."""
    largest = tf.reduce_max(tf.where(there, context, context.dtype.min), 1, keepdims=True)
    return tf.where(tf.reduce_any(there, 1, keepdims=True), largest, 0.0)


def _recent_mean(values, there, window):
    """The mean of the last `window` values that are not missing, [B, 1]."""
    one = tf.cast(there, values.dtype)
    taken = one * tf.cast(tf.cumsum(one, 1, reverse=True) <= window, values.dtype)
    return tf.reduce_sum(values * taken, 1, keepdims=True) / tf.maximum(tf.reduce_sum(taken, 1, keepdims=True), 1.0)
