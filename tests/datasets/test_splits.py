"""Data sets of labelled texts: columns, splits that do not leak, and what a run may be evaluated on."""

import pytest

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.catalogue import open_text_dataset
from nlp_rnn.datasets.lineage import Lineage
from tests.datasets.files import ROWS, SPLITS, write_table


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
    test = [example.text for example in dataset.stream("test")]
    other = dataset.held_out(Lineage())
    assert len(list(other)) == 60 and other.measured_on == "texts"
    for lineage in (dataset.lineage(), Lineage(names=[dataset.name]), Lineage(names=["newer.csv", dataset.name])):
        own = dataset.held_out(lineage)
        assert [example.text for example in own] == test and own.measured_on == "held-out texts"


def test_what_was_trained_on_is_recognised_in_another_file(tmp_path, capsys):
    lineage = open_text_dataset(str(write_table(tmp_path / "x.csv"))).lineage()
    dataset = open_text_dataset(str(tmp_path / "x.csv"))
    test = {example.text for example in dataset.stream("test")}
    more = [(f"quite another text {n}", "a") for n in range(7)]
    grown = [*more, *((text.upper(), label) for text, label in ROWS)]
    other = open_text_dataset(str(write_table(tmp_path / "y.jsonl", grown)), seed=5).held_out(lineage)
    assert {example.text for example in other} == {text for text, _ in more} | {text.upper() for text in test}
    assert other.left_out == 60 - len(test) and other.measured_on == "held-out texts"
    assert f"left out, since the run was trained on them: {60 - len(test)} of 67 texts\n" == capsys.readouterr().err


def test_a_test_split_of_copies_is_measured_all_the_same_and_it_is_said(tmp_path, capsys):
    write_table(tmp_path / "train.csv", ROWS)
    write_table(tmp_path / "test.csv", ROWS[:5])
    dataset = open_text_dataset(str(tmp_path))
    seen = {example.text for example in dataset.walk() if example.split == "train"}
    assert [example.text for example in dataset.held_out(dataset.lineage())] == [text for text, _ in ROWS[:5]]
    assert seen and "was trained on every text of the test split: these figures say nothing" in capsys.readouterr().err
    write_table(tmp_path / "test.csv", [*ROWS[:5], ("new", "a")])
    assert [example.text for example in open_text_dataset(str(tmp_path)).held_out(dataset.lineage())] == ["new"]
