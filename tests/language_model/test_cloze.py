"""The cloze test: accuracy by kind and by distance."""

from types import SimpleNamespace

import pytest

from nlp_rnn.language_model.cloze import COLUMNS, cloze_rows, measure_cloze
from nlp_rnn.language_model.documents import open_documents


class Predicts:
    """A pipeline that predicts x after a, b and c, and z after anything else."""

    encoder = SimpleNamespace(lowercase=True)

    def next_words(self, prompts):
        return ["x" if prompt in "abc" else "z" for prompt in prompts]


def test_correct_words_are_counted_by_kind_and_gap():
    rows = [("a", "X", "far", 0), ("b", "y", "far", 0), ("c", "x", "far", 5), ("d", "z", "near", 0)]
    accuracy = measure_cloze(Predicts(), [dict(zip(COLUMNS, row, strict=True)) for row in rows])
    assert accuracy["kinds"] == {"far": 2 / 3, "near": 1.0} and accuracy["gaps"] == {0: 0.5, 5: 1.0}
    assert accuracy["frequent"] == {"far": 1 / 3, "near": 1.0}


def test_several_kinds_with_gaps_are_counted_together():
    rows = [("a", "x", "one", 0), ("a", "x", "one", 1), ("a", "y", "two", 1), ("d", "z", "none", 0)]
    accuracy = measure_cloze(Predicts(), [dict(zip(COLUMNS, row, strict=True)) for row in rows])
    assert accuracy["gaps"] == {0: 1.0, 1: 0.5}


@pytest.mark.thorough
def test_the_everyday_data_keep_combinations_and_gaps_apart():
    tables = open_documents("everyday").tables
    rows = {split: [values for _, values in table.rows()] for split, table in tables.items()}
    assert sum(map(len, rows.values())) == 50_000
    assert len({row["text"] for part in rows.values() for row in part}) == 50_000
    gaps = {split: {int(row["gap"]) for row in part if row["kind"] == "origin"} for split, part in rows.items()}
    assert gaps["test"] == set(range(21)) and gaps["train"] == set(range(21)) - {3, 8, 14, 19}
    assert sum(row["text"][0].islower() for row in rows["train"]) > 500, "as the example begins"
    assert all(row["text"].startswith(f"{row['prompt']} {row['answer']}") for row in rows["test"][:500])


def test_plain_text_has_no_cloze_test(tmp_path):
    (tmp_path / "a.txt").write_text("no table")
    assert cloze_rows(open_documents(str(tmp_path / "a.txt")), "word") == []


@pytest.mark.thorough
def test_only_models_of_words_have_a_cloze_test():
    everyday = open_documents("everyday")
    assert len(cloze_rows(everyday, "word")) > 1000 and cloze_rows(everyday, "character") == []
