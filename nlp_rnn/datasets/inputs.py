"""Input for `predict`: one text per line, or one per row of a table."""

import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.arriving import ArrivingTexts
from nlp_rnn.datasets.lines import count_lines, encodable, read_lines
from nlp_rnn.datasets.roles import Wanted, find_roles
from nlp_rnn.datasets.tables import Table, is_table, open_table
from nlp_rnn.progress import say

MAGIC = {b"PAR1": ".parquet", b"PK\x03\x04": ".xlsx", b"\x1f\x8b": ".csv.gz", b"{": ".jsonl"}  # how tables begin


@contextmanager
def table_on_standard_input() -> Iterator[Path]:
    """The table on standard input, up to its end, as a temporary file with the suffix of its format.

    Raises:
        InputError: those of the block, with the name of the file without its folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        begin = sys.stdin.buffer.read(4)
        suffix = next((suffix for magic, suffix in MAGIC.items() if begin.startswith(magic)), ".csv")
        path = Path(folder, f"standard input{suffix}")
        with open(path, "wb") as file:
            file.write(begin)
            shutil.copyfileobj(sys.stdin.buffer, file)
        try:
            yield path
        except InputError as error:
            raise type(error)(str(error).replace(f"{path.parent}/", "")) from None


class TableTexts:
    """The texts in a column of a table, one per row.

    Args:
        table: the table.
        column: the column of texts.

    Attributes:
        size: the number of rows; None if unknown.
        keep: whether to remember the rows that are read.
        rows: a queue of the remembered rows; the reader removes them.
    """

    def __init__(self, table: Table, column: str):
        self.table = table
        self.column = column
        self.size = table.size
        self.keep = False
        self.rows: deque[Mapping[str, Any]] = deque()

    def __iter__(self) -> Iterator[str]:
        for place, values in self.table.rows():
            text = values.get(self.column)
            if not isinstance(text, str | None):
                raise InputError(f"{place}: column '{self.column}' holds {type(text).__name__}, not text")
            if self.keep:
                self.rows.append({name: values.get(name) for name in self.table.columns})
            yield encodable(text or "")


class FileTexts:
    """The lines of a text file, without line ends.

    Args:
        path: the file, plain or gzipped.

    Attributes:
        size: the number of lines; None if unknown.
    """

    def __init__(self, path: Path):
        self.path = path
        self.size = count_lines(path)

    def __iter__(self) -> Iterator[str]:
        return (line.rstrip("\r\n") for line in read_lines(self.path))


Texts = TableTexts | FileTexts | ArrivingTexts


def open_texts(path: Path | None, column: str | None, role: str, names: Sequence[str]) -> Texts:
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
        return FileTexts(path) if path else ArrivingTexts()
    table = open_table(path)
    roles = find_roles(table, Wanted({role: column}, {role: names}))
    for note in roles.notes:
        say(note)
    return TableTexts(table, roles.by_role[role])
