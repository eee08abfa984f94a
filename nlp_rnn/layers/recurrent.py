"""RNN, LSTM and GRU: the layers own the weights, `cells.py` holds the equations, `scan.py` runs them.

Weights have the names, shapes and gate order of `keras.layers`, so `set_weights(other.get_weights())` moves them either
way. Masks are explicit: [B, T] bool, True where a step counts; padding may stand left, right or everywhere.

Called with `training=True` most of them run machine code of this process (`native`): a SavedModel that
holds such a call can be read in no other, unless this package is imported there, and the call answers nowhere else; its
gradient has no gradient. Of other calls both are fine.

Shapes: B batch, T time steps, F input features, U units.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from nlp_rnn.checks import fraction, positive_int
from nlp_rnn.layers import cells
from nlp_rnn.layers.recurrence import Fixed, Inputs, Recurrence
from nlp_rnn.layers.scan import gates, scan


class Result(NamedTuple):
    """What a recurrent layer found; sequences in the order of the input.

    Attributes:
        sequence: the output of every step, [B, T, U], or None if it is not wanted.
        last: the output of the last step, [B, U].
        final: the states after it.
        gates: [B, T, U] by name, or None.
    """

    sequence: tf.Tensor | None
    last: tf.Tensor
    final: tuple[tf.Tensor, ...]
    gates: dict[str, tf.Tensor] | None


Loop = tuple[Recurrence, Inputs, Fixed]


class Recurrent(keras.layers.Layer):
    """What all recurrent layers share. A new layer names its cell.

    Args:
        units: size U of the state; a positive int.
        return_sequences: give the output of every step, [B, T, U], instead of the last, [B, U].
        return_state: give the final states, [B, U] each, after the output.
        return_gates: give the gates of every step as well, a dict of [B, T, U], after all else.
        go_backwards: run from the last step to the first; outputs, and their mask, come in that order.
        dropout: share of input features dropped, the same at every step.
        recurrent_dropout: share of the state dropped on its way into the recurrent product, the same at every step.

    Raises:
        ValueError: `units` is not a positive int, a dropout lies outside [0, 1), or there is nothing to drop or
            no gates to return.
    """

    cell: cells.Cell  # the equation, from cells.py

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
        if return_gates and not self.cell.gates:
            raise ValueError(f"return_gates must be False: {type(self).__name__} has no gates")
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.return_gates = return_gates
        self.go_backwards = go_backwards
        self.dropout = fraction("dropout", dropout)
        self.recurrent_dropout = fraction("recurrent_dropout", recurrent_dropout)
        if recurrent_dropout and not self.cell.recurrent:
            raise ValueError(f"recurrent_dropout must be 0: {type(self).__name__} has no recurrent product")
        self.seed_generator = keras.random.SeedGenerator()
        self.supports_masking = True
        self.input_gradient = True  # a model whose first layer this is may say that it asks for none
        self.supports_jit = False  # its loops are compiled already; stretches of any length cannot be, as a whole

    @property
    def states(self) -> int:
        """How many states the layer carries."""
        return self.cell.states

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The size of each state; the first is that of the output."""
        return (self.units,) * self.states

    def build(self, sequences_shape, initial_state_shape=None):
        k = self.cell.columns * self.units
        self.kernel = self.add_weight(name="kernel", shape=(sequences_shape[-1], k), initializer="glorot_uniform")
        if self.cell.recurrent:
            shape = (self.state_sizes[0], k)
            self.recurrent_kernel = self.add_weight(name="recurrent_kernel", shape=shape, initializer="orthogonal")
        self.bias = self.add_weight(name="bias", shape=self._bias_shape(), initializer=self._initial_bias)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        found = self.run(sequences, initial_state, mask, training)
        outputs = [self._in_order(found.sequence) if self.return_sequences else found.last]
        outputs += found.final if self.return_state else ()
        if self.return_gates:
            outputs.append({name: self._in_order(gate) for name, gate in found.gates.items()})
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def run(self, sequences, initial_state=None, mask=None, training=False, change=None, beside=1) -> Result:
        """Run over `sequences`, [B, T, F]; for layers made of layers, which call this one.

        Args:
            change: takes and gives what the loop is made of (Recurrence, Inputs, Fixed), or None.
            beside: how many layers, this one counted, run at the same time.
        """
        loop = self._loop(sequences, initial_state, mask, training)
        run, inputs, fixed = loop if change is None else change(*loop)
        states, final = scan(run, inputs, fixed, bool(training), self.go_backwards, beside)
        found = gates(run, inputs, fixed, states, self.go_backwards) if self.return_gates else None
        sequence, last = states[0] if states else None, final[0]
        if mask is not None and initial_state is not None:
            sequence, last = _zero_until_begun(sequence, last, fixed.mask, self.go_backwards)
        return Result(sequence, last, final, found)

    def reversed(self) -> "Recurrent":
        """A layer with the same settings and weights of its own that runs the other way."""
        config = {**self.get_config(), "name": f"backward_{self.name}", "go_backwards": not self.go_backwards}
        return type(self).from_config(config)

    def compute_mask(self, sequences, mask=None):
        keep = mask if self.return_sequences else None
        keep = keras.ops.flip(keep, 1) if self.go_backwards and keep is not None else keep  # as the outputs stand
        extra = self.states * self.return_state + self.return_gates
        return (keep, *[None] * extra) if extra else keep

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        batch, steps = sequences_shape[:2]
        sizes = self.state_sizes
        shapes = [(batch, steps, sizes[0]) if self.return_sequences else (batch, sizes[0])]
        shapes += [(batch, size) for size in sizes if self.return_state]
        if self.return_gates:
            shapes.append(dict.fromkeys(self.cell.gates, (batch, steps, self.units)))
        return shapes[0] if len(shapes) == 1 else tuple(shapes)

    def get_config(self):
        names = ("units", "return_sequences", "return_state", "return_gates", "go_backwards")
        rates = ("dropout", "recurrent_dropout")
        return {**super().get_config(), **{n: getattr(self, n) for n in names + rates}}

    def _loop(self, sequences, initial_state, mask, training) -> Loop:
        batch = sequences.shape[0] or tf.shape(sequences)[0]
        initial = self._zeros(batch) if initial_state is None else self._as_states(initial_state)
        fixed = Fixed(None if mask is None else tf.cast(mask, tf.bool))
        if training and self.recurrent_dropout:
            fixed = fixed._replace(drop=self._drop_factors((batch, self.state_sizes[0]), self.recurrent_dropout))
        wanted = self.states if self.return_gates else int(self.return_sequences)
        run = Recurrence(self.cell, wanted, self.input_gradient)
        return run, self._inputs(self._dropped(sequences, training), initial), fixed

    def _inputs(self, sequences, initial) -> Inputs:
        bias, recurrent_bias = self._biases()
        recurrent = tf.convert_to_tensor(self.recurrent_kernel) if self.cell.recurrent else None
        weights = tuple(tf.convert_to_tensor(w) for w in self._cell_weights())
        return Inputs(sequences, initial, tf.convert_to_tensor(self.kernel), bias, recurrent, recurrent_bias, weights)

    def _cell_weights(self):
        """Weights that the cell's equation takes, in its order."""
        return ()

    def _bias_shape(self):
        return (self.cell.columns * self.units,)

    def _initial_bias(self, shape, dtype=None):
        return tf.zeros(shape, dtype)

    def _biases(self):
        """The bias of W x and, where the cell has one, that of U h, [K] each."""
        return tf.convert_to_tensor(self.bias), None

    def _zeros(self, batch):
        return tuple(tf.zeros((batch, size), self.compute_dtype) for size in self.state_sizes)

    def _as_states(self, initial_state):
        """`initial_state` as a tuple of tensors [B, U]; a single state may come without a list."""
        given = initial_state if isinstance(initial_state, list | tuple) else [initial_state]
        if len(given) != self.states:
            raise ValueError(f"initial_state of {self.name} must have {self.states} tensors, got {len(given)}")
        return tuple(tf.cast(s, self.compute_dtype) for s in given)

    def _dropped(self, inputs, training):
        if not (training and self.dropout):
            return inputs
        shape = tf.shape(inputs)
        return inputs * self._drop_factors((shape[0], 1, shape[2]), self.dropout)

    def _drop_factors(self, shape, rate):
        ones = tf.ones(shape, self.compute_dtype)
        return keras.random.dropout(ones, rate, seed=self.seed_generator)

    def _in_order(self, sequence):
        """A sequence in the order in which its steps were run."""
        return tf.reverse(sequence, [1]) if self.go_backwards else sequence


