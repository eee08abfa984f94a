"""Layers that act in training only, against learning the training set by heart.

Shapes: B batch, T time steps, U units.
"""

import functools

import keras
import tensorflow as tf

from nlp_rnn.checks import fraction
from nlp_rnn.layers.recurrence import Fixed, Inputs, Recurrence
from nlp_rnn.layers.recurrent import Loop, Recurrent, Result, require_same_dtype


@keras.saving.register_keras_serializable("nlp_rnn")
class WordDropout(keras.layers.Layer):
    """Replace a share of the token ids by another, in training: no word may be relied on alone (Iyyer et al., 2015).

    Args:
        rate: the share of tokens to replace, in [0, 1).
        replacement: the id put in their place; that of the unknown token. Padding, id 0, stays.

    Example:
        >>> WordDropout(0.5)(tf.constant([[5, 6, 0]])).numpy().tolist()
        [[5, 6, 0]]
    """

    def __init__(self, rate: float, replacement: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.rate = fraction("rate", rate)
        self.replacement = replacement
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, ids, training=False):
        if not (training and self.rate):
            return ids
        drawn = keras.random.uniform(tf.shape(ids), seed=self.seed_generator)
        return tf.where((drawn < self.rate) & (ids != 0), tf.cast(self.replacement, ids.dtype), ids)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "replacement": self.replacement}


class Regularized(Recurrent):
    """What the wrappers of a recurrent layer share: they run that layer with its loop changed.

    Args:
        layer: any recurrent layer of this package, or such a wrapper of one.
        rate: how much to regularize, in [0, 1).
    """

    def __init__(self, layer: Recurrent, rate: float, **kwargs):
        if not isinstance(layer, Recurrent):
            raise ValueError(f"layer must be a recurrent layer, got {layer!r}")
        self.cell = layer.cell
        flags = ("return_sequences", "return_state", "return_gates", "go_backwards")
        given = {"dtype": layer.dtype_policy, **kwargs}
        super().__init__(layer.units, **{flag: getattr(layer, flag) for flag in flags}, **given)
        require_same_dtype(self, layer)
        self.layer = layer
        self.rate = fraction("rate", rate)

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The size of each state of the wrapped layer."""
        return self.layer.state_sizes

    def build(self, sequences_shape, initial_state_shape=None):
        if not self.layer.built:
            self.layer.build(sequences_shape)

    def run(self, sequences, initial_state=None, mask=None, training=False, change=None, beside=1) -> Result:
        """Run the wrapped layer, its loop changed by this one and, where there is one, by a wrapper around it."""

        def both(*loop):
            loop = self._changed(*loop, training)
            return loop if change is None else change(*loop)

        return self.layer.run(sequences, initial_state, mask, training, both, beside)

    def reversed(self) -> "Regularized":
        """The wrapper around the reversed layer."""
        return type(self)(self.layer.reversed(), self.rate, name=f"backward_{self.name}")

    def get_config(self):
        kept = keras.layers.Layer.get_config(self)
        return {**kept, "layer": keras.saving.serialize_keras_object(self.layer), "rate": self.rate}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "layer": keras.saving.deserialize_keras_object(config["layer"])})

    def _changed(self, run: Recurrence, inputs: Inputs, fixed: Fixed, training: bool) -> Loop:
        raise NotImplementedError


@keras.saving.register_keras_serializable("nlp_rnn")
class Zoneout(Regularized):
    """At every step each unit of the states keeps its value with a certain chance (Krueger et al., 2017).

    Args:
        layer: any recurrent layer of this package, or a `WeightDrop` of one.
        rate: that chance, in [0, 1). Outside of training a state moves by 1 - rate of the way, which is the mean.

    Raises:
        ValueError: `layer` is no recurrent layer, or the rate lies outside [0, 1).

    Example:
        >>> from nlp_rnn.layers import LSTM
        >>> Zoneout(LSTM(4), 0.1)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """

    def _changed(self, run, inputs, fixed, training):
        if not training:
            return run._replace(cell=_slowed(run.cell, self.rate)), inputs, fixed
        batch, steps, _ = tf.unstack(tf.shape(inputs.x))
        drawn = (
            keras.random.uniform((batch, steps, size), seed=self.seed_generator) >= self.rate
            for size in self.state_sizes
        )
        return run, inputs, fixed._replace(update=tuple(drawn))


@functools.lru_cache  # one cell for all calls: it keeps its compiled program
def _slowed(cell, rate):
    """The cell, whose states move by 1 - rate of the way only."""

    def step(*given):
        before = given[1 if cell.additive or not cell.recurrent else 2]
        after, gates = cell.step(*given)
        return tuple(rate * s + (1 - rate) * n for s, n in zip(before, after, strict=True)), gates

    return cell._replace(step=step)


@keras.saving.register_keras_serializable("nlp_rnn")
class WeightDrop(Regularized):
    """Drop entries of the recurrent kernel, the same for the whole batch and all steps (Merity et al., 2018, "AWD").

    Args:
        layer: any recurrent layer of this package that has a recurrent kernel, or a `Zoneout` of one.
        rate: share of the entries dropped, in [0, 1).

    Raises:
        ValueError: `layer` is no recurrent layer or has no recurrent kernel, or the rate lies outside [0, 1).

    Example:
        >>> from nlp_rnn.layers import LSTM
        >>> WeightDrop(LSTM(4), 0.5)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """

    def __init__(self, layer: Recurrent, rate: float, **kwargs):
        super().__init__(layer, rate, **kwargs)
        if not layer.cell.recurrent:
            raise ValueError(f"layer must have a recurrent kernel, got {type(layer).__name__}")

    def _changed(self, run, inputs, fixed, training):
        if not (training and self.rate):
            return run, inputs, fixed
        dropped = keras.random.dropout(inputs.recurrent_kernel, self.rate, seed=self.seed_generator)
        return run, inputs._replace(recurrent_kernel=dropped), fixed
