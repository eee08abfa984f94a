"""The states that a stateful layer keeps between calls.

Shapes: B batch, U units.
"""

from typing import Any

import keras
import tensorflow as tf


class StateVariables(tf.Module):
    """Variables with the states of a recurrent layer; as in Keras, they are not among its weights and are not saved.

    A `tf.Module`, so that a SavedModel keeps them and Keras does not count them as weights.

    Args:
        layer: a recurrent layer.
        sequences_shape: the shape of its inputs, of which B must be known.

    Raises:
        ValueError: B is unknown.
    """

    def __init__(self, layer: Any, sequences_shape: tuple[int | None, ...]):
        super().__init__()
        self._layer_name, self._batch = layer.name, sequences_shape[0]
        if self._batch is None:
            raise ValueError(
                f"{layer.name} is stateful and needs a fixed batch size, got inputs of shape {tuple(sequences_shape)}: "
                "pass keras.Input(batch_shape=(batch, time, features))"
            )
        options = {"trainable": False, "dtype": layer.variable_dtype, "name": "rnn_state"}
        self.states = [keras.Variable(zeros, **options) for zeros in layer.get_initial_state(self._batch)]

    def check_batch(self, batch: int | None) -> None:
        """Check that inputs have the batch size of the states, if it is known.

        Raises:
            ValueError: they have another.
        """
        if batch not in (None, self._batch):
            raise ValueError(f"{self._layer_name} is stateful, so its batch size must stay {self._batch}, got {batch}")

    def assign(self, states: tuple[tf.Tensor, ...]) -> None:
        """Keep the states, [B, U] each."""
        for variable, state in zip(self.states, states, strict=True):
            variable.assign(tf.cast(state, variable.dtype))
