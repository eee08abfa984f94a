"""Run folders and Keras files of earlier versions are still read, and answer as they did when they were written."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import layers, runs
from nlp_rnn.classification import Classifier
from nlp_rnn.forecasting import DirectForecaster, PathForecaster
from nlp_rnn.language_model import LanguageModel
from nlp_rnn.seq2seq import Seq2Seq
from nlp_rnn.seq2seq.pipeline import NO_SCORE

FIXTURES = Path(__file__).parent / "fixtures" / "v0_1"
NEW_OUTPUTS = {"tokens", "cut"}  # of signatures that truncate texts, since 0.2
ANSWERS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FIXTURES.glob("answers/*.json")}
for answer in ANSWERS["translator"]["served"][:3]:  # 0.1 translated an empty text, the last of each, to some word
    translations, scores = answer["outputs"]["translation"][-1], answer["outputs"]["score"][-1]
    translations[:], scores[:] = [""] * len(translations), [0.0, *[NO_SCORE] * (len(scores) - 1)]
ANSWERS["translator"]["methods"][0]["answer"][-1] = [["", 0.0]]
# All of the held-out text also stands in the training text: three sentences, again and again.
NOT_MEASURED = {"language_model": {"old_perplexity", "old_perplexity_before"}}
KERAS_FILES = sorted(path.stem for path in FIXTURES.glob("keras/*.keras"))
NETWORKS = {
    "classifier": Classifier,
    "language_model": LanguageModel,
    "seq2seq": Seq2Seq,
    "direct_forecaster": DirectForecaster,
    "path_forecaster": PathForecaster,
}
EACH_RUN = pytest.mark.parametrize("name", sorted(ANSWERS))
# Old options and settings may warn, and have to work.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def recorded(part):
    """A case for each entry of a part of the answers: the run's name and the entry's number."""
    cases = [(name, number) for name, answers in sorted(ANSWERS.items()) for number in range(len(answers[part]))]
    late = {"translator", "language_model"} if part == "trained" else set()  # they take long
    marked = [pytest.param(*case, marks=pytest.mark.thorough) if case[0] in late else case for case in cases]
    return pytest.mark.parametrize("name, number", marked)


def words(name, arguments):
    """Arguments of a recorded command, with the folders of this machine."""
    places = {"RUN": str(FIXTURES / "runs" / name), "DATA": str(FIXTURES / "data")}
    return ["/".join(places.get(part, part) for part in word.split("/")) for word in arguments]


def plain(value):
    """A value as JSON holds it: arrays and tuples as lists, bytes as text, NaN as None."""
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return None if isinstance(value, float) and np.isnan(value) else value


def assert_same(actual, expected, where=""):
    """Compare nested lists and dicts: numbers nearly, all else exactly."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict) and list(actual) == list(expected), where
        for key in expected:
            if not key.endswith("_signature"):  # names the version of sacrebleu
                assert_same(actual[key], expected[key], f"{where}.{key}")
    elif isinstance(expected, list):
        assert isinstance(actual, list) and len(actual) == len(expected), where
        for number, pair in enumerate(zip(actual, expected, strict=True)):
            assert_same(*pair, f"{where}[{number}]")
    elif isinstance(expected, float):
        assert actual == pytest.approx(expected, rel=1e-4, abs=1e-5), where
    else:
        assert actual == expected, where


def array(given):
    """A recorded array."""
    return np.array(given["value"], None if given["dtype"] == "string" else given["dtype"])


@pytest.fixture(scope="module")
def loaded():
    """Each run, read once."""
    return {name: runs.load(FIXTURES / "runs" / name) for name in ANSWERS}


@pytest.fixture(scope="module")
def signatures(loaded):
    """The signatures of each run, made once: they keep what TensorFlow traces."""
    return {name: run.pipeline.signatures() for name, run in loaded.items()}


def test_all_fixtures_are_there():
    assert len(ANSWERS) == 5 and len(KERAS_FILES) == 40


@EACH_RUN
def test_an_old_run_is_loaded(name, loaded):
    run, answers = loaded[name], ANSWERS[name]
    assert (run.recipe, run.pipeline.kind, run.metrics) == tuple(answers[key] for key in ("recipe", "kind", "metrics"))
    assert set(run.pipeline.signatures()) >= set(answers["signatures"])


@pytest.mark.slow
@recorded("methods")
def test_methods_of_an_old_run_answer_as_before(name, number, loaded):
    method = ANSWERS[name]["methods"][number]
    arguments = [array(value) if isinstance(value, dict) else value for value in method["arguments"]]
    answer = getattr(loaded[name].pipeline, method["name"])(*arguments)
    answer = list(answer) if hasattr(answer, "__next__") else answer
    answer = answer[-1] if method["name"] == "generate" else answer  # which gives what it has so far, again and again
    assert_same(plain(answer), method["answer"])


