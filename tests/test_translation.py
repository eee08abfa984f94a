"""Translation from a file of pairs to answers, through the command line, and what the pieces promise."""

import json
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from nlp_rnn import plots, runs
from nlp_rnn.batching import encode
from nlp_rnn.decoding import Search
from nlp_rnn.export import export
from nlp_rnn.losses import cross_entropy
from nlp_rnn.metrics import edit_distance
from nlp_rnn.metrics import translation as scores
from nlp_rnn.models import Seq2Seq
from nlp_rnn.objectives import TeacherForcing, shifted
from nlp_rnn.sources import Example
from nlp_rnn.text import END, TextEncoder, Vocabulary
from nlp_rnn.translation import Translator
from nlp_rnn.translation_evaluation import evaluate

ENGLISH = ("one", "two", "three", "four", "five")
FRENCH = ("un", "deux", "trois", "quatre", "cinq")
SMALL = ("units=24", "embedding=24", "vocabulary=60", "batch=32", "smoothing=0", "dropout=0", "source_unit=word")


def words(*settings):
    return [word for setting in settings for word in ("--set", setting)]


def pairs(number=900):
    draw = random.Random(0)
    for _ in range(number):
        chosen = [draw.randrange(5) for _ in range(draw.randint(1, 5))]
        yield " ".join(ENGLISH[n] for n in chosen), " ".join(FRENCH[n] for n in reversed(chosen))


@pytest.fixture(scope="module")
def translated(tmp_path_factory):
    """A small translator of numbers, which also turns their order round."""
    from nlp_rnn.cli import main

    folder = tmp_path_factory.mktemp("translation")
    (folder / "pairs.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in pairs()))
    told = ["run", "translation", "--data", str(folder / "pairs.tsv"), "--out", str(folder / "run")]
    result = CliRunner().invoke(main, told + words(*SMALL, "epochs=14", "learning_rate=0.02", "target_unit=word"))
    assert result.exit_code == 0, result.output
    return folder / "run"


def test_learns_and_translates(cli, translated):
    figures = json.loads((translated / "metrics.json").read_text())
    assert figures["exact"] > 0.8 > figures["copy_exact"] and figures["bleu"] > 80
    assert figures["token_accuracy"] > 0.9 and figures["token_perplexity"] < 1.5
    result = cli("predict", translated, "two one", "three five four")
    assert result.exit_code == 0 and result.stdout.splitlines() == ["un deux", "quatre cinq trois"]
    several = cli("predict", translated, "one two", "--nbest", 2, "--beam", 3).stdout.splitlines()
    assert several[0].split("\t")[1:] == ["deux un", "one two"] and len(several) == 2
    answer = json.loads(cli("predict", translated, "one two", "--json").stdout)
    assert answer["translations"][0]["text"] == "deux un"
    assert json.loads(cli("evaluate", translated, "--json").stdout)["exact"] == figures["exact"]
    assert (translated / "translations.csv").read_text().startswith("source,translation,reference")


def test_attention_is_drawn_and_reads_the_order(cli, translated):
    result = cli("predict", translated, "one two three", "--attention", "picture.png")
    assert result.exit_code == 0 and Path("picture.png").read_bytes().startswith(b"\x89PNG")
    source, target, weights = runs.load(translated).pipeline.attention("one two three", "trois deux un")
    assert source == ["one", "two", "three"] and target == ["trois", "deux", "un", "∎"]
    assert weights.shape == (4, 3)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)


def test_a_source_of_ten_thousand_tokens_is_cut_and_this_is_said(cli, translated):
    result = cli("predict", translated, "one " * 10_000, "")
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 2
    assert "1 longer than 100 tokens were cut" in result.stderr


def test_the_search_can_be_told_what_to_avoid(cli, translated):
    def said(*more):
        result = cli("predict", translated, "one one one one", *more)
        assert result.exit_code == 0, result.output
        return result.stdout.split()

    assert said() == ["un"] * 4
    twice = list(pairwise(said("--no-repeat", 2)))
    assert len(twice) == len(set(twice)) and len(said("--min-length", 7)) >= 7
    assert len(said("--min-length", 30)) >= 30, "more than a text of this length usually may have"
    assert said("--coverage-penalty", 0.3, "--beam", 3) == ["un"] * 4


