"""What is known beside the values of a series, such as a price, a holiday or the weather, measured for a network.

Shapes: B windows, T points, C columns, P points of the training data.
"""

import keras
import numpy as np
import tensorflow as tf

from nlp_rnn.checks import not_negative


def checked(covariates: int, ahead: int) -> dict[str, int]:
    """How many columns a model has, and how many of them are known for times to come, as settings.

    Raises:
        ValueError: they are no numbers of columns, or more are known than there are.
    """
    if not_negative("ahead", ahead) > not_negative("covariates", covariates):
        raise ValueError(f"ahead must be at most covariates, {covariates}, got {ahead}")
    return {"covariates": covariates, "ahead": ahead}


def require(covariates: tf.Tensor | None, columns: int) -> None:
    """Check that a model of so many columns is called with covariates, and one of none without.

    Raises:
        ValueError: it is not.
    """
    if (covariates is None) == (columns > 0):
        raise ValueError(f"a model of {columns} covariates is called with just as many")


@keras.saving.register_keras_serializable("nlp_rnn")
class Covariates(keras.layers.Layer):
    """Each column as multiples of its standard deviation around its mean, [B, T, C]; 0 where a number is missing.

    Args:
        columns: C.

    Example:
        >>> layer = Covariates(1)
        >>> layer.adapt(np.array([[1.0], [3.0], [np.nan]]))
        >>> layer(tf.constant([[[5.0], [np.nan]]])).numpy().tolist()
        [[[3.0], [0.0]]]
    """

    def __init__(self, columns: int, **kwargs):
        super().__init__(**kwargs)
        self.columns = not_negative("columns", columns)

    def build(self, input_shape=None):
        self.mean = self.add_weight(name="mean", shape=(self.columns,), initializer="zeros", trainable=False)
        self.spread = self.add_weight(name="spread", shape=(self.columns,), initializer="ones", trainable=False)
        self.built = True

    def adapt(self, values: np.ndarray) -> None:
        """Learn mean and deviation of values [P, C], NaN where one is missing; a constant's deviation is 1."""
        if not self.built:
            self.build()
        values = np.asarray(values, np.float64)  # the sum of equal float32 is exact
        there = ~np.isnan(values)
        counts = np.maximum(there.sum(0), 1)
        mean = np.where(there, values, 0).sum(0) / counts
        spread = np.sqrt(np.where(there, np.square(values - mean), 0).sum(0) / counts)
        self.mean.assign(mean)
        self.spread.assign(np.where(spread > 0, spread, 1))

    def call(self, values):
        measured = (values - self.mean.value) / self.spread.value
        return tf.where(tf.math.is_nan(measured), 0.0, measured)

    def get_config(self):
        return {**super().get_config(), "columns": self.columns}
