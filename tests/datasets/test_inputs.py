"""Input of one text per line."""

import io

import pytest

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.inputs import open_texts


def read_texts(path):
    return open_texts(path, None, "text", ["text"])


def test_texts_from_a_file_and_from_standard_input(tmp_path, monkeypatch):
    (tmp_path / "x.txt").write_bytes("one\r\n\ntwo é".encode())
    assert list(read_texts(tmp_path / "x.txt")) == ["one", "", "two é"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\nb\xff\n")))
    texts = iter(read_texts(None))
    assert next(texts) == "a"
    with pytest.raises(InputError, match="standard input, line 2, byte 3: 0xff is not UTF-8"):
        next(texts)


def test_a_file_that_does_not_exist(tmp_path):
    with pytest.raises(UsageError, match=r"none.txt: no such file"):
        read_texts(tmp_path / "none.txt")
