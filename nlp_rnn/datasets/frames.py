"""Whole tables of numbers, read with pandas; ambiguous cells are left as text."""

import warnings
import zlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.delimited import Dialect, check_widths, dialect_of, likely_header, line_of, records
from nlp_rnn.datasets.numbers import MISSING, POINT, Marks, find_marks, is_number
from nlp_rnn.datasets.tables import json_rows, read_workbook, suffix_of
from nlp_rnn.datasets.time_forms import matching

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 1000  # rows that decide whether a column is read as numbers


class Frame(NamedTuple):
    """A table, in memory.

    Attributes:
        path: its file.
        table: the columns: numbers where all cells are plain numbers, else texts or the type that the file declares.
        marks: how numbers in texts are written.
        dialect: how delimited text is written; None for another format.
        known: results of `factorized` by column.
    """

    path: Path
    table: "pd.DataFrame"
    marks: Marks = POINT
    dialect: Dialect | None = None
    known: dict[str, Any] = {}  # noqa: RUF012, replaced by each instance

    def place(self, row: int) -> str:
        """The place of a row, for messages; the first line of a delimited file names the columns."""
        if self.dialect is None:
            return f"{self.path}, row {row + 1 + (suffix_of(self.path) == '.xlsx')}"
        return f"{self.path}, line {line_of(self.path, self.dialect, row)}"

    def check_widths(self) -> None:
        """Check that no row is shorter than the header: the values after a missing one would be of other columns.

        Raises:
            InputError: one is; the message names its line.
        """
        last = self.table.iloc[:, -1]
        if self.dialect and (last.isna() | (last == "")).any():
            check_widths(self.path, self.dialect, longer=False)

    def factorized(self, column: str) -> tuple[np.ndarray, "pd.Index"]:
        """A number for each row, -1 where it is empty, and the distinct values of a column by their numbers."""
        import pandas as pd

        if column not in self.known:
            self.known[column] = pd.factorize(self.table[column])
        return self.known[column]

    def codes(self, *columns: str) -> np.ndarray:
        """A number for each row, the same for rows with the same values in these columns."""
        codes, most = np.zeros(len(self.table), np.int64), 1
        for column in columns:
            numbers, values = self.factorized(column)
            if most * (len(values) + 1) > np.iinfo(np.int64).max:
                distinct, codes = np.unique(codes, return_inverse=True)
                most = len(distinct)
            codes, most = codes * (len(values) + 1) + numbers + 1, most * (len(values) + 1)
        return codes

    def repeats(self, *columns: str) -> bool:
        """Whether two rows have the same values in these columns."""
        import pandas as pd

        rows, most = len(self.table), np.prod([len(self.factorized(column)[1]) + 1.0 for column in columns])
        if most < rows:
            return True
        codes = self.codes(*columns)
        return bool(np.bincount(codes).max() > 1 if most < 4 * rows else pd.Series(codes).duplicated().any())

    def named(self, column: str) -> tuple[np.ndarray, "pd.Index"]:
        """As `factorized`, but of the values as written in the file, in alphabetical order."""
        import pandas as pd

        codes, values = pd.factorize(self.texts(column)) if self._is_converted(column) else self.factorized(column)
        names = values.astype(str)
        order = np.argsort(names.to_numpy(object), kind="stable")
        ranks = np.append(np.argsort(order), -1)  # the last for the code -1
        return ranks[codes], names[order]

    def texts(self, column: str) -> "pd.Series":
        """A column as it is written in the file: a name such as 007 keeps its zeros."""
        import pandas as pd

        if self.dialect is None or not self._is_converted(column):
            return self.table[column]
        again = pd.read_csv(self.path, usecols=[list(self.table).index(column)], dtype=str, **_options(self.dialect))
        return again.iloc[: len(self.table), 0]

    def _is_converted(self, column):
        """Whether pandas has made numbers of the texts of a file."""
        return self.dialect is not None and self.table[column].dtype.kind in "iuf"


def read_frame(path: Path, decimal: str | None = None) -> Frame:
    """Read a table.

    Args:
        path: a .csv, .tsv, .jsonl, .parquet or .xlsx file; the first three may be gzipped.
        decimal: the decimal mark, "." or ","; None to detect it.

    Raises:
        UsageError: a package is not installed.
        InputError: the file is broken or empty, its first line holds values or repeats a name, or the decimal mark is
            ambiguous.
    """
    try:
        import pandas as pd
    except ImportError:
        raise UsageError("series need the package pandas: pip install 'nlp-rnn[forecasting]'") from None
    try:
        table, dialect = _read(path)
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text: save it as UTF-8") from None
    except (pd.errors.ParserWarning, pd.errors.ParserError) as error:
        check_widths(path, dialect_of(path), longer=True)
        raise InputError(f"{path} could not be read: {error}") from None
    except (ValueError, OSError, EOFError, zlib.error) as error:  # pandas' own errors are ValueErrors
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"{path} could not be read: {first[0]}") from None
    _check_scalars(path, table)
    table = _without_empty_end(table)
    if not len(table) or not len(table.columns):
        raise InputError(f"{path} holds no rows")
    separator = dialect.separator if dialect else ""
    marks = find_marks(_written(table), separator, str(path), decimal)
    if dialect and separator == "," and marks.decimal == ",":  # 1.070 is then no number of Python's
        table = _without_empty_end(_delimited(path, dialect, texts=True))
        marks = find_marks(_written(table), separator, str(path), decimal)
    return Frame(path, table, marks, dialect, {})


