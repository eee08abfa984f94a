"""The translator: search, scores, attention, ensembles, export."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import runs
from nlp_rnn.decoding.beam import BeamSearchConfig
from nlp_rnn.export.savedmodel import export
from nlp_rnn.seq2seq.model import Seq2Seq
from nlp_rnn.seq2seq.pipeline import NO_SCORE, Translator, _without_repeats
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.vocabulary import END, Vocabulary
from tests.seq2seq.number_pairs import pairs


def untrained(**settings):
    source = TextEncoder(Vocabulary([b"a", b"b", b"c", b"d"]), lowercase=False)
    target = TextEncoder(Vocabulary([b"u", b"v", b"w"]).with_end(), lowercase=False)
    return Translator(source, Seq2Seq(6, 6, embedding=6, units=6, **settings), target=target)


@pytest.mark.slow
def test_the_score_of_a_translation_is_its_log_probability():
    translator = untrained()
    [translations] = translator.translate(["a b"], BeamSearchConfig(20, 0.0))
    short = [row for row in translations if len(row.text.split()) < 4]
    assert short
    for row in short:
        np.testing.assert_allclose(translator.score([("a b", row.text)]), row.score, rtol=1e-5)


@pytest.mark.slow
def test_a_batch_is_translated_as_its_texts_one_by_one(translated):
    pipeline = runs.load(translated).pipeline
    texts = [text for text, _ in pairs(40)] + ["", "one " * 300]
    together = list(pipeline.translate(texts))
    for text, translations in zip(texts[:6] + texts[-2:], together[:6] + together[-2:], strict=True):
        [alone] = pipeline.translate([text])
        assert alone[0].text == translations[0].text
        np.testing.assert_allclose(alone[0].score, translations[0].score, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_attention_reads_the_source_in_the_order_of_the_target(translated):
    source, target, weights = runs.load(translated).pipeline.attention("one two three", "trois deux un")
    assert source == ["one", "two", "three"] and target == ["trois", "deux", "un", "∎"]
    assert weights.shape == (4, 3)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)


def test_an_ensemble_averages_the_probabilities_of_its_models():
    one, two = untrained(), untrained()
    two.model.output_bias.assign(np.random.default_rng(0).normal(size=6))
    joint, tokens = one.ensemble([two]), tf.constant([END])
    assert one.models == [one.model] and joint.models == [one.model, two.model]
    encoded = [p.model.encode(one.encoder(tf.constant(["a b"]))) for p in (one, two)]
    logits = [p.model.step(tokens, *of)[0] for p, of in zip((one, two), encoded, strict=True)]
    averaged, *_ = joint._next(tokens, [of.memory for of in encoded], [of.state for of in encoded])
    mean = np.mean([tf.nn.softmax(of) for of in logits], 0)
    np.testing.assert_allclose(tf.nn.softmax(averaged), mean, rtol=1e-4, atol=1e-6)


def test_an_ensemble_needs_the_same_vocabularies():
    other = TextEncoder(Vocabulary([b"x", b"y", b"z"]).with_end(), lowercase=False)
    one = untrained()
    with pytest.raises(ValueError, match="the vocabularies differ"):
        one.ensemble([Translator(one.encoder, one.model, target=other)])


def test_the_former_name_of_ensemble_warns():
    one = untrained()
    with pytest.warns(FutureWarning, match=r"Translator\.together is now Translator\.ensemble"):
        assert len(one.together([untrained()]).models) == 2


@pytest.mark.slow
def test_a_translator_without_attention_translates_and_exports_zeros(tmp_path):
    translator = untrained(attention="none")
    assert not translator.has_attention and len(next(translator.translate(["a"]))) >= 1
    answer = translator.signatures()["attend"](text=tf.constant(["a b"]))
    assert answer["attention"].shape[0] == 1 and not np.any(answer["attention"])


@pytest.mark.slow
def test_the_export_gives_the_translations_of_the_run(translated, tmp_path):
    pipeline = runs.load(translated).pipeline
    export(pipeline, tmp_path / "exported")
    served = tf.saved_model.load(str(tmp_path / "exported")).signatures
    texts = ["one two", "five", "", "nothing known"]
    answer = served["serving_default"](text=tf.constant(texts))
    expected = list(pipeline.translate(texts))
    assert [row[0].decode() for row in answer["translation"].numpy()] == [best.text for best, *_ in expected]
    np.testing.assert_allclose(answer["score"][:, 0], [best.score for best, *_ in expected], rtol=1e-5)
    assert served["serving_default"](text=tf.constant([], tf.string))["translation"].shape == (0, 5)
    weights = served["attend"](text=tf.constant(["one two"]))["attention"]
    np.testing.assert_allclose(weights[0], pipeline.attention("one two", "deux un").weights, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("beams", "penalty", "message"),
    [(0, 1.0, "beams must be from 1 to 6"), (7, 1.0, "beams must be from 1 to 6"), (2, -1.0, "length_penalty must be")],
)
def test_a_served_search_out_of_range_is_refused(beams, penalty, message):
    translate = untrained().signatures()["translate"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        translate(text=tf.constant(["a"]), beams=tf.constant(beams), length_penalty=tf.constant(penalty))


@pytest.mark.slow
def test_served_scores_are_finite_where_there_are_fewer_translations_than_beams():
    translator = untrained()
    translator.model.output_bias.assign([0.0, 0.0, 1e5, -1e9, -1e9, -1e9])  # only the end is possible
    answer = translator.signatures()["translate"](
        text=tf.constant(["a"]), beams=tf.constant(6), length_penalty=tf.constant(1.0)
    )
    assert np.isfinite(answer["score"]).all() and answer["score"].numpy().min() >= NO_SCORE


def test_served_translations_are_distinct_and_in_order():
    texts = tf.constant([["a", "b", "a", "c"], ["x", "x", "y", "z"]])
    scores = tf.constant([[-1.0, -2.0, -3.0, -4.0], [-1.0, -2.0, -3.0, -np.inf]])
    distinct, ranked = _without_repeats(texts, scores)
    assert distinct.numpy().tolist() == [[b"a", b"b", b"c", b""], [b"x", b"y", b"", b""]]
    np.testing.assert_array_equal(ranked, [[-1, -2, -4, -np.inf], [-1, -3, -np.inf, -np.inf]])


@pytest.mark.slow
def test_translations_that_differ_in_their_tokens_alone_are_served_once():
    source = TextEncoder(Vocabulary([b"a"]), lowercase=False)
    target = TextEncoder(Vocabulary([b"u", b"\x06u"]).with_end(), lowercase=False, spacing=True)
    translator = Translator(source, Seq2Seq(3, 5, embedding=4, units=4), target=target)
    translator.model.output_bias.assign([0.0, 0.0, 60.0, 50.0, 50.0])  # the shortest texts are the most probable
    served = translator.signatures()["serving_default"](text=tf.constant(["a"]))
    texts = [text for text in served["translation"].numpy()[0].tolist() if text]
    beams = translator._search(tf.constant(["a"]), BeamSearchConfig())[0].numpy()[0].tolist()
    assert len(texts) == len(set(texts)) and len(beams) > len(set(beams)), "beams of the same text"
