"""Running text from files: where it is cut, and into which split a piece goes."""

import pytest

from nlp_rnn.sources.documents import open_texts


def test_text_without_spaces_is_cut_all_the_same(tmp_path):
    (tmp_path / "a.txt").write_text("天地玄黄" * 2500)
    pieces = list(open_texts(str(tmp_path / "a.txt")).walk())
    assert {piece.split for piece in pieces} == {"train", "validation", "test"}
    assert "".join(piece.text for piece in pieces) == "天地玄黄" * 2500


@pytest.mark.parametrize("text", ["people", "the people and the people", "a b"])
def test_a_short_text_is_cut_between_words_alone(tmp_path, text):
    file = tmp_path / "a.txt"
    file.write_text(text)
    assert [piece.text.strip() for piece in open_texts(str(file)).walk()] == text.split()
    assert "".join(piece.text for piece in open_texts(str(file), raw=True).walk()) == text


def test_documents_join_to_the_file_and_split_by_position(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("".join(f"line {n}\n\n" if n % 7 == 0 else f"line {n}\n" for n in range(400)))
    raw = open_texts(str(file), raw=True)
    assert "".join(piece.text for piece in raw.walk()) == file.read_text()
    assert [piece.ends for piece in raw.walk()] == [False] * (len(list(raw.walk())) - 1) + [True]
    parts = ["".join(p.text for p in raw.stream(split)) for split in ("train", "validation", "test")]
    assert "".join(parts) == file.read_text()
    assert abs(len(parts[0]) / len(file.read_text()) - 0.9) < 0.01
    words = list(open_texts(str(file)).walk())
    assert sum(piece.ends for piece in words) == 58, "a paragraph ends a document"
    (tmp_path / "b.txt").write_text("one\ntwo\n")
    assert len(open_texts(str(tmp_path / "*.txt")).files) == 2
    assert sum(p.ends for p in open_texts(str(tmp_path / "b.txt")).walk()) == 2, "without blank lines, each line does"


def test_a_long_line_is_cut_into_pieces(tmp_path):
    (tmp_path / "long.txt").write_text("word " * 100_000)
    pieces = list(open_texts(str(tmp_path / "long.txt")).walk())
    assert max(len(piece.text) for piece in pieces) <= 100_000 and [p.ends for p in pieces].count(True) == 1
    assert "".join(piece.text for piece in pieces) == "word " * 100_000
