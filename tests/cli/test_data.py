"""How text files are split is part of the request, and stays when their run is resumed, evaluated or fine-tuned."""

from types import SimpleNamespace

import pytest

from nlp_rnn import task
from nlp_rnn.cli.data import COLUMNS, open_dataset

NONE = dict.fromkeys(COLUMNS)
SETTINGS = {"token_level": "word", "seed": 0}
LANGUAGE_MODEL = task.get("language_model")


@pytest.fixture
def copies(tmp_path):
    """A text file that is split by hash, unless it was split otherwise."""
    lines = [f"a line with number {n} of some text\n" for n in range(300)]
    (tmp_path / "a.txt").write_text("".join(lines * 2))
    return str(tmp_path / "a.txt")


def split_by(dataset_and_request):
    dataset, request = dataset_and_request
    return dataset.split_by, request.get("split_by")


def run_of(**data):
    return SimpleNamespace(path="run", data=data, settings=SETTINGS, lineage=None, task=LANGUAGE_MODEL)


def test_a_new_request_records_how_the_files_are_split(copies, tmp_path):
    opened = open_dataset(LANGUAGE_MODEL, copies, NONE, {"name": "movie_reviews"}, SETTINGS)
    assert split_by(opened) == ("hash", "hash")
    (tmp_path / "a.csv").write_text("text\n" + "one two three\n" * 9)
    _, request = open_dataset(LANGUAGE_MODEL, str(tmp_path / "a.csv"), NONE, {}, SETTINGS)
    assert "split_by" not in request, "tables are always split by hash"


@pytest.mark.parametrize(
    "recorded, expected", [({"split_by": "position"}, ("position", "position")), ({}, ("former", None))]
)
def test_the_split_of_a_run_stays(copies, recorded, expected):
    earlier = {"name": copies, "text_column": None, **recorded}
    assert split_by(open_dataset(LANGUAGE_MODEL, None, NONE, earlier, SETTINGS)) == expected, "resumed"
    run = run_of(**earlier)
    assert split_by(open_dataset(LANGUAGE_MODEL, None, NONE, earlier, SETTINGS, run)) == expected, "evaluated"
    assert split_by(open_dataset(LANGUAGE_MODEL, copies, NONE, {}, SETTINGS, run)) == expected, "fine-tuned"


def test_other_data_are_split_anew(copies, tmp_path):
    (tmp_path / "b.txt").write_text("another text of a few words\n" * 50)
    run = run_of(name=str(tmp_path / "b.txt"), text_column=None)
    assert split_by(open_dataset(LANGUAGE_MODEL, copies, NONE, run.data, SETTINGS, run)) == ("hash", "hash")
    run = run_of(name="c.txt", text_column=None, trained_on=[copies])
    assert split_by(open_dataset(LANGUAGE_MODEL, copies, NONE, {}, SETTINGS, run)) == ("former", None), "version 0.1"
