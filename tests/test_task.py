"""A custom task: a class, a recipe and a row in `TASKS` are all that the command line needs."""

import json
import sys
from pathlib import Path

import pytest

from nlp_rnn import task
from nlp_rnn.checks import InputError

TASK = '''
"""A toy task: how long is a text? A dense layer over its length."""

from nlp_rnn.report import Report
from nlp_rnn.task import Task


class LengthAnswer:
    def __init__(self, text, length):
        self.text, self.length = text, length

    def lines(self):
        yield f"{self.length:.1f}\\t{self.text}"

    def rows(self):
        yield self.json()

    def json(self):
        return {"text": self.text, "length": round(float(self.length), 3)}


class LengthPipeline:
    kind = "length_meter"
    classes = []
    encoders = []

    def __init__(self, model):
        import tensorflow as tf

        self.model = model
        signature = [tf.TensorSpec([None], tf.string, name="text")]
        self.serve = tf.function(self._serve, input_signature=signature)

    def _serve(self, text):
        import tensorflow as tf

        counts = tf.cast(tf.strings.length(text), tf.float32)
        return {"length": self.model(counts[:, None])[:, 0]}

    def predict(self, texts):
        import tensorflow as tf

        return self.serve(tf.constant([text.encode() for text in texts], tf.string))["length"].numpy()

    def signatures(self):
        return {"serving_default": self.serve}

    def checks(self):
        texts = ["", "abc"]
        yield "serving_default", {"text": texts}, {"length": self.predict(texts).tolist()}


class LengthTask(Task):
    kind = "length_meter"
    title = "lengths"
    takes = "texts with lengths"

    def open_data(self, request, settings, like=None):
        from nlp_rnn.datasets import open_text_dataset

        return open_text_dataset(request["name"], request["text_column"], None, request["split_seed"], labelled=False)

    def save(self, pipeline, folder):
        (folder / "unit.txt").write_text("bytes")
        return {}

    def load(self, folder, about):
        from nlp_rnn import weights

        return LengthPipeline(weights.load(about["model"], folder / weights.WEIGHTS))

    def measure(self, run, data, before=False):
        texts = [example.text for example in data.read("all")]
        errors = [abs(p - len(t.encode())) for p, t in zip(run.pipeline.predict(texts), texts)]
        return Report({"error": float(sum(errors) / len(errors))}, compared=("error",))

    def summary(self, figures, measured_on):
        yield f"error  {figures['error']:.3f} on {measured_on}"

    def predict(self, run, inputs, options):
        texts = list(inputs)
        for text, length in zip(texts, run.pipeline.predict(texts)):
            yield LengthAnswer(text, length)
'''
RECIPE = '''
"""Lengths: how long is a text?"""

from dataclasses import dataclass

import keras
import numpy as np

from nlp_rnn import runs
from nlp_rnn.settings import setting
from nlp_rnn.training.settings import TrainingSettings
from toy_package.lengths import LengthPipeline

TASK = "length_meter"
DATA = "texts.csv"


@dataclass(frozen=True, kw_only=True)
class Config(TrainingSettings):
    """What `--set KEY=VALUE` can change."""

    epochs: int = setting(40, "passes over the texts")


def load_data(config, dataset):
    lengths = np.array([[len(example.text.encode())] for example in dataset.read("all")], np.float32)
    return lengths, lengths


def build_model(config, start):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    if start is not None:
        model.set_weights(start.model.get_weights())
    return model


def train(config, dataset, job):
    keras.utils.set_random_seed(config.seed)
    with runs.new(job, config) as run:
        pipeline = LengthPipeline(build_model(config, job.start and job.start.pipeline))
        run.measure_before(pipeline, dataset)
        pipeline.model.compile(keras.optimizers.Adam(0.2), "mse", jit_compile=False)
        pipeline.model.fit(*load_data(config, dataset), epochs=config.epochs, verbose=0)
        return run.finish(pipeline, run.measure(pipeline, dataset), [])
'''


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A package with a task and its recipe, outside of nlp_rnn, and its row in `TASKS`."""
    package = tmp_path / "packages" / "toy_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "lengths.py").write_text(TASK)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    monkeypatch.setitem(task.TASKS, "length_meter", "toy_package.lengths:LengthTask")
    recipe = tmp_path / "lengths.py"
    recipe.write_text(RECIPE)
    yield recipe
    sys.modules.pop("toy_package.lengths", None)


@pytest.mark.slow
def test_a_new_task_needs_no_change_elsewhere(cli, toy, trained):
    Path("texts.csv").write_text("text\n" + "".join(f"{'word ' * n}end\n" for n in range(1, 9)))
    first = cli("run", toy, "--data", "texts.csv", "--out", "one")
    assert first.exit_code == 0, first.output
    assert "error  " in first.stdout and "epochs=40" in cli("run", toy, "--help").stdout
    assert json.loads(cli("evaluate", "one", "--data", "texts.csv", "--json").stdout)["error"] < 8
    [answer] = [json.loads(line) for line in cli("predict", "one", "a text", "--json").stdout.splitlines()]
    assert answer["text"] == "a text" and 0 < answer["length"] < 20
    assert cli("predict", "one", "a text").stdout == f"{answer['length']:.1f}\ta text\n"
    tuned = cli("finetune", "one", "--data", "texts.csv", "--out", "two", "--recipe", toy, "--json")
    assert tuned.exit_code == 0, tuned.output
    figures = json.loads(tuned.stdout)
    assert figures["error"] < figures["error_before"] and "before fine-tuning: error" in tuned.stderr
    assert "signatures: serving_default\n" in cli("export", "one", "one_served").stdout
    exported = cli("export", "two", "served", "--json")
    assert json.loads(exported.stdout)["largest_difference"] <= 1e-5
    assert "sentiment" in cli("list").stdout
    refused = cli("finetune", trained, "--data", "texts.csv", "--recipe", toy)
    assert refused.exit_code == 2 and "is a run of text classification, and the recipe" in refused.stderr


def test_a_kind_that_is_not_known_is_named(cli, toy, monkeypatch):
    Path("texts.csv").write_text("text\nsome\nwords\n")
    assert cli("run", toy, "--data", "texts.csv", "--out", "one", "--set", "epochs=1").exit_code == 0
    monkeypatch.delitem(task.TASKS, "length_meter")
    result = cli("predict", "one", "text")
    assert result.exit_code == 1 and "one: runs of kind 'length_meter' are not known to this version" in result.stderr
    refused = cli("run", toy, "--data", "texts.csv")
    assert refused.exit_code == 2 and "there is no task 'length_meter', only text_classifier" in refused.stderr


def test_every_task_is_complete_and_named_once():
    kinds = [one.kind for one in task.tasks()]
    assert kinds == list(task.TASKS) and len({one.title for one in task.tasks()}) == len(kinds)
    assert [task.task_named(one.takes) for one in task.tasks()] == task.tasks()
    with pytest.raises(InputError, match="runs of kind 'painter' are not known"):
        task.get("painter")
