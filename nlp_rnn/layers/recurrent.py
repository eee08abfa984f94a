"""RNN, LSTM and GRU: the layers own the weights, `cells.py` has the equations, `scan.py` runs them.

Weights have the names, shapes and gate order of `keras.layers`, so `set_weights(other.get_weights())` copies them in
either direction. Masks are explicit: [B, T] bool, False at padding, which may be on the left, on the right or
everywhere.

Called with `training=True`, most layers run machine code of this process (`native`), which has two limits. A SavedModel
with such a call can only be loaded where this package is imported, and the call itself fails there. And the call has no
second derivative. Calls with `training=False` have neither limit.

Shapes: B batch, T time steps, F input features, U units.
"""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from nlp_rnn.checks import fraction, positive_int
from nlp_rnn.layers import cells
from nlp_rnn.layers.scan import gate_activations, scan
from nlp_rnn.layers.scan_types import Masks, RecurrentOutput, ScanArguments, ScanInputs, ScanSpec


class Recurrent(keras.layers.Layer):
    """Base class of the recurrent layers. A subclass sets `cell`.

    Args:
        units: size U of the state; a positive int.
        return_sequences: return the output of every step, [B, T, U], instead of the last, [B, U].
        return_state: return the final states, [B, U] each, after the output.
        return_gates: return the gate activations of every step, a dict of [B, T, U], after everything else.
        go_backwards: run from the last step to the first; outputs, and their mask, are returned in that order.
        dropout: fraction of the input features to drop, the same at every step.
        recurrent_dropout: fraction of the state to drop before the recurrent product, the same at every step.

    Call with the inputs, [B, T, F], and optionally `initial_state`, a list of [B, U], and `mask`, [B, T].

    Raises:
        ValueError: `units` is not a positive int; a dropout rate is outside [0, 1); `return_gates` without gates; or
            `recurrent_dropout` without a recurrent product.
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
        self.input_gradient = True  # may be set to False if no trainable weight is below this layer
        self.supports_jit = False  # the loops are compiled already, and XLA cannot compile the loop over chunks

    @property
    def states(self) -> int:
        """The number of states."""
        return self.cell.states

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The size of each state; the first is also the size of the output."""
        return (self.units,) * self.states

    def build(self, sequences_shape, initial_state_shape=None):
        k = self.cell.columns * self.units
        self.kernel = self.add_weight(name="kernel", shape=(sequences_shape[-1], k), initializer="glorot_uniform")
        if self.cell.recurrent:
            shape = (self.state_sizes[0], k)
            self.recurrent_kernel = self.add_weight(name="recurrent_kernel", shape=shape, initializer="orthogonal")
        self.bias = self.add_weight(name="bias", shape=self._bias_shape(), initializer=self._initial_bias)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        result = self.run(sequences, initial_state, mask, training)
        outputs = [self._in_run_order(result.sequence) if self.return_sequences else result.last]
        outputs += result.final_states if self.return_state else ()
        if result.gates is not None:
            outputs.append({name: self._in_run_order(gate) for name, gate in result.gates.items()})
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def run(
        self,
        sequences: tf.Tensor,
        initial_state: Sequence[tf.Tensor] | tf.Tensor | None = None,
        mask: tf.Tensor | None = None,
        training: bool = False,
        transform: Callable[..., ScanArguments] | None = None,
        concurrent: int = 1,
    ) -> RecurrentOutput:
        """Run the layer; for wrappers, which need all results and may change what is run.

        Args:
            sequences, initial_state, mask, training: as for calling the layer.
            transform: takes a ScanSpec, ScanInputs and Masks, and returns those to run instead.
            concurrent: how many layers, including this one, run at the same time and share the cores.
        """
        arguments = self._scan_arguments(sequences, initial_state, mask, training)
        spec, inputs, masks = arguments if transform is None else transform(*arguments)
        states, final_states = scan(spec, inputs, masks, bool(training), self.go_backwards, concurrent)
        gates = gate_activations(spec, inputs, masks, states, self.go_backwards) if self.return_gates else None
        sequence, last = states[0] if states else None, final_states[0]
        if mask is not None and initial_state is not None:
            sequence, last = _zero_before_first_step(sequence, last, masks.padding, self.go_backwards)
        return RecurrentOutput(sequence, last, final_states, gates)

    def reversed(self) -> "Recurrent":
        """Return a layer with the same settings, but its own weights, that runs in the opposite direction."""
        config = {**self.get_config(), "name": f"backward_{self.name}", "go_backwards": not self.go_backwards}
        return type(self).from_config(config)

    def compute_mask(self, sequences, mask=None):
        output_mask = mask if self.return_sequences else None
        if self.go_backwards and output_mask is not None:
            output_mask = keras.ops.flip(output_mask, 1)  # the outputs are in this order, too
        extra = self.states * self.return_state + self.return_gates
        return (output_mask, *[None] * extra) if extra else output_mask

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        batch, steps = sequences_shape[:2]
        sizes = self.state_sizes
        shapes: list = [(batch, steps, sizes[0]) if self.return_sequences else (batch, sizes[0])]
        shapes += [(batch, size) for size in sizes if self.return_state]
        if self.return_gates:
            shapes.append(dict.fromkeys(self.cell.gates, (batch, steps, self.units)))
        return shapes[0] if len(shapes) == 1 else tuple(shapes)

    def get_config(self):
        names = ("units", "return_sequences", "return_state", "return_gates", "go_backwards")
        rates = ("dropout", "recurrent_dropout")
        return {**super().get_config(), **{n: getattr(self, n) for n in names + rates}}

    def _scan_arguments(self, sequences, initial_state, mask, training) -> ScanArguments:
        batch = sequences.shape[0] or tf.shape(sequences)[0]
        initial = self._zeros(batch) if initial_state is None else self._as_states(initial_state)
        masks = Masks(None if mask is None else tf.cast(mask, tf.bool))
        if training and self.recurrent_dropout:
            shape = (batch, self.state_sizes[0])
            masks = masks._replace(dropout=self._dropout_mask(shape, self.recurrent_dropout))
        num_sequences = self.states if self.return_gates else int(self.return_sequences)
        spec = ScanSpec(self.cell, num_sequences, self.input_gradient)
        return spec, self._scan_inputs(self._dropped(sequences, training), initial), masks

    def _scan_inputs(self, sequences, initial) -> ScanInputs:
        bias, recurrent_bias = self._biases()
        recurrent = tf.convert_to_tensor(self.recurrent_kernel) if self.cell.recurrent else None
        weights = tuple(tf.convert_to_tensor(w) for w in self._cell_weights())
        kernel = tf.convert_to_tensor(self.kernel)
        return ScanInputs(sequences, initial, kernel, bias, recurrent, recurrent_bias, weights)

    def _cell_weights(self):
        """The further weights of the cell, in the order in which its equation takes them."""
        return ()

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.cell.columns * self.units,)

    def _initial_bias(self, shape, dtype=None):
        return tf.zeros(shape, dtype)

    def _biases(self):
        """The bias of W x, and that of U h or None, [K] each."""
        return tf.convert_to_tensor(self.bias), None

    def _zeros(self, batch):
        return tuple(tf.zeros((batch, size), self.compute_dtype) for size in self.state_sizes)

    def _as_states(self, initial_state):
        """`initial_state` as a tuple of tensors [B, U]; a single state need not be in a list."""
        states = initial_state if isinstance(initial_state, list | tuple) else [initial_state]
        if len(states) != self.states:
            raise ValueError(f"initial_state of {self.name} must have {self.states} tensors, got {len(states)}")
        return tuple(tf.cast(s, self.compute_dtype) for s in states)

    def _dropped(self, inputs, training):
        if not (training and self.dropout):
            return inputs
        shape = tf.shape(inputs)
        return inputs * self._dropout_mask((shape[0], 1, shape[2]), self.dropout)

    def _dropout_mask(self, shape, rate):
        """Factors of 0 and 1 / (1 - rate)."""
        ones = tf.ones(shape, self.compute_dtype)
        return keras.random.dropout(ones, rate, seed=self.seed_generator)

    def _in_run_order(self, sequence):
        """A sequence in the order in which its steps were run."""
        return tf.reverse(sequence, [1]) if self.go_backwards else sequence


