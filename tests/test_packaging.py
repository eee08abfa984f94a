"""The wheel: recipes and data sets inside the package, the command, and no import name but `nlp_rnn`."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the content of the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder / "installed")
    return folder / "installed"


def run(installed, *arguments):
    """Standard output of Python, called with the wheel from another folder."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=installed.parent, env=environment, check=True
    ).stdout


def sources(folder, suffixes=(".py",)):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.suffix in suffixes}


@pytest.mark.slow
def test_the_wheel_has_all_modules_recipes_and_data_sets(installed):
    names = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()}
    assert {name.parts[0].split("-")[0] for name in names} == {"nlp_rnn"}
    package = Path("nlp_rnn")
    assert {package / name for name in sources(ROOT / "nlp_rnn")} <= names
    assert {package / "tasks" / name for name in sources(ROOT / "tasks")} <= names
    assert {package / "data" / name for name in sources(ROOT / "data", (".py", ".md", ".txt"))} <= names
    assert any(str(name).endswith("licenses/LICENSE") for name in names)


@pytest.mark.slow
def test_the_wheel_works_away_from_the_checkout(installed):
    listed = json.loads(run(installed, "-m", "nlp_rnn.cli", "list", "--json"))
    assert "sentiment" in listed["recipes"] and "movie_reviews" in listed["data"]
    code = (
        "import nlp_rnn; from nlp_rnn import resources; path = resources.data_sets()['movie_reviews'];"
        "print(nlp_rnn.__file__); print(path); print(resources.load_module(path).SOURCE.path().is_file())"
    )
    module, builder, found = run(installed, "-c", code).splitlines()
    assert Path(module).is_relative_to(installed) and Path(builder).is_relative_to(installed / "nlp_rnn" / "data")
    assert found == "True"
