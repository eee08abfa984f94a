"""`nlp-rnn evaluate`: a run's own data, wherever they are, and other data."""

import json
from pathlib import Path

import pytest

from tests.conftest import reviews


@pytest.mark.slow
def test_evaluate_its_own_and_other_data(cli, trained, tmp_path):
    own = json.loads(cli("evaluate", trained, "--json").stdout)
    assert own["accuracy"] > 0.9 and own["texts"] < 50
    write_others(Path("o.jsonl"), 40)
    other = cli("evaluate", trained, "--data", "o.jsonl")
    assert "on 40 texts" in other.stdout


def test_evaluate_never_measures_rows_that_were_trained_on(cli, trained):
    """Not even in a copy of another format, with other columns and more rows."""
    own = json.loads(cli("evaluate", trained, "--json").stdout)["texts"]
    rows = [*reviews(), *((f"another {text}", label) for text, label in reviews(30))]
    Path("o.jsonl").write_text("".join(json.dumps({"title": text, "class": label}) + "\n" for text, label in rows))
    grown = cli("evaluate", trained, "--data", "o.jsonl")
    assert f"on {own + 30} held-out texts" in grown.stdout
    assert f"left out, since the run was trained on them: {200 - own} of 230 texts" in grown.stderr
    about = json.loads(Path(trained, "run.json").read_text())["data"]
    assert "trained_on" not in about and not Path(about["location"]).is_absolute()
    assert Path(trained, "trained_on.npz").stat().st_size < 3_000


@pytest.mark.slow
def test_evaluate_knows_its_own_data_by_any_path(cli, trained, reviews_csv):
    other_path = reviews_csv.parent / ".." / reviews_csv.parent.name / reviews_csv.name
    own, again = (cli("evaluate", trained, *more, "--json").stdout for more in ([], ["--data", other_path]))
    assert own == again


def write_others(path, number=100):
    rows = ({"text": f"another {text}", "label": to} for text, to in reviews(number))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.slow
def test_what_an_ancestor_was_trained_on_is_not_evaluated_on(cli, trained, reviews_csv):
    write_others(Path("new.jsonl"))
    more = ("--set", "epochs=1", "--set", "seed=1")
    assert cli("finetune", trained, "--data", "new.jsonl", "--out", "tuned", *more).exit_code == 0
    old = json.loads(cli("evaluate", trained, "--json").stdout)["texts"]
    assert f"on {old:,} held-out texts" in cli("evaluate", "tuned", "--data", reviews_csv).stdout
    again = cli("finetune", trained, "--data", reviews_csv, "--out", "again", *more)
    assert f"on {old:,} held-out texts" in again.stdout
    about = json.loads(Path("again", "run.json").read_text())["data"]
    assert about["split_seed"] == 0 and "trained_on" not in about and not Path(about["location"]).is_absolute()


@pytest.mark.slow
def test_a_run_finds_its_data_from_another_folder(cli, trained, monkeypatch):
    write_others(Path("new.jsonl"))
    assert cli("finetune", trained, "--data", "new.jsonl", "--out", "tuned", "--set", "epochs=1").exit_code == 0
    own = cli("evaluate", "tuned").stdout
    Path("below").mkdir()
    monkeypatch.chdir("below")
    assert "held-out" in own and cli("evaluate", "../tuned").stdout == own
    assert cli("evaluate", "../tuned", "--data", "../new.jsonl").stdout == own
