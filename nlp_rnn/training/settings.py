"""Settings that all recipes share: how to train. Imports no TensorFlow, so that help is quick."""

from dataclasses import dataclass

from nlp_rnn.checks import above_zero, at_least_zero, not_negative, positive_int, random_seed
from nlp_rnn.settings import Settings, setting

CELL_NAMES = ("lstm", "gru", "rnn")  # those of `layers.recurrent.CELLS`


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(Settings):
    """How to train; a recipe's `Config` extends it and sets the defaults that suit the recipe."""

    learning_rate: float = setting(0.004, "peak of the learning rate of Adam", above_zero)
    finetuning_learning_rate: float = setting(0.001, "the same when fine-tuning", above_zero)
    layerwise_decay: float = setting(
        1.0, "fine-tuning: the learning rate of a layer divided by that of the layer below", above_zero
    )
    unfreeze_interval: float = setting(
        0.0, "fine-tuning: epochs after which the next lower layer starts to learn (gradual unfreezing)", at_least_zero
    )
    global_clipnorm: float = setting(1.0, "bound on the norm of all gradients together", above_zero)
    patience: int = setting(2, "epochs without a lower validation loss before training stops", not_negative)
    cycles: int = setting(
        1, "cosine cycles of the learning rate, with warm restarts; not when fine-tuning", positive_int
    )
    seed: int = setting(0, "of everything random", random_seed)


@dataclass(frozen=True, kw_only=True)
class RecurrentSettings(TrainingSettings):
    """How to train a stack of recurrent layers."""

    cell: str = setting("lstm", "recurrent cell", choices=CELL_NAMES)
    units: int = setting(128, "units of each layer", positive_int)
    layers: int = setting(1, "recurrent layers", positive_int)
