"""The run folder: read back exactly, refused when it is damaged or foreign."""

import json
import shutil

import keras
import numpy as np
import pytest

from nlp_rnn import runs
from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.classification.pipeline import TextClassifier
from nlp_rnn.layers import LSTM
from nlp_rnn.runs import Job
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.vocabulary import Vocabulary


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


@pytest.mark.slow
def test_holds_what_it_promises(trained):
    names = {str(p.relative_to(trained)) for p in trained.rglob("*") if p.is_file()}
    promised = {"run.json", "vocabulary.txt", "model.weights.h5", "metrics.json", "history.csv"}
    assert promised <= names and {"plots/curves.png", "plots/confusion.png"} <= names
    about = json.loads((trained / "run.json").read_text())
    assert set(about["versions"]) == {"python", "nlp-rnn", "tensorflow", "keras"}
    assert about["settings"]["units"] == 8 and about["recipe"] == "sentiment"
    assert not trained.with_name("reviews.unfinished").exists()
    weights = sum(w.size for w in runs.load(trained).pipeline.model.get_weights())
    assert (trained / "model.weights.h5").stat().st_size < 4 * weights + 100_000, "no optimizer state in it"


@pytest.mark.slow
def test_is_read_back_exactly(trained):
    run = runs.load(trained)
    texts = ["a good film", "", "dull 😀"]
    first = [p.probabilities for p in run.pipeline.predict(texts)]
    again = [p.probabilities for p in runs.load(trained).pipeline.predict(texts)]
    np.testing.assert_array_equal(first, again)
    assert run.metrics["accuracy"] > 0.9


@pytest.mark.parametrize("name", ["model.weights.h5", "vocabulary.txt", "metrics.json"])
def test_a_missing_or_changed_file_is_named(copy, name):
    (copy / name).write_bytes((copy / name).read_bytes()[:-1])
    with pytest.raises(InputError, match=f"the run's file {name} was changed"):
        runs.load(copy)
    (copy / name).unlink()
    with pytest.raises(InputError, match=f"the run's file {name} is missing"):
        runs.load(copy)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 1}', "null"])
def test_a_damaged_description_is_refused(copy, content):
    (copy / "run.json").write_text(content)
    with pytest.raises(InputError, match="run.json is damaged, was changed, or is not nlp-rnn's"):
        runs.load(copy)


def test_a_changed_description_is_refused(copy):
    about = json.loads((copy / "run.json").read_text())
    about["classes"].reverse()
    (copy / "run.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match="run.json is damaged, was changed"):
        runs.load(copy)


def test_a_foreign_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not a run folder: it has no run.json"):
        runs.load(tmp_path)
    begun = tmp_path / "begun.unfinished"
    begun.mkdir()
    with pytest.raises(InputError, match="it is not finished: continue with --resume"):
        runs.load(begun)
    with pytest.raises(UsageError, match="no such run folder"):
        runs.load(tmp_path / "nothing")
    (tmp_path / "a.unfinished").mkdir()
    with pytest.raises(UsageError, match="a.unfinished is not finished: continue with --resume"):
        runs.load(tmp_path / "a")


def change(copy, **changes):
    about = json.loads((copy / "run.json").read_text())
    about |= changes
    (copy / "run.json").write_text(json.dumps({**about, "digest": runs.digest(about)}))


def test_a_later_format_is_refused(copy):
    change(copy, format=99)
    with pytest.raises(InputError, match="made by a later nlp-rnn"):
        runs.load(copy)


@pytest.mark.parametrize(
    "part",
    [
        {"module": "keras.layers", "class_name": "Lambda", "config": {}},
        {"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {}},
        {"module": "os", "class_name": "system", "config": "true"},
        {"module": "keras.utils", "class_name": "get_file", "config": {}},
        {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"},
    ],
)
def test_no_code_is_run_from_a_folder(copy, part):
    about = json.loads((copy / "run.json").read_text())
    about["model"]["config"]["cell"] = [part]
    change(copy, model=about["model"])
    with pytest.raises(InputError, match=r"the model contains \w+, which is neither from Keras nor from nlp-rnn"):
        runs.load(copy)


def test_weights_that_do_not_fit_are_refused(copy):
    about = json.loads((copy / "run.json").read_text())
    about["model"]["config"]["units"] = 5
    change(copy, model=about["model"])
    with pytest.raises(InputError, match="the weights do not fit the structure"):
        runs.load(copy)


@pytest.mark.slow
def test_a_model_of_keras_own_layers_can_be_saved_and_read(tmp_path):
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(4, 3)(ids))
    pipeline = TextClassifier(
        TextEncoder(Vocabulary([b"a", b"b"])), keras.Model(ids, keras.layers.Dense(2)(x)), ["no", "yes"]
    )
    job = Job("mine.py", tmp_path / "out", {})
    with runs.workplace(job, {}) as folder:
        runs.save(folder, pipeline, {}, [])
    [before], [after] = pipeline.predict(["a b"]), runs.load(tmp_path / "out").pipeline.predict(["a b"])
    np.testing.assert_allclose(before.probabilities, after.probabilities, rtol=1e-6)


@pytest.mark.slow
def test_a_functional_model_with_operations_is_read_back(tmp_path):
    ids = keras.Input((None,), dtype="int32")
    vectors, mask = keras.layers.Embedding(4, 3)(ids), keras.ops.not_equal(ids, 0)
    sequence = LSTM(3, return_sequences=True)(vectors, mask=mask) + vectors
    model = keras.Model(ids, keras.layers.Dense(2)(sequence[:, -1]))
    pipeline = TextClassifier(TextEncoder(Vocabulary([b"a", b"b"])), model, ["no", "yes"])
    with runs.workplace(Job("mine.py", tmp_path / "out", {}), {}) as folder:
        runs.save(folder, pipeline, {}, [])
    [before], [after] = pipeline.predict(["a b"]), runs.load(tmp_path / "out").pipeline.predict(["a b"])
    np.testing.assert_allclose(before.probabilities, after.probabilities, rtol=1e-6)


def test_a_file_outside_of_the_folder_is_refused(copy):
    files = json.loads((copy / "run.json").read_text())["files"]
    change(copy, files=files | {"../secret.txt": "0" * 64})
    with pytest.raises(InputError, match=r"run.json names the file ../secret.txt, which is outside the run folder"):
        runs.load(copy)


def test_a_kind_of_a_later_version_is_named(copy):
    change(copy, kind="painter")
    with pytest.raises(InputError, match="runs of kind 'painter' are not known to this version of nlp-rnn, only text_"):
        runs.load(copy)
