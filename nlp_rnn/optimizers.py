"""Training from weights that are already good: the top of a model learns first and fastest."""

import keras


@keras.saving.register_keras_serializable("nlp_rnn")
class LayeredAdam(keras.optimizers.Adam):
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
