"""Resuming an interrupted run: as it was started, or not at all."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from nlp_rnn import recipes, settings
from nlp_rnn.checks import UsageError
from nlp_rnn.cli import data as cli_data
from nlp_rnn.cli import evaluate, finetune
from nlp_rnn.runs import folder
from nlp_rnn.runs.paths import begun, locked
from nlp_rnn.runs.resume import as_begun, check_resumable, say_how_to_resume
from nlp_rnn.task import get


@dataclass(frozen=True)
class Config:
    units: int = 64
    seed: int = 0


RECIPE = SimpleNamespace(Config=Config)
SPECIFICATION = {"recipe": "mine", "settings": {"units": 8, "seed": 0}, "data": {"name": "a.csv"}, "start": None}


@pytest.fixture
def write(tmp_path):
    """A function that writes the specification of an unfinished run with some changes, and returns its OUT."""

    def write(**changes):
        folder = tmp_path / "out.unfinished"
        folder.mkdir(exist_ok=True)
        (folder / "purpose.json").write_text(json.dumps(SPECIFICATION | changes), encoding="utf-8")
        return tmp_path / "out"

    return write


def test_prints_what_is_resumed(write, capsys, tmp_path):
    assert as_begun(RECIPE, "mine", tmp_path / "none", None) == {}
    assert as_begun(RECIPE, "mine", write(), None) == SPECIFICATION
    assert "resuming with: data a.csv units=8\n" in capsys.readouterr().err


def test_prints_that_there_is_nothing_to_resume(capsys, tmp_path):
    say_how_to_resume(tmp_path / "none")
    assert capsys.readouterr().err == "No epoch was finished: there is nothing to resume.\n"


def test_a_changed_recipe_is_refused_and_other_versions_are_printed(write, capsys):
    now = SPECIFICATION | {
        "sources": {"mine.py": "1", "layers.py": "1"},
        "versions": {"keras": "3.16", "python": "3.12"},
    }
    check_resumable(write(), now, True, Config)  # of an earlier version
    check_resumable(write(sources=now["sources"], versions=now["versions"]), now, True, Config)
    assert capsys.readouterr().err == ""
    check_resumable(write(sources=now["sources"], versions={"keras": "3.15"}), now, True, Config)
    assert "resuming with keras 3.16, started with 3.15: the result may differ" in capsys.readouterr().err
    for sources, names in (
        ({"mine.py": "2", "layers.py": "1"}, "mine.py"),
        ({"mine.py": "1", "cells.py": "1"}, "cells.py, l"),
    ):
        with pytest.raises(UsageError, match=f"^{names}.* changed after .*out.unfinished was started: undo the change"):
            check_resumable(write(sources=sources), now, True, Config)


def test_a_folder_in_use_is_never_said_to_be_removable(write, tmp_path):
    out = write(start="runs/a")
    with locked(tmp_path / "out.unfinished"):
        for check in (
            lambda: check_resumable(out, SPECIFICATION, False),
            lambda: check_resumable(out, SPECIFICATION | {"recipe": "other"}, True),
            lambda: as_begun(RECIPE, "other", out, None),
            lambda: folder.load(out),
        ):
            with pytest.raises(UsageError, match="another process") as raised:
                check()
            assert "remove" not in str(raised.value) and "resume" not in str(raised.value)
        (tmp_path / "out.unfinished" / "purpose.json").write_text("{")
        with pytest.raises(UsageError, match=r"in use: another process \(\d+\) is training there; wait for it, or"):
            begun(out)


def test_another_recipe_or_start_is_refused(write):
    with pytest.raises(
        UsageError, match="out.unfinished was started with the recipe mine: resume with the command that"
    ):
        as_begun(RECIPE, "other", write(), None)
    with pytest.raises(UsageError, match="out.unfinished was started from scratch: resume with"):
        as_begun(RECIPE, "mine", write(), Path("runs/a"))
    with pytest.raises(UsageError, match="out.unfinished was started from runs/a: resume with"):
        as_begun(RECIPE, "mine", write(start="runs/a"), None)


@dataclass(frozen=True, kw_only=True)
class Current(settings.Settings):
    token_level: str = settings.setting("word", "what a token is", choices=("word", "byte"))
    model: str = settings.setting("quantiles", "what is predicted", choices=("quantiles", "sample_paths"))
    cycles: int = settings.setting(1, "of the learning rate")


def test_an_unfinished_run_of_version_0_1_is_resumed_under_the_new_names(write):
    out = write(settings={"unit": "byte", "model": "paths"})
    same = SPECIFICATION | {"settings": asdict(Current(token_level="byte", model="sample_paths"))}
    check_resumable(out, same, True, Current)
    other = SPECIFICATION | {"settings": asdict(Current(token_level="word", model="sample_paths"))}
    with pytest.raises(UsageError, match="was started with token_level=byte, not word: resume with the same"):
        check_resumable(out, other, True, Current)
    other = SPECIFICATION | {"settings": asdict(Current(token_level="byte", model="sample_paths", cycles=2))}
    with pytest.raises(UsageError, match="was started with cycles=1, not 2: resume with the same"):
        check_resumable(out, other, True, Current)


def test_data_that_have_moved_are_the_same_and_other_columns_are_not(write):
    """Whether the texts themselves are the same, the checkpoint knows."""
    out = write(data={"name": "/old/a.csv", "text_column": None, "trained_on": ["/old/a.csv"]})
    here = {"name": "a.csv", "location": "../a.csv", "text_column": None, "split_column": None}
    check_resumable(out, SPECIFICATION | {"data": here}, True, Config)
    with pytest.raises(UsageError, match="was started with other data: resume with the same"):
        check_resumable(out, SPECIFICATION | {"data": here | {"split_column": "fold"}}, True, Config)


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"recipe": "a", "settings": 1, "data": {}}'])
def test_a_damaged_specification_is_refused(write, text):
    out = write()
    (out.with_name("out.unfinished") / "purpose.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"purpose.json is damaged: remove .*out.unfinished and start again"):
        begun(out)


def test_omitted_options_keep_the_values_of_the_unfinished_run():
    before = {"name": "a.csv", "text_column": "summary", "past_columns": ["price"]}
    nothing = {"name": None, "text_column": None, "past_columns": ()}
    merged = cli_data.merged
    assert merged(nothing, before) == before
    assert merged(nothing, {"name": "shipped"}) == nothing | {"name": "shipped"}
    assert merged(nothing | {"name": "a.csv", "text_column": "body"}, before) == before | {"text_column": "body"}
    assert merged(nothing | {"name": "b.csv"}, before) == nothing | {"name": "b.csv"}, "other data, other columns"


def test_settings_that_a_recipe_no_longer_accepts_are_named():
    recipe = recipes.load("sentiment")
    with pytest.raises(UsageError, match="units must be a positive int, got 0: the recipe does not accept the setti"):
        settings.from_run(recipe.Config, {"units": 0})


@pytest.fixture
def requests(monkeypatch):
    """The requests for data that commands make, of a forecaster that was trained on another column."""
    data = {"name": "old.csv", "label_column": "sales", "text_column": None, "past_columns": ()}
    made = []

    def opened(task, name, columns, earlier, *_):
        made.append(cli_data.merged({"name": name, **columns}, earlier))
        return SimpleNamespace(notes=[]), made[-1]

    def run(kind, data=data):
        task = get(kind)
        report = SimpleNamespace(figures={}, measured_on="", examples=())
        monkeypatch.setattr(type(task), "measure", lambda *_: report)
        start = SimpleNamespace(
            path="old", recipe="forecasting", settings={"seed": 0}, data=data, task=task, lineage=None
        )
        for command in (finetune, evaluate):
            monkeypatch.setattr(command, "open_run", lambda *_: start)

    monkeypatch.setattr(finetune, "open_dataset", opened)
    monkeypatch.setattr(evaluate, "open_dataset", opened)
    monkeypatch.setattr(finetune, "train", lambda *_: None)
    monkeypatch.setattr(evaluate, "print_figures", lambda *_: None)
    return SimpleNamespace(made=made, run=run)


def test_a_resumed_fine_tuning_reads_the_columns_that_it_was_begun_with(cli, requests):
    requests.run("forecaster")
    Path("out.unfinished").mkdir()
    data = {"name": "new.csv", "label_column": "turnover"}
    specification = {"recipe": "forecasting", "settings": {}, "data": data, "start": "old"}
    Path("out.unfinished/purpose.json").write_text(json.dumps(specification))
    for more in ((), ("--data", "new.csv")):
        result = cli("finetune", "old", "--out", "out", "--resume", *more)
        assert result.exit_code == 0, result.output
        assert requests.made[-1]["name"] == "new.csv" and requests.made[-1]["label_column"] == "turnover"
    result = cli("finetune", "old", "--out", "other", "--data", "new.csv")
    assert result.exit_code == 0 and requests.made[-1]["label_column"] == "sales"


def test_a_classifier_is_evaluated_on_the_columns_that_it_was_trained_on(cli, requests):
    requests.run("text_classifier", {"name": "d.csv", "text_column": "summary", "label_column": None})
    for more, column in ((), "summary"), (("--data", "d.csv"), "summary"), (("--data", "e.csv"), None):
        assert cli("evaluate", "run", *more).exit_code == 0
        assert requests.made[-1]["text_column"] == column
    assert cli("evaluate", "run", "--text-column", "body").exit_code == 0
    assert requests.made[-1]["text_column"] == "body" and requests.made[-1]["name"] == "d.csv"
