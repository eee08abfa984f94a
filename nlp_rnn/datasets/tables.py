"""Tables in files, read row by row: .csv, .tsv, .jsonl (also gzipped) and .parquet.

Every error names the place: file, line or row, byte.
"""

import codecs
import csv
import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from nlp_rnn.checks import InputError

Row = tuple[str, dict[str, object]]


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
        InputError: the file is empty, damaged, not UTF-8, or of another format.
    """
    suffix = _suffix(path)
    if suffix not in READERS:
        raise InputError(f"{path}: files of type '{suffix}' are not supported; use {', '.join(READERS)}, or a folder")
    if path.stat().st_size == 0:
        raise _empty(path)
    return READERS[suffix](path)


def is_table(path: Path) -> bool:
    """Whether a file is a table, by its name."""
    return _suffix(path) in READERS


def _suffix(path):
    """The suffix of a file name in lower case, that before .gz if there is one."""
    suffixes = [s for s in path.suffixes if s != ".gz"]
    return suffixes[-1].lower() if suffixes else path.suffix


def _empty(path):
    return InputError(f"{path} is empty: give a file with a header line and at least two rows")


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text file, plain or gzipped, with their line ends.

    Raises:
        InputError: a byte is not UTF-8, or the gzip stream is damaged; the message names the line.
    """
    number = 0
    try:
        with _opener(path)(path, "rb") as file:
            for line in decode_lines(file, str(path)):
                number += 1
                yield line
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file after line {number}: {error}") from None


def decode_lines(raw_lines: Iterable[bytes], name: str) -> Iterator[str]:
    """Lines of bytes as text, without a byte order mark.

    Args:
        raw_lines: the lines, in UTF-8.
        name: the name of the file, for messages.

    Raises:
        InputError: a byte is not UTF-8; the message names the line and the byte, counted from 0.
    """
    offset = 0
    for number, raw in enumerate(raw_lines, 1):
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            start = error.start + 3 * (number == 1 and raw.startswith(codecs.BOM_UTF8))
            raise InputError(
                f"{name}, line {number}, byte {offset + start}: 0x{raw[start]:02x} is not UTF-8; save the text as UTF-8"
            ) from None
        offset += len(raw)


def count_lines(path: Path) -> int | None:
    """The number of lines of a plain file, to show progress; None for a gzipped one."""
    if path.suffix == ".gz":
        return None
    count, last = 0, b"\n"
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")


def _opener(path):
    return gzip.open if path.suffix == ".gz" else open


def _csv(path: Path) -> Table:
    return _delimited(path)


def _tsv(path: Path) -> Table:
    # By the registered media type, a field cannot contain a tab, so quotation marks have no meaning.
    return _delimited(path, delimiter="\t", quoting=csv.QUOTE_NONE)


def _delimited(path: Path, **dialect: Any) -> Table:
    csv.field_size_limit(sys.maxsize)  # the default is 128 KiB, which a text may exceed
    header = next((record for _, record in _records(path, dialect)), None)
    if header is None:
        raise _empty(path)
    columns = _distinct(header)

    def rows() -> Iterator[Row]:
        records = _records(path, dialect)
        next(records)
        for place, record in records:
            if len(record) != len(header):
                raise InputError(
                    f"{place}: {len(record)} columns, but the header has {len(header)}; "
                    "quote texts that contain the separator"
                )
            yield place, dict(zip(columns, record, strict=True))

    return Table(str(path), columns, rows, size=count_lines(path), header=tuple(header))


def _records(path, dialect):
    """Place and fields of each non-blank record of a delimited file."""
    reader = csv.reader(read_lines(path), strict=True, **dialect)
    while True:
        start = reader.line_num + 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{path}, line {start}: {error}; is a quotation mark not closed?") from None
        if record is None:
            return
        if record:
            yield f"{path}, line {start}", record


def _distinct(header):
    """The names of the columns; repeated ones are numbered."""
    return tuple(
        name if name not in header[:n] else f"{name} ({header[: n + 1].count(name)})" for n, name in enumerate(header)
    )


def _jsonl(path: Path) -> Table:
    def rows():
        for number, line in enumerate(read_lines(path), 1):
            if line.strip():
                place = f"{path}, line {number}"
                yield place, _json_object(place, line)

    _, first = next(rows(), (None, {}))
    return Table(str(path), tuple(first), rows, size=count_lines(path))


def _json_object(place, line):
    try:
        values = json.loads(line)
    except ValueError as error:
        raise InputError(f"{place}: not JSON: {error}; write one object per line") from None
    if not isinstance(values, dict):
        raise InputError(f'{place}: not a JSON object; write one per line, such as {{"text": …, "label": …}}')
    return values


def _parquet(path: Path) -> Table:
    import pyarrow as pa

    def rows():
        number = 0
        try:
            for batch in _parquet_file(path).iter_batches(batch_size=1024):
                for values in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", values
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path}: damaged after row {number}: {_first_line(error)}") from None

    file = _parquet_file(path)
    return Table(str(path), tuple(file.schema_arrow.names), rows, size=file.metadata.num_rows)


def _parquet_file(path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a complete parquet file, perhaps cut off: {_first_line(error)}") from None


def _first_line(error):
    return str(error).splitlines()[0]


READERS = {".csv": _csv, ".tsv": _tsv, ".jsonl": _jsonl, ".parquet": _parquet}