def test_fine_tuning_on_new_words_keeps_the_old_and_learns_the_new(cli, translated):
    draw, rows = random.Random(1), [f"{a}\t{b}\n" for a, b in pairs(60)]
    for _ in range(200):
        chosen = [draw.randrange(6) for _ in range(draw.randint(1, 3))]
        source, target = ([(*known, new)[n] for n in chosen] for known, new in ((ENGLISH, "six"), (FRENCH, "sept")))
        rows.append(f"{' '.join(source)}\t{' '.join(reversed(target))}\n")
    Path("more.tsv").write_text("".join(rows))
    told = words("epochs=12", "finetuning_rate=0.01")
    result = cli("finetune", translated, "--data", "more.tsv", "--out", "more", *told)
    assert result.exit_code == 0, result.output
    assert "before fine-tuning" in result.stdout
    figures = json.loads(Path("more", "metrics.json").read_text())
    assert figures["exact_before"] < figures["exact"]
    old, new = (runs.load(path).pipeline for path in (translated, Path("more")))
    assert new.target.vocabulary.tokens == (*old.target.vocabulary.tokens, b"sept")
    assert new.encoder.vocabulary.tokens == (*old.encoder.vocabulary.tokens, b"six")
    assert cli("predict", "more", "two six", "five one").stdout.splitlines() == ["sept deux", "un cinq"]


def test_new_ids_of_a_translator_start_at_the_mean_and_the_rest_stays():
    old, new = (Seq2Seq(size, size - 2, embedding=6, units=4) for size in (9, 12))
    for model in (old, new):
        model.build((None, None))
    new.start_from(old)
    for layer in ("source_embedding", "target_embedding"):
        known, grown = (getattr(model, layer).embeddings.numpy() for model in (old, new))
        np.testing.assert_array_equal(grown[: len(known)], known)
        np.testing.assert_allclose(grown[len(known) :], np.tile(known.mean(0), (3, 1)), rtol=1e-5)
    source, target = tf.constant([[4, 5, 8]]), tf.constant([[2, 6]])
    np.testing.assert_allclose(new((source, target))[..., :7], old((source, target)), rtol=1e-5, atol=1e-6)


def test_an_ensemble_decides_together(cli, translated):
    tuned = cli("finetune", translated, "--data", translated.parent / "pairs.tsv", "--out", "tuned", *words("epochs=1"))
    assert tuned.exit_code == 0, tuned.output
    result = cli("predict", translated, "one two", "--ensemble", "tuned")
    assert result.exit_code == 0 and result.stdout == "deux un\n"
    one, two = (runs.load(path).pipeline for path in (translated, Path("tuned")))
    two.model.output_bias.assign(np.random.default_rng(0).normal(size=len(two.target.vocabulary)))
    both, tokens = one.together([two]), tf.constant([END])
    begun = [p.model.encode(one.encoder(tf.constant(["one two"]))) for p in (one, two)]
    logits = [p.model.step(tokens, *of)[0] for p, of in zip((one, two), begun, strict=True)]
    together, *_ = both._read(tokens, [of.memory for of in begun], [of.standing for of in begun])
    mean = np.mean([tf.nn.softmax(of) for of in logits], 0)
    np.testing.assert_allclose(tf.nn.softmax(together), mean, rtol=1e-4, atol=1e-6)


def test_runs_that_cannot_decide_together_are_refused(cli, translated, trained):
    result = cli("predict", translated, "one", "--ensemble", trained)
    assert result.exit_code == 2 and "is no run of translation" in result.stderr
    Path("other.tsv").write_text("".join(f"{a} x\t{b} y\n" for a, b in pairs(200)))
    told = words(*SMALL, "epochs=1", "target_unit=word")
    assert cli("run", "translation", "--data", "other.tsv", "--out", "other", *told).exit_code == 0
    result = cli("predict", translated, "one", "--ensemble", "other")
    assert result.exit_code == 2 and "the vocabularies differ" in result.stderr


