"""Settings that the recipes of language models share. Imports no TensorFlow."""

from dataclasses import dataclass

from nlp_rnn.checks import fraction, not_negative, positive_int
from nlp_rnn.settings import setting
from nlp_rnn.text.token_levels import TOKEN_LEVELS
from nlp_rnn.training.settings import COUNTED, TextSettings

MIN_VOCABULARY = 4  # padding, the unknown token, the end of a text, and one token to predict


def vocabulary_size(name: str, value: object) -> int:
    """Return `value` if it is an int of at least `MIN_VOCABULARY`."""
    if positive_int(name, value) < MIN_VOCABULARY:
        raise ValueError(f"{name} must be at least {MIN_VOCABULARY}, got {value}")
    return value  # type: ignore[return-value]


@dataclass(frozen=True, kw_only=True)
class LanguageModelSettings(TextSettings):
    """Settings to read text, and to regularize and train a language model."""

    vocabulary: int = setting(
        20_000,
        f"tokens in the vocabulary, {MIN_VOCABULARY} or more; the rest are <unk>",
        vocabulary_size,
        needs=COUNTED,
    )
    token_level: str = setting(
        "auto",
        "level of tokenization; auto: word, or character for text without spaces",
        choices=("auto", *TOKEN_LEVELS),
    )
    line_breaks: bool = setting(False, "words: line ends are tokens, for poems, dialogue or code; else they are spaces")
    pretokenized: bool = setting(False, "words are what stands between spaces, for text that is tokenized already")
    documents: str = setting(
        "auto",
        "where a text of a plain file ends; auto: by its blank lines, line lengths and indentation, or for characters "
        "and bytes with the file",
        choices=("auto", "line", "paragraph", "file"),
    )
    embedding: int = setting(200, "size of the token embeddings", positive_int)
    dropout: float = setting(0.0, "dropout rate of the inputs of each layer and of the output", fraction)
    weight_drop: float = setting(0.0, "DropConnect: dropout rate of the recurrent weights", fraction)
    word_dropout: float = setting(0.0, "fraction of the words whose embedding is set to zero in a batch", fraction)
    softmax_samples: int = setting(
        0,
        "words sampled to estimate the training loss, for vocabularies of 50,000 words and more; 0: exact loss",
        not_negative,
    )
    epochs: int = setting(0, "maximum number of epochs; 0: 1 to 30, by the amount of text", not_negative)
    batch_size: int = setting(32, "streams per step, or up to four times as many short independent texts", positive_int)
    sequence_length: int = setting(64, "tokens of each stream per step (truncated backpropagation)", positive_int)

    def __post_init__(self):
        super().__post_init__()
        for name in ("line_breaks", "pretokenized"):
            if getattr(self, name) and self.token_level not in ("auto", "word"):
                raise ValueError(f"{name} is for words, and token_level is {self.token_level}")
        if self.line_breaks and self.pretokenized:
            raise ValueError("pretokenized text has no line breaks: leave out one of line_breaks and pretokenized")
