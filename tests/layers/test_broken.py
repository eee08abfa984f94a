"""The conformance checks reject broken cells and layers, each for the promise that it breaks."""

import keras
import pytest
import tensorflow as tf

from nlp_rnn.layers import LSTM
from nlp_rnn.layers.cells import Cell
from tests.conformance import U, check_cell, check_layer


def mixes_rows(z, state):
    """Broken: a row depends on the other rows of the batch."""
    h = tf.tanh(z + tf.reduce_mean(z, axis=-2, keepdims=True))
    return (h,), {}


def mixes_steps(z, state):
    """Broken: a step depends on the other steps."""
    h = tf.tanh(z + tf.reduce_mean(z, axis=0, keepdims=True))
    return (h,), {}


def ignores_the_past(wx, uh, state):
    """Broken: h does not depend on the recurrent product."""
    return (tf.tanh(wx),), {}


def returns_an_undeclared_gate(z, state):
    """Broken: it returns a gate that the cell does not name."""
    return (tf.tanh(z),), {"z": z}


def loses_a_state(z, state):
    """Broken: it returns no state."""
    return (), {}


@pytest.mark.parametrize(
    ("step", "promise"),
    [
        (mixes_rows, "rows of a batch depend on each other"),
        (mixes_steps, "steps depend on each other"),
        (ignores_the_past, "pre-activation 1 does not reach h"),
        (returns_an_undeclared_gate, r"the step returns the gates \('z',\), the cell names \(\)"),
        (loses_a_state, "the step returns 0 states, the cell has 1"),
    ],
)
def test_rejects_a_broken_cell(step, promise):
    with pytest.raises(AssertionError, match=promise):
        check_cell(Cell(step, columns=1, gates=(), additive=step is not ignores_the_past))


@keras.saving.register_keras_serializable("tests")
class LosesUnits(LSTM):
    """Broken: the saved config lacks `units`."""

    def get_config(self):
        return keras.layers.Layer.get_config(self)


@keras.saving.register_keras_serializable("tests")
class ChangesDropout(LSTM):
    """Broken: every time it is loaded, `dropout` is halved."""

    def __init__(self, units, dropout=0.5, **kwargs):
        super().__init__(units, dropout=0.5 * dropout, **kwargs)


@keras.saving.register_keras_serializable("tests")
class IgnoresInput(LSTM):
    """Broken: the input does not reach the gates."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        return super().call(0 * sequences, initial_state, mask, training)


@keras.saving.register_keras_serializable("tests")
class IgnoresMask(LSTM):
    """Broken: padding is treated like input."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        return super().call(sequences, initial_state, None, training)


@keras.saving.register_keras_serializable("tests")
class WrongShape(LSTM):
    """Broken: the promised shape is that of a sequence."""

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        return (*sequences_shape[:2], self.units)


@pytest.mark.parametrize(
    ("layer", "error", "promise"),
    [
        (LosesUnits, TypeError, "missing 1 required positional argument: 'units'"),
        (ChangesDropout, AssertionError, "the config changes when it is saved"),
        (IgnoresInput, AssertionError, "no gradient reaches .*/kernel"),
        (IgnoresMask, AssertionError, "the values of padding change the output"),
        (WrongShape, AssertionError, "compute_output_shape is wrong"),
    ],
)
def test_rejects_a_broken_layer(layer, error, promise, tmp_path):
    with pytest.raises(error, match=promise):
        check_layer(lambda: layer(U), tmp_path)
