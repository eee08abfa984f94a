"""Standard output and error of a command: results are written at once, and messages never fail."""

import codecs
import contextlib
import errno
import functools
import io
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from nlp_rnn.progress import say

OUTPUT = "standard output"  # what it is called in messages
_REPLACE = "nlp-rnn-replace"  # how standard output treats characters that its encoding lacks


def open_standard_streams() -> None:
    """Make the standard streams of this process safe to use; called once, when a command starts.

    A stream that is closed would give its descriptor to the next file that is opened, which would then receive the
    messages of TensorFlow: it is opened on the null device. Writing results to a closed standard output still fails.
    Standard error never fails. Standard output writes "?" for characters that its encoding lacks.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        _open_if_closed(number, flags)
    codecs.register_error(_REPLACE, _replace)
    if sys.stdout is sys.__stdout__:  # not where a test or a notebook reads it
        stdout: Any = sys.stdout or io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8")
        stdout.reconfigure(errors=_REPLACE)
        sys.stdout = stdout
    if sys.stderr is sys.__stderr__:
        sys.stderr = unfailing(sys.stderr or io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8"))


def _open_if_closed(number, flags):
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, flags)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        os.set_inheritable(number, True)


def _replace(error):
    """An error handler of codecs: "?" for each character that cannot be encoded, with a message for the first."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    if not is_utf8(error.encoding):  # which lacks lone surrogates alone
        _say_replaced(sys.stdout.encoding)
    return "?" * (error.end - error.start), error.end


@functools.cache
def _say_replaced(encoding):
    say(f"{OUTPUT} is {encoding}: '?' stands for characters that it lacks; for all of them, set PYTHONIOENCODING=utf-8")


def is_utf8(encoding: str | None) -> bool:
    """Whether this is a name of UTF-8.

    Examples:
        >>> is_utf8("UTF8"), is_utf8("cp1252"), is_utf8(None)
        (True, False, False)
    """
    return bool(encoding) and codecs.lookup(encoding).name == "utf-8"


class _Unfailing(io.RawIOBase):
    """Writes to another raw stream; what that cannot write is dropped."""

    name = "<stderr>"

    def __init__(self, stream: Any):
        self.stream = stream  # which closes the raw stream when nobody refers to it
        self.raw = getattr(stream.buffer, "raw", stream.buffer)  # with PYTHONUNBUFFERED there is no buffer

    def writable(self):
        return True

    def fileno(self):
        return self.raw.fileno()

    def isatty(self):
        return self.raw.isatty()

    def write(self, data):
        try:
            return self.raw.write(data) or len(data)  # None where it would have to wait
        except (OSError, ValueError):  # its reader has gone, the disk is full
            return len(data)


def unfailing(stream: Any) -> io.TextIOWrapper:
    """A text stream like `stream`, for messages, on which a command must not depend: writing to it never fails."""
    return io.TextIOWrapper(
        io.BufferedWriter(_Unfailing(stream)), stream.encoding, "backslashreplace", line_buffering=True
    )


def write_text(text: str) -> None:
    """Write a part of a result to standard output, at once.

    Raises:
        OSError: it is closed, its reader has gone, or its disk is full; names standard output.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        error.filename = OUTPUT
        raise
    except ValueError:
        if not sys.stdout.closed:
            raise
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), OUTPUT) from None


def write_line(text: str) -> None:
    """Write a line of a result to standard output, at once; raises as `write_text`."""
    write_text(f"{text}\n")


def write_json(content: Mapping[str, Any]) -> None:
    """Write an object as a line of JSON to standard output, at once; raises as `write_text`.

    Where standard output is not UTF-8, other characters than those of ASCII are escaped, so that none is lost.
    """
    write_line(json.dumps(content, ensure_ascii=not is_utf8(sys.stdout.encoding), default=str))  # dates of a table


def drop_output() -> None:
    """Drop results that could not be written, so that Python does not try once more, and fail, when it exits."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
