"""The plain text files that `--data` names: one, those of a folder, or those that match a glob."""

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.folders import SPLIT_NAMES, is_hidden, split_of
from nlp_rnn.datasets.lines import read_lines
from nlp_rnn.datasets.tables import is_table

CHECKED_FILES = 100  # further files are not checked before they are read


class TextFiles(NamedTuple):
    """Plain text files.

    Attributes:
        paths: the files, in reading order.
        splits: the split of each file, if they come in splits.
        tables: number of tables in the same folder, which are not read.
    """

    paths: list[Path]
    splits: Sequence[str] | None = None
    tables: int = 0

    def notes(self) -> list[str]:
        """How many files there are, for the user to see."""
        notes = [f"{len(self.paths):,} text files"] if len(self.paths) > 1 else []
        notes += [f"splits as given: {', '.join(sorted(set(self.splits)))}"] if self.splits else []
        return notes + ([f"tables in the same folder, which are not read: {self.tables:,}"] if self.tables else [])


def find_text_files(data: str) -> TextFiles | None:
    """The plain text that `data` names: a file, a folder of files, or a glob; None if it is something else.

    Raises:
        UsageError: no file matches a glob.
        InputError: there is no text, or a file is binary.
    """
    path, files = Path(data), TextFiles([])
    if path.is_file() and not is_table(path):
        files = TextFiles([path])
    elif path.is_dir():
        files = _in_folder(path)
    elif glob.has_magic(data):
        files = TextFiles(_matching(data))
    for file in files.paths[:CHECKED_FILES]:
        _check_text(file)
    return files if files.paths else None


def _in_folder(path):
    """The text files of a folder; none if it holds tables of splits."""
    visible = [f for f in sorted(path.rglob("*")) if f.is_file() and not is_hidden(f.relative_to(path))]
    if not visible:
        raise InputError(f"{path} is an empty folder: put text files into it")
    if any(split_of(file) == "train" for file in visible if file.parent == path):
        return TextFiles([])
    files = [f for f in visible if not is_table(f)]
    tables = len(visible) - len(files)
    named = [SPLIT_NAMES.get(f.relative_to(path).parts[0].split(".")[0].lower()) for f in files]
    if "train" not in named:
        return TextFiles(files, tables=tables)
    in_splits = [(file, split) for file, split in zip(files, named, strict=True) if split]
    return TextFiles([file for file, _ in in_splits], [split for _, split in in_splits], tables)


def _matching(data):
    """The files that match a glob."""
    path = Path(data)
    try:
        matches = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
        files = sorted(file for file in matches if file.is_file())
    except ValueError as error:
        raise UsageError(f"{data}: {error}") from None
    if not files:
        raise UsageError(f"{data}: no file has a name like this")
    return files


def _check_text(file):
    first = next(read_lines(file), "")
    if "\0" in first:
        raise InputError(f"{file} is binary, not text: its first line holds a zero byte")
