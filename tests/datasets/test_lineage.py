"""Which data a run has seen."""

from types import SimpleNamespace

import pytest

from nlp_rnn.datasets.lineage import already_seen, find_data, resolved, split_seed, trained_on, with_lineage


@pytest.fixture
def start(tmp_path):
    """A run that was trained on a.csv with seed 7, where it was started."""
    data = with_lineage({"name": "a.csv", "split_seed": 7})
    return SimpleNamespace(data=data, settings={"seed": 7})


def test_a_run_inherits_the_data_and_the_split_seed_of_the_run_it_starts_from(tmp_path, monkeypatch, start):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.csv").write_text("")
    data = {"name": "b.csv", "split_seed": 3}
    assert with_lineage(data) == {**data, "trained_on": [f"{tmp_path}/b.csv"]}
    assert with_lineage(data, start) == {**data, "trained_on": ["a.csv", f"{tmp_path}/b.csv"]}
    assert split_seed(start) == 7


def test_runs_of_version_0_1_without_a_lineage():
    old = SimpleNamespace(data={"name": "a.csv"}, settings={"seed": 5})
    assert split_seed(old) == 5 and trained_on(old.data) == ["a.csv"]
    assert split_seed(SimpleNamespace(data={"name": "a.csv"}, settings={})) == 0


def test_data_are_opened_by_the_given_or_the_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("")
    data = with_lineage({"name": "a.csv"})
    assert find_data(data) == "a.csv"
    monkeypatch.chdir("/")
    assert find_data(data) == f"{tmp_path}/a.csv"


def test_the_same_data_under_another_path_are_already_seen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("")
    (tmp_path / "link.csv").symlink_to("a.csv")
    for name in ("a.csv", "./a.csv", f"{tmp_path}/a.csv", "link.csv"):
        assert already_seen(name, ["other.csv", "a.csv"])
    assert not already_seen("b.csv", ["a.csv"])
    assert already_seen("movie_reviews", ["movie_reviews"]) and not already_seen("movie_reviews", ["everyday"])
    assert resolved("*.csv") == f"{tmp_path}/*.csv", "a pattern is a path as well"
