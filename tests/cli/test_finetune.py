"""`nlp-rnn finetune`: new classes, the same classes, what stays fixed."""

import json
from pathlib import Path

import pytest

from nlp_rnn import recipes, resources, runs
from nlp_rnn.cli import finetune, run
from tests.conftest import SMALL

FORMER = Path(__file__).parents[1] / "fixtures" / "v0_1"
RUNS = ("classifier", "language_model", "translator", "direct_forecaster", "path_forecaster")
RECIPES = {path.stem: path for path in resources.recipes().values()}


@pytest.fixture(scope="module")
def loaded():
    """Runs of every kind, read once."""
    return {name: runs.load(FORMER / "runs" / name) for name in RUNS}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_fine_tuned_by_recipes_of_its_task_alone(cli, loaded, monkeypatch, name, recipe):
    start, task = loaded[name], recipes.task_of(recipes.load(recipe))
    trained = []
    for module in (finetune, run):
        monkeypatch.setattr(module, "open_run", lambda *_: start)
        monkeypatch.setattr(module, "open_dataset", lambda *_: (None, {}))
        monkeypatch.setattr(module, "train", lambda *arguments: trained.append(arguments[4].start))
    tuned = cli("finetune", start.path, "--recipe", RECIPES[recipe], "--data", "x", "--out", "y")
    started = cli("run", recipe, "--from", start.path, "--data", "x", "--out", "y")
    same, starts = start.task is task, start.task.kind in task.starts_from
    assert (tuned.exit_code, started.exit_code) == (0 if same else 2, 0 if starts else 2)
    assert trained == [start] * (same + starts)
    if not same:
        cure = f"nlp-rnn run {RECIPES[recipe]} --from {start.path}" if starts else f"a recipe of {start.task.title}"
        assert tuned.stderr.startswith(f"Error: {start.path} is a run of {start.task.title}, and the recipe")
        assert cure in tuned.stderr and tuned.stderr.count("\n") == 1
    if not starts:
        assert "to fine-tune" in started.stderr and started.stderr.count("\n") == 1


def test_a_learning_rate_that_fine_tuning_does_not_use_is_refused(cli, trained, reviews_csv):
    result = cli("finetune", trained, "--data", reviews_csv, "--set", "learning_rate=0.1")
    assert result.exit_code == 2 and not Path("runs").exists()
    assert "--set learning_rate=0.1: learning_rate has no effect on fine-tuning; set finetuning_l" in result.stderr


