"""Vocabularies: their ids, their files, and how they are counted and extended."""

from dataclasses import dataclass

import hypothesis.strategies as st
import pytest
from hypothesis import given

from nlp_rnn.checks import InputError
from nlp_rnn.text.tokenizer import to_tensor, tokenize
from nlp_rnn.text.vocabulary import END_TOKEN, TokenCounter, Vocabulary, fit_vocabulary


@dataclass
class Config:
    token_level: str
    vocabulary: int = 4
    min_count: int = 2


@given(st.dictionaries(st.binary(min_size=1, max_size=6), st.integers(1, 9), max_size=20), st.integers(1, 30))
def test_a_vocabulary_survives_its_file(counts, size):
    vocabulary = Vocabulary.from_counts(counts, size)
    assert len(vocabulary) <= max(size, 2)
    assert Vocabulary.parse(vocabulary.dump()).tokens == vocabulary.tokens


@given(st.text(max_size=40))
def test_any_word_survives_the_file(text):
    tokens = dict.fromkeys(tokenize(to_tensor([text])).to_list()[0], 1)
    assert Vocabulary.parse(Vocabulary(tokens).dump()).tokens == tuple(tokens)


@pytest.mark.parametrize(
    ("token_level", "start", "end", "tokens"),
    [
        ("word", None, False, [b"a", b"b"]),
        ("word", None, True, [END_TOKEN, b"a"]),
        ("word", [b"x", b"a"], False, [b"x", b"a", b"b", b"c"]),
        ("byte", [b"x"], False, [b"x"]),
    ],
)
def test_a_vocabulary_has_the_frequent_tokens_after_those_it_extends(token_level, start, end, tokens):
    counts = {b"a": 5, b"b": 4, b"c": 2, b"rare": 1}
    vocabulary = fit_vocabulary(Config(token_level), counts, start and Vocabulary(start), end)
    assert vocabulary.tokens == tuple(tokens)


def test_a_vocabulary_of_bytes_needs_no_counts():
    assert fit_vocabulary(Config("byte"), {}, None).tokens == Vocabulary.of_bytes().tokens
    assert fit_vocabulary(Config("byte"), {}, None, end=True).tokens == Vocabulary.of_bytes().with_end().tokens


def test_ties_are_in_byte_order_and_rare_tokens_left_out():
    vocabulary = Vocabulary.from_counts({b"b": 2, b"a": 2, b"c": 5, b"rare": 1}, size=10, min_count=2)
    assert vocabulary.tokens == (b"c", b"a", b"b")


def test_extending_keeps_the_ids():
    old = Vocabulary([b"x", b"y"])
    new = old.extended({b"y": 9, b"z": 3, b"w": 1}, size=10, min_count=2)
    assert new.tokens == (b"x", b"y", b"z")
    assert old.extended({b"z": 1}, size=len(old)).tokens == old.tokens


def test_counting_holds_a_bounded_number_of_tokens(monkeypatch):
    monkeypatch.setattr("nlp_rnn.text.vocabulary.MAX_COUNTED", 100)
    counter = TokenCounter()
    for n in range(50):
        counter.add(["kept"] + [f"once{n}x{m}" for m in range(20)])
    assert len(counter.counts) <= 121 and counter.counts[b"kept"] == 50


def test_a_counter_watches_one_split_and_passes_all_examples_on():
    @dataclass
    class Row:
        text: str
        split: str

    rows = [Row("a b", "train"), Row("b c", "test"), Row("b", "train")]
    counter = TokenCounter()
    assert list(counter.watch(iter(rows), "train")) == rows
    assert counter.counts == {b"a": 1, b"b": 2}


def test_repeated_tokens_a_size_of_zero_and_broken_files_are_refused():
    with pytest.raises(ValueError, match="tokens must be distinct, got b'a' more than once"):
        Vocabulary([b"a", b"a"])
    with pytest.raises(ValueError, match="size must be a positive int, got 0"):
        Vocabulary.from_counts({}, 0)
    with pytest.raises(InputError, match="'half\"open' is not an entry of a vocabulary"):
        Vocabulary.parse('half"open\n')
