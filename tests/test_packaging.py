"""The wheel: recipes and data sets inside the package, the command, and no import name but `nlp_rnn`."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_wheel_works_away_from_the_checkout(tmp_path):
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
        file.extractall(tmp_path / "installed")
    assert {name.split("/")[0].split("-")[0] for name in names} == {"nlp_rnn"}
    assert {"nlp_rnn/tasks/sentiment.py", "nlp_rnn/data/movie_reviews/README.md"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    command = [sys.executable, "-m", "nlp_rnn.cli", "list", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    listed = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=True)
    assert "sentiment" in json.loads(listed.stdout)["recipes"] and "movie_reviews" in json.loads(listed.stdout)["data"]