def _zero_before_first_step(sequence, last, padding, reverse):
    """Set the output to zero before the first step that is not padding, as Keras does despite an initial state."""
    valid = tf.cast(padding, tf.int32)
    if sequence is not None:
        started = tf.cumsum(valid, 1, reverse=reverse) > 0
        sequence = tf.where(started[..., None], sequence, tf.zeros_like(sequence))
    any_valid = tf.reduce_any(padding, 1, keepdims=True)
    return sequence, tf.where(any_valid, last, tf.zeros_like(last))


@keras.saving.register_keras_serializable("nlp_rnn")
class RNN(Recurrent):
    """Simple recurrent network, h = tanh(W x + U h + b) (Elman, 1990). See `Recurrent` for the arguments.

    Examples:
        >>> RNN(units=4)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """

    cell = cells.RNN


@keras.saving.register_keras_serializable("nlp_rnn")
class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber, 1997). See `Recurrent` for the arguments.

    Its states are h and the memory c. The forget gate's bias starts at one, so that a new cell remembers (Jozefowicz et
    al., 2015).

    Examples:
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
    """Gated recurrent unit (Cho et al., 2014). See `Recurrent` for the arguments.

    The reset gate applies after the recurrent product, as in Keras with `reset_after=True` and in cuDNN.

    Examples:
        >>> GRU(units=4, return_sequences=True)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 3, 4])
    """

    cell = cells.GRU

    def _bias_shape(self):
        return (2, 3 * self.units)

    def _biases(self):
        bias = tf.convert_to_tensor(self.bias)
        return bias[0], bias[1]


CELLS = {"lstm": LSTM, "gru": GRU, "rnn": RNN}  # by the values of a recipe's setting `cell`


def require_same_dtype(wrapper: keras.layers.Layer, layer: keras.layers.Layer) -> None:
    """Check that a wrapper has the dtype policy of the layer that it wraps.

    Raises:
        ValueError: it has another.
    """
    got, expected = wrapper.dtype_policy.name, layer.dtype_policy.name
    if got != expected:
        raise ValueError(f"dtype of {wrapper.name} must be that of the wrapped layer, {expected}, got {got}")
