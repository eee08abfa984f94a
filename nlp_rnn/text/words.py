"""Words and marks, and the spaces between them, in TensorFlow operations.

A token is a word with its inner apostrophes and combining marks, or a single mark, an emoji with all that belongs to
it, or a letter of a script without spaces. Tokens can carry the spaces between them, so that joining them restores the
text: by default there is a space between two tokens, but none before a mark that closes, after one that opens, or
around a hyphen or slash. A token that stands otherwise begins with `SPACE` or `NO_SPACE`.

Shapes: B batch, T tokens.
"""

import tensorflow as tf

# Control characters, which no text holds once its white space is normalized.
SPACE, NO_SPACE, LINE_BREAK = "\x03", "\x06", "\x10"
MARKS = (SPACE, NO_SPACE)
_STRAIGHT, _CURLY = "\x01", "\x04"  # inner apostrophes while the others are set apart
_JOINT = "\x02"  # between tokens without a space
_END = "\x05"  # between tokens, once their spaces are decided
_AFTER_HYPHEN = "\x07"

UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_HYPHENS = r"([\-‐‑/_@]\p{M}*)"
_OPENING = r"([(\[{¿¡$£€#“‘«‹「『（《【〈\x10]\p{M}*)"
_CLOSING = rf"([.,!?;:%)\]}}…。，、！？；：」』）》】〉”’»›\x10{UNSPACED}])"
_EXTENSION = r"[\p{M}\x{1F3FB}-\x{1F3FF}\x{E0020}-\x{E007F}]*"
_EMOJI = rf"[\x{{1F1E6}}-\x{{1F1FF}}]{{2}}|\p{{So}}{_EXTENSION}(?:\x{{200D}}\p{{So}}{_EXTENSION})*"
_MARK = r"[^\p{L}\p{M}\p{N}\p{Cf}\s\x01\x04]\p{M}*"
_ALONE = rf"{_EMOJI}|[{UNSPACED}]\p{{M}}*|{_MARK}"
_INNER_APOSTROPHE = r"([\p{L}\p{M}])%s([\p{L}])"


def split_words(texts: tf.Tensor) -> tf.RaggedTensor:
    """Split texts, normalized, string [B], into words and marks without their spaces, [B, (T)].

    Examples:
        >>> split_words(tf.constant(["it's well-known"])).to_list()[0]
        [b"it's", b'well', b'-', b'known']
    """
    texts = _with_inner(texts, "['’]", _STRAIGHT)
    return tf.strings.split(_restored(tf.strings.regex_replace(texts, _ALONE, r" \0 ")))


def split_with_spaces(texts: tf.Tensor) -> tf.RaggedTensor:
    """Split texts, normalized, string [B], into tokens that carry their spaces, [B, (T)].

    Examples:
        >>> split_with_spaces(tf.constant(["well-known, at 10:30"])).to_list()[0]
        [b'well', b'-', b'known', b',', b'at', b'10', b':', b'\\x0630']
    """
    for mark, kept in (("'", _STRAIGHT), ("’", _CURLY)):
        texts = _with_inner(texts, mark, kept)
    texts = tf.strings.regex_replace(tf.strings.join([" ", texts]), _ALONE, rf"{_JOINT}\0{_JOINT}")
    for pattern, replacement in (
        (rf"{_JOINT}* {_JOINT}*", " "),
        (rf"{_JOINT}+", _JOINT),
        (rf"[{_JOINT} ]+$", ""),
        (rf" {LINE_BREAK}", _JOINT + LINE_BREAK),
        (rf" {_HYPHENS}", rf"{_END}{SPACE}\1"),
        (_JOINT + _HYPHENS, rf"{_END}\1{_AFTER_HYPHEN}"),
        (_AFTER_HYPHEN + _JOINT, _END),
        (_AFTER_HYPHEN + " ", _END + SPACE),
        (_AFTER_HYPHEN, ""),
        (_OPENING + _JOINT, rf"\1{_END}"),
        (_OPENING + " ", rf"\1{_END}{SPACE}"),
        (_JOINT + _CLOSING, rf"{_END}\1"),
        (" " + _CLOSING, rf"{_END}{SPACE}\1"),
        (_JOINT, _END + NO_SPACE),
        (_END, " "),
    ):
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    return tf.strings.split(_restored(texts))


def join_with_spaces(tokens: tf.Tensor) -> tf.Tensor:
    """Join tokens that carry their spaces, string [B, T], to texts, [B]; empty tokens are left out.

    A text begins with the space of its first token: remove it where nothing stands before.

    Examples:
        >>> join_with_spaces(tf.constant([["well", "-", "known", ",", "at", "10", ":", "\\x0630"]])).numpy().tolist()
        [b' well-known, at 10:30']
    """
    texts = tf.strings.join([_END, tf.strings.reduce_join(tokens, -1, separator=_END)])
    for pattern, replacement in (
        (rf"{_END}+", _END),
        (rf"{_END}$", ""),
        (_END + NO_SPACE, ""),
        (_END + SPACE, " "),
        (_END + _HYPHENS, rf"\1{_AFTER_HYPHEN}"),
        (_AFTER_HYPHEN + _END, ""),
        (_AFTER_HYPHEN, ""),
        (_OPENING + _END, r"\1"),
        (_END + _CLOSING, r"\1"),
        (_END, " "),
        (rf" *{LINE_BREAK} *", "\n"),
    ):
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    return texts


def surface(tokens: tf.Tensor) -> tf.Tensor:
    """Tokens without what they say of spaces, string of any shape.

    Examples:
        >>> surface(tf.constant(["\\x0630", "at"])).numpy().tolist()
        [b'30', b'at']
    """
    return tf.strings.regex_replace(tf.strings.regex_replace(tokens, rf"^[{SPACE}{NO_SPACE}]", ""), LINE_BREAK, "\n")


def _with_inner(texts, mark, kept):
    """Texts with another character for the apostrophes between two letters."""
    for _ in range(2):  # twice, since matches may share a letter, as in rock'n'roll
        texts = tf.strings.regex_replace(texts, _INNER_APOSTROPHE % mark, rf"\1{kept}\2")
    return texts


def _restored(texts):
    return tf.strings.regex_replace(tf.strings.regex_replace(texts, _STRAIGHT, "'"), _CURLY, "’")
