"""Layers made of recurrent layers: bidirectional layers and stacks.

Shapes: B batch, T time steps, U units.
"""

import keras
import tensorflow as tf

from nlp_rnn.checks import one_of
from nlp_rnn.layers.base import Recurrent
from nlp_rnn.layers.options import require_same_dtype

MERGES = {
    "concat": lambda forward, backward: tf.concat([forward, backward], -1),
    "sum": lambda forward, backward: forward + backward,
    "mul": lambda forward, backward: forward * backward,
    "ave": lambda forward, backward: (forward + backward) / 2,
}


class Composite(keras.layers.Layer):
    """Base class of layers made of recurrent layers; its states are theirs, concatenated."""

    @property
    def parts(self) -> list:
        """The layers inside."""
        raise NotImplementedError

    @property
    def num_states(self) -> int:
        """The number of states."""
        return sum(layer.num_states for layer in self.parts)

    @property
    def states(self) -> list | None:
        """The states of the stateful layers inside after the last call, as `Recurrent.states`; None without any."""
        return [state for layer in self.parts for state in layer.states or ()] or None

    def get_initial_state(self, batch_size: int | tf.Tensor) -> list[tf.Tensor]:
        """Return the default initial states, zeros [B, U] each."""
        return [state for layer in self.parts for state in layer.get_initial_state(batch_size)]

    def reset_state(self) -> None:
        """Set the states of the stateful layers inside to zero."""
        for layer in self.parts:
            layer.reset_state()

    def reset_states(self) -> None:
        """The same as `reset_state`, under its name in Keras 2."""
        self.reset_state()


@keras.saving.register_keras_serializable("nlp_rnn")
class Bidirectional(Composite):
    """Run a recurrent layer in both directions (Schuster & Paliwal, 1997).

    The weights are in Keras' order: forward, then backward. The outputs of all steps are in the order of the input.
    States and gates are returned for the forward direction first, then for the backward direction, and `initial_state`
    has that order too.

    Args:
        layer: a recurrent layer of this package that runs forward; its settings are copied for the other direction.
        merge_mode: how to merge the outputs of both directions: "concat", "sum", "mul" or "ave".

    Raises:
        ValueError: `layer` is not a recurrent layer, runs backward or has an activity regularizer; the merge mode is
            unknown; or a dtype is passed that differs from the layer's.

    Examples:
        >>> from nlp_rnn.layers import LSTM
        >>> Bidirectional(LSTM(4, return_sequences=True))(tf.ones((2, 3, 5))).shape
        TensorShape([2, 3, 8])
    """

    def __init__(self, layer: Recurrent, merge_mode: str = "concat", **kwargs):
        if not isinstance(layer, Recurrent) or layer.go_backwards:
            raise ValueError(f"layer must be a recurrent layer that runs forward, got {layer!r}")
        if layer.activity_regularizer is not None:
            raise ValueError(f"activity_regularizer of {layer.name} must be None: pass it to Bidirectional instead")
        super().__init__(**{"dtype": layer.dtype_policy, **kwargs})
        require_same_dtype(self, layer)
        self.merge_mode = one_of("merge_mode", merge_mode, MERGES)
        self.forward = layer
        self.backward = layer.reversed()
        self.return_sequences = layer.return_sequences
        self.stateful = layer.stateful
        self.supports_masking = True

    @property
    def parts(self) -> list:
        """The layer of each direction, forward first."""
        return [self.forward, self.backward]

    def build(self, sequences_shape, initial_state_shape=None):
        for layer in self.parts:
            if not layer.built:
                layer.build(sequences_shape)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        half = self.forward.num_states
        states = _as_list(self, initial_state)
        initial_states = (states[:half] or None, states[half:] or None)
        directions = zip(self.parts, initial_states, strict=True)
        forward, backward = (
            layer.run(sequences, initial, mask, training, concurrent=2) for layer, initial in directions
        )
        outputs = [self._merge(forward, backward, mask)]
        outputs += [*forward.final_states, *backward.final_states] if self.forward.return_state else []
        outputs += [forward.gates, backward.gates] if self.forward.return_gates else []
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def compute_mask(self, sequences, mask=None):
        masks = self.forward.compute_mask(sequences, mask)
        return (*masks, *masks[1:]) if isinstance(masks, tuple) else masks

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        output, *rest = _outputs(self.forward.compute_output_shape(sequences_shape))
        merged = (*output[:-1], output[-1] * (2 if self.merge_mode == "concat" else 1))
        if not rest:
            return merged
        gates = [rest.pop()] * 2 if self.forward.return_gates else []
        return merged, *rest, *rest, *gates

    def get_config(self):
        layer = keras.saving.serialize_keras_object(self.forward)
        return {**super().get_config(), "layer": layer, "merge_mode": self.merge_mode}

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})

    def _merge(self, forward, backward, mask):
        """Merge the outputs of both directions; as in Keras, a sequence is zero at padding."""
        merge = MERGES[self.merge_mode]
        if not self.return_sequences:
            return merge(forward.last, backward.last)
        merged = merge(forward.sequence, backward.sequence)
        return merged if mask is None else tf.where(tf.cast(mask, tf.bool)[..., None], merged, 0)


