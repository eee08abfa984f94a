"""Models that compute their own loss, for Keras' `fit`.

Shapes: B batch, T tokens, E embedding.
"""

from typing import ClassVar

import keras
import tensorflow as tf

from nlp_rnn.text.vocabulary import PADDING


class Objective(keras.Model):
    """A model that computes its own loss.

    Args:
        model: the model to train.

    Attributes:
        loss_is_estimated: the training loss is not comparable with the validation loss: its labels are smoothed, or it
            is estimated from sampled words.
        loss_is_of_tokens: the loss is the mean cross-entropy per token, in nats; its exponential is the perplexity.
    """

    loss_is_estimated: bool = False
    loss_is_of_tokens: ClassVar[bool] = True

    def __init__(self, model: keras.Model):
        super().__init__()
        if not model.built:
            model.build((None, None))
        self.model = model
        self.mean = keras.metrics.Mean(name="loss")

    def build(self, input_shape):
        """Everything is built by the constructor."""

    def loss_of(self, *data: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor | float, tf.Tensor]:
        """The mean loss of a batch, the regularization penalty, and how many tokens or values the mean is over."""
        raise NotImplementedError

    def train_step(self, data):
        variables = self.trainable_variables
        with tf.GradientTape() as tape:
            loss, penalty, count = self.loss_of(*data, training=True)
            total = loss + penalty
        self.optimizer.apply(tape.gradient(total, [v.value for v in variables]), variables)
        return self._mean_loss(loss, count)

    def test_step(self, data):
        loss, _, count = self.loss_of(*data, training=False)
        return self._mean_loss(loss, count)

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """The layers of the model from the output to the input."""
        return self.model.parts

    @property
    def metrics(self):
        return [self.mean]

    def _mean_loss(self, loss, count):
        self.mean.update_state(loss, sample_weight=count)
        return {"loss": self.mean.result()}


def reports_perplexity(model: keras.Model, training: bool) -> bool:
    """Whether the exponential of a model's loss, in training or in validation, is a perplexity."""
    if not isinstance(model, Objective):
        return True
    return model.loss_is_of_tokens and not (training and model.loss_is_estimated)


class TokenObjective(Objective):
    """The cross-entropy of tokens: the base class for language models and translators."""

    def _output(self, hidden, ids):
        """The arguments of `cross_entropy` and the number of tokens, for outputs [B, T, E] and ids [B, T].

        Where T is dynamic, rows are padded, and only tokens go through the large projection.
        """
        hidden, ids = tf.cast(tf.reshape(hidden, [-1, hidden.shape[-1]]), tf.float32), tf.reshape(ids, [-1])
        if ids.shape[0] is None:
            is_token = tf.where(ids != PADDING)[:, 0]
            hidden, ids = tf.gather(hidden, is_token), tf.gather(ids, is_token)
        counted = tf.cast(ids != PADDING, tf.float32)
        tokens = tf.reduce_sum(counted)
        output = hidden, self.model.kernel, self.model.output_bias.value, ids
        return output, counted / tf.maximum(tokens, 1.0), tokens
