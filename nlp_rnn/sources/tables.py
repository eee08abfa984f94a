"""Tables in files: .csv, .tsv, .jsonl and .parquet, the first three also gzipped, read row by row.

Every complaint says where: file, line or row, byte.
"""

import codecs
import csv
import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from nlp_rnn.checks import InputError

Row = tuple[str, dict[str, object]]


class Table(NamedTuple):
    """Rows with named columns, read anew at every call of `rows`.

    Attributes:
        name: what it is called in messages.
        columns: the names of the columns.
        rows: an iterator over (place, values by column); the place is for messages: "reviews.csv, line 7".
        preferred: columns that the table itself declares as (input, target), where it does.
        size: about how many rows there are, for showing progress; None where counting would cost too much.
        header: the first line of a delimited file as it stands there.
    """

    name: str
    columns: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]
    preferred: tuple[str, str] | None = None
    size: int | None = None
    header: tuple[str, ...] | None = None


def open_table(path: Path) -> Table:
    """Open a table by its file name's ending.

    Raises:
        InputError: the file is empty, damaged, not UTF-8, or of a kind that is not read.
    """
    kind = _kind(path)
    if kind not in READERS:
        raise InputError(f"{path}: a file of kind '{kind}' is not read; give one of {', '.join(READERS)}, or a folder")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty: give a file with a header line and at least two rows")
    return READERS[kind](path)


def lines(path: Path) -> Iterator[str]:
    """The lines of a text file, plain or gzipped, ends kept.

    Raises:
        InputError: a byte is not UTF-8, or the gzip stream is damaged; says the line.
    """
    number = 0
    try:
        with _opener(path)(path, "rb") as file:
            for line in decoded(file, str(path)):
                number += 1
                yield line
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file after line {number}: {error}") from None


def decoded(raw_lines: Iterable[bytes], name: str) -> Iterator[str]:
    """Lines of bytes as text, a byte order mark left out.

    Raises:
        InputError: a byte is not UTF-8; says the line and the byte, counted from 0.
    """
    offset = 0
    for number, raw in enumerate(raw_lines, 1):
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            start = error.start + 3 * (number == 1 and raw.startswith(codecs.BOM_UTF8))
            at, byte = offset + start, raw[start]
            raise InputError(
                f"{name}, line {number}, byte {at}: 0x{byte:02x} is not UTF-8; save the text as UTF-8"
            ) from None
        offset += len(raw)


def count_lines(path: Path) -> int | None:
    """The lines of a plain file, for showing progress; None for a gzipped one."""
    if path.suffix == ".gz":
        return None
    count, last = 0, b"\n"
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")


def _opener(path):
    return gzip.open if path.suffix == ".gz" else open


def is_table(path: Path) -> bool:
    """Whether a file's name says that it is a table."""
    return _kind(path) in READERS


def _kind(path):
    suffixes = [s for s in path.suffixes if s != ".gz"]
    return suffixes[-1].lower() if suffixes else path.suffix


def _delimited(path: Path, **dialect) -> Table:
    csv.field_size_limit(sys.maxsize)  # the default stops at 128 KiB; a text may well be longer

    def records():
        reader = csv.reader(lines(path), strict=True, **dialect)
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

    _, header = next(records(), (None, None))
    if header is None:
        raise InputError(f"{path} is empty: give a file with a header line and at least two rows")

    def rows():
        body = records()
        next(body)
        for place, record in body:
            if len(record) != len(header):
                raise InputError(
                    f"{place}: {len(record)} columns, but the header has {len(header)}; "
                    "quote texts that hold the separator"
                )
            yield place, dict(zip(names, record, strict=True))

    names = _distinct(header)
    return Table(str(path), names, rows, size=count_lines(path), header=tuple(header))


def _distinct(header):
    """Names of columns; one that comes again is numbered."""
    return tuple(
        name if name not in header[:n] else f"{name} ({header[: n + 1].count(name)})" for n, name in enumerate(header)
    )


def _csv(path: Path) -> Table:
    return _delimited(path)


def _tsv(path: Path) -> Table:
    # As registered with IANA: a tab cannot stand in a field, so quotation marks are text.
    return _delimited(path, delimiter="\t", quoting=csv.QUOTE_NONE)


def _jsonl(path: Path) -> Table:
    def rows():
        for number, line in enumerate(lines(path), 1):
            if not line.strip():
                continue
            place = f"{path}, line {number}"
            try:
                values = json.loads(line)
            except ValueError as error:
                raise InputError(f"{place}: not JSON: {error}; write one object a line") from None
            if not isinstance(values, dict):
                raise InputError(f'{place}: an object is needed, such as {{"text": …, "label": …}}')
            yield place, values

    _, first = next(rows(), (None, {}))
    return Table(str(path), tuple(first), rows, size=count_lines(path))


def _parquet(path: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def opened():
        try:
            return pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path}: not a whole parquet file, perhaps cut off: {_first_line(error)}") from None

    def rows():
        number = 0
        try:
            for batch in opened().iter_batches(batch_size=1024):
                for values in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", values
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path}: damaged after row {number}: {_first_line(error)}") from None

    file = opened()
    return Table(str(path), tuple(file.schema_arrow.names), rows, size=file.metadata.num_rows)


def _first_line(error):
    return str(error).splitlines()[0]


READERS = {".csv": _csv, ".tsv": _tsv, ".jsonl": _jsonl, ".parquet": _parquet}
