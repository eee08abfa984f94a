"""`nlp-rnn evaluate`: a run's own data, wherever they are, and other data."""

import json
from pathlib import Path

from tests.conftest import reviews


def test_evaluate_its_own_and_other_data(cli, trained, tmp_path):
    own = json.loads(cli("evaluate", trained, "--json").stdout)
    assert own["accuracy"] > 0.9 and own["texts"] < 50
    Path("o.jsonl").write_text("".join(json.dumps({"text": t, "label": to}) + "\n" for t, to in reviews(40)))
    other = cli("evaluate", trained, "--data", "o.jsonl")
    assert "on 40 texts" in other.stdout


def test_evaluate_knows_its_own_data_by_any_path(cli, trained, reviews_csv):
    other_path = reviews_csv.parent / ".." / reviews_csv.parent.name / reviews_csv.name
    own, again = (cli("evaluate", trained, *more, "--json").stdout for more in ([], ["--data", other_path]))
    assert own == again


def write_others(path):
    rows = ({"text": f"another {text}", "label": to} for text, to in reviews(100))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_what_an_ancestor_was_trained_on_is_not_evaluated_on(cli, trained, reviews_csv):
    write_others(Path("new.jsonl"))
    more = ("--set", "epochs=1", "--set", "seed=1")
    assert cli("finetune", trained, "--data", "new.jsonl", "--out", "tuned", *more).exit_code == 0
    old = json.loads(cli("evaluate", trained, "--json").stdout)["texts"]
    assert f"on {old:,} held-out texts" in cli("evaluate", "tuned", "--data", reviews_csv).stdout
    again = cli("finetune", trained, "--data", reviews_csv, "--out", "again", *more)
    assert f"on {old:,} held-out texts" in again.stdout
    about = json.loads(Path("again", "run.json").read_text())["data"]
    assert about["split_seed"] == 0 and about["trained_on"] == [str(reviews_csv.resolve())] * 2


def test_a_run_finds_its_data_from_another_folder(cli, trained, monkeypatch):
    write_others(Path("new.jsonl"))
    assert cli("finetune", trained, "--data", "new.jsonl", "--out", "tuned", "--set", "epochs=1").exit_code == 0
    own = cli("evaluate", "tuned").stdout
    Path("below").mkdir()
    monkeypatch.chdir("below")
    assert "held-out" in own and cli("evaluate", "../tuned").stdout == own
    assert cli("evaluate", "../tuned", "--data", "../new.jsonl").stdout == own
