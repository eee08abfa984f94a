"""Columns that name the split of each row: of texts, of texts without labels, and of pairs."""

import json
from collections import Counter

import pytest

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.catalogue import open_text_dataset
from nlp_rnn.datasets.lineage import Lineage
from nlp_rnn.seq2seq.pairs import open_pairs
from tests.datasets.files import write_table

ROWS = 60
THREE = {0: "train", 1: "train", 2: "train", 3: "validation", 4: "test"}


def table_of(path, values, column="split"):
    """A table whose column holds one of `values` in turn; the text says the number of the row."""
    rows = [(f"text {n}", "ab"[n % 2], values[n % len(values)]) for n in range(ROWS)]
    return str(write_table(path, rows, ("text", "label", column)))


def splits_of(dataset):
    return {int(example.text.split()[1]): example.split for example in dataset.walk()}


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("split", ["train", "train", "train", "validation", "test"]),
        ("Split ", ["Train", " TRAINING", "train", "val", "Testing"]),
        ("split", ["0", "0", "0", "1", "2"]),
        ("partition", ["0.0", "0.0", "0.0", "1.0", "2.0"]),
        ("subset", ["train", "train", "train", "dev", "test"]),
        ("fold", ["train", "train", "train", "valid", "test"]),
        ("ML_USE", ["TRAINING", "TRAINING", "TRAINING", "VALIDATION", "TEST"]),
        ("part of the corpus", ["train", "train", "train", "dev", "test"]),
    ],
)
def test_each_row_is_in_the_split_that_its_column_names(tmp_path, column, values):
    dataset = open_text_dataset(table_of(tmp_path / "x.csv", values, column))
    expected = {n: THREE[n % 5] for n in range(ROWS)}
    assert splits_of(dataset) == expected
    for split in ("train", "validation", "test"):
        numbers = [int(example.text.split()[1]) for example in dataset.stream(split)]
        assert numbers == [n for n in range(ROWS) if expected[n] == split] and dataset.size(split) == len(numbers)
    assert dataset.notes[-1] == f"split column: {column.strip()} (train 36, validation 12, test 12)"
    assert not dataset.held_out(Lineage()).whole


@pytest.mark.parametrize("value", [1, 1.0, True, "1", "True"])
def test_truths_of_every_type(tmp_path, value):
    other = type(value)(0) if not isinstance(value, str) else {"1": "0", "True": "False"}[value]
    rows = [{"text": f"text {n}", "label": "ab"[n % 2], "is_valid": value if n % 3 else other} for n in range(ROWS)]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    splits = splits_of(open_text_dataset(str(tmp_path / "x.jsonl")))
    assert all((splits[n] == "validation") == bool(n % 3) for n in range(ROWS))
    assert set(splits.values()) == {"train", "validation", "test"}, "the missing test split is taken from train"


def test_missing_splits_are_taken_from_train_as_for_folders(tmp_path):
    dataset = open_text_dataset(table_of(tmp_path / "x.csv", ["train", "train", "test"]))
    given = open_text_dataset(table_of(tmp_path / "x.csv", ["train", "train", "test"]), split_column="none")
    drawn = splits_of(dataset)
    assert {n for n in drawn if drawn[n] == "test"} == set(range(2, ROWS, 3))
    alone = {n for n, split in splits_of(given).items() if split == "validation"}
    assert {n for n in drawn if drawn[n] == "validation"} <= {*alone, *drawn} - set(range(2, ROWS, 3))
    assert dataset.notes[-1] == "split column: split (train 40, test 20; validation taken from train)"


def test_two_columns_may_name_a_split_each(tmp_path):
    rows = [(f"text {n}", "a", n % 4 == 1, n % 4 == 2) for n in range(8)]
    path = str(write_table(tmp_path / "x.csv", rows, ("text", "label", "is_valid", "is_test")))
    assert Counter(splits_of(open_text_dataset(path)).values()) == {"train": 4, "validation": 2, "test": 2}
    write_table(tmp_path / "x.csv", [*rows, ("text 9", "a", True, True)], ("text", "label", "is_valid", "is_test"))
    with pytest.raises(InputError, match=r"line 10: columns is_valid and is_test name two splits, test and validation"):
        open_text_dataset(path)


