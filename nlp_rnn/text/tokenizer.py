"""Tokenization in TensorFlow operations, so that the graph that reads text in training is the one that is exported.

Shapes: B batch, T tokens.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from nlp_rnn.checks import one_of
from nlp_rnn.text.former_tokenizer import join_words
from nlp_rnn.text.former_tokenizer import tokenize as tokenize_formerly
from nlp_rnn.text.letter_case import lower_case
from nlp_rnn.text.subwords import SPACE, SPACE_MARK, join
from nlp_rnn.text.token_levels import SUBWORD, TOKEN_LEVELS
from nlp_rnn.text.unicode_normalization import nfc
from nlp_rnn.text.words import LINE_BREAK, join_with_spaces, split_with_spaces, split_words

VERSION = 2  # 1: as in version 0.1, see `former_tokenizer`
_SPACES = r"[\p{Z}\p{Cc}]+"
_BLANK = r"[\s\p{Z}\p{Cc}]*"
_HTML_BREAK = r"(?i:<br\s*/?>)"
_LINE_END = r"\r\n?|[\x{85}\x{2028}\x{2029}]"
_SPACES_IN_LINE = r"[\p{Z}\x{0}-\x{9}\x{B}-\x{1F}\x{7F}-\x{9F}]+"


@dataclasses.dataclass(frozen=True)
class Tokenizer:
    """Splits texts into tokens, and joins tokens to texts.

    Any string can be split: bytes that are not UTF-8 become U+FFFD, except at the level "byte"; texts are put into
    Unicode normalization form C; runs of white space and control characters count as one space, except for characters
    and bytes.

    Args:
        token_level: "word", "character" (code points), "byte" or "subword".
        lowercase: convert to lower case; not applied to bytes.
        spacing: words carry the spaces between them, so that `join` restores the text up to runs of white space.
        line_breaks: with `spacing`: line ends are tokens, not spaces.
        pretokenized: words are whatever stands between spaces, as in text that is tokenized already.
        version: of these rules; 1 for runs of version 0.1.

    Examples:
        >>> Tokenizer().split(tf.constant(["It's GOOD, isn't it?"])).to_list()[0]
        [b"it's", b'good', b',', b"isn't", b'it', b'?']
        >>> exact = Tokenizer(lowercase=False, spacing=True)
        >>> exact.join(exact.split(tf.constant(["It costs $1,000.50 (or so)."])).to_tensor()).numpy()[0]
        b'It costs $1,000.50 (or so).'
    """

    token_level: str = "word"
    lowercase: bool = True
    spacing: bool = False
    line_breaks: bool = False
    pretokenized: bool = False
    version: int = VERSION

    def __post_init__(self):
        one_of("token_level", self.token_level, (*TOKEN_LEVELS, SUBWORD))
        if self.version not in (1, VERSION):
            raise ValueError(f"version must be 1 or {VERSION}, got {self.version}: install a newer nlp-rnn")

    @property
    def form(self) -> dict[str, Any]:
        """The settings besides `token_level` and `lowercase` that are not at the defaults, and the version."""
        names = ("spacing", "line_breaks", "pretokenized")
        return {name: True for name in names if getattr(self, name)} | {"version": self.version}

    @property
    def keeps_spaces(self) -> bool:
        """Whether words restore the spaces between them."""
        return self.token_level == "word" and (self.spacing or self.pretokenized)

    def split(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """The tokens, [B, (T)], of texts, string [B]; not for subwords, see `subwords.split`."""
        if self.version == 1:
            return tokenize_formerly(texts, self.token_level, self.lowercase)
        texts = self.normalized(texts)
        if self.token_level == "byte":
            return tf.strings.bytes_split(texts)
        if self.token_level == "character":
            return tf.strings.unicode_split(texts, "UTF-8")
        if self.pretokenized:
            return tf.strings.split(texts)
        return split_with_spaces(texts) if self.spacing else split_words(texts)

    def normalized(self, texts: tf.Tensor) -> tf.Tensor:
        """Texts, string [B], in one Unicode form and letter case, with single spaces where spaces separate tokens."""
        clean = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        if self.version == 1:
            return tf.strings.regex_replace(lower_case(clean) if self.lowercase else clean, _SPACES, " ")
        if self.token_level == "byte":
            return tf.where(clean == texts, nfc(clean), texts)
        # Before lower-casing, which ends a text at its first NUL.
        if self.token_level == "character":
            clean = tf.strings.regex_replace(clean, r"\x00", "\ufffd")
        else:
            clean = self._with_single_spaces(clean)
        return lower_case(nfc(clean)) if self.lowercase else nfc(clean)

    def _with_single_spaces(self, texts):
        if self.token_level == SUBWORD:
            texts = tf.strings.regex_replace(texts, _SPACES, " ")
            return tf.strings.regex_replace(texts, SPACE, SPACE_MARK)
        if not self.pretokenized:
            texts = tf.strings.regex_replace(texts, _HTML_BREAK, "\n")
        if not self.line_breaks:
            return tf.strings.strip(tf.strings.regex_replace(texts, _SPACES, " "))
        texts = tf.strings.regex_replace(texts, _LINE_END, "\n")
        texts = tf.strings.regex_replace(texts, _SPACES_IN_LINE, " ")
        return tf.strings.regex_replace(texts, " *\n *", LINE_BREAK)

    def join(self, tokens: tf.Tensor) -> tf.Tensor:
        """Join tokens, string [B, T], to texts, [B]; empty ones are left out."""
        texts = self.continued(tokens)
        return texts if self.token_level in ("character", "byte") else tf.strings.regex_replace(texts, "^ +| +$", "")

    def continued(self, tokens: tf.Tensor) -> tf.Tensor:
        """As `join`, with the space that stands before the first token."""
        if self.token_level == SUBWORD:
            return join(tokens)
        if self.token_level != "word":
            return tf.strings.reduce_join(tokens, -1)
        if self.pretokenized:
            joined = tf.strings.reduce_join(tokens, -1, separator=" ")
            return tf.strings.regex_replace(tf.strings.join([" ", joined]), " +", " ")
        return join_with_spaces(tokens) if self.spacing else join_words(tokens)


def tokenize(texts: tf.Tensor, token_level: str = "word", lowercase: bool = True) -> tf.RaggedTensor:
    """Split texts into tokens without their spaces; see `Tokenizer`.

    Args:
        texts: string [B].
        token_level: "word" (words and single punctuation marks), "character" (Unicode code points) or "byte".
        lowercase: convert to lower case first; not applied to bytes.

    Returns:
        A ragged string tensor [B, (T)].

    Examples:
        >>> tokenize(tf.constant(["It's GOOD, isn't it?"])).to_list()[0]
        [b"it's", b'good', b',', b"isn't", b'it', b'?']
    """
    return Tokenizer(one_of("token_level", token_level, TOKEN_LEVELS), lowercase).split(texts)


def detokenize(tokens: tf.Tensor, token_level: str) -> tf.Tensor:
    """Join tokens without spaces of their own, string [B, T], to texts, [B], with spaces where they usually belong.

    Examples:
        >>> detokenize(tf.constant([["so", ",", "it", "rains", "."]]), "word").numpy().tolist()
        [b'so, it rains.']
    """
    return Tokenizer(token_level).join(tokens)


def is_blank(texts: tf.Tensor) -> tf.Tensor:
    """Whether texts, string [B], hold only spaces and control characters, bool [B].

    Examples:
        >>> is_blank(tf.constant(["", " \\n\u3000", "a"])).numpy().tolist()
        [True, True, False]
    """
    return tf.strings.regex_full_match(texts, _BLANK)


def to_tensor(texts: Iterable[str]) -> tf.Tensor:
    """Texts as UTF-8, string [B]; what UTF-8 cannot hold, such as half a surrogate pair, becomes '?'."""
    return tf.constant([text.encode("utf-8", errors="replace") for text in texts], tf.string)
