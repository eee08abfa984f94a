"""`nlp-rnn export` and `nlp-rnn copy`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SMALL


def process(*arguments):
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "nlp_rnn.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_export_and_copy(cli, trained):
    result = json.loads(cli("export", trained, "served", "--json").stdout)
    assert result["largest_difference"] <= 1e-5 and Path("served/saved_model.pb").exists()
    assert cli("copy", "sentiment", "mine.py").exit_code == 0
    assert "run other.py" in cli("copy", "sentiment", "other.py").stdout


@pytest.mark.slow
def test_a_copied_recipe_with_a_layer_of_its_own(cli, reviews_csv):
    cli("copy", "sentiment", "mine.py")
    text = (
        Path("mine.py")
        .read_text()
        .replace(
            "@dataclass(frozen=True, kw_only=True)\nclass Config",
            "@keras.saving.register_keras_serializable('mine')\nclass Mine(Classifier):\n    pass\n\n\n"
            "@dataclass(frozen=True, kw_only=True)\nclass Config",
        )
    )
    Path("mine.py").write_text(text.replace("model = Classifier(", "model = Mine("))
    result = cli("run", "mine.py", "--data", reviews_csv, "--out", "r", *SMALL, "--set", "epochs=1")
    assert result.exit_code == 0, result.output
    refused = process("predict", "r", "good")
    assert refused.returncode == 1 and "the model contains Mine" in refused.stderr and "--recipe" in refused.stderr
    assert process("predict", "r", "good", "--recipe", "mine.py").returncode == 0
