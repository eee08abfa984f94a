"""Data sets of labelled texts: columns, splits that do not leak, and what a run may be evaluated on."""

import pytest

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.catalogue import open_text_dataset
from tests.datasets.files import SPLITS, write_table


def test_columns_are_guessed_by_common_names_or_given(tmp_path):
    path = write_table(tmp_path / "x.csv", [("t", "x", "1"), ("u", "y", "2")], ("Review", "stars", "id"))
    assert open_text_dataset(str(path)).columns == ("Review", "stars")
    given = open_text_dataset(str(path), label_column="id")
    assert given.columns == ("Review", "id") and given.notes == ["text: Review; label: id; left out: stars (not used)"]
    with pytest.raises(UsageError, match="has no column 'rating' for the label; it has: Review, stars, id"):
        open_text_dataset(str(path), label_column="rating")
    path = write_table(tmp_path / "y.csv", [("t", "x")], ("a", "b"))
    with pytest.raises(UsageError, match=r"which column holds the text\? Give --text-column, one of: a, b"):
        open_text_dataset(str(path))


def test_a_column_has_one_role(tmp_path):
    path = write_table(tmp_path / "x.csv", [("t", "x")], ("review", "comment"))
    assert open_text_dataset(str(path), label_column="review").columns == ("comment", "review")
    with pytest.raises(UsageError, match=r"which column holds the label\? Give --label-column, one of: text, body"):
        open_text_dataset(str(write_table(tmp_path / "y.csv", [("t", "x")], ("text", "body"))))


def test_texts_without_labels(tmp_path):
    path = write_table(tmp_path / "x.csv", [("t",), ("u",)], ("body",))
    dataset = open_text_dataset(str(path), labelled=False)
    assert dataset.columns == ("body",) and dataset.notes == [], "there is no other column to choose"
    assert sorted((e.text, e.label) for e in dataset.walk()) == [("t", ""), ("u", "")]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_columns_that_are_not_separated_by_commas(tmp_path, separator):
    (tmp_path / "x.csv").write_text(f"body{separator}grade\n" + f"a, b{separator}c\n" * 4)
    example, *_ = open_text_dataset(str(tmp_path / "x.csv")).read("all")
    assert (example.text, example.label) == ("a, b", "c")


def test_splits_are_by_hash_so_duplicates_are_never_in_different_ones(tmp_path):
    rows = [(f"Text {n % 300}" + " " * (n // 300), "ab"[n % 2]) for n in range(900)]
    path = str(write_table(tmp_path / "x.csv", rows))
    texts = {
        split: {" ".join(e.text.lower().split()) for e in open_text_dataset(path).stream(split)} for split in SPLITS
    }
    assert not texts["train"] & texts["test"] and not texts["train"] & texts["validation"]
    assert 15 < len(texts["test"]) < 50 and sum(map(len, texts.values())) == 300
    assert {e.text for e in open_text_dataset(path, seed=1).stream("test")} != {
        e.text for e in open_text_dataset(path).stream("test")
    }
    assert abs(open_text_dataset(path).size("test") - 90) < 2


def test_a_walk_gives_every_example_with_the_split_that_streams_it(tmp_path):
    dataset = open_text_dataset(str(write_table(tmp_path / "x.csv")))
    walked = list(dataset.walk())
    assert len(walked) == 60
    for split in SPLITS:
        assert [e.text for e in walked if e.split == split] == [e.text for e in dataset.stream(split)]


def test_evaluates_on_all_of_another_data_set_and_on_the_test_split_of_its_own(tmp_path):
    dataset = open_text_dataset(str(write_table(tmp_path / "x.csv")))
    assert len(list(dataset.held_out(["other"]))) == 60 and dataset.is_whole(["other"])
    assert len(list(dataset.held_out([dataset.name]))) < 30 and not dataset.is_whole([dataset.name])
    assert len(list(dataset.held_out([dataset.name, "newer.csv"]))) < 30, "an ancestor was trained on it"
