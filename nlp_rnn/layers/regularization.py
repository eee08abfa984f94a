"""Regularization: word dropout, zoneout and weight drop.

Shapes: B batch, T time steps, U units.
"""

import functools
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from nlp_rnn.checks import fraction
from nlp_rnn.layers.base import FLAGS, Recurrent
from nlp_rnn.layers.cells import Cell
from nlp_rnn.layers.options import require_same_dtype
from nlp_rnn.layers.scan_types import Masks, RecurrentOutput, ScanArguments, ScanInputs, ScanSpec


@keras.saving.register_keras_serializable("nlp_rnn")
class WordDropout(keras.layers.Layer):
    """Replace random token ids in training, so that the model does not rely on single words (Iyyer et al., 2015).

    Args:
        rate: the fraction of tokens to replace, in [0, 1). Padding, id 0, is never replaced.
        replacement: the id to replace them with; by default that of the unknown token.

    Raises:
        ValueError: `rate` is outside [0, 1).

    Examples:
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
        uniform = keras.random.uniform(tf.shape(ids), seed=self.seed_generator)
        return tf.where((uniform < self.rate) & (ids != 0), tf.cast(self.replacement, ids.dtype), ids)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "replacement": self.replacement}


class Regularized(Recurrent):
    """Base class of wrappers that regularize a recurrent layer: they run it with other arguments of its scan.

    Args:
        layer: a recurrent layer of this package, or such a wrapper of one.
        rate: the strength of the regularization, in [0, 1).

    Raises:
        ValueError: `layer` is not a recurrent layer, `rate` is outside [0, 1), or a dtype is passed that differs from
            the layer's.
    """

    def __init__(self, layer: Recurrent, rate: float, **kwargs):
        if not isinstance(layer, Recurrent):
            raise ValueError(f"layer must be a recurrent layer, got {layer!r}")
        self.cell = layer.cell
        kwargs = {"dtype": layer.dtype_policy, "activity_regularizer": layer.activity_regularizer, **kwargs}
        super().__init__(layer.units, **{flag: getattr(layer, flag) for flag in FLAGS}, **kwargs)
        require_same_dtype(self, layer)
        self.layer = layer
        self.rate = fraction("rate", rate)

    @property
    def states(self) -> list | None:
        """Those of the wrapped layer."""
        return self.layer.states

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """The size of each state of the wrapped layer."""
        return self.layer.state_sizes

    def build(self, sequences_shape, initial_state_shape=None):
        if not self.layer.built:
            self.layer.build(sequences_shape)

    def run(
        self,
        sequences: tf.Tensor,
        initial_state: Sequence[tf.Tensor] | tf.Tensor | None = None,
        mask: tf.Tensor | None = None,
        training: bool = False,
        transform: Callable[..., ScanArguments] | None = None,
        concurrent: int = 1,
    ) -> RecurrentOutput:
        """Run the wrapped layer with the arguments that this wrapper, and then `transform`, returns."""

        def both(spec: ScanSpec, inputs: ScanInputs, masks: Masks) -> ScanArguments:
            arguments = self._regularize(spec, inputs, masks, training)
            return arguments if transform is None else transform(*arguments)

        return self.layer.run(sequences, initial_state, mask, training, both, concurrent)

    def reversed(self) -> "Regularized":
        """Return the same wrapper around the reversed layer."""
        return type(self)(self.layer.reversed(), self.rate, name=f"backward_{self.name}")

    def get_config(self):
        config = keras.layers.Layer.get_config(self)
        return {**config, "layer": keras.saving.serialize_keras_object(self.layer), "rate": self.rate}

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        if config.get("go_backwards", layer.go_backwards) != layer.go_backwards:  # from keras.layers.Bidirectional
            layer = layer.reversed()
        return cls(**{name: value for name, value in config.items() if name != "go_backwards"} | {"layer": layer})

    def _regularize(self, spec: ScanSpec, inputs: ScanInputs, masks: Masks, training: bool) -> ScanArguments:
        """The arguments of the scan to run instead."""
        raise NotImplementedError


@keras.saving.register_keras_serializable("nlp_rnn")
class Zoneout(Regularized):
    """Zoneout: at every step, each unit of the states keeps its value with probability `rate` (Krueger et al., 2017).

    At inference the states are interpolated, rate * old + (1 - rate) * new, which is the expected value.

    Args:
        layer: a recurrent layer of this package, or a `WeightDrop` of one.
        rate: the probability, in [0, 1).

    Raises:
        ValueError: `layer` is not a recurrent layer, or `rate` is outside [0, 1).

    Examples:
        >>> from nlp_rnn.layers import LSTM
        >>> Zoneout(LSTM(4), 0.1)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """

    def _regularize(self, spec, inputs, masks, training):
        if not training:
            return spec._replace(cell=_interpolated(spec.cell, self.rate)), inputs, masks
        batch, steps, _ = tf.unstack(tf.shape(inputs.x))
        update = (
            keras.random.uniform((batch, steps, size), seed=self.seed_generator) >= self.rate
            for size in self.state_sizes
        )
        return spec, inputs, masks._replace(update=tuple(update))


@functools.lru_cache  # the same cell for all calls, so that they share its compiled program
def _interpolated(cell: Cell, rate: float) -> Cell:
    """The cell with states rate * old + (1 - rate) * new."""

    def step(*arguments):
        before = arguments[1 if cell.additive or not cell.recurrent else 2]
        after, gates = cell.step(*arguments)
        return tuple(rate * s + (1 - rate) * n for s, n in zip(before, after, strict=True)), gates

    return cell._replace(step=step)


@keras.saving.register_keras_serializable("nlp_rnn")
class WeightDrop(Regularized):
    """DropConnect on the recurrent kernel, the same for the whole batch and all steps (Merity et al., 2018, "AWD").

    Args:
        layer: a recurrent layer of this package that has a recurrent kernel, or a `Zoneout` of one.
        rate: fraction of the entries to drop, in [0, 1).

    Raises:
        ValueError: `layer` is not a recurrent layer or has no recurrent kernel, or `rate` is outside [0, 1).

    Examples:
        >>> from nlp_rnn.layers import LSTM
        >>> WeightDrop(LSTM(4), 0.5)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """

    def __init__(self, layer: Recurrent, rate: float, **kwargs):
        super().__init__(layer, rate, **kwargs)
        if not layer.cell.recurrent:
            raise ValueError(f"layer must have a recurrent kernel, got {type(layer).__name__}")
        if layer.cell.product_in_step:
            raise ValueError("layer must have reset_after=True: only then does one product use the recurrent kernel")

    def _regularize(self, spec, inputs, masks, training):
        if not (training and self.rate):
            return spec, inputs, masks
        dropped = keras.random.dropout(inputs.recurrent_kernel, self.rate, seed=self.seed_generator)
        return spec, inputs._replace(recurrent_kernel=dropped), masks
