"""Input for `predict`: one text per line, or one per row of a table."""

import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.lines import count_lines, decode_lines, encodable, read_lines
from nlp_rnn.datasets.roles import Wanted, find_roles
from nlp_rnn.datasets.tables import Table, is_table, open_table
from nlp_rnn.progress import say, track


class TableTexts:
    """The texts in a column of a table, one per row.

    Args:
        table: the table.
        column: the column of texts.

    Attributes:
        keep: whether to remember the rows that are read.
        rows: a queue of the remembered rows; the reader removes them.
    """

    def __init__(self, table: Table, column: str):
        self.table = table
        self.column = column
        self.keep = False
        self.rows: deque[Mapping[str, Any]] = deque()

    def __iter__(self) -> Iterator[str]:
        for place, values in track(self.table.rows(), "predicting", self.table.size):
            text = values.get(self.column)
            if not isinstance(text, str | None):
                raise InputError(f"{place}: column '{self.column}' holds {type(text).__name__}, not text")
            if self.keep:
                self.rows.append({name: values.get(name) for name in self.table.columns})
            yield encodable(text or "")


def open_texts(path: Path | None, column: str | None, role: str, names: Sequence[str]) -> Iterator[str] | TableTexts:
    """The texts to predict: the rows of a table, or the lines of another file or of standard input.

    Args:
        path: a file; None for standard input.
        column: the column of the table with the texts; None to detect it.
        role: what the column is called in messages, "text" or "source".
        names: its common names.

    Raises:
        UsageError: there is no such file or column, or it is not clear which column holds the texts.
        InputError: the file is broken; says where.
    """
    if path is not None and not path.is_file():
        raise UsageError(f"{path}: no such file")
    if path is None or not is_table(path):
        if column:
            raise UsageError(f"--{role}-column names a column of a table, and the input is none: leave it out")
        return read_texts(path)
    table = open_table(path)
    roles = find_roles(table, Wanted({role: column}, {role: names}))
    for note in roles.notes:
        say(note)
    return TableTexts(table, roles.by_role[role])


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
