"""A recurrent decoder with attention to the outputs of an encoder.

Shapes: B batch, T steps, S vectors of the memory, E and M sizes of the inputs and of the memory, U units.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from nlp_rnn.checks import fraction, one_of, positive_int
from nlp_rnn.layers.attention import SCORES, Attention
from nlp_rnn.layers.recurrent import CELLS
from nlp_rnn.layers.wrappers import Stack


class Memory(NamedTuple):
    """The encoder outputs that a decoder attends to.

    Attributes:
        vectors: [B, S, M].
        keys: the `Attention.keys` of the vectors; without attention, the last vector, [B, M].
        mask: bool [B, S], False at padding.
    """

    vectors: tf.Tensor
    keys: tf.Tensor
    mask: tf.Tensor


class DecoderState(NamedTuple):
    """The state of a decoder between two steps.

    Attributes:
        states: the states of the recurrent layers, [B, U] each, bottom first.
        previous_output: with input feeding, the output of the previous step, [B, U]; else ().
        coverage: with coverage, the sum of the attention weights so far, [B, S]; else ().
    """

    states: list[tf.Tensor]
    previous_output: tf.Tensor | tuple = ()
    coverage: tf.Tensor | tuple = ()


@keras.saving.register_keras_serializable("nlp_rnn")
class Decoder(keras.layers.Layer):
    """Stacked recurrent layers with attention to a memory, or with a fixed context vector.

    With attention the output is tanh(W [h; c]), where h is the output of the top layer and c the context vector (Luong
    et al., 2015). Without attention, c is the memory's last vector and part of the input of every step,
    s_t = f(W_y y_{t-1} + W_s s_{t-1} + W_c c + b) (Cho et al., 2014).

    Args:
        units: U of each layer.
        cell: "lstm", "gru" or "rnn".
        layers: the number of recurrent layers.
        attention: "multiplicative", "additive" or "none".
        input_feeding: the output of a step is part of the input of the next (Luong et al., 2015). Steps cannot be
            computed at once then, so that training takes several times as long.
        coverage: see `Attention`; this too computes one step after the other.
        dropout: fraction to drop of the inputs of each layer, the same at every step, and of the output.
        recurrent_dropout: fraction of h to drop before the recurrent product, the same at every step. With input
            feeding or coverage, both dropout masks are sampled anew at every step.

    Call with the inputs, [B, T, E], the memory, [B, S, M], its `mask` [B, S], and `initial_state`, a list of [B, U].
    Returns the outputs, [B, T, U], and the attention weights, [B, T, S]; zeros without attention.

    Raises:
        ValueError: an argument is out of range, or input feeding or coverage is set without attention.

    Examples:
        >>> outputs, weights = Decoder(4)(tf.ones((2, 3, 5)), tf.ones((2, 7, 6)))
        >>> outputs.shape, weights.shape
        (TensorShape([2, 3, 4]), TensorShape([2, 3, 7]))
    """

    def __init__(
        self,
        units: int,
        cell: str = "lstm",
        layers: int = 1,
        attention: str = "multiplicative",
        input_feeding: bool = False,
        coverage: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.settings = {
            "units": positive_int("units", units),
            "cell": one_of("cell", cell, CELLS),
            "layers": positive_int("layers", layers),
            "attention": one_of("attention", attention, (*SCORES, "none")),
            "input_feeding": bool(input_feeding),
            "coverage": bool(coverage),
            "dropout": fraction("dropout", dropout),
            "recurrent_dropout": fraction("recurrent_dropout", recurrent_dropout),
        }
        if attention == "none" and (input_feeding or coverage):
            raise ValueError("input_feeding and coverage need attention")
        self._make_layers()
        self.supports_masking = True

    def _make_layers(self):
        units, attention, dtype = self.settings["units"], self.settings["attention"], {"dtype": self.dtype_policy}
        self.recurrent = Stack([self._recurrent_layer(number) for number in range(self.settings["layers"])])
        self.attention = self.combine = None
        if attention != "none":
            self.attention = Attention(attention, units, self.settings["coverage"], name="attention", **dtype)
            self.combine = keras.layers.Dense(units, "tanh", False, name="combine", **dtype)
        self.dropout = keras.layers.Dropout(self.settings["dropout"], **dtype)

    def _recurrent_layer(self, number):
        cell, units = self.settings["cell"], self.settings["units"]
        options = {name: self.settings[name] for name in ("dropout", "recurrent_dropout")}
        return CELLS[cell](
            units, return_sequences=True, return_state=True, name=f"{cell}_{number}", dtype=self.dtype_policy, **options
        )

    def build(self, inputs_shape, memory_shape):
        units, context_size = self.settings["units"], memory_shape[-1]
        if self.attention is not None and self.combine is not None:
            context_size = units if self.settings["input_feeding"] else 0
            self.attention.build((*inputs_shape[:2], units), memory_shape)
            self.combine.build((*inputs_shape[:2], units + memory_shape[-1]))
        self.recurrent.build((*inputs_shape[:2], inputs_shape[-1] + context_size))

    def call(self, inputs, memory, mask=None, initial_state=None, training=False):
        memory = self.memory(memory, mask)
        state = self.begin(memory, initial_state)
        if self.settings["input_feeding"] or self.settings["coverage"]:
            return self._step_by_step(inputs, memory, state, training)
        outputs, weights, _ = self._all_steps(inputs, memory, state, training)
        return outputs, weights

    def memory(self, vectors: tf.Tensor, mask: tf.Tensor | None = None) -> Memory:
        """Return a memory to attend to.

        Args:
            vectors: the encoder outputs, [B, S, M].
            mask: [B, S], False at padding.
        """
        mask = tf.ones(tf.shape(vectors)[:2], tf.bool) if mask is None else tf.cast(mask, tf.bool)
        if self.attention is not None:
            return Memory(vectors, self.attention.keys(vectors), mask)
        last = tf.reduce_max(tf.where(mask, tf.range(tf.shape(mask)[1]), 0), 1)
        return Memory(vectors, tf.gather(vectors, last, batch_dims=1), mask)

    def begin(self, memory: Memory, states: list[tf.Tensor] | None = None) -> DecoderState:
        """Return the state before the first step.

        Args:
            memory: the memory.
            states: the initial states of the recurrent layers, [B, U] each; zeros by default.
        """
        rows, length = tf.unstack(tf.shape(memory.vectors)[:2])
        zeros = tf.zeros((rows, self.settings["units"]), memory.vectors.dtype)
        previous_output = zeros if self.settings["input_feeding"] else ()
        coverage = tf.zeros((rows, length), memory.vectors.dtype) if self.settings["coverage"] else ()
        return DecoderState(list(states) if states else [zeros] * self.recurrent.num_states, previous_output, coverage)

    def step(
        self, inputs: tf.Tensor, memory: Memory, state: DecoderState, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor, DecoderState]:
        """Run one step.

        Args:
            inputs: [B, E].
            memory: the memory.
            state: the state before the step.
            training: whether to apply dropout.

        Returns:
            The output [B, U], the attention weights [B, S], and the state after the step.
        """
        outputs, weights, state = self._all_steps(inputs[:, None], memory, state, training)
        return outputs[:, 0], weights[:, 0], state

    def _all_steps(self, inputs, memory, state, training):
        """All steps at once; with input feeding or coverage, there must be only one step."""
        x = self._with_context(inputs, memory, state)
        h, *states = self.recurrent(x, state.states, training=training)
        if self.attention is None or self.combine is None:
            weights = tf.zeros((*tf.unstack(tf.shape(h)[:2]), tf.shape(memory.mask)[1]), h.dtype)
            return self.dropout(h, training=training), weights, DecoderState(states)
        coverage = state.coverage if self.settings["coverage"] else None
        c, weights = self.attention.attend(h, memory.keys, memory.vectors, memory.mask, coverage)
        outputs = self.dropout(self.combine(tf.concat([h, c], -1)), training=training)
        previous_output = outputs[:, -1] if self.settings["input_feeding"] else ()
        coverage = state.coverage + weights[:, -1] if self.settings["coverage"] else ()
        return outputs, weights, DecoderState(states, previous_output, coverage)

    def _with_context(self, inputs, memory, state):
        """The input of the recurrent layers: with the context vector, or with the previous output."""
        if self.attention is None:
            context = tf.repeat(memory.keys[:, None], tf.shape(inputs)[1], 1)
            return tf.concat([inputs, tf.ensure_shape(context, [None, None, memory.keys.shape[-1]])], -1)
        return tf.concat([inputs, state.previous_output[:, None]], -1) if self.settings["input_feeding"] else inputs

    def _step_by_step(self, inputs, memory, state, training):
        steps = tf.shape(inputs)[1]
        outputs = tf.TensorArray(inputs.dtype, steps, element_shape=[inputs.shape[0], self.settings["units"]])
        weights = tf.TensorArray(inputs.dtype, steps, element_shape=memory.mask.shape)

        def body(t, state, outputs, weights):
            output, weight, state = self.step(inputs[:, t], memory, state, training)
            return t + 1, state, outputs.write(t, output), weights.write(t, weight)

        loop = (tf.constant(0), state, outputs, weights)
        loop = tf.while_loop(lambda t, *_: t < steps, body, loop, maximum_iterations=steps)
        return tuple(tf.transpose(array.stack(), (1, 0, 2)) for array in loop[2:])

    def compute_mask(self, inputs, mask=None):
        return None, None

    def compute_output_shape(self, inputs_shape, memory_shape):
        return (*inputs_shape[:2], self.settings["units"]), (*inputs_shape[:2], memory_shape[1])

    def get_config(self):
        return {**super().get_config(), **self.settings}