def _read(path):
    import pandas as pd

    suffix = suffix_of(path)
    if suffix in (".csv", ".tsv"):
        dialect = dialect_of(path)
        return _delimited(path, dialect), dialect
    if suffix == ".jsonl":
        table = pd.DataFrame([values for _, values in json_rows(path)])
    elif suffix == ".xlsx":
        table = read_workbook(path).infer_objects()
    else:
        table = _with_index(pd.read_parquet(path))
    table.columns = [str(column) for column in table.columns]
    return table, None


def _with_index(table):
    """The table with its index as columns, unless it only numbers the rows."""
    index = table.index
    counts = index.nlevels == 1 and index.dtype.kind in "iu" and index.name is None
    if counts and (index.to_numpy() == np.arange(len(index))).all():
        return table.reset_index(drop=True)
    return table.reset_index()


def _options(dialect):
    """How pandas reads a dialect, with names for all columns."""
    names = [name or f"column {number}" for number, name in enumerate(_stripped(dialect.header), 1)]
    return {
        "sep": dialect.separator,
        "skiprows": dialect.skipped,
        "names": names,
        "header": 0,
        "index_col": False,
        "skip_blank_lines": False,
        "keep_default_na": False,
        "na_values": [""],
    }


def _stripped(header):
    return [name.strip() for name in header]


def _delimited(path, dialect, texts=False):
    """A table of delimited text, with all columns as texts on request."""
    import pandas as pd

    _check_names(path, dialect)
    options = _options(dialect)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the first
        warnings.simplefilter("error", pd.errors.DtypeWarning)  # numbers in some rows, words in others
        sample = pd.read_csv(path, nrows=SAMPLE, dtype=str, **options)
        plain = {c for c in sample if dialect.separator == "," and not texts and _is_plain(sample[c])}
        options["na_values"] = {column: sorted(MISSING) if column in plain else [""] for column in sample}
        others = [column for column in sample if column not in plain]
        kept = {column: str for column in others if not _is_words(sample[column])}
        try:
            return pd.read_csv(path, dtype=kept, **options)
        except pd.errors.DtypeWarning:
            return pd.read_csv(path, dtype=dict.fromkeys(others, str), low_memory=False, **options)


def _is_plain(column):
    """Whether pandas may convert the texts: numbers as Python writes them, without leading zeros."""
    texts = [text.strip() for text in column.dropna() if text.strip() not in MISSING]
    return all(POINT.fits(text) and not (text[0] == "0" and text[1:2].isdigit()) for text in texts)


def _is_words(column):
    """Whether pandas infers text by itself, which is faster than requesting it."""
    return any(not is_number(text) and text.lower() not in ("true", "false") for text in column.dropna())


def _check_names(path, dialect):
    """Check that the first line names columns, given the one below.

    Raises:
        InputError: it holds values, or repeats a name.
    """
    names = _stripped(dialect.header)
    below = [record for _, record in islice(records(path, dialect.separator, dialect.skipped), 1, 3)]
    first = below[0][0].strip() if below else ""
    if (matching([names[0]]) and matching([first])) or (len(names) == 1 and is_number(names[0])):
        raise InputError(  # several numbers may be names, for example of shops
            f"{path}, line 1 holds values: write the names of the columns, such as 'month,sales', in a line above them"
        )
    if not any(names):
        raise InputError(f"{path}: line 1 is empty; it must name the columns")
    if line := _line_below_title(path, dialect, names, below):
        raise InputError(f"{path}, line {line} seems to name the columns: remove the lines above it")
    twice = next((name for n, name in enumerate(names) if name and name in names[:n]), None)
    if twice is not None:
        raise InputError(f"{path}, line 1: two columns are named '{twice}'; give each a name of its own")


def _line_below_title(path, dialect, names, below):
    """The line that names the columns if the first is a title: a single cell above a row of names and one of values."""
    if len(names) == 1:
        return likely_header(path, dialect) if " " in names[0] else None
    alone = bool(names[0]) and not any(names[1:]) and len(below) > 1
    named = alone and all(text.strip() and not is_number(text) and not matching([text]) for text in below[0])
    valued = named and any(is_number(text) or matching([text]) for text in below[1])
    return line_of(path, dialect, 0) if valued else None


def _check_scalars(path, table):
    """Check that no column holds lists or objects.

    Raises:
        InputError: one does.
    """
    for column in table:
        first = next(iter(table[column].dropna()), None) if table[column].dtype.kind == "O" else None
        if isinstance(first, list | dict | np.ndarray | tuple):
            raise InputError(
                f"{path}: column '{column}' holds {type(first).__name__}s: write one row for each value, with its time "
                "and the name of its series"
            )


def _without_empty_end(table):
    """The table without empty lines at the end."""
    while len(table) and (table.iloc[-1].isna() | (table.iloc[-1] == "")).all():
        table = table.iloc[:-1]
    return table


def _written(table) -> dict[str, Sequence[str]]:
    """The distinct texts of each column that may hold numbers."""
    texts = {}
    for column in table:
        if isinstance(next(iter(table[column].dropna()), None), str):
            unique = [str(text) for text in table[column].dropna().unique()]
            if is_mostly_numbers(unique):
                texts[column] = unique
    return texts


def is_mostly_numbers(texts: Sequence[str]) -> bool:
    """Whether at least half of some texts are numbers, not counting missing values."""
    given = [text for text in texts[:SAMPLE] if text.strip() not in MISSING]
    return bool(given) and 2 * sum(is_number(text) for text in given) >= len(given)
