"""Lines of a stream as they arrive: a thread reads ahead, so that a reader knows when no more is there to be read."""

import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from nlp_rnn.datasets.lines import decode_lines

BLOCK = 1 << 16  # bytes read at once
BLOCKS = 16  # read ahead at most
GAP = 0.004  # seconds without another line after which a batch is not filled further
PATIENCE = 0.015  # seconds to fill a batch, however close its lines follow each other


class ArrivingLines:
    """The lines of a binary stream, with their line ends.

    Args:
        read: returns the next bytes of the stream, as soon as there are any; nothing at its end.

    Examples:
        >>> parts = iter([b"one\\ntw", b"o\\n", b"three", b""])
        >>> list(ArrivingLines(lambda: next(parts)))
        [b'one\\n', b'two\\n', b'three']
    """

    def __init__(self, read: Callable[[], bytes]):
        self._blocks: queue.Queue[bytes | OSError] = queue.Queue(BLOCKS)
        self._lines: deque[bytes] = deque()
        self._rest: list[bytes] = []  # of a line whose end has not come
        self._ended = False
        self._deadline = 0.0
        threading.Thread(target=self._read_ahead, args=[read], daemon=True).start()

    def _read_ahead(self, read):
        block: bytes | OSError = b" "
        while block and not isinstance(block, OSError):
            try:
                block = read()
            except OSError as error:
                error.filename = "standard input"
                block = error
            self._blocks.put(block)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while not self._lines and not self._ended:
            self._take(self._blocks.get())
        if not self._lines:
            raise StopIteration
        self._deadline = self._deadline or time.monotonic() + PATIENCE
        return self._lines.popleft()

    def idle(self) -> bool:
        """Whether to wait no longer for another line: none is there, and none has come within a few milliseconds."""
        while not self._lines and not self._ended:
            seconds = min(GAP, self._deadline - time.monotonic())
            try:
                self._take(self._blocks.get(seconds > 0, max(seconds, 0)))
            except queue.Empty:
                self._deadline = 0.0
                return True
        return False

    def _take(self, block):
        if isinstance(block, OSError):
            raise block
        first, *others = block.split(b"\n")
        if others:
            self._lines.append(b"".join([*self._rest, first, b"\n"]))
            self._lines.extend(line + b"\n" for line in others[:-1])
            self._rest, first = [], others[-1]
        self._rest.append(first)
        self._ended = not block
        if self._ended and any(self._rest):
            self._lines.append(b"".join(self._rest))


class ArrivingTexts:
    """The lines of standard input as texts, without line ends.

    Attributes:
        size: their number, which is not known.
        idle: see `ArrivingLines.idle`; a batch is not filled further when it is true.
    """

    size = None

    def __init__(self):
        self._lines = ArrivingLines(_reader())
        self.idle = self._lines.idle

    def __iter__(self) -> Iterator[str]:
        return (line.rstrip("\r\n") for line in decode_lines(self._lines, "standard input"))


def _reader():
    """A function that reads what has come, past the buffer of `sys.stdin`: a waiting thread would lock it at exit."""
    try:
        return partial(os.read, sys.stdin.fileno(), BLOCK)
    except (OSError, ValueError):  # no file, as in tests
        buffer: Any = sys.stdin.buffer
        return partial(buffer.read1, BLOCK)
