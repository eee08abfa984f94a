"""From the outputs of all steps to one vector a text, padding left out.

Shapes: B batch, T time steps, F features.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("nlp_rnn")
class MeanMaxPooling(keras.layers.Layer):
    """The mean and the maximum over the steps that count, [B, T, F] to [B, 2F]; zeros for a row of padding.

    Example:
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
        counts = tf.cast(mask, tf.bool)[..., None]
        # A row of padding would divide by zero, and one NaN poisons every gradient: count at least one step.
        steps = tf.maximum(tf.reduce_sum(tf.cast(counts, tf.float32), 1), 1)
        total = tf.reduce_sum(tf.where(counts, tf.cast(inputs, tf.float32), 0), 1)
        mean = tf.cast(total / steps, inputs.dtype)
        highest = tf.reduce_max(tf.where(counts, inputs, inputs.dtype.min), 1)
        highest = tf.where(tf.reduce_any(counts, 1), highest, tf.zeros_like(highest))
        return tf.concat([mean, highest], -1)

    def compute_mask(self, inputs, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2 * input_shape[-1])
