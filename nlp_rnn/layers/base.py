"""The base class of recurrent layers: it owns the weights, `cells.py` has the equations, `scan.py` runs them.

Shapes: B batch, T time steps, F input features, U units.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from nlp_rnn.checks import fraction, positive_int
from nlp_rnn.layers import cells
from nlp_rnn.layers.options import (
    Named,
    layer_arguments,
    replace_activations,
    require_supported,
    weight_arguments,
    weight_config,
    weight_options,
)
from nlp_rnn.layers.padding import zero_at_padding, zero_before_first_step
from nlp_rnn.layers.scan import gate_activations, scan
from nlp_rnn.layers.scan_types import Masks, RecurrentOutput, ScanArguments, ScanInputs, ScanSpec
from nlp_rnn.layers.state_variables import StateVariables

FLAGS = ("return_sequences", "return_state", "return_gates", "go_backwards", "stateful", "zero_output_for_mask")


class Recurrent(keras.layers.Layer):
    """Base class of the recurrent layers. A subclass sets `cell`. The arguments are those of `keras.layers.LSTM`.

    Args:
        units: size U of the state; a positive int.
        activation, recurrent_activation: functions of the candidate and the output, and of the gates; by Keras' names
            or functions, None for none. A function has no weights and no randomness. RNN, LSTM and GRU alone may have
            others than "tanh" and "sigmoid", which are the fastest.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: by Keras' names or objects.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: likewise.
        kernel_constraint, recurrent_constraint, bias_constraint: likewise.
        dropout: fraction of the input features to drop, the same at every step.
        recurrent_dropout: fraction of the state to drop before the recurrent product, the same at every step.
        seed: of dropout.
        return_sequences: return the output of every step, [B, T, U], instead of the last, [B, U].
        return_state: return the final states, [B, U] each, after the output.
        return_gates: return the gate activations of every step, a dict of [B, T, U], after everything else.
        go_backwards: run from the last step to the first; outputs, and their mask, are returned in that order.
        stateful: start each call from the final states of the previous one; B must be fixed.
        unroll: accepted for compatibility, and without effect: the loops are compiled.
        use_cudnn: accepted for compatibility; these layers do not use cuDNN, so True is refused.
        zero_output_for_mask: the output of a step that is padding is zero, instead of that of the step before.
        kwargs: arguments of `keras.layers.Layer`, such as `activity_regularizer`.

    Call with the inputs, [B, T, F], and optionally `initial_state`, a list of [B, U], and `mask`, [B, T].

    Raises:
        ValueError: `units` is not a positive int; a dropout rate is outside [0, 1); `return_gates` without gates;
            `recurrent_dropout` without a recurrent product; `use_cudnn` is True; or an option is unknown to Keras or
            does not apply to the equation.
    """

    cell: cells.Cell  # the equation, from cells.py
    return_sequences: bool
    return_state: bool
    return_gates: bool
    go_backwards: bool
    stateful: bool
    zero_output_for_mask: bool

    def __init__(
        self,
        units: int,
        *,
        activation: Named = "tanh",
        recurrent_activation: Named = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Named = "glorot_uniform",
        recurrent_initializer: Named = "orthogonal",
        bias_initializer: Named = "zeros",
        kernel_regularizer: Named = None,
        recurrent_regularizer: Named = None,
        bias_regularizer: Named = None,
        kernel_constraint: Named = None,
        recurrent_constraint: Named = None,
        bias_constraint: Named = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        return_gates: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: bool | str = "auto",
        zero_output_for_mask: bool = False,
        **kwargs,
    ):
        arguments = locals()
        super().__init__(**layer_arguments(kwargs))
        self._set_options(arguments)
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.input_spec = keras.layers.InputSpec(ndim=3)
        self.supports_masking = True
        self.input_gradient = True  # may be set to False if no trainable weight is below this layer
        self.supports_jit = False  # the loops are compiled already, and XLA cannot compile the loop over chunks
        self._state_variables: StateVariables | None = None

    def _set_options(self, arguments):
        """Set an attribute for each argument."""
        kind = type(self).__name__
        cell, activations = replace_activations(self.cell, kind, arguments)
        if cell != self.cell:
            self.cell = cell
        flags = {name: bool(arguments[name]) for name in (*FLAGS, "use_bias", "unroll")}
        for name, value in {**flags, **activations, **weight_options(arguments, cell, kind)}.items():
            setattr(self, name, value)
        self.units = positive_int("units", arguments["units"])
        self.dropout = fraction("dropout", arguments["dropout"])
        self.recurrent_dropout = fraction("recurrent_dropout", arguments["recurrent_dropout"])
        self.seed, self.use_cudnn = arguments["seed"], arguments["use_cudnn"]
        require_supported(self, kind)

    @property
    def num_states(self) -> int:
        """The number of states."""
        return self.cell.states

    @property
    def states(self) -> list | None:
        """The states after the last call, variables [B, U]; None unless the layer is stateful and built."""
        return None if self._state_variables is None else self._state_variables.states

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The size of each state; the first is also the size of the output."""
        return (self.units,) * self.num_states

    def build(self, sequences_shape, initial_state_shape=None):
        k = self.cell.columns * self.units
        shape = (sequences_shape[-1], k)
        self.kernel = self.add_weight(name="kernel", shape=shape, **weight_arguments(self, "kernel"))
        if self.cell.recurrent:
            shape = (self.state_sizes[0], k)
            options = weight_arguments(self, "recurrent")
            self.recurrent_kernel = self.add_weight(name="recurrent_kernel", shape=shape, **options)
        self.bias = None
        if self.use_bias:
            options = {**weight_arguments(self, "bias"), "initializer": self._initial_bias}
            self.bias = self.add_weight(name="bias", shape=self._bias_shape(), **options)
        if self.stateful:
            self._state_variables = StateVariables(self, sequences_shape)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        result = self.run(sequences, initial_state, mask, training)
        if self.zero_output_for_mask and mask is not None:
            result = zero_at_padding(result, tf.cast(mask, tf.bool), self.go_backwards)
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
        carried = self.states
        if initial_state is None and carried is not None:
            initial_state = [state.value for state in carried]
        arguments = self._scan_arguments(sequences, initial_state, mask, training)
        spec, inputs, masks = arguments if transform is None else transform(*arguments)
        states, final_states = scan(spec, inputs, masks, bool(training), self.go_backwards, concurrent)
        if self._state_variables is not None:
            self._state_variables.assign(final_states)
        gates = gate_activations(spec, inputs, masks, states, self.go_backwards) if self.return_gates else None
        sequence, last = states[0] if states else None, final_states[0]
        if mask is not None and initial_state is not None:
            sequence, last = zero_before_first_step(sequence, last, masks.padding, self.go_backwards)
        return RecurrentOutput(sequence, last, final_states, gates)

    def get_initial_state(self, batch_size: int | tf.Tensor) -> list[tf.Tensor]:
        """Return the default initial states, zeros [B, U] each."""
        return [tf.zeros((batch_size, size), self.compute_dtype) for size in self.state_sizes]

    def reset_state(self) -> None:
        """Set the states of a stateful layer to zero, as before its first call; without states, do nothing."""
        for state in self.states or ():
            state.assign(tf.zeros_like(state.value))

    def reset_states(self) -> None:
        """The same as `reset_state`, under its name in Keras 2."""
        self.reset_state()

    def reversed(self) -> "Recurrent":
        """Return a layer with the same settings, but its own weights, that runs in the opposite direction."""
        config = {**self.get_config(), "name": f"backward_{self.name}", "go_backwards": not self.go_backwards}
        return type(self).from_config(config)

    def compute_mask(self, sequences, mask=None):
        output_mask = mask if self.return_sequences else None
        if self.go_backwards and output_mask is not None:
            output_mask = keras.ops.flip(output_mask, 1)  # the outputs are in this order, too
        extra = self.num_states * self.return_state + self.return_gates
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
        names = ("units", "use_bias", "dropout", "recurrent_dropout", "seed", *FLAGS, "unroll")
        activations = {n: keras.activations.serialize(getattr(self, n)) for n in self.cell.activations}
        config = {**super().get_config(), **{name: getattr(self, name) for name in names}}
        return {**config, **activations, **weight_config(self)}

    def _scan_arguments(self, sequences, initial_state, mask, training) -> ScanArguments:
        sequences = tf.cast(sequences, self.compute_dtype)  # as Keras does with integers
        if self._state_variables is not None:
            self._state_variables.check_batch(sequences.shape[0])
        batch = sequences.shape[0] or tf.shape(sequences)[0]
        initial = self.get_initial_state(batch) if initial_state is None else self._as_states(initial_state)
        masks = Masks(None if mask is None else tf.cast(mask, tf.bool))
        if training and self.recurrent_dropout:
            shape = (batch, self.state_sizes[0])
            masks = masks._replace(dropout=self._dropout_mask(shape, self.recurrent_dropout))
        num_sequences = self.num_states if self.return_gates else int(self.return_sequences)
        spec = ScanSpec(self.cell, num_sequences, self.input_gradient)
        return spec, self._scan_inputs(self._dropped(sequences, training), tuple(initial)), masks

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
        return keras.initializers.get(self.bias_initializer)(shape, dtype)

    def _biases(self) -> tuple[Any, Any]:
        """The bias of W x and that of U h, [K] each; None if there is none."""
        return None if self.bias is None else tf.convert_to_tensor(self.bias), None

    def _as_states(self, initial_state):
        """`initial_state` as a tuple of tensors [B, U]; a single state need not be in a list."""
        states = initial_state if isinstance(initial_state, list | tuple) else [initial_state]
        if len(states) != self.num_states:
            raise ValueError(f"initial_state of {self.name} must have {self.num_states} tensors, got {len(states)}")
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
