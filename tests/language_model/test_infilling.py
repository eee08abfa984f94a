"""The blank in a text, filled by the pipeline and by an export."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.checks import UsageError
from nlp_rnn.language_model import infilling
from tests.small import language_pipeline

WORDS = ["a", "b", "c"]


def probabilities(pipeline, form):
    """The probability of each word in the place of {}, by the score of the whole text."""
    scores = pipeline.score([form.format(word) for word in WORDS])
    chance = np.exp([one["log_probability"] for one in scores])
    return dict(zip(WORDS, chance / chance.sum(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    "text, form", [("a ___ c", "a {} c"), ("___ c", "{} c"), ("b a___c", "b a {} c"), ("b___.", "b {} .")]
)
def test_the_text_after_a_blank_counts_and_the_blank_is_a_word_by_itself(text, form):
    pipeline = language_pipeline([b"a", b"b", b"c"])
    predictions = pipeline.fill(text)
    expected = probabilities(pipeline, form)
    assert [prediction.word for prediction in predictions] == sorted(WORDS, key=lambda word: -expected[word])
    for prediction in predictions:
        np.testing.assert_allclose(prediction.probability, expected[prediction.word], rtol=1e-4)


@pytest.mark.slow
def test_a_blank_at_the_end_is_the_next_word():
    pipeline = language_pipeline([b"a", b"b", b"c"])
    served = pipeline.signatures()["next_word"](tf.constant(["a b"]))
    for text in ("a b ___", "a b___", "a b ___ \u00a0"):
        predictions = pipeline.fill(text)
        assert [prediction.word.encode() for prediction in predictions] == served["words"].numpy()[0].tolist()
        chances = [prediction.probability for prediction in predictions]
        np.testing.assert_allclose(chances, served["probabilities"][0], rtol=1e-5)


@pytest.mark.slow
def test_the_next_word_is_never_the_end_of_a_text():
    pipeline = language_pipeline([b"a", b"b"])
    pipeline.model.output_bias.assign([0, 0, 9, 0, 1])
    assert pipeline.next_words(["a"]) == ["b"] and pipeline.fill("a ___")[0].word == "b"


@pytest.mark.slow
def test_more_candidates_than_are_scored_at_once():
    pipeline = language_pipeline([b"w%d" % n for n in range(70)])
    words = [f"w{n}" for n in range(70)]
    expected = tf.nn.softmax([one["log_probability"] for one in pipeline.score([f"w1 {word} w2" for word in words])])
    by_word = {prediction.word: prediction.probability for prediction in pipeline.fill("w1 ___ w2", 70)}
    np.testing.assert_allclose([by_word[word] for word in words], expected, rtol=1e-4)
    assert len(pipeline.fill("w1 ___ w2")) == 5
    with pytest.raises(ValueError, match="count must be a positive int"):
        pipeline.fill("w1 ___", 0)


@pytest.mark.slow
def test_the_served_graph_fills_each_text_as_if_alone():
    pipeline = language_pipeline()
    fill = pipeline.signatures()["fill"]
    texts = ["a ___ b", "c ___", "___", "x y ___ z ."]
    served = {name: values.numpy() for name, values in fill(tf.constant(texts)).items()}
    assert served["words"].shape == (4, 10)
    for number, text in enumerate(texts):
        word, words, chances = (served[name][number] for name in ("word", "words", "probabilities"))
        predictions = pipeline.fill(text, 10)
        assert word == words[0] and [prediction.word.encode() for prediction in predictions] == words.tolist()
        np.testing.assert_allclose([prediction.probability for prediction in predictions], chances, rtol=1e-4)
    for wrong in ("none", "a ____", "___ ___"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="each text must have exactly one blank"):
            fill(tf.constant(["a ___", wrong]))
    assert fill(tf.zeros([0], tf.string))["words"].shape == (0, 10)


@pytest.mark.slow
def test_the_blank_of_a_character_model_is_a_character():
    pipeline = language_pipeline([b"a", b"b", b"c"], token_level="character")
    expected = probabilities(pipeline, "ab{}c")
    predictions = pipeline.fill("ab___c")
    assert [prediction.word for prediction in predictions] == sorted(WORDS, key=lambda word: -expected[word])


@pytest.mark.parametrize("text", ["nothing missing", "___ and ___", "a ____", ""])
def test_texts_without_exactly_one_blank(text):
    with pytest.raises(UsageError, match="blank"):
        infilling.check_blank(text)
