"""Input for `predict`, one text per line."""

import sys
from collections.abc import Iterator
from pathlib import Path

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.lines import count_lines, decode_lines, read_lines
from nlp_rnn.progress import track


def read_texts(path: Path | None) -> Iterator[str]:
    """The lines of a file, or of standard input if `path` is None, without line ends.

    Raises:
        UsageError: there is no such file.
        InputError: a line is not UTF-8.
    """
    if path is None:
        texts, size = decode_lines(sys.stdin.buffer, "standard input"), None
    elif path.is_file():
        texts, size = read_lines(path), count_lines(path)
    else:
        raise UsageError(f"{path}: no such file")
    return (line.rstrip("\r\n") for line in track(texts, "predicting", size))
