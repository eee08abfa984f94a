"""Unicode normalization form C (UAX #15) in TensorFlow operations, since core TensorFlow has none.

Canonically equivalent texts, such as an é of one code point and an e with a combining accent, become the same bytes.

Shapes: B batch, N characters of all texts, one text after another.
"""

import functools
import unicodedata
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nlp_rnn.graph import traced

_LAST = 0x30000  # no character above it is decomposed, or combines with another
_L, _V, _T, _S = 0x1100, 0x1161, 0x11A7, 0xAC00  # Hangul: jamo and syllables, composed by arithmetic
_LS, _VS, _TS = 19, 21, 28
_FIRST = 2**21  # a pair of characters as a key: first * _FIRST + second


class _Tables(NamedTuple):
    """Sorted keys and their values, NumPy arrays."""

    decomposed: np.ndarray  # characters
    parts: np.ndarray  # the decompositions, one after another
    begins: np.ndarray  # of each decomposition in `parts`, and the end of the last
    marks: np.ndarray  # characters of a combining class other than 0
    classes: np.ndarray
    pairs: np.ndarray  # of the first and the second character, see `_FIRST`
    composites: np.ndarray


@functools.cache
def _tables() -> _Tables:
    """The tables of the standard, from Python's."""
    full = {c: unicodedata.normalize("NFD", chr(c)) for c in range(_LAST) if _is_decomposed(c)}
    marks = {c: unicodedata.combining(chr(c)) for c in range(_LAST) if unicodedata.combining(chr(c))}
    pairs = {}
    for c in full:
        parts = [int(part, 16) for part in unicodedata.decomposition(chr(c)).split()]
        if len(parts) == 2 and unicodedata.normalize("NFC", chr(c)) == chr(c):
            pairs[parts[0] * _FIRST + parts[1]] = c
    lengths = [len(text) for text in full.values()]
    return _Tables(
        np.array(sorted(full), np.int32),
        np.array([ord(part) for text in full.values() for part in text], np.int32),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
        np.array(sorted(marks), np.int32),
        np.array([marks[c] for c in sorted(marks)], np.int32),
        np.array(sorted(pairs), np.int64),
        np.array([pairs[key] for key in sorted(pairs)], np.int32),
    )


def _is_decomposed(c: int) -> bool:
    syllable = _S <= c < _S + _LS * _VS * _TS
    return not syllable and bool(unicodedata.decomposition(chr(c))) and "<" not in unicodedata.decomposition(chr(c))


@functools.cache
def _may_change() -> str:
    """A pattern that matches texts with a character that form C may change or combine with the one before it."""
    changed = [c for c in _tables().decomposed.tolist() if unicodedata.normalize("NFC", chr(c)) != chr(c)]
    seconds = {key % _FIRST for key in _tables().pairs.tolist()}
    seconds |= {*range(_V, _V + _VS), *range(_T + 1, _T + _TS)}
    marks = "".join(_ranges(_tables().marks.tolist()))
    return f"(?s).*(?:[{''.join(_ranges(sorted({*changed, *seconds})))}]|[{marks}]{{2}}).*"


def _ranges(characters):
    begin = previous = None
    for c in [*characters, None]:
        if previous is not None and c != previous + 1:
            yield f"\\x{{{begin:x}}}-\\x{{{previous:x}}}"
        begin = c if previous is None or c != previous + 1 else begin
        previous = c


def nfc(texts: tf.Tensor) -> tf.Tensor:
    """Texts, UTF-8 [B], in Unicode normalization form C.

    Examples:
        >>> nfc(tf.constant(["cafe\u0301", "\u1112\u1161\u11ab"])).numpy()[1].decode()
        '한'
    """
    needed = tf.reduce_any(tf.strings.regex_full_match(texts, _may_change()))
    return tf.cond(needed, lambda: _graph()(texts), lambda: texts)


@functools.cache
def _graph():
    """One graph for all encoders, since tracing takes a third of a second."""
    return traced(_normalized, [tf.TensorSpec([None], tf.string)])


def _normalized(texts):
    characters = tf.strings.unicode_decode(texts, "UTF-8")
    x, row = _decomposed(characters.flat_values, tf.cast(characters.value_rowids(), tf.int32))
    x, row = _composed(*_ordered(x, row))
    batch = tf.shape(texts, tf.int64)[0]
    lengths = tf.math.bincount(row, minlength=tf.cast(batch, tf.int32), maxlength=tf.cast(batch, tf.int32))
    ragged = tf.RaggedTensor.from_row_lengths(x, tf.cast(lengths, tf.int64), validate=False)
    return tf.reshape(tf.strings.unicode_encode(ragged, "UTF-8"), tf.shape(texts))


