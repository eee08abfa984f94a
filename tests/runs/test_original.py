"""The original texts of a fine-tuned run: only those that neither run was trained on are measured."""

from types import SimpleNamespace

import pytest

from nlp_rnn import task
from nlp_rnn.datasets.catalogue import open_text_dataset
from nlp_rnn.datasets.lineage import FORMER_SPLIT
from nlp_rnn.language_model.documents import open_documents
from nlp_rnn.runs.original import figures_on_original

OLD = [f"the old sentence with number {n} is about {n * n % 97} things\n" for n in range(400)]
NEW = [f"a new sentence with number {n} speaks of {n * n % 89} other things\n" for n in range(400)]


def measured(start_data, data, kind="language_model", before=True, settings=None, path=None):
    """The texts that are measured, or None if there are no figures."""
    start = SimpleNamespace(
        path=path,
        data={"name": start_data.name, "text_column": None, "split_seed": 0, "split_by": "position"},
        settings=settings or {"token_level": "word"},
        lineage=start_data.lineage(),
        task=task.get(kind),
    )
    run = SimpleNamespace(start=start, task=start.task)
    figures = figures_on_original(run, data, before, lambda pieces: {"texts": [piece.text for piece in pieces]})
    return figures.get("texts")


def documents(path, *parts):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join("".join(part) for part in parts))
    return open_documents(str(path))


def test_all_that_was_held_out_is_measured_if_the_new_text_is_another(tmp_path, capsys):
    old, new = documents(tmp_path / "old.txt", OLD), documents(tmp_path / "new.txt", NEW)
    assert measured(old, new) == [piece.text for piece in old.stream("test")] and not capsys.readouterr().err


def test_what_the_new_text_contains_is_left_out(tmp_path, capsys):
    old = documents(tmp_path / "old.txt", OLD)
    held_out = [piece.text for piece in old.stream("test")]
    new = documents(tmp_path / "new" / "1.txt", held_out[:5], NEW)
    assert measured(old, new) == held_out[5:]
    count = f"5 of {len(held_out)} original texts"
    assert capsys.readouterr().err == f"left out, since the run was trained on them: {count}\n"


@pytest.mark.parametrize("before, lines", [(True, 1), (False, 0)])
def test_where_nothing_is_left_there_is_no_figure(tmp_path, capsys, before, lines):
    old, both = documents(tmp_path / "old.txt", OLD), documents(tmp_path / "both.txt", OLD, NEW)
    assert measured(old, both, before=before) is None
    said = "not measured on the original texts: the run was trained on all 19 that were held out\n"
    assert capsys.readouterr().err == said * lines


def test_an_original_text_that_has_changed_is_not_measured_on_what_was_trained_on(tmp_path):
    old = documents(tmp_path / "old.txt", OLD)
    old.lineage()
    held_out = [piece.text for piece in old.stream("test")]
    more = [text.replace("old", "later") for text in OLD[:50]]
    documents(tmp_path / "old.txt", more, OLD)
    assert measured(old, documents(tmp_path / "new.txt", NEW)) == [*more, *held_out]


def test_tables_keep_their_test_split_but_for_the_new_texts(tmp_path, capsys):
    (tmp_path / "new").mkdir()
    (tmp_path / "old.csv").write_text("text\n" + "".join(OLD))
    old = open_text_dataset(f"{tmp_path}/old.csv", labelled=False)
    test = [example.text for example in old.stream("test")]
    for split in ("train", "test"):
        (tmp_path / "new" / f"{split}.csv").write_text("text\n" + "".join(NEW) + f"{test[0]}\n{test[1]}\n")
    new = open_text_dataset(f"{tmp_path}/new", labelled=False)
    assert measured(old, new) == test[2:]
    assert f"2 of {len(test)} original texts" in capsys.readouterr().err


def test_a_run_that_did_not_record_its_split_is_opened_as_before(tmp_path):
    text = documents(tmp_path / "old.txt", OLD[:100] * 3)
    request = {"name": text.name, "text_column": None, "split_seed": 0}
    language_model, settings = task.get("language_model"), {"token_level": "word"}
    former = language_model.open_data(request, settings)
    assert former.split_by == FORMER_SPLIT and former.notes == []
    assert [p.text for p in former.stream("test")] == (OLD[:100] * 3)[-15:]
    assert language_model.open_data({**request, "split_by": None}, settings).split_by == "hash"
