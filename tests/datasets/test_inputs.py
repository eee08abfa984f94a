"""Input of one text per line."""

import io
from types import SimpleNamespace

import pytest

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.inputs import read_texts


def test_texts_from_a_file_and_from_standard_input(tmp_path, monkeypatch):
    (tmp_path / "x.txt").write_bytes("one\r\n\ntwo é".encode())
    assert list(read_texts(tmp_path / "x.txt")) == ["one", "", "two é"]
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"a\nb\xff\n")))
    texts = read_texts(None)
    assert next(texts) == "a"
    with pytest.raises(InputError, match="standard input, line 2, byte 3: 0xff is not UTF-8"):
        next(texts)


def test_a_file_that_does_not_exist(tmp_path):
    with pytest.raises(UsageError, match=r"none.txt: no such file"):
        read_texts(tmp_path / "none.txt")
