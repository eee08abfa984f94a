"""The blank in a text, filled as a command fills it and as an export does."""

import json

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import blanks
from nlp_rnn.answers import guesses
from nlp_rnn.checks import CallError
from nlp_rnn.language import Guess
from tests.small import language_pipeline

WORDS = ["a", "b", "c"]


def shares(pipeline, form):
    """Of each word in the place of {}, by the score of the whole text."""
    found = pipeline.score([form.format(word) for word in WORDS])
    chance = np.exp([one["log_probability"] for one in found])
    return dict(zip(WORDS, chance / chance.sum(), strict=True))


@pytest.mark.parametrize(
    "text, form", [("a ___ c", "a {} c"), ("___ c", "{} c"), ("b a___c", "b a {} c"), ("b___.", "b {} .")]
)
def test_a_blank_heeds_what_follows_and_stands_apart_from_it(text, form):
    pipeline = language_pipeline([b"a", b"b", b"c"])
    found = pipeline.fill(text)
    expected = shares(pipeline, form)
    assert [guess.word for guess in found] == sorted(WORDS, key=lambda word: -expected[word])
    for guess in found:
        np.testing.assert_allclose(guess.probability, expected[guess.word], rtol=1e-4)


def test_a_blank_at_the_end_is_the_next_word():
    pipeline = language_pipeline([b"a", b"b", b"c"])
    served = pipeline.signatures()["next_word"](tf.constant(["a b"]))
    for text in ("a b ___", "a b___", "a b ___ \u00a0"):
        found = pipeline.fill(text)
        assert [guess.word.encode() for guess in found] == served["words"].numpy()[0].tolist()
        np.testing.assert_allclose([guess.probability for guess in found], served["probabilities"][0], rtol=1e-5)


def test_the_next_word_is_never_the_end_of_a_text():
    pipeline = language_pipeline([b"a", b"b"])
    pipeline.model.output_bias.assign([0, 0, 9, 0, 1])
    assert pipeline.next_words(["a"]) == ["b"] and pipeline.fill("a ___")[0].word == "b"


def test_words_are_told_in_one_line():
    found = [Guess("\n", 0.5), Guess("\t", 0.25)]
    assert list(guesses("a\tb___", found, False)) == [" \t0.5000\ta b ", " \t0.2500\ta b "]


def test_more_candidates_than_are_scored_at_once():
    pipeline = language_pipeline([b"w%d" % n for n in range(70)])
    words = [f"w{n}" for n in range(70)]
    expected = tf.nn.softmax([one["log_probability"] for one in pipeline.score([f"w1 {word} w2" for word in words])])
    found = {guess.word: guess.probability for guess in pipeline.fill("w1 ___ w2", 70)}
    np.testing.assert_allclose([found[word] for word in words], expected, rtol=1e-4)
    assert len(pipeline.fill("w1 ___ w2")) == 5
    with pytest.raises(ValueError, match="count must be a positive int"):
        pipeline.fill("w1 ___", 0)


def test_the_served_graph_fills_each_text_as_if_alone():
    pipeline = language_pipeline([bytes([n]) for n in range(97, 123)])
    texts = ["a ___ b", "c ___", "___", "x y ___ z ."]
    served = pipeline.signatures()["fill"](tf.constant(texts))
    assert served["words"].shape == (4, 10)
    for text, word, words, chances in zip(texts, *(served[k].numpy() for k in ("word", "words", "probabilities"))):  # noqa: B905
        found = pipeline.fill(text, 10)
        assert word == words[0] and [guess.word.encode() for guess in found] == words.tolist()
        np.testing.assert_allclose([guess.probability for guess in found], chances, rtol=1e-4)
    for wrong in ("none", "a ____", "___ ___"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="each text must have one blank"):
            pipeline.signatures()["fill"](tf.constant(["a ___", wrong]))
    assert pipeline.signatures()["fill"](tf.zeros([0], tf.string))["words"].shape == (0, 10)


def test_of_a_character_model_the_blank_is_a_character():
    pipeline = language_pipeline([b"a", b"b", b"c"], unit="character")
    expected = shares(pipeline, "ab{}c")
    assert [g.word for g in pipeline.fill("ab___c")] == sorted(WORDS, key=lambda word: -expected[word])


@pytest.mark.parametrize("text", ["nothing missing", "___ and ___", "a ____", ""])
def test_texts_without_one_blank(text):
    with pytest.raises(CallError, match="blank"):
        blanks.check(text)


def test_as_many_words_as_are_asked_for_and_a_word_on_what_is_not_known(cli, spoken, trained):
    asked = ("predict", spoken, "the qwxz are in the ___", "жжж ___ qwxz")
    result = cli(*asked, "--nbest", 3, "--json")
    assert result.exit_code == 0, result.output
    assert [len(json.loads(line)["words"]) for line in result.stdout.splitlines()] == [3, 3]
    assert result.stderr.splitlines()[-1] == "not in the vocabulary, read as unknown: qwxz жжж"
    other = cli("predict", trained, "a", "--nbest", 3)
    assert other.exit_code == 2 and "--nbest is for runs of translation or language models" in other.stderr
    result = cli(*asked, "--nbest", 0)
    assert result.exit_code == 2 and "--nbest must be from 1 to 256, got 0" in result.stderr
