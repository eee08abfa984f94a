"""Write predictions as lines or as a table, by the suffix of the output file."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from nlp_rnn.checks import UsageError
from nlp_rnn.cli.output import complete_or_absent
from nlp_rnn.datasets.inputs import TableTexts
from nlp_rnn.report import Answer
from nlp_rnn.streams import is_utf8, write_text

BATCH = 10_000  # rows of a .parquet file that are written at once
Rows = Iterable[Mapping[str, Any]]


def kept_rows(inputs: Any, keep: bool) -> Callable[[], Mapping[str, Any]]:
    """A function that returns the input row of the next answer; an empty one if rows are not kept.

    Raises:
        UsageError: rows are to be kept, and the input is not a table of texts.
    """
    if not keep:
        return dict
    if not isinstance(inputs, TableTexts):
        raise UsageError("--keep-columns needs a table of texts as --input")
    inputs.keep = True
    return inputs.rows.popleft


@contextmanager
def answer_writer(
    path: Path | None, as_json: bool, kept: Callable[[], Mapping[str, Any]]
) -> Iterator[Callable[[Answer], Any]]:
    """A function that writes an answer to standard output, or to a file that is complete or absent.

    Args:
        path: the file; a .csv, .tsv, .jsonl or .parquet file becomes a table. None for standard output.
        as_json: write JSON objects.
        kept: returns the input row of the next answer.
    """
    if path is None:
        yield _writer(write_text, as_json, kept, escaped=not is_utf8(sys.stdout.encoding))
        return
    suffix = path.suffix.lower()
    with complete_or_absent(path) as unfinished:
        if suffix == ".parquet" and not as_json:
            with _parquet(unfinished, kept) as write:
                yield write
            return
        with open(unfinished, "w", encoding="utf-8", newline="") as file:
            yield _writer(file.write, as_json or suffix == ".jsonl", kept, suffix)


def _writer(
    write: Callable[[str], Any],
    as_json: bool,
    kept: Callable[[], Mapping[str, Any]],
    suffix: str = "",
    escaped: bool = False,
) -> Callable[[Answer], Any]:
    """A function that formats an answer and passes the text to `write`; `escaped` JSON is ASCII."""
    if as_json:
        return lambda answer: write(f"{_json(kept(), answer, escaped)}\n")
    if suffix in (".csv", ".tsv") or kept is not dict:
        return _delimited(write, "\t" if suffix == ".tsv" else ",", kept)
    return lambda answer: write("".join(f"{line}\n" for line in answer.lines()))


def _json(own, answer, escaped):
    [values] = merged(own, [answer.json()])
    values = {name: None if value != value else value for name, value in values.items()}  # NaN is not JSON
    return json.dumps(values, ensure_ascii=escaped, default=str)  # a table may hold dates


def _delimited(write_text, separator, kept):
    """A function that writes answers as rows of delimited text, after a header."""
    file: Any = SimpleNamespace(write=write_text)
    writer, names = csv.writer(file, delimiter=separator, lineterminator="\n"), []

    def write(answer):
        for row in merged(kept(), answer.rows()):
            if not names:
                names.extend(row)
                writer.writerow(names)
            writer.writerow(["" if row.get(name) is None else row[name] for name in names])

    return write


def merged(own: Mapping[str, Any], rows: Rows) -> Iterator[dict[str, Any]]:
    """The rows of an answer, after the columns of its input row; "predicted_" distinguishes equal names.

    Examples:
        >>> list(merged({"text": "Dull.", "label": "?"}, [{"text": "Dull.", "label": "negative"}]))
        [{'text': 'Dull.', 'label': '?', 'predicted_label': 'negative'}]
    """
    for row in rows:
        answer = {name: value for name, value in row.items() if not (own and name == "text")}
        yield {**own, **{f"predicted_{name}" if name in own else name: value for name, value in answer.items()}}


@contextmanager
def _parquet(path, kept):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    files: list[Any] = []

    def flush():
        table = pa.Table.from_pylist(rows, schema=files[0].schema if files else None)
        if not files:
            files.append(pq.ParquetWriter(path, _without_null_types(table.schema)))
        files[0].write_table(table.cast(files[0].schema))
        rows.clear()

    def write(answer):
        rows.extend(merged(kept(), answer.rows()))
        if len(rows) >= BATCH:
            flush()

    try:
        yield write
        if rows or not files:
            flush()
    finally:
        for file in files:
            file.close()


def _without_null_types(schema):
    """A schema with texts for columns without any value so far."""
    import pyarrow as pa

    return pa.schema([field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in schema])
