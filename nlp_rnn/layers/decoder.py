"""From what an encoder read to a sequence: recurrent layers that look back at it at every step.

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
    """What a decoder looks back at.

    Attributes:
        vectors: [B, S, M].
        keys: what attention makes of them once for all steps; without attention the last vector, [B, M].
        mask: bool [B, S], False at padding.
    """

    vectors: tf.Tensor
    keys: tf.Tensor
    mask: tf.Tensor


class Standing(NamedTuple):
    """Where a decoder stands between two steps.

    Attributes:
        states: of the recurrent layers, [B, U] each, bottom first.
        fed: the output of the step before, [B, U], where that is fed back; else ().
        coverage: the weight that each vector of the memory has had so far, [B, S], where that is kept; else ().
    """

    states: list[tf.Tensor]
    fed: tf.Tensor | tuple = ()
    coverage: tf.Tensor | tuple = ()


@keras.saving.register_keras_serializable("nlp_rnn")
class Decoder(keras.layers.Layer):
    """Stacked recurrent layers with attention to a memory, or with a plain context vector.

    With attention the output is tanh(W [h; c]), h that of the top layer and c the mean of the memory that it attends to
    (Luong et al., 2015). Without, c is the memory's last vector and part of the input of every step, as in
    s_t = f(W_y y_{t-1} + W_s s_{t-1} + W_c c + b) (Cho et al., 2014).

    Args:
        units: U of each layer.
        cell: "lstm", "gru" or "rnn".
        layers: how many.
        attention: "multiplicative", "additive" or "none".
        input_feeding: the output of a step is part of the input of the next. Steps then wait for each other, which
            takes several times as long in training.
        coverage: see `Attention`; steps wait for each other here too.
        dropout: share dropped of the inputs of each layer, the same at every step, and of the output.
        recurrent_dropout: share dropped of h before the recurrent product, the same at every step. With input feeding
            or coverage what is dropped changes from step to step, of the inputs too.

    Call with the inputs, [B, T, E], the memory, [B, S, M], `mask` [B, S] of it, and `initial_state`, a list of [B, U].
    Gives the outputs, [B, T, U], and the attention weights, [B, T, S], of zeros without attention.

    Raises:
        ValueError: an argument is out of its range, or input feeding or coverage is asked for without attention.

    Example:
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
        self.recurrent = Stack([self._layer(number) for number in range(layers)])
        same = {"dtype": self.dtype_policy}
        self.attention = self.combine = None
        if attention != "none":
            self.attention = Attention(attention, units, coverage, name="attention", **same)
            self.combine = keras.layers.Dense(units, "tanh", False, name="combine", **same)
        self.dropout = keras.layers.Dropout(dropout, **same)
        self.supports_masking = True

    def _layer(self, number):
        cell, units, *rates = (self.settings[n] for n in ("cell", "units", "dropout", "recurrent_dropout"))
        more = {"dropout": rates[0], "recurrent_dropout": rates[1], "dtype": self.dtype_policy}
        return CELLS[cell](units, True, True, name=f"{cell}_{number}", **more)

    def build(self, inputs_shape, memory_shape):
        units, more = self.settings["units"], memory_shape[-1]
        if self.attention is not None:
            more = units if self.settings["input_feeding"] else 0
            self.attention.build((*inputs_shape[:2], units), memory_shape)
            self.combine.build((*inputs_shape[:2], units + memory_shape[-1]))
        self.recurrent.build((*inputs_shape[:2], inputs_shape[-1] + more))

    def call(self, inputs, memory, mask=None, initial_state=None, training=False):
        memory = self.memory(memory, mask)
        standing = self.begin(memory, initial_state)
        if self.settings["input_feeding"] or self.settings["coverage"]:
            return self._one_by_one(inputs, memory, standing, training)
        outputs, weights, _ = self._at_once(inputs, memory, standing, training)
        return outputs, weights

    def memory(self, vectors: tf.Tensor, mask: tf.Tensor | None = None) -> Memory:
        """A memory, [B, S, M], made ready to look back at."""
        mask = tf.ones(tf.shape(vectors)[:2], tf.bool) if mask is None else tf.cast(mask, tf.bool)
        if self.attention is not None:
            return Memory(vectors, self.attention.keys(vectors), mask)
        last = tf.reduce_max(tf.where(mask, tf.range(tf.shape(mask)[1]), 0), 1)
        return Memory(vectors, tf.gather(vectors, last, batch_dims=1), mask)

    def begin(self, memory: Memory, states: list[tf.Tensor] | None = None) -> Standing:
        """Where the decoder stands before its first step; states of zeros where none are given."""
        rows, length = tf.unstack(tf.shape(memory.vectors)[:2])
        blank = tf.zeros((rows, self.settings["units"]), memory.vectors.dtype)
        fed = blank if self.settings["input_feeding"] else ()
        coverage = tf.zeros((rows, length), memory.vectors.dtype) if self.settings["coverage"] else ()
        return Standing(list(states) if states else [blank] * self.recurrent.states, fed, coverage)

    def step(self, inputs: tf.Tensor, memory: Memory, standing: Standing, training: bool = False):
        """One step: inputs [B, E] to the output [B, U], the attention weights [B, S], and where it then stands."""
        outputs, weights, standing = self._at_once(inputs[:, None], memory, standing, training)
        return outputs[:, 0], weights[:, 0], standing

    def _at_once(self, inputs, memory, standing, training):
        """All steps at once, of one step if anything is fed back."""
        x = self._with_context(inputs, memory, standing)
        h, *states = self.recurrent(x, standing.states, training=training)
        if self.attention is None:
            none = tf.zeros((*tf.unstack(tf.shape(h)[:2]), tf.shape(memory.mask)[1]), h.dtype)
            return self.dropout(h, training=training), none, Standing(states)
        coverage = standing.coverage if self.settings["coverage"] else None
        c, weights = self.attention.attend(h, memory.keys, memory.vectors, memory.mask, coverage)
        outputs = self.dropout(self.combine(tf.concat([h, c], -1)), training=training)
        fed = outputs[:, -1] if self.settings["input_feeding"] else ()
        covered = standing.coverage + weights[:, -1] if self.settings["coverage"] else ()
        return outputs, weights, Standing(states, fed, covered)

    def _with_context(self, inputs, memory, standing):
        if self.attention is None:
            context = tf.repeat(memory.keys[:, None], tf.shape(inputs)[1], 1)
            return tf.concat([inputs, tf.ensure_shape(context, [None, None, memory.keys.shape[-1]])], -1)
        return tf.concat([inputs, standing.fed[:, None]], -1) if self.settings["input_feeding"] else inputs

    def _one_by_one(self, inputs, memory, standing, training):
        steps = tf.shape(inputs)[1]
        outputs = tf.TensorArray(inputs.dtype, steps, element_shape=[inputs.shape[0], self.settings["units"]])
        weights = tf.TensorArray(inputs.dtype, steps, element_shape=memory.mask.shape)

        def turn(t, standing, outputs, weights):
            output, weight, standing = self.step(inputs[:, t], memory, standing, training)
            return t + 1, standing, outputs.write(t, output), weights.write(t, weight)

        loop = (tf.constant(0), standing, outputs, weights)
        loop = tf.while_loop(lambda t, *_: t < steps, turn, loop, maximum_iterations=steps)
        return tuple(tf.transpose(array.stack(), (1, 0, 2)) for array in loop[2:])

    def compute_mask(self, inputs, mask=None):
        return None, None

    def compute_output_shape(self, inputs_shape, memory_shape):
        return (*inputs_shape[:2], self.settings["units"]), (*inputs_shape[:2], memory_shape[1])

    def get_config(self):
        return {**super().get_config(), **self.settings}
