"""Training from weights that are already good: discriminative rates, unfreezing, a classifier from a language model."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import runs
from nlp_rnn.batching import encode
from nlp_rnn.models import Classifier, LanguageModel
from nlp_rnn.objectives import NextToken
from nlp_rnn.optimizers import FusedAdam, LayeredAdam, depths
from nlp_rnn.streams import Streams
from nlp_rnn.text import TextEncoder, Vocabulary
from nlp_rnn.training import Plan, fit
from tests.conftest import reviews

SENTENCE = "the clouds are in the sky ."


@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam_in_one_operation_is_keras_adam(amsgrad):
    rng = np.random.default_rng(0)
    start, rows = rng.normal(size=(5, 3)), np.array([4, 1, 4])
    found = []
    for kind in (keras.optimizers.Adam, FusedAdam):
        table, kernel = keras.Variable(start), keras.Variable(start[0])
        optimizer = kind(0.1, global_clipnorm=0.5, amsgrad=amsgrad)
        optimizer.build([table, kernel])
        draw = np.random.default_rng(1)
        for _ in range(4):
            slices = tf.IndexedSlices(tf.constant(draw.normal(size=(3, 3)), tf.float32), rows, (5, 3))
            optimizer.apply([slices, tf.constant(draw.normal(size=3), tf.float32)], [table, kernel])
        found.append([table.numpy(), kernel.numpy()])
    for theirs, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_lower_layers_learn_later_and_slower():
    top, bottom = keras.Variable([0.0], name="top"), keras.Variable([0.0], name="bottom")
    optimizer = LayeredAdam(0.1, [0, 2], decay=2.0, rest=3)
    optimizer.build([top, bottom])
    moved = []
    for _ in range(8):
        before = float(top[0]), float(bottom[0])
        optimizer.apply([tf.ones(1), tf.ones(1)], [top, bottom])
        moved.append((before[0] - float(top[0]), before[1] - float(bottom[0])))
    np.testing.assert_allclose([step[0] for step in moved], 0.1, rtol=1e-4)
    np.testing.assert_allclose([step[1] for step in moved], [0.0] * 6 + [0.025] * 2, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("decay", "rest"), [(0.0, 1), (2.0, -1)])
def test_a_wrong_decay_or_rest_is_said(decay, rest):
    with pytest.raises(ValueError, match="decay must be above 0 and rest not negative"):
        LayeredAdam(0.1, [0], decay, rest)


def test_the_layers_of_a_model_are_counted_from_its_output():
    model = LanguageModel(9, embedding=4, units=3, layers=2, name="language_model")
    model.build((None, None))
    found = dict(zip((v.path for v in model.trainable_variables), depths(model), strict=True))
    assert {path.split("/")[-2]: depth for path, depth in found.items() if "/" in path} == {
        "projection": 0, "lstm_1": 1, "lstm_0": 2, "embedding": 3, "language_model": 0,
    }  # fmt: skip
    assert depths(NextToken(model)) == depths(model)
    classifier = Classifier(9, 2, embedding=4, units=3)
    classifier.build((None, None))
    assert sorted(depths(classifier)) == [0] * 2 + [1] * 6 + [2]


def test_a_plan_lets_the_embedding_rest(tmp_path):
    model = LanguageModel(len(encoder().vocabulary), embedding=6, units=6, dropout=0.0)
    data = streams(tmp_path)
    reader = NextToken(model, data.batch)
    before = [w.copy() for w in model.embedding.get_weights()]
    fit(reader, data, data, Plan(2, 0.01, unfreeze=9.0), tmp_path)
    np.testing.assert_array_equal(model.embedding.get_weights()[0], before[0])
    fit(reader, data, data, Plan(4, 0.01, rate_decay=2.0), tmp_path)
    assert np.abs(model.embedding.get_weights()[0] - before[0]).max() > 0.001


def test_words_drawn_teach_as_all_words_do(tmp_path):
    keras.utils.set_random_seed(0)
    model = LanguageModel(len(encoder().vocabulary), embedding=16, units=16, dropout=0.0)
    data = streams(tmp_path)
    history = fit(NextToken(model, data.batch, samples=4), data, data, Plan(30, 0.03, patience=30), tmp_path)
    assert history[-1]["val_loss"] < 0.3 < history[0]["val_loss"]  # validated on all words


def encoder():
    return TextEncoder(Vocabulary(sorted(set(SENTENCE.encode().split()))).with_end(), max_tokens=10**9)


def streams(folder):
    return Streams(encode([(SENTENCE, 1)] * 60, encoder(), folder / "text.ids", end=True), 4, 8, 0)


@pytest.fixture(scope="module")
def language_model(tmp_path_factory):
    """A small language model of the texts that the classifiers are tested on."""
    from click.testing import CliRunner

    from nlp_rnn.cli import main

    folder = tmp_path_factory.mktemp("language")
    (folder / "text.txt").write_text("\n".join(text for text, _ in reviews()))
    words = ["run", "generation", "--data", str(folder / "text.txt"), "--out", str(folder / "run")]
    small = ["units=12", "embedding=10", "layers=2", "weight_drop=0.2", "epochs=2", "batch=8", "steps=16"]
    result = CliRunner().invoke(main, words + [word for setting in small for word in ("--set", setting)])
    assert result.exit_code == 0, result.output
    return folder / "run"


def test_a_classifier_from_a_language_model(cli, language_model, reviews_csv):
    Path("movies.csv").write_text(reviews_csv.read_text(encoding="utf-8").replace("film", "movie"), encoding="utf-8")
    words = ["run", "sentiment", "--from", language_model, "--data", "movies.csv", "--json"]
    settings = ["batch=16", "finetuning_rate=0.02", "rate_decay=1.5", "unfreeze=1", "word_dropout=0.05", "dropout=0.1"]
    result = cli(
        *words,
        "--out",
        "c",
        *[word for setting in [*settings, "epochs=20", "patience=20"] for word in ("--set", setting)],
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["accuracy"] > 0.9
    about = json.loads(Path("c/run.json").read_text())
    assert about["start"] == str(language_model) and about["settings"]["units"] == 12
    assert about["settings"]["bidirectional"] is False and about["settings"]["lowercase"] is False
    old, new = (Path(p, "vocabulary.txt").read_text().splitlines() for p in (language_model, "c"))
    assert new[: len(old)] == old and "movie" in new[len(old) :]
    assert cli("export", "c", "exported").exit_code == 0
    further = cli("finetune", "c", "--data", reviews_csv, "--out", "d", "--set", "epochs=1")
    assert further.exit_code == 0, further.output


def test_it_starts_with_the_weights_of_the_language_model(language_model):
    start = runs.load(language_model).pipeline.model
    settings = {name: start.settings[name] for name in ("cell", "embedding", "units", "layers")}
    model = Classifier(start.settings["vocabulary_size"] + 2, 2, bidirectional=False, **settings)
    model.build((None, None))
    model.start_from(start, {})
    ids = tf.constant([[5, 6, 7, 8]])
    expected, *_ = start.recurrent(start.embedding(ids))
    np.testing.assert_allclose(model.recurrent(model.embedding(ids)), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["generation", "--from", "LANGUAGE"], "the recipe generation does not start from a language model"),
        (["sentiment", "--from", "CLASSIFIER"], "is no language model: train one"),
        (["sentiment", "--from", "nowhere"], "nowhere: no such run folder"),
        (["sentiment", "--from", "LANGUAGE", "--set", "units=9"], "--set units=9: units is 12 in"),
        (["sentiment", "--set", "rate_decay=0"], "rate_decay must be a number above 0"),
        (["sentiment", "--set", "unfreeze=-1"], "unfreeze must be"),
    ],
)
def test_a_start_that_does_not_fit_is_said(cli, language_model, trained, reviews_csv, words, message):
    named = {"LANGUAGE": language_model, "CLASSIFIER": trained}
    result = cli("run", *(named.get(word, word) for word in words), "--data", reviews_csv)
    assert result.exit_code == 2 and message in result.stderr, result.output
    assert "Traceback" not in result.stderr and not Path("runs").exists()


def test_fine_tuning_says_what_is_forgotten(cli, language_model, caplog):
    Path("mine.txt").write_text("quite other words stand here in a row\n" * 200)
    words = ["finetune", language_model, "--data", "mine.txt", "--out", "mine", "--set", "epochs=6"]
    result = cli(*words, "--set", "finetuning_rate=0.02")
    assert result.exit_code == 0, result.output
    figures = json.loads(Path("mine/metrics.json").read_text())
    assert figures["perplexity"] < figures["perplexity_before"]
    assert figures["old_perplexity"] > figures["old_perplexity_before"]
    for name, which in (("perplexity", "these"), ("old_perplexity", "the old")):
        before, after = figures[f"{name}_before"], figures[name]
        assert f"perplexity of {which} texts {before:.2f} before, {after:.2f} after" in result.stdout
    assert "retracing" not in caplog.text
    assert "of them unknown" not in result.stdout
    asked = cli("evaluate", language_model, "--data", "mine.txt").stdout
    assert "88.9% of them unknown" in asked  # all but the end of each text


def test_an_old_text_that_is_gone_is_no_failure(cli, language_model):
    Path("old.txt").write_text(SENTENCE + "\n" + f"{SENTENCE}\n" * 100)
    small = [word for s in ("units=8", "epochs=1", "batch=4", "steps=8") for word in ("--set", s)]
    assert cli("run", "generation", "--data", "old.txt", "--out", "old", *small).exit_code == 0
    Path("old.txt").rename("new.txt")
    result = cli("finetune", "old", "--data", "new.txt", "--json", "--set", "epochs=1")
    assert result.exit_code == 0 and "what was forgotten of the old text is not measured" in result.stderr
    assert "old_perplexity" not in json.loads(result.stdout)
