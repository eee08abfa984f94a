"""Going on with an interrupted run: as it was begun, or not at all."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from nlp_rnn import cli as commands
from nlp_rnn import recipes
from nlp_rnn.checks import CallError
from nlp_rnn.opening import asked_for
from nlp_rnn.places import begun
from nlp_rnn.resuming import as_begun, say_how_to_go_on


@dataclass(frozen=True)
class Config:
    units: int = 64
    seed: int = 0


RECIPE = SimpleNamespace(Config=Config)
PURPOSE = {"recipe": "mine", "settings": {"units": 8, "seed": 0}, "data": {"name": "a.csv"}, "start": None}


@pytest.fixture
def write(tmp_path):
    def written(**changes):
        folder = tmp_path / "out.unfinished"
        folder.mkdir(exist_ok=True)
        (folder / "purpose.json").write_text(json.dumps(PURPOSE | changes), encoding="utf-8")
        return tmp_path / "out"

    return written


def test_what_is_gone_on_with_is_said(write, capsys, tmp_path):
    assert as_begun(RECIPE, "mine", tmp_path / "none", None) == {}
    assert as_begun(RECIPE, "mine", write(), None) == PURPOSE
    assert "going on as begun: data a.csv units=8\n" in capsys.readouterr().err


def test_that_nothing_is_kept_is_said(capsys, tmp_path):
    say_how_to_go_on(tmp_path / "none")
    assert capsys.readouterr().err == "No epoch was finished: nothing is kept.\n"


def test_another_recipe_or_start_is_refused(write):
    with pytest.raises(CallError, match="out.unfinished was begun with the recipe mine: resume with the command that"):
        as_begun(RECIPE, "other", write(), None)
    with pytest.raises(CallError, match="out.unfinished was begun from scratch: resume with"):
        as_begun(RECIPE, "mine", write(), Path("runs/a"))
    with pytest.raises(CallError, match="out.unfinished was begun from runs/a: resume with"):
        as_begun(RECIPE, "mine", write(start="runs/a"), None)


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"recipe": "a", "settings": 1, "data": {}}'])
def test_a_damaged_purpose_is_said(write, text):
    out = write()
    (out.with_name("out.unfinished") / "purpose.json").write_text(text, encoding="utf-8")
    with pytest.raises(CallError, match=r"purpose.json is damaged: remove .*out.unfinished and begin again"):
        begun(out)


def test_what_is_not_said_of_the_data_is_as_it_was_begun():
    before = {"name": "a.csv", "text_column": "said", "past_columns": ["price"]}
    nothing = {"name": None, "text_column": None, "past_columns": ()}
    assert asked_for(nothing, before) == before
    assert asked_for(nothing, {"name": "shipped"}) == nothing | {"name": "shipped"}
    assert asked_for(nothing | {"name": "a.csv", "text_column": "body"}, before) == before | {"text_column": "body"}
    assert asked_for(nothing | {"name": "b.csv"}, before) == nothing | {"name": "b.csv"}, "other data, other columns"


def test_settings_that_a_recipe_does_not_take_any_more_are_said():
    recipe = recipes.load("sentiment")
    with pytest.raises(CallError, match="units must be a positive int, got 0: the recipe does not take the settings"):
        recipes.config_of(recipe, {"units": 0})


@pytest.fixture
def asked(monkeypatch):
    """What the data are that a command asks for, of a forecaster that was trained on another column."""
    data = {"name": "old.csv", "label_column": "sales", "text_column": None, "past_columns": ()}
    start = SimpleNamespace(recipe="forecasting", settings={}, data=data, pipeline=SimpleNamespace(kind="forecaster"))
    found = []
    monkeypatch.setattr(commands, "open_run", lambda *_: start)
    monkeypatch.setattr(commands, "train", lambda module, config, asked, *more, **job: found.append(asked))
    monkeypatch.setattr(commands, "measured", lambda trained, asked: (found.append(asked), "", []))
    monkeypatch.setattr(commands.answers, "print_figures", lambda *_: None)
    return found


def test_a_resumed_fine_tuning_reads_the_columns_that_it_was_begun_with(cli, asked):
    Path("out.unfinished").mkdir()
    data = {"name": "new.csv", "label_column": "turnover"}
    purpose = {"recipe": "forecasting", "settings": {}, "data": data, "start": "old"}
    Path("out.unfinished/purpose.json").write_text(json.dumps(purpose))
    for more in ((), ("--data", "new.csv")):
        result = cli("finetune", "old", "--out", "out", "--resume", *more)
        assert result.exit_code == 0, result.output
        assert asked[-1]["name"] == "new.csv" and asked[-1]["label_column"] == "turnover"
    cli("finetune", "old", "--out", "other", "--data", "new.csv")
    assert asked[-1]["label_column"] == "sales"


def test_a_classifier_is_evaluated_on_the_columns_that_it_was_trained_on(cli, asked, monkeypatch):
    data = {"name": "d.csv", "text_column": "summary", "label_column": None}
    run = SimpleNamespace(data=data, pipeline=SimpleNamespace(kind="text_classifier"))
    monkeypatch.setattr(commands, "open_run", lambda *_: run)
    for more, column in ((), "summary"), (("--data", "d.csv"), "summary"), (("--data", "e.csv"), None):
        assert cli("evaluate", "run", *more).exit_code == 0
        assert asked[-1]["text_column"] == column
    assert cli("evaluate", "run", "--text-column", "body").exit_code == 0
    assert asked[-1]["text_column"] == "body" and asked[-1]["name"] == "d.csv"
