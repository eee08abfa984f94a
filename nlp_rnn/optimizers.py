"""Adam with little to do a step; and for weights that are already good, the top of a model first and fastest."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("nlp_rnn")
class FusedAdam(keras.optimizers.Adam):
    """Keras' Adam (Kingma & Ba, 2015), the update of a weight as one operation: it is read and written once a step.

    Example:
        >>> weight = keras.Variable([1.0, 2.0])
        >>> FusedAdam(0.1).apply([tf.constant([0.5, 0.0])], [weight])
        >>> print(weight.numpy().round(3))
        [0.9 2. ]
    """

    def update_step(self, gradient, variable, learning_rate):
        if self.amsgrad:  # has no such operation
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
    """The gradient of an embedding as a tensor of its size; rows that come twice are added up."""
    gradient = tf.cast(gradient, variable.dtype)
    if isinstance(gradient, tf.IndexedSlices):
        return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, variable.shape[0])
    return gradient


@keras.saving.register_keras_serializable("nlp_rnn")
class LayeredAdam(FusedAdam):
    """Adam with discriminative rates and gradual unfreezing (Howard & Ruder, 2018, "ULMFiT").

    Args:
        learning_rate: at the top; a float or a schedule.
        depths: of each trainable variable, in their order: how many layers it lies below the top.
        decay: a layer's rate is that of the layer above it divided by this.
        rest: so many steps after a layer the one below it begins to learn.

    Raises:
        ValueError: `decay` is not above 0, or `rest` is negative.
    """

    def __init__(self, learning_rate, depths: list[int], decay: float = 2.6, rest: int = 0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        if decay <= 0 or rest < 0:
            raise ValueError(f"decay must be above 0 and rest not negative, got {decay} and {rest}")
        self.depths = list(depths)
        self.decay = decay
        self.rest = rest

    def update_step(self, gradient, variable, learning_rate):
        depth = self.depths[self._get_variable_index(variable)]
        awake = keras.ops.cast(self.iterations >= depth * self.rest, variable.dtype)
        super().update_step(gradient, variable, learning_rate * awake / self.decay**depth)

    def get_config(self):
        return {**super().get_config(), "depths": self.depths, "decay": self.decay, "rest": self.rest}


def depths(model: keras.Model) -> list[int]:
    """How many layers below the top each trainable variable of `model` lies; `model.parts` names them, top first."""
    of = {id(weight): depth for depth, part in enumerate(model.parts) for weight in part.trainable_weights}
    return [of.get(id(variable), 0) for variable in model.trainable_variables]
