"""Adam in one operation per weight; and Adam with discriminative learning rates and gradual unfreezing."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from nlp_rnn.deprecation import current_arguments, renamed_arguments

Schedule = keras.optimizers.schedules.LearningRateSchedule


@keras.saving.register_keras_serializable("nlp_rnn")
class FusedAdam(keras.optimizers.Adam):
    """Adam (Kingma & Ba, 2015) as in Keras, with one fused operation per weight, which reads and writes it once.

    Examples:
        >>> weight = keras.Variable([1.0, 2.0])
        >>> FusedAdam(0.1).apply([tf.constant([0.5, 0.0])], [weight])
        >>> print(weight.numpy().round(3))
        [0.9 2. ]
    """

    def update_step(self, gradient, variable, learning_rate):
        if self.amsgrad:  # no fused operation exists for it
            return super().update_step(gradient, variable, learning_rate)
        number = self._get_variable_index(variable)
        steps = tf.cast(self.iterations.value + 1, variable.dtype)
        beta_1, beta_2 = (tf.constant(beta, variable.dtype) for beta in (self.beta_1, self.beta_2))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[number].value.handle,
            v=self._velocities[number].value.handle,
            beta1_power=tf.pow(beta_1, steps),
            beta2_power=tf.pow(beta_2, steps),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.constant(self.epsilon, variable.dtype),
            grad=_dense(gradient, variable),
        )


def _dense(gradient, variable):
    """A dense gradient; duplicate rows of a sparse one are summed."""
    gradient = tf.cast(gradient, variable.dtype)
    if isinstance(gradient, tf.IndexedSlices):
        return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, variable.shape[0])
    return gradient


@keras.saving.register_keras_serializable("nlp_rnn")
class LayeredAdam(FusedAdam):
    """Adam with discriminative learning rates and gradual unfreezing (Howard & Ruder, 2018, "ULMFiT").

    Args:
        learning_rate: the learning rate of the top layer; a float or a schedule.
        depths: for each trainable variable, in order, the number of layers above its own; see `layer_depths`.
        decay: the learning rate of a layer divided by that of the layer below.
        unfreeze_steps: training steps after which the next lower layer starts to learn; 0 trains all from the start.

    Raises:
        ValueError: `decay` is not above 0, or `unfreeze_steps` is negative.
    """

    @renamed_arguments({"rest": "unfreeze_steps"})
    def __init__(
        self,
        learning_rate: float | Schedule,
        depths: Sequence[int],
        decay: float = 2.6,
        unfreeze_steps: int = 0,
        **kwargs,
    ):
        super().__init__(learning_rate, **kwargs)
        if decay <= 0 or unfreeze_steps < 0:
            raise ValueError(f"decay must be above 0 and unfreeze_steps at least 0, got {decay} and {unfreeze_steps}")
        self.depths = list(depths)
        self.decay = decay
        self.unfreeze_steps = unfreeze_steps

    def update_step(self, gradient, variable, learning_rate):
        depth = self.depths[self._get_variable_index(variable)]
        unfrozen = keras.ops.cast(self.iterations >= depth * self.unfreeze_steps, variable.dtype)
        super().update_step(gradient, variable, learning_rate * unfrozen / self.decay**depth)

    def get_config(self) -> dict:
        """The config, with the keys of version 0.1, so that that version can read it too."""
        return {**super().get_config(), "depths": self.depths, "decay": self.decay, "rest": self.unfreeze_steps}

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> "LayeredAdam":
        """The inverse of `get_config`."""
        return super().from_config(current_arguments(config, {"rest": "unfreeze_steps"}), custom_objects)


def layer_depths(model: keras.Model) -> list[int]:
    """The depth of each trainable variable below the top of `model`, which lists its layers, top first, in `parts`."""
    depths = {id(weight): depth for depth, part in enumerate(model.parts) for weight in part.trainable_weights}
    return [depths.get(id(variable), 0) for variable in model.trainable_variables]
