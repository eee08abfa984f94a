"""Texts to ids in TensorFlow operations: one graph for training and for the export.

Shapes: B batch, T tokens.
"""

import functools
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import tensorflow as tf

from nlp_rnn.checks import positive_int
from nlp_rnn.deprecation import current_arguments, renamed_arguments
from nlp_rnn.text.subwords import NO_PIECE, SPACE, split
from nlp_rnn.text.token_levels import SUBWORD
from nlp_rnn.text.tokenizer import Tokenizer, to_tensor
from nlp_rnn.text.vocabulary import END_TOKEN, PADDING, SPECIAL, UNKNOWN, Vocabulary
from nlp_rnn.text.words import MARKS, surface

PROBED = 20  # tokens of the text that checks the letter case of an export


class TextEncoder(tf.Module):
    """Texts to ids: tokens cut to a length, looked up, padded. One graph for training and for the export.

    Args:
        vocabulary: the tokens and their ids.
        token_level: "word", "character", "byte" or "subword".
        lowercase: fold case before looking up.
        max_tokens: longer texts are truncated to this many tokens: a quarter from their start, the rest from their
            end, where texts tend to draw their conclusion.
        form: further settings of `Tokenizer`: spacing, line_breaks, pretokenized, version.

    Examples:
        >>> encoder = TextEncoder(Vocabulary([b"good"]))
        >>> encoder(tf.constant(["good film", ""])).numpy().tolist()
        [[2, 1], [0, 0]]
        >>> encoder.decode(tf.constant([[2, 2, 0]])).numpy().tolist()
        [b'good good']
    """

    @renamed_arguments({"unit": "token_level"})
    def __init__(
        self,
        vocabulary: Vocabulary,
        token_level: str = "word",
        lowercase: bool = True,
        max_tokens: int = 400,
        **form: Any,
    ):
        super().__init__(name="text_encoder")
        self.vocabulary = vocabulary
        self.tokenizer = Tokenizer(token_level, lowercase, **form)
        self.token_level = token_level
        self.lowercase = lowercase
        self.max_tokens = positive_int("max_tokens", max_tokens)
        # A table cannot be empty: an empty vocabulary gets one token that occurs in no text.
        keys = list(vocabulary.tokens) or [b""]
        ids = tf.range(len(SPECIAL), len(SPECIAL) + len(keys), dtype=tf.int32)
        missing = NO_PIECE if token_level == SUBWORD else UNKNOWN
        self._table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.constant(keys), ids), default_value=missing
        )

    def __call__(self, texts: tf.Tensor) -> tf.Tensor:
        """Ids of texts [B], int32 [B, T], padded on the right; T is at least 1."""
        return self.padded(texts)[0]

    def padded(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Ids as from a call, and the number of tokens of each text before truncation, [B]."""
        ids, lengths = self.ragged(texts)
        dense = ids.to_tensor(PADDING)
        return tf.pad(dense, [[0, 0], [0, tf.cast(tf.shape(dense)[1] == 0, tf.int32)]]), lengths

    def ragged(self, texts: tf.Tensor) -> tuple[tf.RaggedTensor, tf.Tensor]:
        """Ids of texts [B] without padding, [B, (T)], and the number of tokens of each text before truncation, [B]."""
        tokens = self._tokens(texts)
        lengths = tokens.row_lengths()
        ids = self._table.lookup(self._cut(tokens, lengths))
        ids = tf.where(ids == NO_PIECE, UNKNOWN, ids) if self.token_level == SUBWORD else ids
        kept = tf.minimum(lengths, self.max_tokens)
        return tf.RaggedTensor.from_row_lengths(ids, kept, validate=False), lengths

    def sizes(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Outputs of an export: `tokens`, the number of tokens of each text, int32 [B], and `cut`, whether some were.

        `cut` is bool [B]: a text of more than `max_tokens` is read without its middle.
        """
        lengths = tf.cast(self._tokens(texts).row_lengths(), tf.int32)
        return {"tokens": lengths, "cut": lengths > self.max_tokens}

    def decode(self, ids: tf.Tensor) -> tf.Tensor:
        """The texts of ids, int [B, T], string [B]; padding, the unknown token and the end of a text are left out."""
        return self.tokenizer.join(tf.gather(self.token_strings, ids))

    @functools.cached_property
    def token_strings(self) -> tf.Tensor:
        """The tokens by their ids, string [V]; empty for those that are no part of a text."""
        tokens = ["" if token == END_TOKEN else token for token in self.vocabulary.tokens]
        with tf.init_scope():
            return tf.constant([b"", b"", *tokens])

    def last(self, texts: tf.Tensor) -> tf.Tensor:
        """The last token of each text, string [B]; empty where there is none."""
        tokens = self._tokens(texts)
        padded = tf.concat([[""], tokens.flat_values], 0)
        return tf.gather(padded, tf.where(tokens.row_lengths() > 0, tokens.row_limits(), 0))

    def surface_forms(self, text: str) -> list[str]:
        """The tokens of one text as a person reads them, after truncation."""
        return [token.decode(errors="replace") for token in surface(tf.constant(self.tokens(text), tf.string)).numpy()]

    def tokens(self, text: str) -> list[bytes]:
        """The tokens of one text as they are looked up, after truncation."""
        tokens = self._tokens(to_tensor([text]))
        return self._cut(tokens, tokens.row_lengths()).numpy().tolist()

    def capitals(self) -> str:
        """Tokens with an i, in capitals: their ids would change with the locale if lower-casing depended on it."""
        marks = SPACE + "".join(MARKS)
        tokens = (token.decode(errors="replace").lstrip(marks) for token in self.vocabulary.tokens)
        return " ".join(islice((token.upper() for token in tokens if "i" in token and token.isalpha()), PROBED))

    def _tokens(self, texts):
        if self.token_level != SUBWORD:
            return self.tokenizer.split(texts)
        return split(self.tokenizer.normalized(texts), self._table)

    def _cut(self, tokens, lengths):
        """The tokens that are kept, of all texts one after another; in plain operations, quickly traced."""
        start = self.max_tokens // 4
        position = tf.range(tf.size(tokens.flat_values, tf.int64)) - tf.repeat(tokens.row_starts(), lengths)
        from_end = tf.repeat(lengths, lengths) - position
        return tf.boolean_mask(tokens.flat_values, (position < start) | (from_end <= self.max_tokens - start))

    def get_config(self) -> dict:
        """The settings, without the vocabulary."""
        own = {"token_level": self.token_level, "lowercase": self.lowercase, "max_tokens": self.max_tokens}
        return own | self.tokenizer.form

    def save(self, file: Path) -> dict:
        """Write the vocabulary, one token per line; returns the settings."""
        file.write_text(self.vocabulary.dump(), encoding="utf-8")
        return self.get_config()

    @classmethod
    def read(cls, file: Path, config: Mapping[str, Any]) -> "TextEncoder":
        """The inverse of `save`; also accepts settings of version 0.1."""
        vocabulary = Vocabulary.parse(file.read_text(encoding="utf-8"))
        return cls(vocabulary, **{"version": 1, **current_arguments(config, {"unit": "token_level"})})
