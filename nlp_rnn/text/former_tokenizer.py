"""Tokenization as in version 0.1, for its runs: without Unicode normalization, and the spaces of a text are lost.

Shapes: B batch, T tokens.
"""

import tensorflow as tf

from nlp_rnn.text.letter_case import lower_case

# Marks and characters of scripts without spaces are tokens; letters keep combining marks and inner apostrophes.
_BREAKS = r"[\p{Z}\p{Cc}]+|(?i:<br\s*/?>)"
_INNER_APOSTROPHE = r"([\p{L}\p{M}])['’]([\p{L}])"
_KEPT = "\x01"  # stands for an inner apostrophe while the others are set apart; _BREAKS has removed any other
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_STANDS_ALONE = rf"([^\p{{L}}\p{{M}}\p{{N}}\s\x01]|[{_UNSPACED}])"


def tokenize(texts: tf.Tensor, token_level: str, lowercase: bool) -> tf.RaggedTensor:
    """Split texts, string [B], into words, characters or bytes, [B, (T)].

    Examples:
        >>> tokenize(tf.constant(["It's 1,000.50"]), "word", True).to_list()[0]
        [b"it's", b'1', b',', b'000', b'.', b'50']
    """
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


def join_words(tokens: tf.Tensor) -> tf.Tensor:
    """Join words and marks, string [B, T], to texts, [B], with spaces where they usually belong.

    Examples:
        >>> join_words(tf.constant([["so", ",", "it", "rains", "."]])).numpy().tolist()
        [b'so, it rains.']
    """
    text = tf.strings.strip(tf.strings.reduce_join(tokens, 1, separator=" "))
    text = tf.strings.regex_replace(text, r" ([.,!?;:%)\]}…])", r"\1")
    return tf.strings.regex_replace(text, r"([(\[{]) ", r"\1")
