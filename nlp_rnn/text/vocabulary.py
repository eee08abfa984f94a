"""Vocabularies: tokens and their ids. 0 is padding, 1 unknown; tokens follow, most frequent first.

Shapes: B batch, T tokens, V vocabulary.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import tensorflow as tf

from nlp_rnn.checks import InputError, positive_int
from nlp_rnn.graph import traced
from nlp_rnn.text.chunks import chunks
from nlp_rnn.text.tokenizer import Tokenizer, to_tensor

PADDING, UNKNOWN = 0, 1
SPECIAL = ("<pad>", "<unk>")
END, END_TOKEN = 2, b"<eos>"  # ends a generated text; no tokenizer produces it
MAX_COUNTED = 2_000_000  # distinct tokens in memory while counting; above it, those seen once are dropped


class Vocabulary:
    """Tokens and their ids: 0 padding, 1 unknown, then the tokens in the order given.

    Args:
        tokens: distinct byte strings, without the two special ones.

    Examples:
        >>> vocabulary = Vocabulary.from_counts({b"the": 9, b"cat": 2, b"rare": 1}, min_count=2)
        >>> len(vocabulary), vocabulary.tokens
        (4, (b'the', b'cat'))
    """

    def __init__(self, tokens: Iterable[bytes]):
        self.tokens = tuple(tokens)
        if len(set(self.tokens)) != len(self.tokens):
            twice = next(t for t, n in Counter(self.tokens).items() if n > 1)
            raise ValueError(f"tokens must be distinct, got {twice!r} more than once")

    @classmethod
    def from_counts(cls, counts: dict[bytes, int], size: int = 20_000, min_count: int = 1):
        """The `size` - 2 most frequent tokens seen at least `min_count` times; ties in byte order."""
        return cls(_most_frequent(counts, positive_int("size", size) - len(SPECIAL), min_count))

    @classmethod
    def of_bytes(cls):
        """All 256 bytes."""
        return cls(bytes([value]) for value in range(256))

    def with_end(self) -> "Vocabulary":
        """This vocabulary with the token that ends a text in front, for language models; its id is `END`."""
        return Vocabulary((END_TOKEN, *self.tokens))

    def extended(self, counts: dict[bytes, int], size: int, min_count: int = 1) -> "Vocabulary":
        """This vocabulary, its ids unchanged, and the most frequent new tokens, up to `size` ids in all."""
        known = set(self.tokens)
        new = {token: n for token, n in counts.items() if token not in known}
        return Vocabulary(self.tokens + tuple(_most_frequent(new, max(size - len(self), 0), min_count)))

    def __len__(self) -> int:
        return len(self.tokens) + len(SPECIAL)

    def dump(self) -> str:
        """One token per line, in the order of the ids; characters that would break a line are escaped as in JSON."""
        return "".join(f"{_escaped(token)}\n" for token in self.tokens)

    @classmethod
    def parse(cls, text: str) -> "Vocabulary":
        """The inverse of `dump`."""
        return cls(_unescaped(line) for line in text.split("\n")[:-1])


class VocabularySettings(Protocol):
    """The settings that decide a vocabulary."""

    @property
    def token_level(self) -> str: ...
    @property
    def vocabulary(self) -> int: ...
    @property
    def min_count(self) -> int: ...


def fit_vocabulary(
    config: VocabularySettings, counts: dict[bytes, int], start: Vocabulary | None, end: bool = False
) -> Vocabulary:
    """A vocabulary of the most frequent tokens; or that of another run, its ids unchanged, and as many new tokens.

    Args:
        config: settings of a recipe: `vocabulary` and `min_count`.
        counts: the count of each token in the training texts.
        start: the vocabulary to extend; None to begin a new one.
        end: include the token that ends a text, for language models; `start` must have it already.
    """
    if start is not None:
        new = 0 if config.token_level == "byte" else config.vocabulary
        return start.extended(counts, len(start) + new, config.min_count)
    if config.token_level == "byte":
        vocabulary = Vocabulary.of_bytes()
    else:
        vocabulary = Vocabulary.from_counts(counts, config.vocabulary - end, config.min_count)
    return vocabulary.with_end() if end else vocabulary


class TokenCounter:
    """Counts the tokens of a stream of examples, with one chunk of it in memory at a time.

    Args:
        token_level, lowercase, form: settings of `Tokenizer`.

    Attributes:
        counts: the count of each token.

    Examples:
        >>> counter = TokenCounter()
        >>> counter.add(["a b", "b"])
        >>> counter.counts[b"b"]
        2
    """

    def __init__(self, token_level: str = "word", lowercase: bool = True, **form: Any):
        self.counts: Counter[bytes] = Counter()
        tokenizer = Tokenizer(token_level, lowercase, **form)
        tokens = traced(lambda texts: tokenizer.split(texts).flat_values)
        # The concrete function: TensorFlow warns of retracing if a new function is created for every counter.
        self._tokens = tokens.get_concrete_function(tf.TensorSpec([None], tf.string))

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "TokenCounter":
        """A counter of the tokens of a tokenizer."""
        return cls(tokenizer.token_level, tokenizer.lowercase, **tokenizer.form)

    def add(self, texts: list[str]) -> None:
        """Count the tokens of some texts."""
        self.counts.update(self._tokens(to_tensor(texts)).numpy().tolist())
        if len(self.counts) > MAX_COUNTED:
            self.counts = Counter({token: n for token, n in self.counts.items() if n > 1})

    def watch(self, examples: Iterable, split: str) -> Iterator:
        """Yield the examples of a stream, each with `text` and `split`, and count the tokens of one split."""
        for chunk in chunks(examples, 1024, lambda example: len(example.text)):
            self.add([example.text for example in chunk if example.split == split])
            yield from chunk


def _most_frequent(counts, size, min_count):
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [token for token, n in ranked[: max(size, 0)] if n >= min_count]


def _escaped(token):
    try:
        return json.dumps(token.decode("utf-8"), ensure_ascii=False)[1:-1]
    except UnicodeDecodeError:  # part of a character: a token of the byte vocabulary
        return f"\\x{token.hex()}"


def _unescaped(line):
    if line.startswith("\\x"):
        return bytes.fromhex(line[2:])
    try:
        return json.loads(f'"{line}"').encode("utf-8")
    except ValueError:
        raise InputError(f"{line[:40]!r} is not an entry of a vocabulary") from None