@pytest.mark.slow
def test_finetune_new_classes_and_the_same(cli, trained, tmp_path):
    rows = [(f"film {n} was {'stellar' if n % 3 else 'good'}", "abc"[n % 3]) for n in range(120)]
    Path("new.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    result = cli("finetune", trained, "--data", "new.csv", "--out", "new", "--json", "--set", "epochs=1")
    assert result.exit_code == 0, result.output
    assert list(json.loads(result.stdout)["classes"]) == ["negative", "positive", "a", "b", "c"]
    old, new = (Path(p, "vocabulary.txt").read_text().splitlines() for p in (trained, "new"))
    assert new[: len(old)] == old and "stellar" in new[len(old) :]
    about = json.loads(Path("new/run.json").read_text())
    assert about["start"] == str(trained) and about["settings"]["units"] == 8
    assert "learning_rate" not in about["settings"] and "finetuning_learning_rate" in about["settings"]
    on_what = cli("finetune", trained, "--out", "x")
    assert on_what.exit_code == 2 and "name the data to fine-tune on with --data" in on_what.stderr
    frozen = cli("finetune", trained, "--data", "new.csv", "--out", "x", "--set", "units=9")
    assert frozen.exit_code == 2 and "units cannot change" in frozen.stderr and not Path("x").exists()
    pairs = cli("finetune", trained, "--data", "new.csv", "--out", "x", "--set", "bigram_buckets=9")
    assert pairs.exit_code == 2 and f"--set bigram_buckets=9: bigram_buckets is 4096 in {trained}" in pairs.stderr


MANY = ["--set", "bigram_buckets=1048576", "--set", "epochs=1"]


@pytest.mark.thorough
def test_many_classes_leave_fewer_pairs_and_fine_tuning_keeps_them(cli, tmp_path):
    rows = [f"film {n} was number {n % 40},class {n % 40}\n" for n in range(400)]
    Path("many.csv").write_text("text,label\n" + "".join(rows))
    result = cli("run", "sentiment", "--data", "many.csv", "--out", "many", *SMALL, *MANY)
    assert result.exit_code == 0, result.output
    assert "instead of 1048576, for 40 classes" in result.stderr
    assert json.loads(Path("many/run.json").read_text())["settings"]["bigram_buckets"] < 5_000_000 / 40
    assert 100_000 < runs.load(Path("many")).pipeline.model.settings["bigrams"] < 5_000_000 / 40
    rows += [f"novel {n} is about place {n % 45},class {n % 45}\n" for n in range(450)]
    Path("more.csv").write_text("text,label\n" + "".join(rows))
    again = cli("finetune", "many", "--data", "more.csv", "--out", "again", "--set", "epochs=1")
    assert again.exit_code == 0, again.output
    kept = [runs.load(Path(run)).pipeline.model.settings["bigrams"] for run in ("many", "again")]
    assert kept[0] == kept[1], "though there are more classes and words"
    without = cli(
        "run", "sentiment", "--data", "many.csv", "--out", "w", *SMALL, "--set", "epochs=1", "--set", "bigram_buckets=0"
    )
    assert without.exit_code == 0, without.output
    refused = cli("finetune", "w", "--data", "many.csv", "--out", "on", *MANY)
    assert refused.exit_code == 2 and "--set bigram_buckets=1048576: bigram_buckets is 0 in w" in refused.stderr
    on = cli("finetune", "w", "--data", "many.csv", "--out", "on", "--set", "epochs=1")
    assert on.exit_code == 0, on.output
    assert json.loads(Path("on/run.json").read_text())["settings"]["bigram_buckets"] == 0


def write_texts(name, words, number=120):
    rows = [f"the {words[n % len(words)]} number {n} is here,{words[n % len(words)]}\n" for n in range(number)]
    Path(name).write_text("text,label\n" + "".join(rows))


@pytest.mark.slow
def test_fine_tuning_with_a_new_class_keeps_the_others_and_measures_what_is_forgotten(cli):
    write_texts("before.csv", ("film", "money", "sport"))
    write_texts("after.csv", ("money", "sport", "food"))
    fast = ("--set", "learning_rate=0.02", "--set", "finetuning_learning_rate=0.005")
    assert cli("run", "sentiment", "--data", "before.csv", "--out", "run", *SMALL, *fast).exit_code == 0
    tuned = cli("finetune", "run", "--data", "after.csv", "--out", "tuned", "--set", "epochs=6", "--json")
    assert tuned.exit_code == 0, tuned.output
    figures = json.loads(tuned.stdout)
    assert list(figures["classes"]) == ["film", "money", "sport", "food"]
    own = json.loads(cli("evaluate", "run", "--json").stdout)["accuracy"]
    assert figures["old_accuracy_before"] == own and figures["old_accuracy"] > 0.9 and "accuracy_before" not in figures
    assert "without texts here, which it keeps: film" in tuned.stderr
    answer = json.loads(cli("predict", "tuned", "--json", "the film number 7 is here").stdout)
    assert answer["label"] == "film"
    again = cli("finetune", "run", "--data", "after.csv", "--set", "epochs=1", "--set", "drop_classes=true")
    assert "classes of the run that are dropped: film" in again.stderr, again.output
    assert f"on the original texts {own:.4f} before, " in again.stdout and "\nfilm " not in again.stdout
    dropped = json.loads(next(Path("runs").glob("*/metrics.json")).read_text())
    assert list(dropped["classes"]) == ["money", "sport", "food"] and dropped["old_accuracy"] <= 0.8
