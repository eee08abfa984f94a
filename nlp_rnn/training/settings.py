"""Training settings, which all recipes share. Imports no TensorFlow, so that help is quick."""

from dataclasses import dataclass

from nlp_rnn.checks import above_zero, at_least_zero, not_negative, positive_int, random_seed
from nlp_rnn.settings import FINETUNING, SCRATCH, Settings, setting
from nlp_rnn.text.token_levels import TOKEN_LEVELS

COUNTED = {"token_level": ("word", "character", "auto")}  # bytes need no counts
CELL_NAMES = ("lstm", "gru", "rnn")  # those of `layers.recurrent.CELLS`


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(Settings):
    """Training settings; a recipe's `Config` extends them and sets the defaults that suit the recipe."""

    learning_rate: float = setting(
        0.004, "peak learning rate of Adam", above_zero, only=SCRATCH, instead="finetuning_learning_rate"
    )
    finetuning_learning_rate: float = setting(
        0.001, "peak learning rate of Adam when fine-tuning", above_zero, only=FINETUNING
    )
    layerwise_decay: float = setting(
        1.0,
        "fine-tuning: the learning rate of a layer divided by that of the layer below; 1: equal rates",
        above_zero,
        only=FINETUNING,
    )
    unfreeze_interval: float = setting(
        0.0,
        "fine-tuning: epochs until the next lower layer is unfrozen; 0: all are trained at once",
        at_least_zero,
        only=FINETUNING,
    )
    global_clipnorm: float = setting(1.0, "clip gradients to this global norm", above_zero)
    patience: int = setting(2, "stop after more than this many epochs without a lower validation loss", not_negative)
    cycles: int = setting(
        1, "cosine cycles of the learning rate, with warm restarts; not when fine-tuning", positive_int, only=SCRATCH
    )
    seed: int = setting(0, "random seed, also of the splits of data that have none", random_seed)


@dataclass(frozen=True, kw_only=True)
class RecurrentSettings(TrainingSettings):
    """Training settings of a stack of recurrent layers."""

    cell: str = setting("lstm", "recurrent cell", choices=CELL_NAMES)
    units: int = setting(128, "units of each layer", positive_int)
    layers: int = setting(1, "recurrent layers", positive_int)


@dataclass(frozen=True, kw_only=True)
class TextSettings(RecurrentSettings):
    """Settings of recipes that read text."""

    token_level: str = setting("word", "level of tokenization", choices=TOKEN_LEVELS)
    lowercase: bool = setting(False, "convert text to lower case")
    vocabulary: int = setting(20_000, "tokens in the vocabulary; the rest are <unk>", positive_int, needs=COUNTED)
    min_count: int = setting(
        2, "minimum count of a token in the training data; rarer ones are <unk>", positive_int, needs=COUNTED
    )
