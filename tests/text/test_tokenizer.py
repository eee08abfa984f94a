"""Tokenization: examples that a person can check, and properties that hold for any text (hypothesis)."""

import re
import unicodedata

import hypothesis.strategies as st
import pytest
import tensorflow as tf
from hypothesis import given

from nlp_rnn.text.tokenizer import detokenize, to_tensor, tokenize

ANY_TEXT = st.text(max_size=40)


def words(text):
    return [token.decode() for token in tokenize(to_tensor([text])).to_list()[0]]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("It's GOOD, isn't it?", ["it's", "good", ",", "isn't", "it", "?"]),
        ("'quoted' don’t", ["'", "quoted", "'", "don't"]),
        ("rock'n'roll", ["rock'n'roll"]),
        ("día e\u0301clair", ["día", "\u00e9clair"]),
        ("😀👍 ok", ["😀", "👍", "ok"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
        ("שלום עולם", ["שלום", "עולם"]),
        ("我喜欢 this", ["我", "喜", "欢", "this"]),
        ("ภาษา น้ำ", ["ภ", "า", "ษ", "า", "น้", "ำ"]),
        ("می‌خواهم", ["می‌خواهم"]),
        ("👨‍👩‍👧❤️👍🏽🇩🇪🇫🇷", ["👨‍👩‍👧", "❤️", "👍🏽", "🇩🇪", "🇫🇷"]),
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


@given(ANY_TEXT)
def test_no_letter_or_digit_is_lost(text):
    def kept(s):
        folded = unicodedata.normalize("NFD", s.replace("\u2019", "'"))
        return [c for c in folded if unicodedata.category(c)[0] in "LN" and c.lower() == c and c.upper() == c]

    if re.search(r"(?i)<br\s*/?>", text):
        return
    assert kept("".join(words(text))) == kept(text)


@given(ANY_TEXT)
def test_characters_and_bytes_spell_the_text(text):
    text = text.replace("\0", "")
    encoded = text.encode(errors="replace")
    for level in ("character", "byte"):
        tokens = tokenize(tf.constant([encoded]), level, lowercase=False)
        assert b"".join(tokens.to_list()[0]) == encoded
        assert detokenize(tokens.to_tensor(), level).numpy()[0] == encoded


@pytest.mark.parametrize(
    "tokens, text",
    [
        (["so", ",", "it", "rains", "."], "so, it rains."),
        (["a", "(", "b", ")", "[", "c", "]", "…"], "a (b) [c]…"),
        (["50", "%", "!", "", ""], "50%!"),
    ],
)
def test_words_are_joined_with_spaces_where_they_belong(tokens, text):
    assert detokenize(tf.constant([tokens]), "word").numpy()[0].decode() == text


def test_lone_surrogates_become_question_marks():
    assert to_tensor(["a\ud83d"]).numpy().tolist() == [b"a?"]


def test_an_unknown_token_level_is_refused():
    with pytest.raises(ValueError, match="token_level must be one of word, character, byte, got 'syllable'"):
        tokenize(tf.constant(["a"]), "syllable")
