"""Covariates of a series, such as a price, a holiday or the weather, standardised for a network.

Shapes: B windows, T points, C columns, P points of the training data.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nlp_rnn.checks import not_negative


def checked(covariates: int, num_future_covariates: int) -> dict[str, int]:
    """The two settings of covariates, checked: the number of columns, and how many are known for future times.

    Raises:
        ValueError: one is not a number of columns, or the second exceeds the first.
    """
    not_negative("covariates", covariates)
    if not_negative("num_future_covariates", num_future_covariates) > covariates:
        raise ValueError(f"num_future_covariates must be at most covariates, {covariates}, got {num_future_covariates}")
    return {"covariates": covariates, "num_future_covariates": num_future_covariates}


def unpacked(inputs: Any) -> tuple[tf.Tensor, tf.Tensor | None, tf.Tensor | None]:
    """The context, categories and covariates that a forecaster is called with; None where there are none."""
    context, *rest = inputs if isinstance(inputs, list | tuple) else (inputs,)
    category, covariates = [*rest, None, None][:2]
    return context, category, covariates


def require(covariates: tf.Tensor | None, columns: int) -> None:
    """Check that a model with covariates is called with them, and one without is not.

    Raises:
        ValueError: covariates are missing, or given to a model without them.
    """
    if (covariates is None) == (columns > 0):
        raise ValueError(f"the model has {columns} covariates and must be called with as many")


@keras.saving.register_keras_serializable("nlp_rnn")
class Covariates(keras.layers.Layer):
    """Standardise each column of [B, T, C] to mean 0 and standard deviation 1, in float32; missing values become 0.

    Args:
        columns: C.

    Examples:
        >>> layer = Covariates(1)
        >>> layer.adapt(np.array([[1.0], [3.0], [np.nan]]))
        >>> layer(tf.constant([[[5.0], [np.nan]]])).numpy().tolist()
        [[[3.0], [0.0]]]
    """

    def __init__(self, columns: int, **kwargs):
        super().__init__(autocast=False, **kwargs)  # columns that are far from zero stay float64
        self.columns = not_negative("columns", columns)

    def build(self, input_shape=None):
        options = {"shape": (self.columns,), "dtype": "float64", "autocast": False, "trainable": False}
        self.mean = self.add_weight(name="mean", initializer="zeros", **options)
        self.spread = self.add_weight(name="spread", initializer="ones", **options)
        self.built = True

    def adapt(self, values: np.ndarray) -> None:
        """Learn mean and standard deviation of values [P, C], NaN if missing; a standard deviation of 0 becomes 1."""
        if not self.built:
            self.build()
        values = np.asarray(values, np.float64)
        there = ~np.isnan(values)
        counts = np.maximum(there.sum(0), 1)
        # Distances from one of the values: those of equal values are exactly 0, which their mean need not be.
        largest = np.where(there.any(0), np.where(there, values, -np.inf).max(0, initial=-np.inf), 0)
        distance = np.where(there, values - largest, 0)
        mean = distance.sum(0) / counts
        spread = np.sqrt(np.where(there, np.square(distance - mean), 0).sum(0) / counts)
        self.mean.assign(largest + mean)
        self.spread.assign(np.where(spread > 0, spread, 1))

    def call(self, values):
        standardised = (tf.cast(values, tf.float64) - self.mean.value) / self.spread.value
        return tf.where(tf.math.is_nan(standardised), 0.0, tf.cast(standardised, tf.float32))

    def get_config(self):
        return {**super().get_config(), "columns": self.columns}