@pytest.mark.slow
@recorded("served")
def test_signatures_of_an_old_run_answer_as_before(name, number, signatures):
    asked = ANSWERS[name]["served"][number]
    serve = signatures[name][asked["signature"]]
    outputs = serve(*(tf.constant(array(value)) for value in asked["inputs"].values()))
    assert set(asked["outputs"]) <= set(outputs) <= {*asked["outputs"], *NEW_OUTPUTS}
    for key, value in asked["outputs"].items():
        assert_same(plain(outputs[key].numpy()), value, key)


@pytest.mark.slow
@recorded("commands")
def test_commands_print_for_an_old_run_what_they_did(name, number, cli):
    command = ANSWERS[name]["commands"][number]
    result = cli(*words(name, command["arguments"]))
    assert result.exit_code == 0, result.output
    assert_same([json.loads(line) for line in result.stdout.splitlines()], command["lines"])


@pytest.mark.thorough
@EACH_RUN
def test_an_old_run_is_exported(name, cli):
    result = cli("export", FIXTURES / "runs" / name, "exported", "--json")
    assert result.exit_code == 0, result.output
    served = tf.saved_model.load("exported").signatures
    for key, outputs in ANSWERS[name]["signatures"].items():
        assert {*outputs} <= {*served[key].structured_outputs} <= {*outputs, *NEW_OUTPUTS}
    for asked in ANSWERS[name]["served"]:
        outputs = served[asked["signature"]](**{key: tf.constant(array(v)) for key, v in asked["inputs"].items()})
        for key, value in asked["outputs"].items():
            assert_same(plain(outputs[key].numpy()), value, f"{asked['signature']} {key}")


@pytest.mark.slow
@recorded("trained")
def test_training_continues_from_an_old_run(name, number, cli):
    trained = ANSWERS[name]["trained"][number]
    shutil.copytree(FIXTURES / "data", ".", dirs_exist_ok=True)  # what the run was trained on is measured again
    result = cli(*words(name, trained["arguments"]))
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    expected = {key: value for key, value in trained["figures"].items() if key not in NOT_MEASURED.get(name, ())}
    assert [key for key in figures if key in trained["figures"]] == list(expected)
    for key, value in expected.items():  # figures from before any training do not depend on it
        if key.endswith("_before"):
            assert_same(figures[key], value, key)
    if "methods" in figures:
        assert_same({**figures["methods"], "model": {}}, {**trained["figures"]["methods"], "model": {}})
    assert runs.load(Path(figures["run"])).metrics.items() <= figures.items()


IMPORTS = {  # statements after which Keras knows the classes of layers, and those of networks
    "from nlp_rnn import layers": lambda name: not name.startswith(tuple(NETWORKS)),
    "\n".join(f"from {c.__module__.rpartition('.')[0]} import {c.__name__}" for c in NETWORKS.values()): (
        lambda name: name.startswith(tuple(NETWORKS))
    ),
    "import nlp_rnn.models": lambda name: name.startswith(tuple(NETWORKS)),  # of version 0.1
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports", [next(iter(IMPORTS)), *(pytest.param(one, marks=pytest.mark.thorough) for one in list(IMPORTS)[1:])]
)
def test_old_keras_files_are_read_after_the_documented_import(imports):
    files = [str(FIXTURES / "keras" / f"{name}.keras") for name in KERAS_FILES if IMPORTS[imports](name)]
    code = f"import keras\n{imports}\nfor file in {files}:\n    keras.saving.load_model(file)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert files and done.returncode == 0, done.stderr[-1000:]


@pytest.mark.parametrize("name", KERAS_FILES)
def test_an_old_keras_file_is_read_and_gives_what_it_gave(name):
    model = keras.saving.load_model(FIXTURES / "keras" / f"{name}.keras")
    with np.load(FIXTURES / "keras" / "outputs.npz") as kept:
        given, expected = (
            [kept[key] for key in sorted(kept) if key.startswith(f"{name}/{role}/")] for role in ("input", "output")
        )
    network = next((network for prefix, network in NETWORKS.items() if name.startswith(prefix)), None)
    if network:
        assert type(model) is network
    else:
        assert any(type(layer).__module__.startswith(layers.__name__) for layer in model.layers)
    outputs = model(given[0] if len(given) == 1 else tuple(given), training=False)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    for actual, wanted in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-4, atol=1e-5)
