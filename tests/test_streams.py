"""Standard output and error: results that cannot be written are errors, messages never are."""

import errno
import gc
import io
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from nlp_rnn import streams
from nlp_rnn.progress import say


class Broken(io.RawIOBase):
    """A raw stream that fails after some writes."""

    def __init__(self, writes):
        self.writes, self.written = writes, b""

    def writable(self):
        return True

    def write(self, data):
        if not self.writes:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        self.writes -= 1
        self.written += bytes(data)
        return len(data)


@pytest.fixture
def stdout(monkeypatch):
    """A function that replaces standard output by one with this encoding, and returns the bytes below it."""

    def replaced(encoding, raw=None):
        raw = raw or io.BytesIO()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BufferedWriter(raw), encoding, write_through=True))
        monkeypatch.setattr("sys.__stdout__", streams.sys.stdout)
        streams.open_standard_streams()
        streams._say_replaced.cache_clear()
        return raw

    return replaced


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "é 😀\n"), ("cp1252", "é ?\n"), ("ascii", "? ?\n"), ("cp932", "? ?\n"), ("utf-16-le", "é 😀\n")],
)
def test_characters_that_the_encoding_lacks_become_question_marks(stdout, capsys, encoding, expected):
    raw = stdout(encoding)
    streams.write_line("é 😀")
    streams.write_line("\ud83d")
    assert raw.getvalue() == (expected + "?\n").encode(encoding)
    said = capsys.readouterr().err
    assert said.count("\n") == ("?" in expected or encoding == "utf-16-le") and (not said or encoding in said)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_json_loses_nothing_in_any_encoding(stdout, encoding):
    raw = stdout(encoding)
    streams.write_json({"text": "é 😀"})
    assert json.loads(raw.getvalue().decode(encoding)) == {"text": "é 😀"}


def test_results_that_cannot_be_written_are_an_error_that_names_standard_output(stdout, monkeypatch):
    stdout("utf-8", Broken(1))
    streams.write_line("one")
    with pytest.raises(BrokenPipeError) as raised:
        streams.write_line("two")
    assert raised.value.filename == "standard output"
    monkeypatch.setattr("sys.stdout", closed := io.StringIO())
    closed.close()
    with pytest.raises(OSError, match="Bad file descriptor: 'standard output'"):
        streams.write_line("three")


def test_messages_never_fail(monkeypatch):
    raw = Broken(1)
    stream = streams.unfailing(SimpleNamespace(buffer=raw, encoding="ascii"))
    monkeypatch.setattr("sys.stderr", stream)
    for text in ("one é", "two", "three"):
        say(text)
    assert raw.written == b"one \\xe9\n"
    raw.writes = 1
    say("the disk has space again")
    assert raw.written.endswith(b"again\n")
    for absent in (None, io.TextIOWrapper(Broken(0))):
        monkeypatch.setattr("sys.stderr", absent)
        say("where nothing made it safe")


def test_nothing_is_printed_on_standard_output_for_want_of_standard_error(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr", None)
    say("a message")
    assert capsys.readouterr().out == ""


def test_a_closed_descriptor_is_given_to_no_file(tmp_path):
    kept = os.dup(0)
    try:
        os.close(0)
        streams._open_if_closed(0, os.O_RDONLY)
        assert os.fstat(0).st_rdev == Path(os.devnull).stat().st_rdev
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(0, b"x")
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def test_a_stream_that_never_fails_outlives_the_one_that_it_was_made_from(tmp_path):
    number = os.open(tmp_path / "messages", os.O_WRONLY | os.O_CREAT)
    stream = streams.unfailing(io.TextIOWrapper(io.FileIO(number, "w", closefd=False), "utf-8"))
    gc.collect()
    assert not stream.isatty()
    stream.write("said\n")
    os.close(number)
    assert (tmp_path / "messages").read_text() == "said\n"
