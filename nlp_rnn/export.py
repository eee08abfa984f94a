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
from nlp_rnn.pipelines import TextClassifier
from nlp_rnn.places import check_new
from nlp_rnn.progress import say

TOLERANCE = 1e-5  # of a probability
PROBES = (
    "",
    "A wonderful film, and I would see it again.",
    "dull",
    "Nobody here knows these words: qwxz, жжж, 漢字, 😀, e\u0301.",
    "It started well enough, but " + "then it went on and on " * 200,
)

_CLEAN_PROCESS = """
import json, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("nlp_rnn", "tensorflow_text", "tensorflow_datasets"):
            raise ImportError("not to be had where only TensorFlow is: " + name)
sys.meta_path.insert(0, Refuse())
import tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serve"]
texts = json.load(sys.stdin)
answers = [serve(text=tf.constant(t)) for t in (texts, texts[:1], texts[1:3])]
names = [[a[key].numpy().astype("U").tolist() for key in ("label", "classes")] for a in answers]
print(json.dumps([[a["probability"].numpy().tolist() for a in answers], names[0]]))
"""


def export(pipeline: TextClassifier, destination: Path) -> float:
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
    module.encoder = pipeline.encoder
    module.weights = [variable.value for variable in pipeline.model.variables]
    signatures = {name: function.get_concrete_function() for name, function in pipeline.signatures().items()}
    with tempfile.TemporaryDirectory() as apart:
        names = Path(apart, "classes.txt")
        names.write_text("".join(f"{name}\n" for name in pipeline.classes), encoding="utf-8")
        module.classes = tf.saved_model.Asset(str(names))
        tf.saved_model.save(module, str(folder), signatures)


def _verify(pipeline, folder):
    command = [sys.executable, "-I", "-c", _CLEAN_PROCESS, str(folder)]
    done = subprocess.run(command, input=json.dumps(PROBES), capture_output=True, text=True, env=_environment())
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"the export does not load where only TensorFlow is: {last}")
    probabilities, names = json.loads(done.stdout.splitlines()[-1])
    expected = list(pipeline.predict(PROBES))
    rows = np.array([prediction.probabilities for prediction in expected])
    pairs = zip(probabilities, (rows, rows[:1], rows[1:3]), strict=True)
    apart = max(float(np.abs(np.array(got) - wanted).max()) for got, wanted in pairs)
    if names != [[p.label for p in expected], [pipeline.classes] * len(PROBES)]:
        raise InputError("the export names other classes than the run; nothing was written")
    if not apart <= TOLERANCE:
        raise InputError(f"the export's probabilities are up to {apart:.1e} away from the run's; nothing was written")
    return apart


def _environment():
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
