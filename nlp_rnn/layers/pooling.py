"""Masked pooling over time.

Shapes: B batch, T time steps, F features.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("nlp_rnn")
class MeanMaxPooling(keras.layers.Layer):
    """Concatenate the mean and the maximum over the steps that are not padding, [B, T, F] to [B, 2F].

    A row that is all padding gives zeros. Concatenated pooling is from Howard & Ruder (2018, "ULMFiT").

    Examples:
        >>> x, mask = tf.constant([[[1.0], [3.0], [9.0]]]), tf.constant([[True, True, False]])
        >>> MeanMaxPooling()(x, mask=mask).numpy().tolist()
        [[2.0, 3.0]]
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        if mask is None:
            mask = tf.ones(tf.shape(inputs)[:2], tf.bool)
        valid = tf.cast(mask, tf.bool)[..., None]
        # At least 1: a row of padding would divide by zero, and a single NaN spreads to every gradient.
        steps = tf.maximum(tf.reduce_sum(tf.cast(valid, tf.float32), 1), 1)
        total = tf.reduce_sum(tf.where(valid, tf.cast(inputs, tf.float32), 0), 1)
        mean = tf.cast(total / steps, inputs.dtype)
        maximum = tf.reduce_max(tf.where(valid, inputs, inputs.dtype.min), 1)
        maximum = tf.where(tf.reduce_any(valid, 1), maximum, tf.zeros_like(maximum))
        return tf.concat([mean, maximum], -1)

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2 * input_shape[-1])
