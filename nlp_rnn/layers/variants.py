"""Variants of the LSTM and the GRU: each is an equation in `cells.py` and the weights that the equation takes.

They take the arguments of `Recurrent`, other activations excepted, and run in the same loops.

Shapes: B batch, T time steps, F input features, U units, P projected units.
"""

import keras
import tensorflow as tf

from nlp_rnn.checks import positive_int
from nlp_rnn.layers import cells
from nlp_rnn.layers.base import Recurrent
from nlp_rnn.layers.recurrent import LSTM


@keras.saving.register_keras_serializable("nlp_rnn")
class PeepholeLSTM(LSTM):
    """LSTM with peephole connections from the memory to the gates (Gers & Schmidhuber, 2000), for precise timing.

    Examples:
        >>> PeepholeLSTM(4)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """

    cell = cells.PEEPHOLE_LSTM

    def build(self, sequences_shape, initial_state_shape=None):
        super().build(sequences_shape)
        names = ("peephole_i", "peephole_f", "peephole_o")
        self.peepholes = [self.add_weight(name=n, shape=(self.units,), initializer="zeros") for n in names]

    def _cell_weights(self):
        return self.peepholes


@keras.saving.register_keras_serializable("nlp_rnn")
class CoupledLSTM(Recurrent):
    """LSTM with coupled input and forget gates, i = 1 - f (Greff et al., 2017, "CIFG"): a quarter fewer weights.

    Examples:
        >>> CoupledLSTM(4)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """

    cell = cells.COUPLED_LSTM

    def _initial_bias(self, shape, dtype=None):
        return tf.concat([tf.ones(self.units, dtype), super()._initial_bias((2 * self.units,), dtype)], 0)


@keras.saving.register_keras_serializable("nlp_rnn")
class ProjectedLSTM(LSTM):
    """LSTM with a recurrent projection layer (Sak et al., 2014, "LSTMP"): a large memory with a small recurrent kernel.

    Its states are h, [B, P], and c, [B, U].

    Args:
        units: size U of the memory c.
        projection_units: size P of the output h.
        kwargs: the other arguments of `Recurrent`.

    Raises:
        ValueError: `projection_units` is not a positive int.

    Examples:
        >>> outputs, h, c = ProjectedLSTM(8, 3, return_state=True)(tf.ones((2, 3, 5)))
        >>> outputs.shape, c.shape
        (TensorShape([2, 3]), TensorShape([2, 8]))
    """

    cell = cells.PROJECTED_LSTM

    def __init__(self, units: int, projection_units: int, **kwargs):
        super().__init__(units, **kwargs)
        self.projection_units = positive_int("projection_units", projection_units)

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The size P of h and the size U of c."""
        return self.projection_units, self.units

    def build(self, sequences_shape, initial_state_shape=None):
        super().build(sequences_shape)
        shape = (self.units, self.projection_units)
        self.projection = self.add_weight(name="projection", shape=shape, initializer="glorot_uniform")

    def get_config(self):
        return {**super().get_config(), "projection_units": self.projection_units}

    def _cell_weights(self):
        return (self.projection,)


@keras.saving.register_keras_serializable("nlp_rnn")
class LayerNormLSTM(LSTM):
    """LSTM with layer normalisation of W x, U h and c (Ba et al., 2016): steadier training of long sequences.

    Examples:
        >>> LayerNormLSTM(4)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """

    cell = cells.LAYER_NORM_LSTM

    def build(self, sequences_shape, initial_state_shape=None):
        super().build(sequences_shape)
        k, u = 4 * self.units, self.units
        self.gain_x = self.add_weight(name="gain_x", shape=(k,), initializer="ones")
        self.gain_h = self.add_weight(name="gain_h", shape=(k,), initializer="ones")
        self.gain_c = self.add_weight(name="gain_c", shape=(u,), initializer="ones")
        self.shift_c = self.add_weight(name="shift_c", shape=(u,), initializer="zeros")

    def _scan_inputs(self, sequences, initial):
        # W x does not depend on the state, so it is normalised for all steps at once, ahead of the loop.
        inputs = super()._scan_inputs(sequences, initial)
        wx = cells.layer_normalise(tf.tensordot(sequences, inputs.kernel, 1))
        wx = tf.convert_to_tensor(self.gain_x) * wx
        return inputs._replace(x=wx if inputs.bias is None else wx + inputs.bias, kernel=None, bias=None)

    def _cell_weights(self):
        return self.gain_h, self.gain_c, self.shift_c


@keras.saving.register_keras_serializable("nlp_rnn")
class MinGRU(Recurrent):
    """GRU whose gates depend on the input alone (Feng et al., 2024): no recurrent kernel, a third of the weights.

    Examples:
        >>> MinGRU(4)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """

    cell = cells.MIN_GRU
