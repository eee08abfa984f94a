"""Which data a run has seen."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from nlp_rnn.datasets import hash_sets
from nlp_rnn.datasets.hash_sets import HashSet
from nlp_rnn.datasets.hashing import text_hash
from nlp_rnn.datasets.lineage import (
    Lineage,
    already_seen,
    find_data,
    lineage_of,
    resolved,
    split_seed,
    with_lineage,
)
from nlp_rnn.datasets.splits import TextDataset
from nlp_rnn.datasets.tables import Table


def run_of(path, **data):
    return SimpleNamespace(path=path, data=data, settings={"seed": 7}, lineage=None)


def test_a_lineage_is_a_file_of_the_run(tmp_path):
    saved = Lineage(HashSet.of([3, 1, 2**63]), frozenset(["abc"]), {5: 12, 2**64 - 1: 9})
    saved.save(tmp_path)
    read = lineage_of(run_of(tmp_path, name="a.csv", trained_on=["/old/b.csv"]))
    assert (
        read.hashes.values.tolist() == [1, 3, 2**63]
        and read.digests == {"abc"}
        and read.series == {5: 12, 2**64 - 1: 9}
    )
    assert read.names == ("/old/b.csv",) and read.knows("/old/b.csv") and not read.knows("a.csv")
    both = saved | Lineage(series={5: 10, 6: 1}, names=("x",))
    assert both.series == {5: 12, 2**64 - 1: 9, 6: 1} and both.names == ("x",) and 1 in both


def test_run_json_has_no_absolute_path(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("")
    monkeypatch.chdir(tmp_path)
    record = with_lineage({"name": "data/a.csv"}, out=tmp_path / "runs" / "a")
    assert record == {"name": "data/a.csv", "location": "../../data/a.csv"}
    assert with_lineage({"name": "movie_reviews"}, out=tmp_path) == {"name": "movie_reviews"}


def test_data_are_found_after_everything_has_moved(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here" / "a.csv").write_text("")
    record = with_lineage({"name": "a.csv"}, out=tmp_path / "here" / "run")
    assert find_data(record, tmp_path / "here" / "run") == "a.csv"
    monkeypatch.chdir(tmp_path)
    shutil.move(tmp_path / "here", tmp_path / "there")
    assert find_data(record, tmp_path / "there" / "run") == f"{tmp_path}/there/a.csv"
    (tmp_path / "there" / "a.csv").unlink()
    assert find_data(record, tmp_path / "there" / "run") == "a.csv", "as the user knows it"


def test_runs_of_earlier_versions_are_known_by_their_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("")
    first, later = run_of("old", name="a.csv"), run_of("old", name="b.csv", trained_on=["/x/a.csv", "/x/b.csv"])
    assert lineage_of(first).names == ("a.csv",) and lineage_of(later).names == ("/x/a.csv", "/x/b.csv")
    assert find_data(later.data) == "/x/b.csv"
    record = with_lineage({"name": "c.csv"}, later)
    assert record == {"name": "c.csv", "trained_on": ["/x/a.csv", "/x/b.csv"]}, "a run that starts from it knows it too"
    assert with_lineage({"name": "c.csv"}, first)["trained_on"] == [f"{tmp_path}/a.csv"]


def test_the_split_seed_is_that_of_the_run_or_of_its_settings():
    assert split_seed(run_of("x", split_seed=3)) == 3 and split_seed(run_of("x")) == 7
    assert split_seed(SimpleNamespace(path="x", data={}, settings={}, lineage=None)) == 0


def test_the_same_data_under_another_path_are_already_seen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("")
    (tmp_path / "link.csv").symlink_to("a.csv")
    for name in ("a.csv", "./a.csv", f"{tmp_path}/a.csv", "link.csv"):
        assert already_seen(name, ["other.csv", "a.csv"])
    assert not already_seen("b.csv", ["a.csv"])
    assert already_seen("movie_reviews", ["movie_reviews"]) and not already_seen("movie_reviews", ["everyday"])
    assert resolved("*.csv") == f"{tmp_path}/*.csv", "a pattern is a path as well"


@pytest.mark.parametrize("wide", [10, 10**6])
def test_a_lineage_without_some_texts(monkeypatch, wide):
    monkeypatch.setattr(hash_sets, "WIDE", wide)
    hashes = [text_hash(f"text {n}") for n in range(50)]
    rest = Lineage(HashSet.of(hashes)).without(hashes[:20])
    assert [value in rest for value in hashes] == [False] * 20 + [True] * 30
    assert Lineage().without(hashes) == Lineage()


def test_a_file_of_an_earlier_version(tmp_path):
    hashes = np.sort(np.array([text_hash(f"text {n}") for n in range(300)], np.uint64) >> np.uint64(32)).astype(
        np.uint32
    )
    with open(tmp_path / "trained_on.npz", "wb") as file:
        np.savez(file, hashes=hashes, digests=np.array([], "U64"), series=np.zeros((0, 2), np.uint64))
    lineage = lineage_of(run_of(tmp_path, name="a.csv"))
    assert text_hash("text 7") in lineage and text_hash("other") not in lineage and lineage.decides(text_hash("other"))


def texts(prefix, numbers):
    table = Table(prefix, ("text",), lambda: (("place", {"text": f"{prefix} {n}"}) for n in numbers))
    return TextDataset(prefix, {"all": table}, ("text",))


def test_a_run_that_was_trained_on_very_many_texts_is_not_evaluated_on_them(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(hash_sets, "WIDE", 100)
    monkeypatch.setattr(hash_sets, "MOST", 200)
    Lineage(HashSet.of(text_hash(f"old {n}") for n in range(1500))).save(tmp_path)
    lineage = lineage_of(run_of(tmp_path, name="old.csv"))
    assert not lineage.decides(1 << 32)
    assert len(list(texts("new", range(1500)).held_out(lineage))) == 1500 and not capsys.readouterr().err
    grown = [example.text for example in texts("old", range(3000)).held_out(lineage)]
    assert 100 < len(grown) < 300 and all(int(text.split()[1]) >= 1500 for text in grown)
    assert "texts of which it is not known are left out as well" in capsys.readouterr().err
