"""Words of a language model that carry their spaces: how a text continues, and what fills a blank."""

import pytest
import tensorflow as tf

from nlp_rnn.language_model.words import Candidates, around_blank, continuation
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.tokenizer import Tokenizer, to_tensor
from nlp_rnn.text.vocabulary import Vocabulary


def encoder(**form):
    return TextEncoder(Vocabulary([b"a", b"b"]).with_end(), lowercase=False, **form)


@pytest.mark.parametrize(
    ("prompt", "tokens", "text"),
    [
        ("", ["so", "it"], "so it"),
        ("so", ["it", "is"], " it is"),
        ("so ", ["it", "is"], "it is"),
        ("so\n", ["it"], "it"),
        ("so (", ["it"], "it"),
        ("well-", ["known"], "known"),
        ("well -", ["known"], " known"),
        ("ten", [","], ","),
        ("ten", ["\x03,"], " ,"),
        ("10:", ["\x0630"], "30"),
        ("so", ["", "it", ""], " it"),
        ("so", [""], ""),
    ],
)
def test_a_continuation_begins_with_the_space_that_belongs_there(prompt, tokens, text):
    got = continuation(encoder(spacing=True), to_tensor([prompt, "x"]), tf.constant([tokens, tokens]))
    assert got.numpy()[0].decode() == text


def test_words_without_spaces_of_their_own_continue_without_one():
    for form, text in (({}, "so, it"), ({"pretokenized": True}, " so , it")):
        got = continuation(encoder(**form), to_tensor(["x"]), tf.constant([["so", ",", "it"]]))
        assert got.numpy()[0].decode() == text


@pytest.mark.parametrize(
    ("before", "word", "after", "text"),
    [
        ("in the ", "sky", "", "in the sky"),
        ("the", "sky", "is", "the sky is"),
        ("the ", "sky", " is", "the sky is"),
        ("the sky ", ",", " and", "the sky, and"),
        ("the (", "sky", ") is", "the (sky) is"),
        ("a well-", "known", ", fact", "a well-known, fact"),
    ],
)
def test_a_blank_is_a_word_and_a_mark_stands_where_it_belongs(before, word, after, text):
    tokenizer = Tokenizer(spacing=True)
    first, spaced, last = around_blank(tokenizer, to_tensor([before]), tf.constant([[word]]), to_tensor([after]))
    assert b"".join([first[0].numpy(), spaced[0, 0].numpy(), last[0].numpy()]).decode() == text


def test_a_line_break_is_no_candidate_for_a_blank():
    lines = TextEncoder(Vocabulary([b"\x10", b"a", b"\x06a"]).with_end(), spacing=True, line_breaks=True)
    words, probability = Candidates(lines).most_probable(tf.constant([[0, 0, 0, 0.7, 0.2, 0.1]]), 2)
    assert words.numpy()[0, 0] == b"a" and float(probability[0, 0]) == pytest.approx(0.3)
