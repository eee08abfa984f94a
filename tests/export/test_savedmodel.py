"""The export: what a process with TensorFlow alone answers is what the run answers."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import runs
from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.classification.model import Classifier
from nlp_rnn.classification.pipeline import TextClassifier
from nlp_rnn.export import savedmodel as exports
from nlp_rnn.export.savedmodel import export
from nlp_rnn.language_model.model import LanguageModel
from nlp_rnn.language_model.pipeline import LanguagePipeline
from nlp_rnn.text import tokenizer
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.vocabulary import Vocabulary

ALONE = """
import json, sys
for name in ("nlp_rnn", "tensorflow_text", "tensorflow_datasets"):
    sys.modules[name] = None  # importing it fails
import tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serve"]
out = []
for texts in json.load(sys.stdin):
    answer = serve(text=tf.constant(texts, tf.string))
    assert set(answer) == {"label", "probability", "classes", "tokens", "cut"}
    out.append([answer["label"].numpy().astype(str).tolist(), answer["probability"].numpy().tolist(),
                answer["classes"].numpy().astype(str).tolist(),
                [[int(n), bool(cut)] for n, cut in zip(answer["tokens"], answer["cut"])]])
print(json.dumps(out))
"""
TEXTS = ["a good film", "", "dull", "naïve 😀 漢字 مرحبا e\u0301 \0 nul", "word " * 3_000]


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("exports") / "reviews"
    run = runs.load(trained)
    assert export(run.pipeline, path) <= 1e-5
    return run.pipeline, path


@pytest.mark.slow
def test_equals_the_run_where_only_tensorflow_is(exported):
    pipeline, path = exported
    batches = [TEXTS[:1], TEXTS[:2], TEXTS, (TEXTS * 200)[:1000], []]
    done = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, str(path)],
        input=json.dumps(batches), capture_output=True, text=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sizes = [[3, False], [0, False], [1, False], [7, False], [3_000, True]]
    for texts, (labels, probabilities, classes, served) in zip(batches, json.loads(done.stdout), strict=True):
        assert served == [sizes[TEXTS.index(text)] for text in texts]
        expected = list(pipeline.predict(texts))
        assert labels == [p.label for p in expected]
        if texts:
            np.testing.assert_allclose(probabilities, [p.probabilities for p in expected], rtol=0, atol=1e-5)
        assert classes == [["negative", "positive"]] * len(texts)


@pytest.mark.slow
def test_holds_core_operations_only(exported):
    from tensorflow.core.protobuf import saved_model_pb2

    content = saved_model_pb2.SavedModel.FromString((exported[1] / "saved_model.pb").read_bytes())
    graph = content.meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    assert not any("_gradient_op_type" in node.attr for node in nodes), "gradients are not served"
    used = {node.op for node in nodes}
    assert not {op for op in used if "Cudnn" in op or "Py" in op or "Mkl" in op}
    assert {"LookupTableFindV2", "StaticRegexReplace", "MatMul"} <= used
    assert (exported[1] / "assets" / "classes.txt").read_text() == "negative\npositive\n"


@pytest.mark.slow
def test_servers_find_the_default_signature(exported):
    assert set(tf.saved_model.load(str(exported[1])).signatures) == {"serve", "serving_default"}


@pytest.mark.slow
def test_refuses_a_folder_that_is_there(exported):
    with pytest.raises(UsageError, match="exists already"):
        export(*exported)


def test_a_full_disk_leaves_nothing(trained, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(InputError, match="could not be written: No space left on device"):
        export(runs.load(trained).pipeline, tmp_path / "new" / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_export_that_answers_otherwise_is_not_written(trained, tmp_path, monkeypatch):
    ordinary = exports._save

    def spoiled(pipeline, folder):
        model = pipeline.model
        for factor in (1.1, 1 / 1.1):  # of all scores, so that no label changes
            for weight in (*model.head.weights, model.bag.table):
                weight.assign(factor * weight)
            if factor > 1:
                ordinary(pipeline, folder)

    monkeypatch.setattr(exports, "_save", spoiled)
    with pytest.raises(InputError, match="differs from the run's by up to"):
        export(runs.load(trained).pipeline, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_export_whose_lower_case_depends_on_the_locale_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenizer, "lower_case", lambda texts: tf.strings.lower(texts, encoding="utf-8"))
    encoder = TextEncoder(Vocabulary([b"film", b"dull"]))
    assert encoder.capitals() == "FILM"
    keras.utils.set_random_seed(0)
    model = Classifier(len(encoder.vocabulary), 2, embedding=4, units=4)
    model.build((None, None))
    model.embedding.embeddings.assign(tf.one_hot([0, 1, 2, 3], 4))
    pipeline = TextClassifier(encoder, model, ["no", "yes"])
    with pytest.raises(InputError, match="of serve differs from the run's"):
        export(pipeline, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "got, expected, message",
    [
        (["sky"], ["sea"], "the exported x differs from the run's;"),
        ([[0.1]], [[0.1, 0.2]], "the exported x differs from the run's;"),
        ([0.1], [0.2], "differs from the run's by up to"),
    ],
)
def test_any_difference_is_reported(got, expected, message):
    with pytest.raises(InputError, match=message):
        exports._difference("x", np.array(got), np.array(expected))
    assert exports._difference("x", np.array(expected), np.array(expected)) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"length": 0}, "length must be from 1"),
        ({"temperature": -1.0}, "temperature must be from 0"),
        ({"top_k": -1}, r"top_k must be from 0 to 2\*\*31"),
        ({"top_p": 2.0}, "top_p must be above 0 and up to 1"),
        ({"min_p": 2.0}, "min_p must be from 0 to 1"),
        ({"penalty": 0.0}, "penalty must be above 0"),
        ({"seed": -1}, "seed must be from 0"),
    ],
)
def test_a_served_language_model_says_what_it_cannot_do(wrong, message):
    encoder = TextEncoder(Vocabulary([b"a", b"b"]).with_end(), max_tokens=10**9)
    pipeline = LanguagePipeline(encoder, LanguageModel(len(encoder.vocabulary), embedding=4, units=4))
    given = {"length": 3, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "penalty": 1.0, "seed": 0}
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        pipeline.signatures()["generate"](
            text=tf.constant(["a"]), **{n: tf.constant(v) for n, v in (given | wrong).items()}
        )
