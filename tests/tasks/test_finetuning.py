"""Fine-tuning: a classifier from a language model, and a language model on other text."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import runs
from nlp_rnn.classification.model import Classifier
from tests.conftest import reviews

SENTENCE = "the clouds are in the sky ."


@pytest.fixture(scope="module")
def language_model(tmp_path_factory):
    """A small language model of the texts that the classifiers are tested on."""
    from click.testing import CliRunner

    from nlp_rnn.cli.main import main

    folder = tmp_path_factory.mktemp("language")
    (folder / "text.txt").write_text("\n".join(text for text, _ in reviews()))
    words = ["run", "generation", "--data", str(folder / "text.txt"), "--out", str(folder / "run")]
    small = [
        "units=12",
        "embedding=10",
        "layers=2",
        "weight_drop=0.2",
        "epochs=2",
        "batch_size=8",
        "sequence_length=16",
    ]
    result = CliRunner().invoke(main, words + [word for setting in small for word in ("--set", setting)])
    assert result.exit_code == 0, result.output
    return folder / "run"


@pytest.mark.slow
def test_a_classifier_from_a_language_model(cli, language_model, reviews_csv):
    Path("movies.csv").write_text(reviews_csv.read_text(encoding="utf-8").replace("film", "movie"), encoding="utf-8")
    words = ["run", "sentiment", "--from", language_model, "--data", "movies.csv", "--json"]
    settings = [
        "batch_size=16",
        "finetuning_learning_rate=0.02",
        "layerwise_decay=1.5",
        "unfreeze_interval=1",
        "word_dropout=0.05",
        "dropout=0.1",
    ]
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
    assert about["encoder"]["spacing"] is True, "as the language model reads text"
    old, new = (Path(p, "vocabulary.txt").read_text().splitlines() for p in (language_model, "c"))
    assert new[: len(old)] == old and "movie" in new[len(old) :]
    assert cli("export", "c", "exported").exit_code == 0
    further = cli("finetune", "c", "--data", reviews_csv, "--out", "d", "--set", "epochs=1")
    assert further.exit_code == 0, further.output


@pytest.mark.slow
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
        (["generation", "--from", "LANGUAGE"], "the recipe generation does not start from a run of another task"),
        (["sentiment", "--from", "CLASSIFIER"], "is not a run of language models, which --from needs"),
        (["sentiment", "--from", "nowhere"], "nowhere: no such run folder"),
        (["sentiment", "--from", "LANGUAGE", "--set", "units=9"], "--set units=9: units is 12 in"),
        (["sentiment", "--set", "layerwise_decay=0"], "layerwise_decay must be a number above 0"),
        (["sentiment", "--set", "unfreeze_interval=-1"], "unfreeze_interval must be"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(cli, language_model, trained, reviews_csv, words, message):
    named = {"LANGUAGE": language_model, "CLASSIFIER": trained}
    result = cli("run", *(named.get(word, word) for word in words), "--data", reviews_csv)
    assert result.exit_code == 2 and message in result.stderr, result.output
    assert "Traceback" not in result.stderr and not Path("runs").exists()


@pytest.mark.slow
def test_fine_tuning_reports_the_perplexity_on_the_original_text(cli, language_model, caplog):
    Path("mine.txt").write_text("quite other words stand here in a row\n" * 200)
    words = ["finetune", language_model, "--data", "mine.txt", "--out", "mine", "--set", "epochs=6"]
    result = cli(*words, "--set", "finetuning_learning_rate=0.02")
    assert result.exit_code == 0, result.output
    figures = json.loads(Path("mine/metrics.json").read_text())
    assert figures["perplexity"] < figures["perplexity_before"]
    assert figures["old_perplexity"] > figures["old_perplexity_before"]
    for name, which in (("perplexity", "these"), ("old_perplexity", "the original")):
        before, after = figures[f"{name}_before"], figures[name]
        assert f"perplexity of {which} texts {before:.2f} before, {after:.2f} after" in result.stdout
    assert "retracing" not in caplog.text
    assert "of them unknown" not in result.stdout
    asked = cli("evaluate", language_model, "--data", "mine.txt").stdout
    assert "88.9% of them unknown" in asked  # all but the end of each text


@pytest.mark.thorough
def test_an_old_text_that_is_gone_is_no_failure(cli, language_model):
    Path("old.txt").write_text(SENTENCE + "\n" + f"{SENTENCE}\n" * 100)
    small = [word for s in ("units=8", "epochs=1", "batch_size=4", "sequence_length=8") for word in ("--set", s)]
    assert cli("run", "generation", "--data", "old.txt", "--out", "old", *small).exit_code == 0
    Path("old.txt").rename("new.txt")
    result = cli("finetune", "old", "--data", "new.txt", "--json", "--set", "epochs=1")
    assert result.exit_code == 0 and "not measured on the original texts: " in result.stderr
    assert "old_perplexity" not in json.loads(result.stdout)
