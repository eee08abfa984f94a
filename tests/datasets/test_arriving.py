"""Lines as they arrive: a batch waits for no line that is not there, and no line waits for a batch to fill."""

import os
import queue
import time

import pytest

from nlp_rnn.datasets import arriving
from nlp_rnn.datasets.arriving import ArrivingLines
from nlp_rnn.text.chunks import chunks


@pytest.fixture
def pipe():
    """Lines from a pipe, and a function that writes into it."""
    reading, writing = os.pipe()
    lines = ArrivingLines(lambda: os.read(reading, 1 << 16))
    yield lines, lambda data: os.write(writing, data)
    os.close(writing)
    list(lines)  # until the thread has ended
    os.close(reading)


def test_a_batch_ends_where_no_more_has_come(pipe):
    lines, write = pipe
    batches = chunks(lines, 3)
    write(b"one\n")
    assert next(batches) == [b"one\n"]
    write(b"two\nthree\nfo")
    assert next(batches) == [b"two\n", b"three\n"], "the fourth is not complete"
    write(b"ur\n5\n6\n7\n")
    assert next(batches) == [b"four\n", b"5\n", b"6\n"], "no more than fit"
    assert next(batches) == [b"7\n"]


def test_a_batch_is_not_kept_open_by_lines_that_trickle_in(monkeypatch):
    """Each comes within the gap; the batch ends by the time since its first line."""
    monkeypatch.setattr(arriving, "GAP", 0.5)
    monkeypatch.setattr(arriving, "PATIENCE", 0.05)

    def trickle():
        time.sleep(0.002)
        return b"line\n"

    begun = time.monotonic()
    batch = next(chunks(ArrivingLines(trickle), 10**6))
    assert 2 <= len(batch) < 50 and time.monotonic() - begun < 0.5


def test_what_is_there_already_fills_whole_batches():
    blocks = iter([b"line\n" * 1000] * 10 + [b"last", b""])
    lines = ArrivingLines(lambda: next(blocks))
    sizes = [len(batch) for batch in chunks(lines, 2048)]
    assert sum(sizes) == 10_001 and max(sizes) == 2048 and len(sizes) <= 7


def test_long_lines_and_other_line_ends_stay_whole():
    blocks = iter([b"a\rb\x0b", *[b"x" * 100] * 1000, b"\r\n", b"\n", b""])
    assert list(ArrivingLines(lambda: next(blocks))) == [b"a\rb\x0b" + b"x" * 100_000 + b"\r\n", b"\n"]


def test_only_so_much_is_read_ahead():
    taken = queue.Queue()

    def read():
        taken.put(1)
        return b"line\n"

    next(ArrivingLines(read))
    time.sleep(0.05)
    assert taken.qsize() <= arriving.BLOCKS + 3


def test_an_error_of_the_stream_is_raised_where_it_is_read():
    def read():
        raise IsADirectoryError(21, "Is a directory")

    with pytest.raises(IsADirectoryError, match="Is a directory: 'standard input'"):
        list(ArrivingLines(read))
