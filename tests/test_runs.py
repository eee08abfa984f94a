"""The run folder: whole or absent, read back exactly, refused when it is damaged or foreign."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from nlp_rnn import runs
from nlp_rnn.checks import CallError, InputError
from nlp_rnn.layers import LSTM
from nlp_rnn.pipelines import TextClassifier
from nlp_rnn.runs import Job
from nlp_rnn.text import TextEncoder, Vocabulary


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


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
def test_a_damaged_description_is_said(copy, content):
    (copy / "run.json").write_text(content)
    with pytest.raises(InputError, match="run.json is damaged, was changed, or is not nlp-rnn's"):
        runs.load(copy)


def test_a_changed_description_is_said(copy):
    about = json.loads((copy / "run.json").read_text())
    about["classes"].reverse()
    (copy / "run.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match="run.json is damaged, was changed"):
        runs.load(copy)


def test_a_foreign_folder_is_said(tmp_path):
    with pytest.raises(InputError, match="is not a run folder: it has no run.json"):
        runs.load(tmp_path)
    begun = tmp_path / "begun.unfinished"
    begun.mkdir()
    with pytest.raises(InputError, match="it is not finished: go on with --resume"):
        runs.load(begun)
    with pytest.raises(CallError, match="no such run folder"):
        runs.load(tmp_path / "nothing")
    (tmp_path / "a.unfinished").mkdir()
    with pytest.raises(CallError, match="a.unfinished is not finished: go on with --resume"):
        runs.load(tmp_path / "a")


def change(copy, **changes):
    about = json.loads((copy / "run.json").read_text())
    about |= changes
    (copy / "run.json").write_text(json.dumps({**about, "digest": runs.digest(about)}))


def test_a_later_format_is_said(copy):
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
    with pytest.raises(InputError, match=r"the model holds \w+, which is neither Keras' nor nlp-rnn's"):
        runs.load(copy)


def test_weights_that_do_not_fit_are_said(copy):
    about = json.loads((copy / "run.json").read_text())
    about["model"]["config"]["units"] = 5
    change(copy, model=about["model"])
    with pytest.raises(InputError, match="the weights and the structure do not fit"):
        runs.load(copy)


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


def test_a_workplace_becomes_the_run_or_goes(tmp_path):
    job = Job("sentiment", tmp_path / "new" / "out", {})
    with pytest.raises(InputError), runs.workplace(job, {}):
        raise InputError("something")
    assert not (tmp_path / "new").exists()
    with pytest.raises(KeyboardInterrupt), runs.workplace(job, {"seed": 0}) as folder:
        (folder / "checkpoint-00001").mkdir()
        raise KeyboardInterrupt
    assert runs.has_checkpoint(job.out)
    with pytest.raises(CallError, match="holds an unfinished run; add --resume"), runs.workplace(job, {"seed": 0}):
        pass
    job = Job("sentiment", job.out, {}, resume=True)
    with (
        pytest.raises(CallError, match="was begun with seed=0, not 1: resume with the same"),
        runs.workplace(job, {"seed": 1}),
    ):
        pass
    with pytest.raises(CallError, match="was begun with seed=0, not None"), runs.workplace(job, {}):
        pass
    newer = runs.workplace(job, {"seed": 0, "bigrams": 9})
    with pytest.raises(CallError, match="begun when the recipe had no setting bigrams: remove it"), newer:
        pass
    with runs.workplace(job, {"seed": 0}) as folder:
        assert (folder / "checkpoint-00001").exists()
    assert list(job.out.iterdir()) == [], "what only the making needs is gone"
    with pytest.raises(CallError, match="exists already; choose another --out"), runs.workplace(job, {"seed": 0}):
        pass


def test_a_finished_run_is_not_lost_when_its_place_is_taken_meanwhile(tmp_path):
    job = Job("sentiment", tmp_path / "out", {})
    with pytest.raises(CallError, match="exists already"), runs.workplace(job, {}) as folder:
        (folder / "run.json").write_text("{}")
        (tmp_path / "out" / "other").mkdir(parents=True)
    assert (tmp_path / "out.unfinished" / "run.json").exists()


def test_two_processes_do_not_share_a_workplace(tmp_path):
    job = Job("sentiment", tmp_path / "out", {}, resume=True)
    with runs.workplace(job, {}) as folder:
        with pytest.raises(CallError, match="is in use: another process"), runs.workplace(job, {}):
            pass
        assert folder.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    def full(self, *args, **kwargs):
        with open("/dev/full", "w") as file:
            file.write("x" * 10_000)
            file.flush()

    job = Job("sentiment", tmp_path / "out", {})
    with pytest.raises(OSError, match="No space left"), runs.workplace(job, {}) as folder:
        monkeypatch.setattr(Path, "write_text", full)
        runs.write_json(folder / "metrics.json", {})
    assert list(tmp_path.iterdir()) == []


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
