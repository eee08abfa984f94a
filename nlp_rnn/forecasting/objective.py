"""The training objective of a forecaster.

Shapes: B windows.
"""

import tensorflow as tf

from nlp_rnn.forecasting.direct_model import DirectForecaster
from nlp_rnn.forecasting.path_model import PathForecaster
from nlp_rnn.layers.batch_split import split_batch
from nlp_rnn.training.objective import Objective


class Forecasting(Objective):
    """The training of a forecaster: predict the targets of a window from its context.

    The loss is of scaled values, the mean over those that are not missing.

    Args:
        model: the model to train.
    """

    loss_is_of_tokens = False

    def __init__(self, model: DirectForecaster | PathForecaster):
        super().__init__(model)

    def loss_of(self, *data, training):
        def sums(*windows):
            losses, weights = self.model.window_losses(*windows, training=training)
            return tf.reduce_sum(losses * weights), tf.reduce_sum(weights)

        losses, counts = zip(*split_batch(sums, *data), strict=True)
        values = tf.add_n(counts)
        return tf.add_n(losses) / tf.maximum(values, 1.0), 0.0, values
