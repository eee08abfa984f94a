"""The gradient of the native operation, and what is left to XLA."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import layers
from nlp_rnn.layers.native.support import supports
from nlp_rnn.layers.scan_types import Masks, ScanSpec
from tests.conformance import normal
from tests.layers.native.test_kernels import problem


def test_refuses_a_second_derivative(native_runs):
    layer, x = layers.GRU(8), tf.constant(normal(32, 4, 3))

    def penalty(training):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = tf.reduce_sum(layer(x, training=training) ** 2)
            squared = tf.reduce_sum(inner.gradient(loss, x) ** 2)
        return outer.gradient(squared, x)

    with pytest.raises(NotImplementedError, match="has no second derivative; call it with training=False"):
        penalty(True)
    assert native_runs
    assert np.isfinite(penalty(False)).all()


def test_takes_indexed_slices_as_a_gradient(native_runs):
    layer, x = layers.GRU(8), tf.constant(normal(32, 4, 3))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.gather(layer(x, training=True), [1, 3]))
    gradient = tape.gradient(loss, x).numpy()
    assert native_runs
    assert [bool(np.abs(row).sum()) for row in gradient[:5]] == [False, True, False, True, False]


@pytest.mark.slow
def test_a_graph_that_xla_compiles_as_a_whole_is_left_to_xla(native_runs):
    layer = layers.LSTM(8)
    layer.build((32, 4, 3))

    @tf.function(jit_compile=True)
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x, training=True))
        return tape.gradient(loss, [w.value for w in layer.trainable_weights])

    x = tf.constant(normal(32, 4, 3))
    compiled = step(x)
    assert not native_runs
    native = step.python_function(x)
    assert native_runs
    for a, b in zip(compiled, native, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_what_the_kernels_do_not_support_is_left_to_xla():
    for layer in (layers.PeepholeLSTM(4), layers.ProjectedLSTM(4, 2)):
        layer.build((2, 3, 2))
        initial = tuple(tf.zeros((2, size)) for size in layer.state_sizes)
        assert not supports(ScanSpec(layer.cell), layer._scan_inputs(tf.zeros((2, 3, 2)), initial), Masks())
    cell, inputs, masks = problem("GRU", 2, 3, 2, 4, masked=True, dropout=True)
    spec = ScanSpec(cell)
    assert supports(spec, inputs, masks)
    assert not supports(spec, inputs, masks._replace(update=(masks.padding,)))
    assert not supports(spec, inputs._replace(kernel=None), masks)
    assert not supports(spec, inputs._replace(x=tf.cast(inputs.x, tf.float64)), masks)
