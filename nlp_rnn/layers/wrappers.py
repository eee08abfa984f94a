"""Layers made of layers: both directions at once, and stacks.

Shapes: B batch, T time steps, U units.
"""

import keras
import tensorflow as tf

from nlp_rnn.checks import one_of
from nlp_rnn.layers.recurrent import Recurrent, require_same_dtype

MERGES = {
    "concat": lambda ahead, back: tf.concat([ahead, back], -1),
    "sum": lambda ahead, back: ahead + back,
    "mul": lambda ahead, back: ahead * back,
    "ave": lambda ahead, back: (ahead + back) / 2,
}


@keras.saving.register_keras_serializable("nlp_rnn")
class Bidirectional(keras.layers.Layer):
    """Run a recurrent layer in both directions. Weights in Keras' order: forward, then backward.

    Args:
        layer: an RNN, LSTM or GRU of this package, running forward; it is copied for the way back.
        merge_mode: how the outputs of both directions join: "concat", "sum", "mul" or "ave".

    The outputs of every step stand in the order of the input. States and gates come forward first, then backward;
    `initial_state` is taken in that order.

    Raises:
        ValueError: `layer` is not such a layer, or runs backward, or the merge mode is unknown; or a dtype is given
            that is not the layer's.

    Example:
        >>> from nlp_rnn.layers import LSTM
        >>> Bidirectional(LSTM(4, return_sequences=True))(tf.ones((2, 3, 5))).shape
        TensorShape([2, 3, 8])
    """

    def __init__(self, layer: Recurrent, merge_mode: str = "concat", **kwargs):
        if not isinstance(layer, Recurrent) or layer.go_backwards:
            raise ValueError(f"layer must be a recurrent layer that runs forward, got {layer!r}")
        super().__init__(**{"dtype": layer.dtype_policy, **kwargs})
        require_same_dtype(self, layer)
        self.merge_mode = one_of("merge_mode", merge_mode, MERGES)
        self.forward = layer
        self.backward = layer.reversed()
        self.return_sequences = layer.return_sequences
        self.states = 2 * layer.states
        self.supports_masking = True

    def build(self, sequences_shape, initial_state_shape=None):
        for layer in (self.forward, self.backward):
            if not layer.built:
                layer.build(sequences_shape)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        half = self.forward.states
        given = _states(self, initial_state)
        starts = (given[:half] or None, given[half:] or None)
        ways = zip((self.forward, self.backward), starts, strict=True)
        ahead, back = (way.run(sequences, start, mask, training, beside=2) for way, start in ways)
        outputs = [self._merged(ahead, back, mask)]
        outputs += [*ahead.final, *back.final] if self.forward.return_state else []
        outputs += [ahead.gates, back.gates] if self.forward.return_gates else []
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def compute_mask(self, sequences, mask=None):
        of_layer = self.forward.compute_mask(sequences, mask)
        return (*of_layer, *of_layer[1:]) if isinstance(of_layer, tuple) else of_layer

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        output, *rest = _outputs(self.forward.compute_output_shape(sequences_shape))
        wide = (*output[:-1], output[-1] * (2 if self.merge_mode == "concat" else 1))
        if not rest:
            return wide
        gates = [rest.pop()] * 2 if self.forward.return_gates else []
        return wide, *rest, *rest, *gates

    def get_config(self):
        layer = keras.saving.serialize_keras_object(self.forward)
        return {**super().get_config(), "layer": layer, "merge_mode": self.merge_mode}

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})

    def _merged(self, ahead, back, mask):
        """Both outputs joined; zero, as in Keras, at the steps of a sequence that are padding."""
        merge = MERGES[self.merge_mode]
        if not self.return_sequences:
            return merge(ahead.last, back.last)
        merged = merge(ahead.sequence, back.sequence)
        return merged if mask is None else tf.where(tf.cast(mask, tf.bool)[..., None], merged, 0)


@keras.saving.register_keras_serializable("nlp_rnn")
class Stack(keras.layers.Layer):
    """Recurrent layers on top of each other, each handed the mask of the outputs below it.

    Args:
        layers: RNN, LSTM, GRU or Bidirectional layers, bottom first; all but the last return sequences.

    The output is that of the top layer; states and gates that the layers return come after it, bottom first, and
    `initial_state` is taken in that order.

    Raises:
        ValueError: there is no layer, or one below the top does not return sequences.

    Example:
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
        self.states = sum(layer.states for layer in layers)
        self.supports_masking = True

    def build(self, sequences_shape, initial_state_shape=None):
        for layer in self.layers:
            if not layer.built:
                layer.build(sequences_shape)
            sequences_shape = _outputs(layer.compute_output_shape(sequences_shape))[0]

    def call(self, sequences, initial_state=None, mask=None, training=False):
        left = _states(self, initial_state)
        extras = []
        for layer in self.layers:
            start, left = left[: layer.states] or None, left[layer.states :]
            results = layer(sequences, start, mask=mask, training=training)
            mask, *_ = _masks(layer, sequences, mask)
            sequences, *more = results if isinstance(results, tuple) else (results,)
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


def _states(layer, initial_state):
    """The states given, as a list; empty where none were."""
    given = [] if initial_state is None else initial_state
    if not isinstance(given, list | tuple) or len(given) not in (0, layer.states):
        got = len(given) if isinstance(given, list | tuple) else type(given).__name__
        raise ValueError(f"initial_state of {layer.name} must be a list of {layer.states} tensors, got {got}")
    return list(given)


def _masks(layer, sequences, mask):
    """The masks of a layer's outputs, None where there is none."""
    found = layer.compute_mask(sequences, mask)
    return found if isinstance(found, tuple) else (found,)


def _outputs(shapes):
    """The shapes of a layer's outputs as a tuple, also where there is one output."""
    return shapes if isinstance(shapes[0], tuple) else (shapes,)