def test_the_export_answers_as_the_run_does(translated, tmp_path):
    pipeline = runs.load(translated).pipeline
    export(pipeline, tmp_path / "exported")
    loaded = tf.saved_model.load(str(tmp_path / "exported"))
    texts = ["one two", "five", "", "nothing known"]
    answer = loaded.signatures["serving_default"](text=tf.constant(texts))
    expected = list(pipeline.translate(texts))
    assert [row[0].decode() for row in answer["translation"].numpy()] == [found[0].text for found in expected]
    np.testing.assert_allclose(answer["score"][:, 0], [found[0].score for found in expected], rtol=1e-5)
    assert loaded.signatures["serving_default"](text=tf.constant([], tf.string))["translation"].shape == (0, 5)
    for beams, penalty, message in (
        (0, 1.0, "beams must be from 1 to 8"),
        (9, 1.0, "to 8"),
        (2, -1.0, "length_penalty"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            asked = {"beams": tf.constant(beams), "length_penalty": tf.constant(penalty)}
            loaded.signatures["translate"](text=tf.constant(["one"]), **asked)
    weights = loaded.signatures["attend"](text=tf.constant(["one two"]))["attention"]
    np.testing.assert_allclose(weights[0], pipeline.attention("one two", "deux un").weights, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--beam", "0"], "--beam must be from 1 to 8"),
        (["--beam", "99"], "--beam must be from 1 to 8, got 99"),
        (["--nbest", "0"], "--nbest must be from 1 to --beam"),
        (["--length-penalty", "nan"], "--length-penalty must be from 0 to 10"),
        (["--coverage-penalty", "-1"], "--coverage-penalty must be from 0 to 10, got -1"),
        (["--min-length", "-2"], "--min-length must be from 0 to 1000, got -2"),
        (["--no-repeat", "101"], "--no-repeat must be from 0 to 100"),
        (["--attention", "x.png", "two"], "--attention draws one text, got 2"),
        (["--attention", "x.txt"], "the picture is a .png file"),
        (["--attention", "nowhere/x.png"], "there is no folder nowhere"),
        (["--ensemble", "nowhere"], "nowhere: no such run folder"),
    ],
)
def test_a_wrong_question_is_said(cli, translated, more, message):
    result = cli("predict", translated, "one", *more)
    assert result.exit_code == 2 and message in result.stderr and not result.stdout
    assert not Path("x.png").exists()


def test_a_classifier_has_no_beams(cli, trained):
    result = cli("predict", trained, "good", "--beam", 3)
    assert result.exit_code == 2 and "--beam is for runs of translation" in result.stderr


def small_model(**settings):
    return Seq2Seq(9, 8, embedding=6, units=6, **{"dropout": 0.0, **settings})


def test_smoothed_labels_are_what_the_formula_says():
    states, kernel, bias = (tf.constant(np.random.default_rng(n).normal(size=s), tf.float32) for n, s in
                            enumerate([(5, 4), (7, 4), (7,)]))  # fmt: skip
    targets, weights = tf.constant([0, 3, 6, 2, 1]), tf.constant([1.0, 2.0, 0.0, 1.0, 1.0])
    found = {}
    for chunk in (7, 10_000):
        with tf.GradientTape() as tape:
            tape.watch((states, kernel, bias))
            loss = cross_entropy(states, kernel, bias, targets, weights, chunk, smoothing=0.2)
        found[chunk] = loss, *tape.gradient(loss, (states, kernel, bias))
    with tf.GradientTape() as tape:
        tape.watch((states, kernel, bias))
        logits = tf.matmul(states, kernel, transpose_b=True) + bias
        wanted = 0.8 * tf.one_hot(targets, 7) + 0.2 / 7
        plain = tf.reduce_sum(weights * tf.nn.softmax_cross_entropy_with_logits(wanted, logits))
    wanted = plain, *tape.gradient(plain, (states, kernel, bias))
    for values in found.values():
        for got, expected in zip(values, wanted, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_scheduled_sampling_reads_what_the_model_says():
    model = small_model()
    source, target = tf.constant([[3, 4, 5]]), tf.constant([[4, 5, 6, END]])
    trained = TeacherForcing(model, sampling=0.999999)
    read = trained._mixed(source, shifted(target)).numpy()
    said = np.argmax(model((source, shifted(target))), -1)
    assert read[0, 0] in (END, said[0, 0]) and read[0, 1:].tolist() == said[0, :-1].tolist()
    loss, _, tokens = trained.loss_of(source, target, training=True)
    assert np.isfinite(loss) and tokens == 4


def test_padding_is_left_out_of_the_loss():
    model = small_model()
    source, target = tf.constant([[3, 0, 0], [3, 4, 5]]), tf.constant([[4, END, 0, 0], [4, 5, 6, END]])
    trained, ids = TeacherForcing(model), tf.TensorSpec([None, None], tf.int32)
    loss = tf.function(lambda *pair: trained.loss_of(*pair, training=False), input_signature=[ids, ids])
    found, _, tokens = loss(source, target)
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(target, model((source, shifted(target)))).numpy()
    np.testing.assert_allclose(found, each[target != 0].mean(), rtol=1e-5)
    assert tokens == 6


def test_the_score_of_a_pair_is_that_of_its_translation():
    encoder = TextEncoder(Vocabulary([b"a", b"b", b"c", b"d"]), lowercase=False)
    target = TextEncoder(Vocabulary([b"u", b"v", b"w"]).with_end(), lowercase=False)
    translator = Translator(encoder, Seq2Seq(6, 6, embedding=6, units=6), target=target)
    [found] = translator.translate(["a b"], Search(20, 0.0))
    short = [row for row in found if len(row.text.split()) < 4]
    assert short
    for row in short:
        np.testing.assert_allclose(translator.score([("a b", row.text)]), row.score, rtol=1e-5)


def test_texts_are_translated_in_any_company_and_any_number(translated):
    pipeline = runs.load(translated).pipeline
    texts = [text for text, _ in pairs(40)] + ["", "one " * 300]
    together = list(pipeline.translate(texts))
    for text, found in zip(texts[:6] + texts[-2:], together[:6] + together[-2:], strict=True):
        [alone] = pipeline.translate([text])
        assert alone[0].text == found[0].text
        np.testing.assert_allclose(alone[0].score, found[0].score, rtol=1e-3, atol=1e-4)


def test_figures_of_phonemes_and_of_text():
    found = scores(["HH AH0 L OW1", "R IY0 D", "K"], [["HH AH1 L OW0"], ["R EH1 D", "R IY1 D"], ["K AE1 T"]])
    assert found["word_error_rate"] == pytest.approx(1 / 3) and found["phoneme_error_rate"] == pytest.approx(2 / 10)
    found = scores(["le chien dort là", "deux"], [["un chat", "le chien dort là"], ["trois"]])
    assert found["exact"] == 0.5 and 50 < found["bleu"] < 100 and "nrefs:var" in found["bleu_signature"]
    assert scores(["hh ah0 l"], [["hh ah1 l"]])["word_error_rate"] == 0, "in small letters as well"
    mostly = scores(["我喜欢猫"] * 9 + ["x y"], [["我喜欢狗"]] * 9 + [["x y"]])
    assert "tok:char" in mostly["bleu_signature"] and mostly["bleu"] > 30
    assert edit_distance("", "abc") == edit_distance("abc", "") == 3 and edit_distance("abc", "abc") == 0


def test_copies_are_compared_in_the_case_of_the_references():
    of_english = TextEncoder(Vocabulary([b"hello"]).with_end(), lowercase=True)
    translator = Translator(of_english, Seq2Seq(4, 4, embedding=4, units=4), target=of_english)
    rows = [Example(text, text, "") for text in ("Hello.", "HELLO Hello hello hello")]
    assert evaluate(translator, rows, Search(1))[0]["copy_exact"] == 1


def test_a_long_source_is_cut_and_an_attention_picture_holds_marks(tmp_path):
    encoder = TextEncoder(Vocabulary([b"a"]), max_tokens=20)
    texts = encode([("a " * 10_000, 0)], encoder, tmp_path / "x")
    assert texts.lengths.tolist() == [20] and texts.cut == 1
    plots.attention(["$a$", "漢", "long token"], ["x", "∎"], np.full((2, 3), 1 / 3), tmp_path / "a.png")
