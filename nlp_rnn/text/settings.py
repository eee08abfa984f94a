"""Settings of recipes that read text with a vocabulary of their own. Imports no TensorFlow."""

from dataclasses import dataclass
from typing import Protocol

from nlp_rnn.checks import positive_int
from nlp_rnn.settings import setting
from nlp_rnn.text.token_levels import TOKEN_LEVELS
from nlp_rnn.training.settings import RecurrentSettings


class VocabularySettings(Protocol):
    """What decides a vocabulary."""

    @property
    def token_level(self) -> str: ...
    @property
    def vocabulary(self) -> int: ...
    @property
    def min_count(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class TextSettings(RecurrentSettings):
    """How to read text."""

    token_level: str = setting("word", "what a token is", choices=TOKEN_LEVELS)
    lowercase: bool = setting(False, "fold case")
    vocabulary: int = setting(20_000, "tokens in the vocabulary; the rest are <unk>", positive_int)
    min_count: int = setting(2, "a token seen less often is <unk>", positive_int)