def _find(keys, values, wanted, default):
    """The value of each wanted key, or the default."""
    at = tf.minimum(tf.searchsorted(tf.constant(keys), wanted), len(keys) - 1)
    return tf.where(tf.gather(tf.constant(keys), at) == wanted, tf.gather(tf.constant(values), at), default)


def _decomposed(x, row):
    """Each character, int [N], replaced by its full decomposition; Hangul syllables are left as they are."""
    tables = _tables()
    entry = _find(tables.decomposed, np.arange(len(tables.decomposed), dtype=np.int32), x, -1)
    begins = tf.constant(tables.begins)
    known = tf.maximum(entry, 0)
    lengths = tf.where(entry >= 0, tf.gather(begins, known + 1) - tf.gather(begins, known), 1)
    offset = tf.range(tf.reduce_sum(lengths)) - tf.repeat(tf.cumsum(lengths, exclusive=True), lengths)
    part = tf.gather(tf.constant(tables.parts), tf.repeat(tf.gather(begins, known), lengths) + offset)
    return tf.where(tf.repeat(entry, lengths) >= 0, part, tf.repeat(x, lengths)), tf.repeat(row, lengths)


def _classes(x):
    return _find(_tables().marks, _tables().classes, x, 0)


def _begins_row(row):
    return tf.concat([tf.ones_like(row[:1]), tf.cast(row[1:] != row[:-1], row.dtype)], 0)


def _ordered(x, row):
    """Combining marks in the order of their classes, those of the same class as they were."""
    classes = _classes(x)
    group = tf.cumsum(tf.cast((classes == 0) | (_begins_row(row) > 0), tf.int64))
    order = tf.argsort(group * 256 + tf.cast(classes, tf.int64), stable=True)
    return tf.gather(x, order), tf.gather(row, order)


def _composed(x, row):
    """Each character combined with the last starter before it where there is a character for both."""
    shapes = tf.TensorShape([None]), tf.TensorShape([None]), tf.TensorShape([])

    def compose(x, row, _):
        return _compose_once(x, row)

    return tf.while_loop(lambda x, row, more: more, compose, (x, row, tf.size(x) > 0), shapes)[:2]


def _compose_once(x, row):
    """The characters after all compositions that do not depend on one another, their rows, and whether there were any.

    A character combines with a starter unless another of the same or a higher class stands between them.
    """
    classes, at = _classes(x), tf.range(tf.size(x))
    starters = tf.where(classes == 0)[:, 0]
    before = tf.cumsum(tf.cast(classes == 0, tf.int32), exclusive=True)
    starter = tf.gather(tf.concat([[-1], tf.cast(starters, tf.int32)], 0), before)
    there = tf.maximum(starter, 0)
    previous = tf.gather(classes, tf.maximum(at - 1, 0))
    free = (starter == at - 1) | ((previous < classes) & (previous > 0))
    composite = _composites(tf.gather(x, there), x)
    fits = (starter >= 0) & (tf.gather(row, there) == row) & free & (composite > 0)
    first = tf.math.unsorted_segment_min(tf.where(fits, at, tf.size(x)), there, tf.size(x))
    fits &= tf.gather(first, there) == at
    fits &= ~tf.gather(fits, there)  # unless its starter combines with the one before
    x = tf.tensor_scatter_nd_update(x, tf.boolean_mask(there, fits)[:, None], tf.boolean_mask(composite, fits))
    return tf.boolean_mask(x, ~fits), tf.boolean_mask(row, ~fits), tf.reduce_any(fits)


def _composites(first, second):
    """The character for each pair of characters, or 0."""
    pairs = tf.cast(first, tf.int64) * _FIRST + tf.cast(second, tf.int64)
    composite = _find(_tables().pairs, _tables().composites, pairs, 0)
    leading, vowel, trailing, syllable = first - _L, second - _V, second - _T, first - _S
    of_jamo = (leading >= 0) & (leading < _LS) & (vowel >= 0) & (vowel < _VS)
    open_syllable = (syllable >= 0) & (syllable < _LS * _VS * _TS) & (syllable % _TS == 0)
    closed = open_syllable & (trailing > 0) & (trailing < _TS)
    composite = tf.where(of_jamo, _S + (leading * _VS + vowel) * _TS, composite)
    return tf.where(closed, first + trailing, composite)
