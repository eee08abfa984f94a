"""Normalization form C against Python's unicodedata."""

import unicodedata

import hypothesis.strategies as st
import tensorflow as tf
from hypothesis import given

from nlp_rnn.text.tokenizer import to_tensor
from nlp_rnn.text.unicode_normalization import _tables, nfc

COMPOSING = st.sampled_from([c for key in _tables().pairs.tolist() for c in divmod(key, 2**21)])
CHARACTERS = st.one_of(
    st.sampled_from([*_tables().decomposed.tolist(), *_tables().marks.tolist()]),
    COMPOSING,
    st.integers(0x1100, 0x11FF),  # Hangul jamo
    st.integers(0xAC00, 0xAC80),
    st.integers(0x41, 0x5A),
).map(chr)


@given(st.lists(st.text(CHARACTERS, max_size=12), max_size=5))
def test_it_is_the_form_of_the_standard(texts):
    expected = [unicodedata.normalize("NFC", text).encode() for text in texts]
    assert nfc(to_tensor(texts)).numpy().tolist() == expected


def test_every_character_by_itself():
    characters = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    got = nfc(tf.constant([c.encode() for c in characters])).numpy().tolist()
    assert got == [unicodedata.normalize("NFC", c).encode() for c in characters]
