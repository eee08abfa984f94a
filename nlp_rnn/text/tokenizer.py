"""Tokenization in TensorFlow operations, so that the graph that reads text in training is the one that is exported.

Shapes: B batch, T tokens.
"""

from collections.abc import Iterable

import tensorflow as tf

from nlp_rnn.checks import one_of
from nlp_rnn.text.letter_case import lower_case
from nlp_rnn.text.subwords import join
from nlp_rnn.text.token_levels import SUBWORD, TOKEN_LEVELS

# Marks and characters of scripts without spaces are tokens; letters keep combining marks and inner apostrophes.
_BREAKS = r"[\p{Z}\p{Cc}]+|(?i:<br\s*/?>)"
_BLANK = r"[\s\p{Z}\p{Cc}]*"
_INNER_APOSTROPHE = r"([\p{L}\p{M}])['’]([\p{L}])"
_KEPT = "\x01"  # stands for an inner apostrophe while the others are set apart; _BREAKS has removed any other
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_STANDS_ALONE = rf"([^\p{{L}}\p{{M}}\p{{N}}\s\x01]|[{_UNSPACED}])"


def tokenize(texts: tf.Tensor, token_level: str = "word", lowercase: bool = True) -> tf.RaggedTensor:
    """Split texts into tokens.

    Bytes that are not UTF-8 become U+FFFD and HTML line breaks become spaces, so any string can be split.

    Args:
        texts: string [B].
        token_level: "word" (words and single punctuation marks), "character" (Unicode code points) or "byte".
        lowercase: convert to lower case first; not applied to bytes.

    Returns:
        A ragged string tensor [B, (T)].

    Examples:
        >>> tokenize(tf.constant(["It's GOOD, isn't it?"])).to_list()[0]
        [b"it's", b'good', b',', b"isn't", b'it', b'?']
        >>> tokenize(tf.constant(["día"]), "character").to_list()[0] == ["d", "í".encode(), "a"]
        False
    """
    one_of("token_level", token_level, TOKEN_LEVELS)
    if token_level == "byte":
        return tf.strings.bytes_split(texts)
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    # Lower-casing ends a text at its first NUL, so NULs are removed first.
    if token_level == "character":
        texts = tf.strings.regex_replace(texts, r"\x00", "\ufffd")
    else:
        texts = tf.strings.regex_replace(texts, _BREAKS, " ")
    texts = lower_case(texts) if lowercase else texts
    if token_level == "character":
        return tf.strings.unicode_split(texts, "UTF-8")
    for _ in range(2):  # twice, since matches may share a letter, as in rock'n'roll
        texts = tf.strings.regex_replace(texts, _INNER_APOSTROPHE, rf"\1{_KEPT}\2")
    texts = tf.strings.regex_replace(texts, _STANDS_ALONE, r" \1 ")
    return tf.strings.split(tf.strings.regex_replace(texts, _KEPT, "'"))


def detokenize(tokens: tf.Tensor, token_level: str) -> tf.Tensor:
    """Join tokens, string [B, T], to texts, [B], with spaces between words where they belong.

    Examples:
        >>> detokenize(tf.constant([["so", ",", "it", "rains", "."]]), "word").numpy().tolist()
        [b'so, it rains.']
    """
    if token_level == SUBWORD:
        return join(tokens)
    if token_level != "word":
        return tf.strings.reduce_join(tokens, 1)
    text = tf.strings.strip(tf.strings.reduce_join(tokens, 1, separator=" "))
    text = tf.strings.regex_replace(text, r" ([.,!?;:%)\]}…])", r"\1")
    return tf.strings.regex_replace(text, r"([(\[{]) ", r"\1")


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
