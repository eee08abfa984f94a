"""Relatives of the LSTM and the GRU: each is its equation in `cells.py` and the weights that the equation takes.

They take the arguments of `Recurrent` and run in the same loop, at its speed.

Shapes: B batch, T time steps, F input features, U units, P projected units.
"""

import keras
import tensorflow as tf

from nlp_rnn.checks import positive_int
from nlp_rnn.layers import cells
from nlp_rnn.layers.recurrent import LSTM, Recurrent


@keras.saving.register_keras_serializable("nlp_rnn")
class PeepholeLSTM(LSTM):
    """LSTM whose gates see the memory (Gers & Schmidhuber, 2000): for tasks of exact timing.

    Example:
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
    """LSTM that forgets as much as it takes in, f = 1 - i (Greff et al., 2017, "CIFG"): a quarter fewer weights.

    Example:
        >>> CoupledLSTM(4)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """

    cell = cells.COUPLED_LSTM

    def _initial_bias(self, shape, dtype=None):
        return tf.concat([tf.ones(self.units, dtype), tf.zeros(2 * self.units, dtype)], 0)


@keras.saving.register_keras_serializable("nlp_rnn")
class ProjectedLSTM(LSTM):
    """LSTM whose output is projected to fewer units (Sak et al., 2014): a large memory at the price of a small one.

    Args:
        units: size U of the memory c.
        projection_units: size P of the output h.
        kwargs: the other arguments of `Recurrent`.

    Its states are h, [B, P], and c, [B, U].

    Raises:
        ValueError: `projection_units` is not a positive int.

    Example:
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
        """P of h and U of c."""
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

    Example:
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

    def _inputs(self, sequences, initial):
        # W x of all steps is normalised at once, ahead of the loop: it does not depend on the state.
        inputs = super()._inputs(sequences, initial)
        wx = cells.normalised(tf.tensordot(sequences, inputs.kernel, 1))
        return inputs._replace(x=tf.convert_to_tensor(self.gain_x) * wx + inputs.bias, kernel=None, bias=None)

    def _cell_weights(self):
        return self.gain_h, self.gain_c, self.shift_c


@keras.saving.register_keras_serializable("nlp_rnn")
class MinGRU(Recurrent):
    """GRU whose gates see only the input (Feng et al., 2024): no recurrent kernel, a third of the weights or fewer.

    Example:
        >>> MinGRU(4)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """

    cell = cells.MIN_GRU
