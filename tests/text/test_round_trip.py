"""Texts survive tokenization: decoding the ids of a text gives the text, in every script (hypothesis)."""

import re
import unicodedata

import hypothesis.strategies as st
import pytest
import tensorflow as tf
from hypothesis import given, settings

from nlp_rnn.text import subwords
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.token_levels import SUBWORD
from nlp_rnn.text.tokenizer import Tokenizer, to_tensor
from nlp_rnn.text.vocabulary import Vocabulary

SCRIPTS = {
    "Latin": "aeiouxyzßéøłĲ",
    "Cyrillic": "абвжяёЙѣ",
    "Greek": "αβγάΐςΣ",
    "Arabic": "ابتثجلاءآ\u064b\u0651",
    "Persian": "می\u200cخواهمکگپچ",
    "Hebrew": "אבגדהםשׁ\u05b8\u05b0",
    "Devanagari": "नमस्तेक्षज्ञि\u200d",
    "Bengali": "বাংলাকোডৌড়",
    "Thai": "ภาษาไทยน้ำกำลัง",
    "Khmer": "ភាសាខ្មែរ្យ",
    "Han": "我爱北京天安门漢字",
    "Kana": "ひらがなカタカナーゞ",
    "Hangul": "한국어각\u1112\u1161\u11ab",
    "combining": "e\u0301a\u0308\u0323q\u0307n\u0303\u0344",
}
EMOJI = ["👨\u200d👩\u200d👧", "❤\ufe0f", "👍🏽", "🇩🇪", "1\ufe0f\u20e3", "🏴\U000e0067\U000e0062\U000e007f", "😀", "©"]
MARKS = list(" \u00a0\n\t.,!?;:…%)]}([{¿¡$£€#“”‘’«»‹›「」『』（）《》。，、！？")
MARKS += list("-‐‑–—/_@'\"&*+=<>|\\~^`▁\u00ad\ufeff")
WHOLE = ["1,000.50", "10:30", "well-known", "https://a.b/c_d?x=1&y=2#z", "if (a[i] != 'x') { b--; }", "- No - he.",
         "rock'n'roll", "don’t", "U.S.", "a@b.org", "--set", "3 €", "$5/day", " \r\n\r\n ",
         "O, sing:\n  a song"]  # fmt: skip
TEXT = st.lists(
    st.one_of(
        *(st.text(st.sampled_from(letters), min_size=1, max_size=4) for letters in SCRIPTS.values()),
        st.sampled_from([*EMOJI, *MARKS, *WHOLE]),
        st.sampled_from(MARKS),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=14,
).map("".join)
CASES = settings(max_examples=50 if settings.default.max_examples == 50 else 5_000)  # in `make test-thorough`
SPACES = r"[\s\x00-\x1f\x7f-\x9f]+"


def expected(text, level, line_breaks=False):
    """The text as it is to be decoded, by Python's own Unicode functions."""
    text = unicodedata.normalize("NFC", text)
    if level in ("character", "byte"):
        return text.replace("\0", "\ufffd") if level == "character" else text
    if not line_breaks:
        return re.sub(SPACES, " ", text).strip(" ")
    lines = re.split(r"\r\n|[\n\r\x85\u2028\u2029]", text)
    return "\n".join(re.sub(SPACES, " ", line).strip(" ") for line in lines)


def decoded(text, level, **form):
    tokens = Tokenizer(level, lowercase=False, **form).split(to_tensor([text]))
    vocabulary = Vocabulary(dict.fromkeys(tokens.flat_values.numpy().tolist()))
    encoder = TextEncoder(vocabulary, level, lowercase=False, max_tokens=10**6, **form)
    return encoder.decode(encoder(to_tensor([text]))).numpy()[0].decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("level", "form"),
    [("word", {"spacing": True}), ("word", {"spacing": True, "line_breaks": True}), ("word", {"pretokenized": True}),
     ("character", {}), ("byte", {})],
)  # fmt: skip
@CASES
@given(text=TEXT)
def test_the_text_of_the_ids_is_the_text(level, form, text):
    text = re.sub(r"(?i)<br\s*/?>", "", text)
    assert decoded(text, level, **form) == expected(text, level, form.get("line_breaks", False))


@pytest.mark.slow
@CASES
@given(st.text(st.sampled_from("ab한é我▁ภ"), max_size=30).map(" ".join) | TEXT)
def test_the_text_of_subwords_is_the_text_but_for_unknown_characters(text):
    pieces = [subwords.SPACE, "▁a", "ab", subwords.SPACE_MARK, *"abé한我ภ"]
    encoder = TextEncoder(Vocabulary(piece.encode() for piece in pieces), SUBWORD, lowercase=False, max_tokens=10**6)
    known = re.sub(r"[^ab한é我▁ภ ]+", "", expected(text, SUBWORD))
    got = encoder.decode(encoder(to_tensor([text]))).numpy()[0].decode()
    assert re.sub(" +", " ", got).strip() == re.sub(" +", " ", known).strip()


def test_a_word_of_many_thousand_characters_is_kept_in_subwords():
    encoder = TextEncoder(Vocabulary(["▁".encode(), "我".encode()]), SUBWORD, lowercase=False, max_tokens=10**6)
    text = "我" * (2 * subwords.LONGEST_WORD + 5)
    assert encoder.decode(encoder(to_tensor([text, "我"]))).numpy().tolist() == [text.encode(), "我".encode()]


def test_the_same_word_composed_and_decomposed_is_the_same_token():
    for level in ("word", "character", "byte"):
        for version, same in ((2, True), (1, False)):
            composed, apart = Tokenizer(level, version=version).split(tf.constant(["é", "e\u0301"])).to_list()
            assert (composed == apart) is same


def test_text_that_is_tokenized_already_is_read_as_it_is():
    tokens = Tokenizer(pretokenized=True).split(tf.constant(["the <unk> of N 's -RRB- e.g."])).to_list()[0]
    assert tokens == [b"the", b"<unk>", b"of", b"n", b"'s", b"-rrb-", b"e.g."]


def test_bytes_that_are_not_utf8_stay_at_the_level_of_bytes():
    assert Tokenizer("byte").split(tf.constant([b"\xff\xfe"])).to_list() == [[b"\xff", b"\xfe"]]
