"""Settings that the recipes of language models share. Imports no TensorFlow."""

from dataclasses import dataclass

from nlp_rnn.checks import fraction, not_negative, positive_int
from nlp_rnn.settings import setting
from nlp_rnn.text.settings import TextSettings

MIN_VOCABULARY = 4  # padding, the unknown token, the end of a text, and one token to predict


def vocabulary_size(name: str, value: object) -> int:
    """Return `value` if it is an int of at least `MIN_VOCABULARY`."""
    if positive_int(name, value) < MIN_VOCABULARY:
        raise ValueError(f"{name} must be at least {MIN_VOCABULARY}, got {value}")
    return value  # type: ignore[return-value]


@dataclass(frozen=True, kw_only=True)
class LanguageModelSettings(TextSettings):
    """How to read text, and how to regularize and train a language model of it."""

    vocabulary: int = setting(
        20_000, f"tokens in the vocabulary, {MIN_VOCABULARY} or more; the rest are <unk>", vocabulary_size
    )
    embedding: int = setting(200, "size of a token's vector", positive_int)
    dropout: float = setting(0.0, "of the inputs of each layer and of the output", fraction)
    weight_drop: float = setting(0.0, "DropConnect: fraction of the recurrent weights dropped", fraction)
    word_dropout: float = setting(0.0, "fraction of the words whose vector is zero in a batch", fraction)
    softmax_samples: int = setting(
        0,
        "words sampled to estimate the loss in training, for vocabularies of 50,000 words and more; 0: none",
        not_negative,
    )
    epochs: int = setting(0, "0: by the amount of text, 1 to 30", not_negative)
    batch_size: int = setting(32, "streams per step; of short independent texts up to four times as many", positive_int)
    sequence_length: int = setting(64, "tokens per step of a stream, for truncated backpropagation", positive_int)
