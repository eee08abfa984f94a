"""Checks of labels before training: what is one class, what looks like one, and which classes a run keeps."""

from collections import Counter

import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.classification.data import check_sizes, classes_of


def counted(**splits):
    """Counts of labels by split: train="aab" is two texts of class a and one of b."""
    return Counter((label, split) for split, labels in splits.items() for label in labels)


def test_classes_are_in_order():
    assert classes_of(counted(train=["10", "9", "b", "a"] * 2), None) == ["a", "b", "9", "10"]


@pytest.mark.parametrize("same", [("0", "0.0", "0"), ("1", "1.00", "1"), ("e\u0301", "\u00e9", "\u00e9")])
def test_labels_that_are_certainly_the_same_are_one_class(same, capsys):
    one, other, expected = same
    assert set(classes_of(counted(train=[one, "x"] * 4, test=[other, "x"] * 4), None)) == {expected, "x"}
    assert f"as '{expected}'" in capsys.readouterr().err


def test_the_spelling_of_the_run_stays():
    assert classes_of(counted(train=["0", "1", "2"] * 3), ["0.0", "1.0"]) == ["0.0", "1.0", "2"]


@pytest.mark.parametrize(
    "alike",
    [("sport", "Sport"), ("a b", "a\u00a0 b"), ("sport", "sp\u200bort"), ("1", "01"), ("1.5", "1,50"), ("ﬁlm", "film")],
)
def test_labels_that_look_alike_are_refused(alike):
    with pytest.raises(InputError, match=r"labels '.*' \(t.* 4\) and '.*' \(t.* 4\) look alike: write one of them"):
        classes_of(counted(train=[alike[0], "x"] * 4, test=[alike[1], "x"] * 4), None)
    with pytest.raises(InputError, match=r"\(of the run\) and '.*' \(train 4\) look alike"):
        classes_of(counted(train=[alike[1], "x"] * 4), [alike[0], "x"])
    assert classes_of(counted(train=[alike[1], "x"] * 4), [*alike, "x"]) == [*alike, "x"], "the run has both"


def test_labels_that_no_training_text_has(capsys):
    assert classes_of(counted(train="aabb", validation="bd", test="acc"), None) == ["a", "b", "c", "d"]
    assert capsys.readouterr().err == "labels that no training text has: 'c' (test 2), 'd' (validation 1)\n"
    assert classes_of(counted(train="aabb", test="ac"), ["a", "c"]) == ["a", "c", "b"]
    assert "no training text" not in capsys.readouterr().err, "the run knows it"
    with pytest.raises(InputError, match="has a label of the test split: c, d there, a, b in train; write the same"):
        classes_of(counted(train="aabb" * 3, test="ccddd"), None)


def test_a_run_keeps_its_classes_unless_they_are_dropped(capsys):
    counts = counted(train=["money", "sport", "food"] * 3)
    assert classes_of(counts, ["film", "money", "sport"]) == ["film", "money", "sport", "food"]
    said = capsys.readouterr().err
    assert "does not have: food\n" in said and "without texts here, which it keeps: film\n" in said
    assert classes_of(counts, ["film", "money", "sport"], drop=True) == ["money", "sport", "food"]
    assert "classes of the run that are dropped: film\n" in capsys.readouterr().err
    assert classes_of(counts, ["a", "b"]) == ["a", "b", "food", "money", "sport"]
    assert "a, b; --set drop_classes=true leaves them out" in capsys.readouterr().err


def test_data_that_cannot_be_trained_on():
    with pytest.raises(InputError, match="two classes are needed, and all 3 texts are of class 'a'"):
        classes_of(counted(train=["a", "a", "a"]), ["a", "b"])
    with pytest.raises(InputError, match="4 labels for 4 texts: is it the right --label-column"):
        classes_of(counted(train="abcd"), None)
    with pytest.raises(InputError, match="x: no text is in the train split, and 2 are in others"):
        check_sizes("x", counted(validation="a", test="b"))
    with pytest.raises(InputError, match="x: the test split is empty: 2 texts are too few"):
        check_sizes("x", counted(validation="a", train="b"))