def _zero_until_begun(sequence, last, mask, reverse):
    """Zero, as in Keras, until a step has counted, though a state was given."""
    counted = tf.cast(mask, tf.int32)
    if sequence is not None:
        begun = tf.cumsum(counted, 1, reverse=reverse) > 0
        sequence = tf.where(begun[..., None], sequence, tf.zeros_like(sequence))
    any_counted = tf.reduce_any(mask, 1, keepdims=True)
    return sequence, tf.where(any_counted, last, tf.zeros_like(last))


@keras.saving.register_keras_serializable("nlp_rnn")
class RNN(Recurrent):
    """Simple recurrent network, h = tanh(W x + U h + b). See `Recurrent` for the arguments.

    Example:
        >>> RNN(units=4)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """

    cell = cells.RNN


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

    cell = cells.LSTM

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

    cell = cells.GRU

    def _bias_shape(self):
        return (2, 3 * self.units)

    def _biases(self):
        bias = tf.convert_to_tensor(self.bias)
        return bias[0], bias[1]


CELLS = {"lstm": LSTM, "gru": GRU, "rnn": RNN}  # by the names that settings have


def require_same_dtype(wrapper: keras.layers.Layer, layer: keras.layers.Layer) -> None:
    """Check that a wrapper computes in the dtype of the layer that it wraps.

    Raises:
        ValueError: it does not.
    """
    ours, theirs = wrapper.dtype_policy.name, layer.dtype_policy.name
    if ours != theirs:
        raise ValueError(f"dtype of {wrapper.name} must be that of the layer in it, {theirs}, got {ours}")
