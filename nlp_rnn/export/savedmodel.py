"""A run as a SavedModel: strings or numbers in, predictions out, served by TensorFlow alone.

Before an export is reported as successful it is loaded in a clean process, which has TensorFlow but not this library,
and another locale, and its outputs must be those of the run.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from nlp_rnn.checks import InputError
from nlp_rnn.graph import served_only
from nlp_rnn.progress import say
from nlp_rnn.runs.paths import check_new
from nlp_rnn.task import Pipeline

TOLERANCE = 1e-5  # absolute for numbers up to 1, such as probabilities; relative for larger ones

_CLEAN_PROCESS = """
import json, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("nlp_rnn", "tensorflow_text", "tensorflow_datasets"):
            raise ImportError("not available where only TensorFlow is installed: " + name)
sys.meta_path.insert(0, Refuse())
import tensorflow as tf
def plain(value):
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else value
def answer(serve, inputs):
    specs = serve.structured_input_signature[1]
    outputs = serve(**{key: tf.constant(value, specs[key].dtype) for key, value in inputs.items()})
    return {key: plain(value.numpy().tolist()) for key, value in outputs.items()}
def answers(folder, checks):
    loaded = tf.saved_model.load(folder)
    return [answer(loaded.signatures[name], inputs) for name, inputs, _ in checks]
print(json.dumps(answers(sys.argv[1], json.load(sys.stdin))))
"""


def export(pipeline: Pipeline, destination: Path) -> float:
    """Write a SavedModel to a new folder and return the largest difference between its numbers and the pipeline's.

    Raises:
        UsageError: the folder exists.
        InputError: the outputs of the export differ from those of the pipeline; nothing is left on disk.
    """
    check_new(destination, "DEST")
    made = not destination.parent.exists()
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{destination.name}-", dir=destination.parent))
    try:
        say("writing the SavedModel")
        _save(pipeline, partial)
        say("loading it in a clean process with another locale and comparing the outputs")
        difference = _verify(pipeline, partial)
        partial.chmod(0o755)
        os.replace(partial, destination)
    except tf.errors.OpError as error:
        _remove(partial, made)
        raise InputError(
            f"{destination} could not be written: {error.message.splitlines()[0].split('; ')[-1]}"
        ) from error
    except BaseException:
        _remove(partial, made)
        raise
    return difference


def _remove(partial, parent_too):
    """Remove a partial export, and the folder that was created for it."""
    shutil.rmtree(partial, ignore_errors=True)
    if parent_too:
        partial.parent.rmdir()


def _save(pipeline, folder):
    module = tf.Module()
    module.encoders = list(pipeline.encoders)
    module.weights = [variable.value for variable in pipeline.model.variables]
    with served_only():
        signatures = {name: function.get_concrete_function() for name, function in pipeline.signatures().items()}
    with tempfile.TemporaryDirectory() as outside:
        names = Path(outside, "classes.txt")
        names.write_text("".join(f"{name}\n" for name in pipeline.classes), encoding="utf-8")
        module.classes = tf.saved_model.Asset(str(names))
        tf.saved_model.save(module, str(folder), signatures)


def _verify(pipeline, folder):
    """The largest difference between the numbers of the export and of the pipeline; strings must be the same."""
    checks = list(pipeline.checks())
    difference = 0.0
    for (name, _, expected), got in zip(checks, _answers(folder, checks), strict=True):
        for key, value in expected.items():
            difference = max(difference, _difference(f"{key} of {name}", np.array(got[key]), np.array(value)))
    return difference


def _answers(folder, checks):
    """The outputs of the export in a clean process."""
    command = [sys.executable, "-P", "-c", _CLEAN_PROCESS, str(folder)]
    done = subprocess.run(command, input=json.dumps(checks), capture_output=True, text=True, env=_environment())
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"the export does not load where only TensorFlow is installed: {last}")
    return json.loads(done.stdout.splitlines()[-1])


def _difference(what, got, expected):
    if expected.dtype.kind == "U" or got.shape != expected.shape:
        if not np.array_equal(got, expected):
            raise InputError(f"the exported {what} differs from the run's; nothing was written")
        return 0.0
    difference = float(np.max(np.abs(got - expected) / np.maximum(np.abs(expected), 1), initial=0))
    if not difference <= TOLERANCE:
        raise InputError(f"the exported {what} differs from the run's by up to {difference:.1e}; nothing was written")
    return difference


def _environment():
    """The environment of the clean process: no GPU, and a locale whose lower case of I differs from this process."""
    turkish = tf.strings.lower("I", encoding="utf-8") != b"i"
    locale = {"LC_ALL": "C.UTF-8" if turkish else "tr_TR.UTF-8"}  # TensorFlow reads this, installed or not
    return {**os.environ, **locale, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