@keras.saving.register_keras_serializable("nlp_rnn")
class Stack(Composite):
    """Recurrent layers on top of each other; each gets the outputs of the layer below and their mask.

    The output is that of the top layer. After it come the states and gates that the layers return, bottom first, and
    `initial_state` has that order too.

    Args:
        layers: recurrent or Bidirectional layers of this package, bottom first; all but the last return sequences.

    Raises:
        ValueError: there is no layer, or one below the top does not return sequences.

    Examples:
        >>> from nlp_rnn.layers import LSTM
        >>> Stack([LSTM(4, return_sequences=True), LSTM(3)])(tf.ones((2, 3, 5))).shape
        TensorShape([2, 3])
    """

    def __init__(self, layers: list[keras.layers.Layer], **kwargs):
        super().__init__(**kwargs)
        if not layers:
            raise ValueError("layers must hold at least one layer, got none")
        for layer in layers[:-1]:
            if not layer.return_sequences:
                raise ValueError(f"return_sequences of {layer.name} must be True below the top, got False")
        self.layers = list(layers)
        self.return_sequences = layers[-1].return_sequences
        self.stateful = any(layer.stateful for layer in layers)
        self.supports_masking = True

    @property
    def parts(self) -> list:
        """The layers, bottom first."""
        return self.layers

    def build(self, sequences_shape, initial_state_shape=None):
        for layer in self.layers:
            if not layer.built:
                layer.build(sequences_shape)
            sequences_shape = _outputs(layer.compute_output_shape(sequences_shape))[0]

    def call(self, sequences, initial_state=None, mask=None, training=False):
        remaining = _as_list(self, initial_state)
        extras = []
        for layer in self.layers:
            initial, remaining = remaining[: layer.num_states] or None, remaining[layer.num_states :]
            outputs = layer(sequences, initial, mask=mask, training=training)
            mask, *_ = _masks(layer, sequences, mask)
            sequences, *more = outputs if isinstance(outputs, tuple) else (outputs,)
            extras += more
        return (sequences, *extras) if extras else sequences

    def compute_mask(self, sequences, mask=None):
        extras = []
        for layer in self.layers:
            mask, *more = _masks(layer, sequences, mask)
            extras += more
        return (mask, *extras) if extras else mask

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        extras = []
        for layer in self.layers:
            sequences_shape, *more = _outputs(layer.compute_output_shape(sequences_shape))
            extras += more
        return (sequences_shape, *extras) if extras else sequences_shape

    def get_config(self):
        layers = [keras.saving.serialize_keras_object(layer) for layer in self.layers]
        return {**super().get_config(), "layers": layers}

    @classmethod
    def from_config(cls, config):
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})


def _as_list(layer, initial_state):
    """The initial states as a list, empty if there are none."""
    states = [] if initial_state is None else initial_state
    if not isinstance(states, list | tuple) or len(states) not in (0, layer.num_states):
        got = len(states) if isinstance(states, list | tuple) else type(states).__name__
        raise ValueError(f"initial_state of {layer.name} must be a list of {layer.num_states} tensors, got {got}")
    return list(states)


def _masks(layer, sequences, mask):
    """The masks of a layer's outputs as a tuple, even for a single output."""
    masks = layer.compute_mask(sequences, mask)
    return masks if isinstance(masks, tuple) else (masks,)


def _outputs(shapes):
    """The shapes of a layer's outputs as a tuple, even for a single output."""
    return shapes if isinstance(shapes[0], tuple) else (shapes,)