def test_a_table_of_the_train_split_may_name_validation_rows(tmp_path):
    table_of(tmp_path / "train.csv", ["False", "False", "True"], "is_valid")
    write_table(tmp_path / "test.csv", [("text 100", "a"), ("text 101", "b")])
    splits = splits_of(open_text_dataset(str(tmp_path)))
    assert {n for n in splits if splits[n] == "validation"} == set(range(2, ROWS, 3))
    assert {n for n in splits if splits[n] == "test"} == {100, 101}


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("split", ["train", "holdout"], r"line 3: column 'split' holds 'holdout', which names no split: write train, "),
        ("split", ["1", "2", "3"], r"line 4: column 'split' holds '3', .* ignore the column with --split-column none"),
        ("split", ["train", ""], r"line 3: column 'split' is empty"),
        ("is_valid", ["no", "maybe"], r"holds 'maybe', which names no split: write true, yes, 1, false, no, 0, or"),
        ("anything", ["train", "eval"], r"column 'anything' holds 'eval'"),
        ("subset", ["train", "extra"], r"column 'subset' holds 'extra'"),
    ],
)
def test_values_that_name_no_split_are_refused(tmp_path, column, values, message):
    path = table_of(tmp_path / "x.csv", values, column)
    with pytest.raises(InputError, match=message):
        open_text_dataset(path)
    assert len(splits_of(open_text_dataset(path, split_column="none"))) == ROWS


def test_a_value_far_down_the_table_is_checked_before_training(tmp_path):
    rows = [(f"text {n}", "a", "train" if n < 1500 else "???") for n in range(1501)]
    path = write_table(tmp_path / "x.csv", rows, ("text", "label", "anything"))
    with pytest.raises(InputError, match=r"line 1502: column 'anything' holds '\?\?\?'"):
        open_text_dataset(str(path))


@pytest.mark.parametrize("values", [["1", "2", "3", "4", "5"], ["a", "b"]])
def test_folds_of_a_cross_validation_are_left_out_and_said(tmp_path, values):
    path = table_of(tmp_path / "x.csv", values, "fold")
    dataset = open_text_dataset(path)
    assert dataset.notes[-1] == "column 'fold' names no splits: left out; --split-column fold uses it"
    assert splits_of(dataset) == splits_of(open_text_dataset(path, split_column="none"))


def test_other_columns_stay_unsaid(tmp_path):
    dataset = open_text_dataset(table_of(tmp_path / "x.csv", ["train", "bus", "car"], "vehicle"))
    assert not dataset.split_columns and dataset.notes == ["text: text; label: label; left out: vehicle (not used)"]


def test_a_named_column_wins(tmp_path):
    path = table_of(tmp_path / "x.csv", ["0", "1", "2"], "fold")
    assert Counter(splits_of(open_text_dataset(path, split_column="fold")).values()) == dict.fromkeys(
        ("train", "validation", "test"), ROWS // 3
    )
    with pytest.raises(UsageError, match="has no column 'part'; it has: text, label, fold"):
        open_text_dataset(path, split_column="part")


def test_texts_without_labels_and_pairs(tmp_path):
    values = ["train", "train", "train", "validation", "test"]
    texts = open_text_dataset(table_of(tmp_path / "x.csv", values), labelled=False)
    assert splits_of(texts) == {n: THREE[n % 5] for n in range(ROWS)}
    rows = [(f"text {n}", f"texte {n}", values[n % 5]) for n in range(ROWS)]
    pairs = open_pairs(str(write_table(tmp_path / "y.csv", rows, ("en", "fr", "part"))))
    assert pairs.columns == ("en", "fr") and splits_of(pairs) == {n: THREE[n % 5] for n in range(ROWS)}
    write_table(tmp_path / "z.csv", rows, ("one", "two", "split"))
    assert open_pairs(str(tmp_path / "z.csv")).columns == ("one", "two"), "the column of splits is no text"


def test_a_column_that_marks_rows_for_training(tmp_path):
    dataset = open_text_dataset(table_of(tmp_path / "x.csv", ["1", "1", "0"], "is_train"))
    assert Counter(splits_of(dataset).values())["test"] == ROWS // 3


def test_numbers_that_do_not_begin_with_training_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds numbers, and 0, for training, is not the most frequent"):
        open_text_dataset(table_of(tmp_path / "x.csv", ["1", "1", "2"], "split"))
