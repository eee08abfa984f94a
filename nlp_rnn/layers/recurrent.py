"""RNN, LSTM and GRU: the layers own the weights, `cells.py` holds the equations, `scan.py` the loop.

Weights have the names, shapes and gate order of `keras.layers`, so `set_weights(other.get_weights())` moves them either
way. Masks are explicit: [B, T] bool, True where a step counts; padding may stand left, right or everywhere.

Shapes: B batch, T time steps, F input features, U units.
"""

import keras
import tensorflow as tf

from nlp_rnn.checks import fraction, positive_int
from nlp_rnn.layers import cells
from nlp_rnn.layers.scan import Recurrence, gates, scan, states_before


class Recurrent(keras.layers.Layer):
    """What RNN, LSTM and GRU share. A new layer names its cell, its number of gates and its states.

    Args:
        units: size U of the state; a positive int.
        return_sequences: give the output of every step, [B, T, U], instead of the last, [B, U].
        return_state: give the final states, [B, U] each, after the output.
        return_gates: give the gates of every step as well, a dict of [B, T, U], after all else (LSTM and GRU).
        go_backwards: run from the last step to the first; outputs come in that order, as in Keras.
        dropout: share of input features dropped, the same at every step.
        recurrent_dropout: share of the state dropped on its way into the recurrent product, the same at every step.

    Raises:
        ValueError: `units` is not a positive int, a dropout lies outside [0, 1), or there are no gates to return.
    """

    cell: cells.Cell  # the equation, from cells.py
    columns: int  # how many blocks of U columns the kernels have: one per gate
    states: int = 1  # how many states the cell carries

    def __init__(
        self,
        units: int,
        return_sequences: bool = False,
        return_state: bool = False,
        return_gates: bool = False,
        go_backwards: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = positive_int("units", units)
        if return_gates and not self._gate_names():
            raise ValueError(f"return_gates must be False: {type(self).__name__} has no gates")
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.return_gates = return_gates
        self.go_backwards = go_backwards
        self.dropout = fraction("dropout", dropout)
        self.recurrent_dropout = fraction("recurrent_dropout", recurrent_dropout)
        self.seed_generator = keras.random.SeedGenerator()
        self.supports_masking = True

    def build(self, sequences_shape, initial_state_shape=None):
        u, k = self.units, self.columns * self.units
        self.kernel = self.add_weight(name="kernel", shape=(sequences_shape[-1], k), initializer="glorot_uniform")
        self.recurrent_kernel = self.add_weight(name="recurrent_kernel", shape=(u, k), initializer="orthogonal")
        self.bias = self.add_weight(name="bias", shape=self._bias_shape(), initializer=self._initial_bias)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        batch = tf.shape(sequences)[0]
        given = initial_state is not None
        initial = self._as_states(initial_state) if given else self._zeros(batch)
        run = self._recurrence(batch, mask, training)
        bias, recurrent_bias = self._biases()
        inputs = self._dropped(sequences, training)
        wx = tf.tensordot(inputs, tf.convert_to_tensor(self.kernel), 1) + bias
        wx = tf.transpose(wx, (1, 0, 2))
        kernel = tf.convert_to_tensor(self.recurrent_kernel)
        states = scan(run, wx, kernel, recurrent_bias, initial)
        outputs = [self._output(states, run, given), *self._final(states)]
        if self.return_gates:
            before = states_before(run, initial, states)
            outputs.append(self._in_order(gates(run, wx, kernel, recurrent_bias, before)))
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def compute_mask(self, sequences, mask=None):
        keep = mask if self.return_sequences else None
        extra = self.states * self.return_state + self.return_gates
        return (keep, *[None] * extra) if extra else keep

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        batch, steps = sequences_shape[:2]
        sequence, state = (batch, steps, self.units), (batch, self.units)
        shapes = [sequence if self.return_sequences else state]
        shapes += [state] * (self.states * self.return_state)
        if self.return_gates:
            shapes.append(dict.fromkeys(self._gate_names(), sequence))
        return shapes[0] if len(shapes) == 1 else tuple(shapes)

    def get_config(self):
        names = ("units", "return_sequences", "return_state", "return_gates", "go_backwards")
        rates = ("dropout", "recurrent_dropout")
        return {**super().get_config(), **{n: getattr(self, n) for n in names + rates}}

    def _bias_shape(self):
        return (self.columns * self.units,)

    def _initial_bias(self, shape, dtype=None):
        return tf.zeros(shape, dtype)

    def _biases(self):
        """The bias of W x and, where the cell has one, that of U h, [K] each."""
        return tf.convert_to_tensor(self.bias), None

    def _gate_names(self):
        zeros = tf.zeros((1, self.columns))
        _, named = type(self).cell(zeros, zeros, (tf.zeros((1, 1)),) * self.states)
        return list(named)

    def _zeros(self, batch):
        return (tf.zeros((batch, self.units), self.compute_dtype),) * self.states

    def _as_states(self, initial_state):
        """`initial_state` as a tuple of tensors [B, U]; a single state may come without a list."""
        given = initial_state if isinstance(initial_state, list | tuple) else [initial_state]
        if len(given) != self.states:
            raise ValueError(f"initial_state of {self.name} must have {self.states} tensors, got {len(given)}")
        return tuple(tf.cast(s, self.compute_dtype) for s in given)

    def _recurrence(self, batch, mask, training):
        if mask is not None:
            mask = tf.transpose(tf.cast(mask, tf.bool))[..., None]
        drop = None
        if training and self.recurrent_dropout:
            drop = self._drop_factors((batch, self.units), self.recurrent_dropout)
        return Recurrence(type(self).cell, mask, drop, self.go_backwards)

    def _dropped(self, inputs, training):
        if not (training and self.dropout):
            return inputs
        shape = tf.shape(inputs)
        return inputs * self._drop_factors((shape[0], 1, shape[2]), self.dropout)

    def _drop_factors(self, shape, rate):
        ones = tf.ones(shape, self.compute_dtype)
        return keras.random.dropout(ones, rate, seed=self.seed_generator)

    def _in_order(self, sequences):
        """Time-major [T, B, U] to [B, T, U], in the order in which the steps were run."""

        def ordered(sequence):
            sequence = tf.reverse(sequence, [0]) if self.go_backwards else sequence
            return tf.transpose(sequence, (1, 0, 2))

        return tf.nest.map_structure(ordered, sequences)

    def _output(self, states, run, state_given):
        """The output of every step or of the last; zero, as in Keras, until a step has counted."""
        h = states[0]
        if run.mask is not None and state_given:
            begun = tf.cumsum(tf.cast(run.mask, tf.int32), reverse=run.reverse) > 0
            h = tf.where(begun, h, tf.zeros_like(h))
        if self.return_sequences:
            return self._in_order(h)
        return h[0] if run.reverse else h[-1]

    def _final(self, states):
        if not self.return_state:
            return []
        last = 0 if self.go_backwards else -1
        return [s[last] for s in states]


@keras.saving.register_keras_serializable("nlp_rnn")
class RNN(Recurrent):
    """Simple recurrent network, h = tanh(W x + U h + b). See `Recurrent` for the arguments.

    Example:
        >>> RNN(units=4)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """

    cell = staticmethod(cells.rnn)
    columns = 1


@keras.saving.register_keras_serializable("nlp_rnn")
class LSTM(Recurrent):
    """Long short-term memory: f, i, o gate the memory c. See `Recurrent` for the arguments.

    The forget gate's bias starts at one: a new cell remembers (Jozefowicz et al., 2015).

    Example:
        >>> outputs, h, c = LSTM(4, return_sequences=True, return_state=True)(tf.ones((2, 3, 5)))
        >>> outputs.shape, c.shape
        (TensorShape([2, 3, 4]), TensorShape([2, 4]))
        >>> _, gates = LSTM(4, return_gates=True)(tf.ones((2, 3, 5)))
        >>> sorted(gates), gates["f"].shape
        (['f', 'g', 'i', 'o'], TensorShape([2, 3, 4]))
    """

    cell = staticmethod(cells.lstm)
    columns = 4
    states = 2

    def _initial_bias(self, shape, dtype=None):
        u = self.units
        return tf.concat([tf.zeros(u, dtype), tf.ones(u, dtype), tf.zeros(2 * u, dtype)], 0)


@keras.saving.register_keras_serializable("nlp_rnn")
class GRU(Recurrent):
    """Gated recurrent unit, the reset gate after the product. See `Recurrent` for the arguments.

    Example:
        >>> GRU(units=4, return_sequences=True)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 3, 4])
    """

    cell = staticmethod(cells.gru)
    columns = 3

    def _bias_shape(self):
        return (2, 3 * self.units)

    def _biases(self):
        bias = tf.convert_to_tensor(self.bias)
        return bias[0], bias[1]
