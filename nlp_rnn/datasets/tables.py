"""Tables in files, read row by row: .csv, .tsv, .jsonl (also gzipped), .parquet and .xlsx.

Every error names the place: file, line or row, byte.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.delimited import dialect_of, ragged, records
from nlp_rnn.datasets.lines import count_lines, read_lines
from nlp_rnn.progress import say

Row = tuple[str, dict[str, object]]
SAMPLE = 1000  # objects of a .jsonl file whose keys are the columns


class Table(NamedTuple):
    """Rows with named columns; each call of `rows` reads the file again.

    Attributes:
        name: the name of the table, for messages.
        columns: the names of the columns.
        rows: returns an iterator over (place, values by column); the place is for messages: "reviews.csv, line 7".
        preferred: the columns that the data set declares as (input, target), if it does.
        size: the approximate number of rows, to show progress; None where counting would take too long.
        header: the first line of a delimited file, unchanged.
    """

    name: str
    columns: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]
    preferred: tuple[str, str] | None = None
    size: int | None = None
    header: tuple[str, ...] | None = None


def open_table(path: Path) -> Table:
    """Open a table; the suffix of the file name decides the format.

    Raises:
        UsageError: a package is needed to read the format.
        InputError: the file is empty, damaged, not UTF-8, or of another format.
    """
    suffix = suffix_of(path)
    if suffix not in READERS:
        raise InputError(f"{path}: files of type '{suffix}' are not supported; use {', '.join(READERS)}, or a folder")
    if path.stat().st_size == 0:
        raise _empty(path)
    return READERS[suffix](path)


def is_table(path: Path) -> bool:
    """Whether a file is a table, by its name."""
    return suffix_of(path) in READERS


def suffix_of(path: Path) -> str:
    """The suffix of a file name in lower case, that before .gz if there is one."""
    suffixes = [s for s in path.suffixes if s != ".gz"]
    return suffixes[-1].lower() if suffixes else path.suffix


def _empty(path):
    return InputError(f"{path} is empty: give a file with a header line and at least two rows")


def _delimited(path: Path) -> Table:
    separator, skipped, header = dialect = dialect_of(path)
    if not any(header):
        raise _empty(path)
    columns = dialect.columns

    def rows() -> Iterator[Row]:
        for line, record in islice(records(path, separator, skipped, len(header)), 1, None):
            if len(record) != len(header):
                raise ragged(path, dialect, line, len(record))
            yield f"{path}, line {line}", dict(zip(columns, record, strict=True))

    return Table(str(path), columns, rows, size=count_lines(path), header=header)


def _jsonl(path: Path) -> Table:
    columns = tuple(dict.fromkeys(key for _, values in islice(json_rows(path), SAMPLE) for key in values))
    known = set(columns)

    def rows():
        for place, values in json_rows(path):
            if not values.keys() <= known:  # said once, whatever number of times the file is read
                late = ", ".join(f"'{key}'" for key in values.keys() - known)
                say(f"{place}: {late} is in none of the first {SAMPLE:,} objects and is not read: add it to the first")
                known.update(values)
            yield place, values

    return Table(str(path), columns, rows, size=count_lines(path))


def json_rows(path: Path) -> Iterator[Row]:
    """The place and the values of each object of a .jsonl file, flattened as by `flat`.

    Raises:
        InputError: a line is no JSON object.
    """
    for number, line in enumerate(read_lines(path), 1):
        if line.strip():
            place = f"{path}, line {number}"
            yield place, flat(_json_object(place, line))


def _json_object(place, line):
    try:
        values = json.loads(line)
    except ValueError as error:
        raise InputError(f"{place}: not JSON: {error}; write one object per line") from None
    if not isinstance(values, dict):
        raise InputError(f'{place}: not a JSON object; write one per line, such as {{"text": …, "label": …}}')
    return values


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """A row with nested objects flattened: their keys become columns, or OUTER.INNER where a name is taken.

    Examples:
        >>> flat({"id": 3, "translation": {"en": "yes", "id": "ya"}})
        {'id': 3, 'en': 'yes', 'translation.id': 'ya'}
    """
    row = {}
    for outer, value in values.items():
        if isinstance(value, dict):
            row |= {f"{outer}.{key}" if key in values or key in row else key: inner for key, inner in value.items()}
        else:
            row[outer] = value
    return row


def _parquet(path: Path) -> Table:
    import pyarrow as pa

    def rows():
        number = 0
        try:
            for batch in _parquet_file(path).iter_batches(batch_size=1024):
                for values in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", flat(values)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path}: damaged after row {number}: {_first_line(error)}") from None

    file = _parquet_file(path)
    nested = any(pa.types.is_struct(field.type) for field in file.schema_arrow)
    names = next(rows(), (None, {}))[1] if nested else file.schema_arrow.names
    return Table(str(path), tuple(names), rows, size=file.metadata.num_rows)


def _parquet_file(path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a complete parquet file, perhaps cut off: {_first_line(error)}") from None


def _first_line(error):
    return str(error).splitlines()[0]


def _xlsx(path: Path) -> Table:
    frame = read_workbook(path)

    def rows():
        for number, values in enumerate(frame.itertuples(index=False, name=None), 2):
            yield f"{path}, row {number}", dict(zip(frame.columns, values, strict=True))

    return Table(str(path), tuple(frame.columns), rows, size=len(frame))


def read_workbook(path: Path) -> Any:
    """The only sheet of a workbook that holds a table, as a pandas table; prints which sheets are not read.

    Raises:
        UsageError: pandas or openpyxl is not installed.
        InputError: the file is damaged, or not a workbook; or several sheets hold tables.
    """
    try:
        import openpyxl  # noqa: F401
        import pandas as pd
    except ImportError:
        raise UsageError(f"{path}: workbooks need pandas and openpyxl: pip install 'nlp-rnn[excel]'") from None
    import zipfile

    try:
        with pd.ExcelFile(path) as book:
            frame = pd.read_excel(book, sheet_name=_sheet_of(book, path), keep_default_na=False, na_values=[""])
    except InputError:
        raise
    except (ValueError, OSError, KeyError, zipfile.BadZipFile):
        raise InputError(f"{path}: not an Excel workbook: save it as .xlsx or .csv") from None
    frame.columns = [str(column) for column in frame.columns]
    return frame.astype(object).where(frame.notna(), None)


def _sheet_of(book, path):
    """The name of the only sheet with two rows or more, else of the first.

    Raises:
        InputError: several sheets have as many.
    """
    names = list(map(str, book.sheet_names))
    if len(names) == 1:
        return names[0]
    import pandas as pd

    held = [name for name in names if len(pd.read_excel(book, sheet_name=name, header=None, nrows=2)) > 1]
    if len(held) > 1:
        raise InputError(
            f"{path}: {len(held)} sheets hold tables, {', '.join(held)}: save the one to read as a .csv file or in a "
            "workbook of its own"
        )
    [read] = held or names[:1]
    say(f"{path}: sheet '{read}' is read; not read: {', '.join(name for name in names if name != read)}")
    return read


READERS = {".csv": _delimited, ".tsv": _delimited, ".jsonl": _jsonl, ".parquet": _parquet, ".xlsx": _xlsx}
