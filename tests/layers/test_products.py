"""Products that are faster in another form give the same."""

import keras
import numpy as np
import tensorflow as tf

from nlp_rnn.layers.products import narrow_dense
from tests.conformance import normal


def test_a_narrow_dense_layer_gives_the_outputs_and_gradients_of_the_layer():
    layer, x = keras.layers.Dense(3, bias_initializer="ones"), tf.constant(normal(5, 4, 7))
    layer.build(x.shape)
    results = []
    for product in (layer, lambda x: narrow_dense(x, layer)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = product(x)
            loss = tf.reduce_sum(tf.sin(y))
        results.append([y, *tape.gradient(loss, [x, layer.kernel.value, layer.bias.value])])
    for expected, actual in zip(*results, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
