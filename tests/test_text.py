"""Text functions: examples a person can check, and properties that hold for any text (hypothesis)."""

import re
import unicodedata
from types import SimpleNamespace

import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings

from nlp_rnn.checks import InputError
from nlp_rnn.text import (
    END_TOKEN,
    UNITS,
    TextEncoder,
    TokenCounter,
    Vocabulary,
    chunks,
    to_tensor,
    tokenize,
    vocabulary_of,
)

ANY_TEXT = st.text(max_size=40)
quickly = settings(max_examples=60, deadline=None)


def words(text):
    return [token.decode() for token in tokenize(to_tensor([text])).to_list()[0]]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("It's GOOD, isn't it?", ["it's", "good", ",", "isn't", "it", "?"]),
        ("'quoted' don’t", ["'", "quoted", "'", "don't"]),
        ("día e\u0301clair", ["día", "e\u0301clair"]),
        ("😀👍 ok", ["😀", "👍", "ok"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
        ("שלום עולם", ["שלום", "עולם"]),
        ("我喜欢 this", ["我", "喜", "欢", "this"]),
        ("a\0b", ["a", "b"]),
        ("a<br />b <BR> c", ["a", "b", "c"]),
        ("\u00a0x\u2003y\u3000z", ["x", "y", "z"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_words(text, expected):
    assert words(text) == expected


def test_bytes_that_are_not_utf8_are_replaced():
    assert tokenize(tf.constant([b"\xff ok"])).to_list() == [["\ufffd".encode(), b"ok"]]


@quickly
@given(ANY_TEXT)
def test_no_letter_or_digit_is_lost(text):
    def kept(s):
        folded = unicodedata.normalize("NFD", s.replace("\u2019", "'"))
        return [c for c in folded if unicodedata.category(c)[0] in "LN" and c.lower() == c and c.upper() == c]

    if re.search(r"(?i)<br\s*/?>", text):
        return
    assert kept("".join(words(text))) == kept(text)


@quickly
@given(ANY_TEXT)
def test_characters_and_bytes_spell_the_text(text):
    text = text.replace("\0", "")
    encoded = text.encode(errors="replace")
    for unit in ("character", "byte"):
        assert b"".join(tokenize(tf.constant([encoded]), unit, lowercase=False).to_list()[0]) == encoded


@quickly
@given(st.lists(ANY_TEXT, min_size=1, max_size=4), st.sampled_from(UNITS), st.integers(1, 12))
def test_a_batch_encodes_as_its_texts_do_alone(texts, unit, most):
    counter = TokenCounter(unit)
    counter.add(texts)
    encoder = TextEncoder(Vocabulary.from_counts(counter.counts, 10), unit, max_tokens=most)
    together = encoder(to_tensor(texts)).numpy()
    assert together.shape[1] >= 1 and together.shape[1] <= max(most, 1)
    for row, text in zip(together, texts, strict=True):
        alone = encoder(to_tensor([text])).numpy()[0]
        np.testing.assert_array_equal(row[: len(alone)], alone)
        assert not row[len(alone) :].any()


@quickly
@given(st.dictionaries(st.binary(min_size=1, max_size=6), st.integers(1, 9), max_size=20), st.integers(1, 30))
def test_a_vocabulary_survives_its_file(counts, size):
    vocabulary = Vocabulary.from_counts(counts, size)
    assert len(vocabulary) <= max(size, 2)
    assert Vocabulary.parse(vocabulary.dump()).tokens == vocabulary.tokens


@pytest.mark.parametrize(
    ("unit", "known", "end", "tokens"),
    [
        ("word", None, False, [b"a", b"b"]),
        ("word", None, True, [END_TOKEN, b"a"]),
        ("word", [b"x", b"a"], False, [b"x", b"a", b"b", b"c"]),
        ("byte", [b"x"], False, [b"x"]),
    ],
)
def test_a_vocabulary_holds_the_frequent_tokens_after_those_known(unit, known, end, tokens):
    asked = SimpleNamespace(unit=unit, vocabulary=4, least_count=2)
    counts = {b"a": 5, b"b": 4, b"c": 2, b"rare": 1}
    found = vocabulary_of(asked, counts, known and Vocabulary(known), end)
    assert found.tokens == tuple(tokens)


def test_a_vocabulary_of_bytes_needs_no_counts():
    asked = SimpleNamespace(unit="byte", vocabulary=4, least_count=2)
    assert vocabulary_of(asked, {}, None).tokens == Vocabulary.of_bytes().tokens
    assert vocabulary_of(asked, {}, None, end=True).tokens == Vocabulary.of_bytes().with_end().tokens


@quickly
@given(ANY_TEXT)
def test_any_word_survives_the_file(text):
    tokens = dict.fromkeys(tokenize(to_tensor([text])).to_list()[0], 1)
    assert Vocabulary.parse(Vocabulary(tokens).dump()).tokens == tuple(tokens)


def test_a_long_text_keeps_its_start_and_its_end():
    encoder = TextEncoder(Vocabulary(str(n).encode() for n in range(20)), max_tokens=8)
    ids, lengths = encoder.ragged(tf.constant([" ".join(map(str, range(20))), "1 2 3"]))
    assert [n - 2 for n in ids.to_list()[0]] == [0, 1, 14, 15, 16, 17, 18, 19]
    assert [n - 2 for n in ids.to_list()[1]] == [1, 2, 3]
    assert lengths.numpy().tolist() == [20, 3]


def test_ids_and_ties():
    vocabulary = Vocabulary.from_counts({b"b": 2, b"a": 2, b"c": 5, b"rare": 1}, size=10, least_count=2)
    assert vocabulary.tokens == (b"c", b"a", b"b")
    assert TextEncoder(vocabulary)(tf.constant(["a rare c", ""])).numpy().tolist() == [[3, 1, 2], [0, 0, 0]]


def test_extending_keeps_the_ids():
    old = Vocabulary([b"x", b"y"])
    new = old.extended({b"y": 9, b"z": 3, b"w": 1}, size=10, least_count=2)
    assert new.tokens == (b"x", b"y", b"z")
    assert old.extended({b"z": 1}, size=len(old)).tokens == old.tokens


def test_bytes_know_every_text():
    encoder = TextEncoder(Vocabulary.of_bytes(), "byte")
    assert 1 not in encoder(to_tensor(["é\0😀"])).numpy()


def test_an_empty_batch_and_an_empty_vocabulary():
    assert TextEncoder(Vocabulary([]))(tf.constant([], tf.string)).shape == (0, 1)
    assert TextEncoder(Vocabulary([]))(tf.constant(["a"])).numpy().tolist() == [[1]]


def test_counting_holds_a_bounded_number_of_tokens(monkeypatch):
    monkeypatch.setattr("nlp_rnn.text._MOST_COUNTED", 100)
    counter = TokenCounter()
    for n in range(50):
        counter.add(["kept"] + [f"once{n}x{m}" for m in range(20)])
    assert len(counter.counts) <= 121 and counter.counts[b"kept"] == 50


def test_chunks():
    assert list(chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]


def test_refusals():
    with pytest.raises(ValueError, match="tokens must be distinct"):
        Vocabulary([b"a", b"a"])
    with pytest.raises(ValueError, match="unit must be one of word, character, byte"):
        tokenize(tf.constant(["a"]), "syllable")
    with pytest.raises(InputError, match="not an entry of a vocabulary"):
        Vocabulary.parse('half"open\n')
