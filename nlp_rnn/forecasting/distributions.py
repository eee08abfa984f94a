"""Distributions of the next value of a series, parametrised by the outputs of a network, with sampling in TensorFlow.

All except the negative binomial are of scaled values, see `scaling`. Shapes: ... any, P parameters.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nlp_rnn.forecasting.settings import COUNTS, LIKELIHOODS

__all__ = ["COUNTS", "DISTRIBUTIONS", "LIKELIHOODS", "Distribution", "count_log_density", "count_sample"]


class Distribution(NamedTuple):
    """A family of distributions.

    Attributes:
        parameters: P, the number of network outputs per distribution.
        log_density: maps values [...] and outputs [..., P] to log-densities [...].
        sample: maps outputs [..., P] and a seed, int [2], to samples [...].
    """

    parameters: int
    log_density: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    sample: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def _spread(raw):
    return tf.nn.softplus(raw) + 1e-4


def _normal_density(values, outputs):
    mean, spread = outputs[..., 0], _spread(outputs[..., 1])
    return -0.5 * tf.square((values - mean) / spread) - tf.math.log(spread) - 0.5 * float(np.log(2 * np.pi))


def _normal_sample(outputs, seed):
    noise = tf.random.stateless_normal(tf.shape(outputs)[:-1], seed)
    return outputs[..., 0] + _spread(outputs[..., 1]) * noise


def _degrees_of_freedom(raw):
    return 2.0 + tf.nn.softplus(raw)  # above 2 the variance is finite


def _student_density(values, outputs):
    mean, spread, degrees = outputs[..., 0], _spread(outputs[..., 1]), _degrees_of_freedom(outputs[..., 2])
    half = (degrees + 1) / 2
    norm = tf.math.lgamma(half) - tf.math.lgamma(degrees / 2) - 0.5 * tf.math.log(degrees * float(np.pi))
    return norm - tf.math.log(spread) - half * tf.math.log1p(tf.square((values - mean) / spread) / degrees)


def _student_sample(outputs, seed):
    degrees = _degrees_of_freedom(outputs[..., 2])
    noise = tf.random.stateless_normal(tf.shape(degrees), seed)
    chi = 2 * tf.random.stateless_gamma(tf.shape(degrees), seed + 1, alpha=degrees / 2)
    return outputs[..., 0] + _spread(outputs[..., 1]) * noise * tf.sqrt(degrees / tf.maximum(chi, 1e-6))


DISTRIBUTIONS = {
    "normal": Distribution(2, _normal_density, _normal_sample),
    "student_t": Distribution(3, _student_density, _student_sample),
}


def count_log_density(counts: tf.Tensor, outputs: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Log-probability of counts under a negative binomial whose mean is a multiple of `size`.

    Args:
        counts: integers of 0 and above, [...].
        outputs: raw mean and raw shape, [..., 2].
        size: the unit of the mean, [...].
    """
    mean, shape = _spread(outputs[..., 0]) * size, _spread(outputs[..., 1])
    log_share = tf.math.log(mean) - tf.math.log(shape + mean)
    ways = tf.math.lgamma(counts + shape) - tf.math.lgamma(shape) - tf.math.lgamma(counts + 1)
    return ways + shape * (tf.math.log(shape) - tf.math.log(shape + mean)) + counts * log_share


def count_sample(outputs: tf.Tensor, size: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A count [...] for each of the outputs [..., 2]; see `count_log_density`."""
    mean, shape = _spread(outputs[..., 0]) * size, _spread(outputs[..., 1])
    rate = tf.random.stateless_gamma(tf.shape(mean), seed, alpha=shape, beta=shape / mean)
    return tf.random.stateless_poisson(tf.shape(mean), seed + 1, rate, rate.dtype)
