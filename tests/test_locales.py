"""Every kind of run and its export answer the same, byte for byte, in every locale."""

import hashlib
import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
import tensorflow as tf
from click.testing import CliRunner

from nlp_rnn import runs
from nlp_rnn.cli.main import main
from nlp_rnn.export import savedmodel
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.letter_case import lower_case
from nlp_rnn.text.tokenizer import to_tensor
from nlp_rnn.text.vocabulary import TokenCounter, Vocabulary
from tests.test_old_files import ANSWERS, FIXTURES, array, plain, words

# TensorFlow takes the locale from any of these variables, whether or not the system has it.
LOCALES = {"LC_ALL": "tr_TR.UTF-8", "LC_MESSAGES": "az_AZ.UTF-8", "LANG": "lt_LT.UTF-8"}
ON_CAPITALS = {"classifier": ["predict"], "translator": ["predict"], "language_model": ["generate"]}
CAPITALS = ["I SEE A FINE FILM, İT IS DULL", "THE FISH ARE IN THE", "FIVE ÍÌĨ Į̀ J̃", "ΣΟΦΟΣ"]
MARKS = "\u0300\u0301\u0303\u0307\u0323\u00ad'"
pytestmark = pytest.mark.thorough  # it takes minutes; every export is checked under a second locale anyway


def test_runs_and_exports_answer_the_same_in_every_locale(tmp_path):
    kinds = sorted(ANSWERS)
    for name in kinds:
        savedmodel._save(runs.load(FIXTURES / "runs" / name).pipeline, tmp_path / name)
    in_root_locale = in_locale({"LC_ALL": "C.UTF-8"}, tmp_path, kinds)
    assert len(in_root_locale) == 2 + len(kinds)
    for variable, locale in LOCALES.items():
        result = in_locale({variable: locale}, tmp_path, kinds)
        letters, expected = (json.loads(lines[0]) for lines in (result, in_root_locale))
        assert letters["tensorflow"] != expected["tensorflow"]  # the locale is in effect
        assert letters["lower_case"] == expected["lower_case"] == expected["tensorflow"]
        assert result[1:] == in_root_locale[1:]


def in_locale(variables, folder, kinds):
    """The lines that `answer` prints in a process with this locale."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG"))}
    code = f"from tests.test_locales import answer; answer({str(folder)!r}, {kinds!r})"
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, env={**environment, **variables})
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return done.stdout.splitlines()


def answer(exports, kinds):
    """Print a line on letter case, one on tokens and vocabularies, and one for each run and its export."""
    every = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
    marks = ["".join(some) for count in range(4) for some in product(MARKS, repeat=count)]
    contexts = [f"x{base}{some}{end}" for base in "IJĮİÌÍĨiıΣ" for some in marks for end in ("", "Σ", "y")]
    letters = to_tensor([*every, *(f"I{letter}\u0307" for letter in every), *contexts])
    lowered = {"lower_case": lower_case(letters), "tensorflow": tf.strings.lower(letters, encoding="utf-8")}
    print(json.dumps({key: _hash(value) for key, value in lowered.items()}))
    print(json.dumps([_tokens(level) for level in ("word", "character", "subword")]))
    for name in kinds:
        print(json.dumps([_commands(name), _served(name, Path(exports, name))]))


def _hash(strings):
    return hashlib.sha256(b"\n".join(strings.numpy().tolist())).hexdigest()


def _tokens(level):
    encoder = TextEncoder(Vocabulary([b"i", b"s", "\u2581".encode(), "\u2581is".encode()]), level)
    counter = TokenCounter("word" if level == "subword" else level)
    counter.add(CAPITALS)
    return repr([encoder.tokens(text) for text in CAPITALS] + sorted(counter.counts.items()))


def _commands(name):
    """What the recorded commands print, each once, with texts in capitals as well."""
    recorded = {command["arguments"][0]: command["arguments"] for command in ANSWERS[name]["commands"]}
    recorded.pop("evaluate")  # takes long, and measures these predictions
    for command in ON_CAPITALS.get(name, ()):
        recorded[command] = [*recorded[command], *CAPITALS]
    results = [CliRunner().invoke(main, words(name, arguments)) for arguments in recorded.values()]
    assert not any(result.exit_code for result in results), [result.output for result in results]
    return [result.stdout for result in results]


def _served(name, folder):
    """What each signature of an export answers to recorded inputs; texts also in capitals."""
    signatures, outputs = tf.saved_model.load(str(folder)).signatures, []
    for request in {request["signature"]: request for request in ANSWERS[name]["served"]}.values():
        inputs = {key: tf.constant(array(value)) for key, value in request["inputs"].items()}
        capitals = {"text": tf.strings.upper(inputs["text"])} if "text" in inputs else {}
        for given in (inputs, inputs | capitals):
            served = signatures[request["signature"]](**given)
            outputs.append({key: plain(value.numpy()) for key, value in sorted(served.items())})
    return outputs
