"""Running text from files: where it is cut, and into which split a piece goes."""

from pathlib import Path

import pytest

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.lineage import Lineage
from nlp_rnn.datasets.splits import TextDataset
from nlp_rnn.language_model.data import with_ends
from nlp_rnn.language_model.documents import open_documents


def test_text_without_spaces_is_cut_all_the_same(tmp_path):
    (tmp_path / "a.txt").write_text("天地玄黄" * 2500)
    pieces = list(open_documents(str(tmp_path / "a.txt")).walk())
    assert {piece.split for piece in pieces} == {"train", "validation", "test"}
    assert "".join(piece.text for piece in pieces) == "天地玄黄" * 2500


@pytest.mark.parametrize("text", ["people", "the people and the people", "a b"])
def test_a_short_text_is_cut_only_between_words(tmp_path, text):
    file = tmp_path / "a.txt"
    file.write_text(text)
    assert [piece.text.strip() for piece in open_documents(str(file)).walk()] == text.split()
    assert "".join(piece.text for piece in open_documents(str(file), raw=True).walk()) == text


def test_documents_join_to_the_file_and_split_by_position(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("".join(f"line {n}\n\n" if n % 7 == 0 else f"line {n}\n" for n in range(400)))
    raw = open_documents(str(file), raw=True)
    assert "".join(piece.text for piece in raw.walk()) == file.read_text()
    assert [piece.ends for piece in raw.walk()] == [False] * (len(list(raw.walk())) - 1) + [True]
    parts = ["".join(p.text for p in raw.stream(split)) for split in ("train", "validation", "test")]
    assert "".join(parts) == file.read_text()
    assert abs(len(parts[0]) / len(file.read_text()) - 0.9) < 0.01
    words = list(open_documents(str(file)).walk())
    assert sum(piece.ends for piece in words) == 58, "a paragraph ends a document"
    (tmp_path / "b.txt").write_text("one\ntwo\n")
    assert len(open_documents(str(tmp_path / "*.txt")).files) == 2
    assert sum(p.ends for p in open_documents(str(tmp_path / "b.txt")).walk()) == 2, (
        "without blank lines, each line does"
    )


def test_a_long_line_is_cut_into_pieces(tmp_path):
    (tmp_path / "long.txt").write_text("word " * 100_000)
    pieces = list(open_documents(str(tmp_path / "long.txt")).walk())
    assert max(len(piece.text) for piece in pieces) <= 100_000 and [p.ends for p in pieces].count(True) == 1
    assert "".join(piece.text for piece in pieces) == "word " * 100_000


def test_blank_lines_at_the_ends_of_a_file_make_no_paragraphs(tmp_path):
    (tmp_path / "a.txt").write_text("\none\ntwo\nthree\n\n")
    assert sum(piece.ends for piece in open_documents(str(tmp_path / "a.txt")).walk()) == 3


def test_a_folder_of_texts_and_other_files(tmp_path):
    for name in ("a.txt", "REVIEWS.CSV", ".git/HEAD", "b/.ipynb_checkpoints/c.txt", "b/c.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text,more\n" * 9)
    documents = open_documents(str(tmp_path))
    assert [str(file.relative_to(tmp_path)) for file in documents.files] == ["a.txt", "b/c.txt"]
    assert documents.notes == ["2 text files", "tables in the same folder, which are not read: 1"]
    (tmp_path / "Train.csv").write_text("text,more\n" * 9)
    assert isinstance(open_documents(str(tmp_path)), TextDataset), "a folder of splits, whatever else is in it"


@pytest.mark.parametrize("names", [("train.txt", "valid.txt", "test.txt"), ("train/a.txt", "dev/b.txt", "test/c.txt")])
def test_a_folder_of_splits_keeps_them(tmp_path, names):
    for name in (*names, "readme.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"of {name}\n" * 300)
    documents = open_documents(str(tmp_path))
    assert documents.notes == ["3 text files", "splits as given: test, train, validation"]
    for split, name in zip(("train", "validation", "test"), names, strict=True):
        assert {piece.text.strip() for piece in documents.stream(split)} == {f"of {name}"}
        assert documents.size(split) == 300
    assert not documents.held_out(Lineage()).whole


def test_a_split_that_a_folder_lacks_is_cut_from_its_training_text(tmp_path):
    for name in ("a_test.txt", "test.txt", "train.txt"):
        (tmp_path / name).write_text("".join(f"{name} {n}\n" for n in range(1000)))
    documents = open_documents(str(tmp_path))
    texts = {s: [piece.text.split() for piece in documents.stream(s)] for s in ("train", "validation", "test")}
    assert {name for name, _ in texts["test"]} == {"test.txt"} and len(texts["test"]) == 1000
    assert {name for name, _ in texts["train"] + texts["validation"]} == {"train.txt"}
    assert [int(n) for _, n in texts["train"] + texts["validation"]] == list(range(1000))
    assert abs(len(texts["validation"]) - 50) < 5 and abs(documents.size("validation") - 50) < 1


def test_a_file_that_grows_while_it_is_read(tmp_path):
    file = tmp_path / "log.txt"
    file.write_text("a line\n" * 10)
    documents = open_documents(str(file))
    file.write_text("a line\n" * 30)
    assert [piece.split for piece in documents.walk()][-20:] == ["test"] * 20


def test_text_that_was_not_trained_on_is_measured_whole(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("a line\n" * 100)
    documents = open_documents(str(file))
    other = documents.held_out(Lineage())
    assert len(list(other)) == 100 and other.measured_on == "texts"
    for lineage in (Lineage(names=[str(file)]), documents.lineage()):
        own = documents.held_out(lineage)
        assert len(list(own)) == 5 and own.measured_on == "held-out texts"


@pytest.mark.parametrize("raw", [False, True])
def test_text_that_was_trained_on_is_recognised_in_another_file(tmp_path, raw):
    lines = [f"This is line number {n} of the first book. It says little.\n" for n in range(200)]
    (tmp_path / "a.txt").write_text("".join(lines))
    documents = open_documents(str(tmp_path / "a.txt"), raw=raw)
    lineage, test = documents.lineage(), [piece.text for piece in documents.stream("test")]
    (tmp_path / "copy.txt").write_text("".join(lines))
    assert [piece.text for piece in open_documents(str(tmp_path / "copy.txt"), raw=raw).held_out(lineage)] == test
    more = [f"Here is line number {n} of another book, which is new.\n" for n in range(150)]
    (tmp_path / "grown.txt").write_text("".join([*more, *lines]))
    grown = "".join(piece.text for piece in open_documents(str(tmp_path / "grown.txt"), raw=raw).held_out(lineage))
    assert grown.count("another book") == 150 and grown.count("first book") == sum(t.count("first book") for t in test)


def test_a_glob_without_a_match(tmp_path):
    with pytest.raises(UsageError, match=r"no file has a name like this|nvalid"):
        open_documents(str(tmp_path / "**.txt"))


@pytest.mark.parametrize("content, message", [(b"", "is empty: give some text"), (b"\0\1\2\n", "is binary, not text")])
def test_files_without_text(tmp_path, content, message):
    (tmp_path / "x.txt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        list(open_documents(str(tmp_path / "x.txt")).walk())


def test_an_empty_folder(tmp_path):
    with pytest.raises(InputError, match="is an empty folder"):
        open_documents(str(tmp_path))


@pytest.mark.slow
def test_an_empty_split_is_reported_before_training_and_empty_rows_are_no_texts(tmp_path, cli):
    rows = ["text", *(f"one two three four five {n} six" for n in range(200)), '""', '" "']
    (tmp_path / "train.csv").write_text("\n".join(rows))
    (tmp_path / "valid.csv").write_text("\n".join(rows))
    (tmp_path / "test.csv").write_text("text\n")
    assert sum(ends for _, ends in with_ends(open_documents(str(tmp_path)).stream("train"))) == 200
    result = cli("run", "generation", "--data", tmp_path, "--out", "x", "--set", "epochs=1")
    assert result.exit_code == 1 and "the test split is empty: give more text" in result.stderr
    assert "epoch 1" not in result.stderr and not Path("x.unfinished").exists()
