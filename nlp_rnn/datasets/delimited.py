"""Delimited text, such as .csv and .tsv: what separates its fields, which line names the columns, and its records."""

import contextlib
import csv
import re
import sys
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.lines import read_lines

SEPARATORS = (",", ";", "\t", "|")
SAMPLE = 50  # records that decide between separators
MAX_FIELD_LINES = 1000  # lines within one quoted field of a .tsv file
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)  # as Excel writes it
_FIELD = re.compile(r'"((?:[^"]|"")*)"(?=\t|\Z)|([^\t]*)')


class Dialect(NamedTuple):
    """How a delimited file is written.

    Attributes:
        separator: the character between fields.
        skipped: lines before the header: blank ones, and a line such as sep=;.
        header: the fields of the first record.
    """

    separator: str
    skipped: int
    header: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns; repeated ones are numbered."""
        header = [name.strip() for name in self.header]
        return tuple(
            name if name not in header[:n] else f"{name} ({header[: n + 1].count(name)})"
            for n, name in enumerate(header)
        )


def dialect_of(path: Path) -> Dialect:
    """The dialect of a file: the separator that splits the first records into as many fields as the header.

    Raises:
        InputError: the file is empty, damaged or not UTF-8.
    """
    skipped, first = next(((n, line) for n, line in enumerate(read_lines(path)) if line.strip()), (0, ""))
    if found := _SEPARATOR_LINE.fullmatch(first):
        return Dialect(found[1], skipped + 1, _header(path, found[1], skipped + 1))
    usual = "\t" if path.name.removesuffix(".gz").lower().endswith(".tsv") else ","
    candidates = [usual, *(separator for separator in SEPARATORS if separator != usual and separator in first)]
    headers = {separator: _header(path, separator, skipped) for separator in candidates}
    several = [separator for separator, header in headers.items() if len(header) > 1] or [usual]
    separator = several[0] if len(several) == 1 else max(several, key=lambda s: _agreement(path, s, headers[s]))
    return Dialect(separator, skipped, headers[separator])


def _header(path, separator, skipped):
    """The fields of the first record; if it cannot be read with this separator, the line as one field."""
    try:
        _, header = next(records(path, separator, skipped), (0, [""]))
    except InputError:
        return (next(islice(read_lines(path), skipped, None), "").strip(),)
    return tuple(header)


def _agreement(path, separator, header):
    """The share of the first records that have as many fields as the header, and that number of fields."""
    same = count = torn = 0
    try:
        for _, record in islice(records(path, separator, 0), SAMPLE):
            count, same = count + 1, same + (len(record) == len(header))
            torn += any('"' in field for field in record)
    except InputError:
        return 0.0, 0, 0
    return same / max(count, 1), -torn, len(header)


def records(path: Path, separator: str, skipped: int, columns: int = 0) -> Iterator[tuple[int, list[str]]]:
    """The line, counted from 1, and the fields of each record that is not blank, the header included.

    Args:
        path: the file.
        separator: the character between fields.
        skipped: lines to skip.
        columns: the number of fields of each record; 0 if unknown. With tabs, a field that opens with a quotation mark
            and does not close it continues on the next line only if its record would otherwise be too short.

    Raises:
        InputError: a quotation mark is not closed, the file is damaged or not UTF-8.
    """
    csv.field_size_limit(sys.maxsize)  # the default is 128 KiB, which a text may exceed
    lines = islice(read_lines(path), skipped, None)
    found = _tab_separated(lines, columns) if separator == "\t" else _quoted(path, lines, separator, skipped)
    return ((line + skipped, record) for line, record in found if record)


def line_of(path: Path, dialect: Dialect, row: int) -> int:
    """The line, counted from 1, on which a row begins; fields in quotation marks may span lines, and blank lines count.

    Args:
        path: the file.
        dialect: how it is written.
        row: the number of the row below the header, counted from 0.
    """
    return next(islice(_begun(path, dialect), row + 1, None), (row + 2 + dialect.skipped, []))[0]


def _begun(path, dialect):
    """The line and the fields of each record as pandas reads it, blank ones included."""
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(islice(read_lines(path), dialect.skipped, None), delimiter=dialect.separator)
    line = dialect.skipped
    with contextlib.suppress(csv.Error):  # messages then count lines as if each were a row
        for record in reader:
            yield line + 1, record
            line = dialect.skipped + reader.line_num


def check_widths(path: Path, dialect: Dialect, longer: bool) -> None:
    """Check that no record is longer, or none is shorter, than the header.

    Raises:
        InputError: one is; the message names its line.
    """
    width = len(dialect.header)
    for line, record in _begun(path, dialect):
        if record and (len(record) > width if longer else len(record) < width):
            raise ragged(path, dialect, line, len(record))


def ragged(path: Path, dialect: Dialect, line: int, count: int) -> InputError:
    """The error about a record whose number of fields is not that of the header."""
    message = (
        f"{path}, line {line}: {count} column{'s' * (count != 1)}, but line {dialect.skipped + 1} has "
        f"{len(dialect.header)}; quote texts that contain the separator, and keep the separators of empty cells"
    )
    header = likely_header(path, dialect)
    return InputError(
        f"{message}; or, if line {header} names the columns, remove the lines above it" if header else message
    )


def likely_header(path: Path, dialect: Dialect) -> int | None:
    """The line that may name the columns below lines of a title: the first that is as long as all after it."""
    for separator in SEPARATORS:
        some = list(islice(_begun(path, dialect._replace(separator=separator)), SAMPLE))
        some = [(line, record) for line, record in some if record]
        widths = [len(record) for _, record in some]
        first = next((n for n, width in enumerate(widths) if width == widths[-1]), 0)
        same = first and widths[-1] > 1 and len(some) > first + 2 and len(set(widths[first:])) == 1
        if same and all(_is_name(name) for name in some[first][1]) and len(set(some[first][1])) == widths[-1]:
            return some[first][0]
    return None


def _is_name(text):
    from nlp_rnn.datasets.numbers import is_number  # it imports NumPy, which the help of commands does not need

    return bool(text.strip()) and not is_number(text)


def _quoted(path, lines, separator, skipped):
    reader = csv.reader(lines, strict=True, delimiter=separator)
    while True:
        start = reader.line_num + 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            line = start + skipped
            raise InputError(f"{path}, line {line}: {error}; is a quotation mark not closed?") from None
        if record is None:
            return
        yield start, record


def _tab_separated(lines: Iterator[str], columns: int) -> Iterator[tuple[int, list[str]]]:
    """Tab-separated records. Some programs quote fields; to others a quotation mark is an ordinary character.

    A field counts as quoted if it begins and ends with a quotation mark and those within are doubled.
    """
    number, pending = 0, deque[str]()
    while (line := pending.popleft() if pending else next(lines, None)) is not None:
        number += 1
        (record, is_open), more = _fields(line), []
        while is_open and len(more) < MAX_FIELD_LINES:
            following = pending.popleft() if pending else next(lines, None)
            if following is None:
                break
            more.append(following)
            if len(record) >= columns and len(_fields(following)[0]) >= columns:
                break  # a record of its own
            record, is_open = _fields("".join([line, *more]))
        if is_open:  # the quotation mark was part of the text: these lines are records of their own
            record, _ = _fields(line)
            pending.extendleft(reversed(more))
            more = []
        yield number, record
        number += len(more)


def _fields(line: str) -> tuple[list[str], bool]:
    """The fields of a record with tabs, none for a blank line; and whether a quotation mark before the last is open."""
    line, fields, position, is_open = line.rstrip("\r\n"), [], 0, False
    while line and position <= len(line):
        if found := _FIELD.match(line, position):  # always: the second alternative matches anything
            is_open = found[1] is None and found[2].startswith('"')
            fields.append(found[2] if found[1] is None else found[1].replace('""', '"'))
            position = found.end() + 1
    return fields, is_open
