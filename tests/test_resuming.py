"""Going on with an interrupted run: as it was begun, or not at all."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from nlp_rnn.checks import CallError
from nlp_rnn.opening import asked_for
from nlp_rnn.places import begun
from nlp_rnn.resuming import as_begun


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
