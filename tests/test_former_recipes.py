"""Recipes copied from version 0.1, and programs that import its names: both work until version 0.4, with warnings."""

import importlib
import json
import re
import shutil
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from nlp_rnn.former_names import MODULES, NAMES

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "tests" / "fixtures" / "v0_1"
SMALL = ("units=8", "epochs=2", "patience=9")
# By case: the recipe, its data, the options that name columns, and settings by their former and by their current names.
CASES = {
    "sentiment": (
        ("sentiment", "reviews.csv", ()),
        ("batch=16", "bigrams=512", "batch_tokens=900"),
        ("batch_size=16", "bigram_buckets=512", "max_batch_tokens=900"),
    ),
    "generation": (
        ("generation", "sentences.txt", ()),
        ("least_count=1", "batch=8", "steps=16", "activation=0.1", "slowness=0.1", "reset=true"),
        (
            *("min_count=1", "batch_size=8", "sequence_length=16", "activation_regularization=0.1"),
            *("temporal_activation_regularization=0.1", "reset_states=true"),
        ),
    ),
    "next_word": (
        ("next_word", "sentences.txt", ()),
        ("least_count=1", "batch=8", "memory=9", "clip=0.5"),
        ("min_count=1", "batch_size=8", "chrono_steps=9", "global_clipnorm=0.5"),
    ),
    "translation": (
        ("translation", "pairs.tsv", ()),
        ("batch=32", "beam=2", "source_unit=word", "smoothing=0.2"),
        ("batch_size=32", "beam_width=2", "source_token_level=word", "label_smoothing=0.2"),
    ),
    "quantiles": (
        ("forecasting", "shops.csv", ("--future-column", "price")),
        ("steps=5", "horizon=6", "classical=false", "recent=6"),
        ("steps_per_epoch=5", "horizon=6", "classical_baselines=false", "centering_window=6"),
    ),
    "paths": (
        ("forecasting", "meters.csv", ()),
        ("model=paths", "steps=5", "horizon=6", "known=24", "classical=false"),
        ("model=sample_paths", "steps_per_epoch=5", "horizon=6", "context_length=24", "classical_baselines=false"),
    ),
}
MORE = {"reviews.csv": "reviews_more.csv", "shops.csv": "shops_more.csv", "meters.csv": "meters_more.csv"}
MORE |= {"sentences.txt": "sentences_more.txt", "pairs.tsv": "pairs_more.tsv"}
# Nothing else may warn: pytest makes an error of any other warning.
allowed = pytest.mark.filterwarnings("ignore::FutureWarning")


def figures(cli, *arguments, near=False):
    """What a command prints, without the folder of the run; numbers compared approximately, on request."""
    result = cli(*arguments, "--json")
    assert result.exit_code == 0, result.output
    number = (lambda text: pytest.approx(float(text), rel=1e-4, abs=1e-6)) if near else float
    found = json.loads(result.stdout, parse_float=number)
    del found["run"]
    return found


@pytest.mark.thorough
@allowed
@pytest.mark.parametrize("case", CASES)
def test_a_copied_recipe_gives_what_todays_gives(case, cli):
    (name, data, columns), former, current = CASES[case]
    copied = shutil.copy(FIXTURES / "recipes" / f"{name}.py", f"old_{name}.py")
    shutil.copytree(FIXTURES / "data", ".", dirs_exist_ok=True)
    small = ("embedding=8", *SMALL) if name != "forecasting" else SMALL
    options = ("--data", data, *columns, *(word for setting in small for word in ("--set", setting)))
    run = partial(figures, cli, "run")
    old = run(copied, *options, "--out", "old", *(word for setting in former for word in ("--set", setting)))
    new = [word for setting in current for word in ("--set", setting)]
    assert old == run(name, *options, "--out", "new", *new, near=True)
    assert Path("old/plots/curves.png").is_file()
    tuning = ("--data", MORE[data], *columns, "--recipe", copied, "--set", "epochs=1")
    for run_before in ("old", "new"):
        tuned = figures(cli, "finetune", run_before, *tuning, "--out", f"tuned-{run_before}")
        assert set(tuned) >= set(old)
    with pytest.raises(AssertionError, match=r"units cannot change after training, it stays 8"):
        figures(cli, "finetune", "new", *tuning, "--set", "units=6", "--out", "other")


@pytest.mark.thorough
@allowed
def test_a_copied_classifier_starts_from_a_language_model(cli, spoken, reviews_csv):
    copied = shutil.copy(FIXTURES / "recipes" / "sentiment.py", "mine.py")
    options = ("--data", reviews_csv, "--set", "epochs=1", "--set", "bigrams=0", "--out", "run")
    assert "accuracy" in figures(cli, "run", copied, "--from", spoken, *options)


@allowed
@pytest.mark.parametrize("module, name", sorted(NAMES))
def test_every_former_name_is_found_in_its_module(module, name):
    assert getattr(importlib.import_module(f"nlp_rnn.{module}"), name) is not None


@allowed
@pytest.mark.parametrize("module", sorted(MODULES))
def test_every_former_module_is_imported(module):
    importlib.import_module(f"nlp_rnn.{module}")


def removed_names():
    """What the changelog lists as removed: names as MODULE.NAME, and modules."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    [section] = re.findall(r"^### Removed\n(.*?)^##", text.partition("## [0.2.0]")[2], re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([\w.]+)`", section))


@allowed
def test_every_public_name_of_version_0_1_is_found_or_listed_as_removed():
    removed, gone = removed_names(), set()
    for line in (FIXTURES / "public_names.txt").read_text(encoding="utf-8").splitlines():
        module, name = line.split(":")
        where = f"nlp_rnn.{module}".rstrip(".")
        try:
            found = getattr(__import__(where, fromlist=[name]), name)  # as `from where import name` finds it
        except (ImportError, AttributeError):
            gone.add(line)
            continue
        if isinstance(found, ModuleType) and not callable(found):
            gone.add(line)
    unlisted = {line for line in gone if not removed & {line.split(":")[0], line.replace(":", ".")}}
    assert not unlisted, "neither found nor listed in CHANGELOG.md under Removed"
    names = {line.split(":")[0] for line in gone} | {line.replace(":", ".") for line in gone} | {"layers.native"}
    assert removed <= names, "listed in CHANGELOG.md under Removed, and still found"
