"""A run as a SavedModel: strings in, answers out, nothing but TensorFlow needed to serve it.

Before an export counts as done it is loaded in a process of its own, which has TensorFlow but not this library, and
has to answer as the run does.
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
from nlp_rnn.places import check_new
from nlp_rnn.progress import say
from nlp_rnn.runs import Pipeline

TOLERANCE = 1e-5  # of a probability; of larger numbers, as a share

_CLEAN_PROCESS = """
import json, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("nlp_rnn", "tensorflow_text", "tensorflow_datasets"):
            raise ImportError("not to be had where only TensorFlow is: " + name)
sys.meta_path.insert(0, Refuse())
import tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
def plain(value):
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else value
def answer(name, inputs):
    serve = loaded.signatures[name]
    kinds = serve.structured_input_signature[1]
    found = serve(**{key: tf.constant(value, kinds[key].dtype) for key, value in inputs.items()})
    return {key: plain(value.numpy().tolist()) for key, value in found.items()}
print(json.dumps([answer(name, inputs) for name, inputs, _ in json.load(sys.stdin)]))
"""


def export(pipeline: Pipeline, destination: Path) -> float:
    """Write a SavedModel to a new folder and return how far its answers are from the pipeline's, at most.

    Raises:
        CallError: the folder exists.
        InputError: the export does not answer as the pipeline does; nothing is left behind.
    """
    check_new(destination, "DEST")
    made = not destination.parent.exists()
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{destination.name}-", dir=destination.parent))
    try:
        say("writing the SavedModel")
        _save(pipeline, partial)
        say("loading it in a process of its own and comparing")
        apart = _verify(pipeline, partial)
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
    return apart


def _remove(partial, parent_too):
    """Leave nothing: not the half of an export, nor a folder that was made for it."""
    shutil.rmtree(partial, ignore_errors=True)
    if parent_too:
        partial.parent.rmdir()


def _save(pipeline, folder):
    module = tf.Module()
    module.encoders = [getattr(pipeline, side) for side in ("encoder", "target") if hasattr(pipeline, side)]
    module.weights = [variable.value for variable in pipeline.model.variables]
    signatures = {name: function.get_concrete_function() for name, function in pipeline.signatures().items()}
    with tempfile.TemporaryDirectory() as apart:
        names = Path(apart, "classes.txt")
        names.write_text("".join(f"{name}\n" for name in pipeline.classes), encoding="utf-8")
        module.classes = tf.saved_model.Asset(str(names))
        tf.saved_model.save(module, str(folder), signatures)


def _verify(pipeline, folder):
    """How far the numbers of the export are from the pipeline's, at most; its words have to be the same."""
    checks = list(pipeline.checks())
    command = [sys.executable, "-P", "-c", _CLEAN_PROCESS, str(folder)]
    done = subprocess.run(command, input=json.dumps(checks), capture_output=True, text=True, env=_environment())
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"the export does not load where only TensorFlow is: {last}")
    apart = 0.0
    for (name, _, wanted), got in zip(checks, json.loads(done.stdout.splitlines()[-1]), strict=True):
        for key, value in wanted.items():
            apart = max(apart, _apart(f"{key} of {name}", np.array(got[key]), np.array(value)))
    return apart


def _apart(what, got, wanted):
    if wanted.dtype.kind == "U" or got.shape != wanted.shape:
        if not np.array_equal(got, wanted):
            raise InputError(f"the export gives another {what} than the run; nothing was written")
        return 0.0
    apart = float(np.max(np.abs(got - wanted) / np.maximum(np.abs(wanted), 1), initial=0))
    if not apart <= TOLERANCE:
        raise InputError(f"the export's {what} is up to {apart:.1e} away from the run's; nothing was written")
    return apart


def _environment():
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
