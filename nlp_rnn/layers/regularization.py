"""Layers that act in training only, against learning the training set by heart."""

import keras
import tensorflow as tf

from nlp_rnn.checks import fraction


@keras.saving.register_keras_serializable("nlp_rnn")
class WordDropout(keras.layers.Layer):
    """Replace a share of the token ids by another, in training: no word may be relied on alone (Iyyer et al., 2015).

    Args:
        rate: the share of tokens to replace, in [0, 1).
        replacement: the id put in their place; that of the unknown token. Padding, id 0, stays.

    Example:
        >>> WordDropout(0.5)(tf.constant([[5, 6, 0]])).numpy().tolist()
        [[5, 6, 0]]
    """

    def __init__(self, rate: float, replacement: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.rate = fraction("rate", rate)
        self.replacement = replacement
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, ids, training=False):
        if not (training and self.rate):
            return ids
        drawn = keras.random.uniform(tf.shape(ids), seed=self.seed_generator)
        return tf.where((drawn < self.rate) & (ids != 0), tf.cast(self.replacement, ids.dtype), ids)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "replacement": self.replacement}
