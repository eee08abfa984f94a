"""Tables: every format, and what is reported of broken ones."""

import gzip
import os
import re

import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.catalogue import open_text_dataset
from nlp_rnn.datasets.lines import count_lines, decode_lines
from nlp_rnn.datasets.tables import is_table, open_table
from nlp_rnn.forecasting.series import open_series
from tests.datasets.files import ROWS, labelled_texts, write_table

NAMES = ["x.csv", "x.csv.gz", "x.tsv", "x.tsv.gz", "x.jsonl", "x.jsonl.gz", "x.parquet"]


@pytest.mark.parametrize("name", NAMES)
def test_reads_a_table(tmp_path, name):
    dataset = open_text_dataset(str(write_table(tmp_path / name)))
    assert sorted(labelled_texts(dataset)) == sorted(ROWS)
    assert dataset.notes == ["text: text; label: label"]


@pytest.mark.parametrize("name", NAMES)
def test_a_table_names_its_columns_and_the_place_of_each_row(tmp_path, name):
    path = write_table(tmp_path / name)
    table = open_table(path)
    assert table.columns == ("text", "label") and is_table(path)
    places = [place for place, _ in table.rows()]
    first = 2 if "csv" in name or "tsv" in name else 1  # after the header
    unit = "row" if "parquet" in name else "line"
    assert places == [f"{path}, {unit} {first + n}" for n in range(60)]
    assert table.size == (None if name.endswith(".gz") else 59 + first), "the header is counted, for it is approximate"


def test_a_text_may_be_long_and_contain_anything(tmp_path):
    texts = ["x " * 5_000_000, "nul \0 here", "😀", "مرحبا", "e\u0301", "line\nbreak", ""]
    path = write_table(tmp_path / "x.csv", [(t, "ab"[n % 2]) for n, t in enumerate(texts)])
    assert sorted(t for t, _ in labelled_texts(open_text_dataset(str(path)))) == sorted(texts)


def test_repeated_columns_are_numbered_and_blank_lines_skipped(tmp_path):
    (tmp_path / "x.csv").write_text("text,label,text\n\na,b,c\n")
    table = open_table(tmp_path / "x.csv")
    assert table.columns == ("text", "label", "text (2)") and table.header == ("text", "label", "text")
    assert list(table.rows()) == [(f"{tmp_path}/x.csv, line 3", {"text": "a", "label": "b", "text (2)": "c"})]


def test_a_byte_order_mark_is_removed_and_counted():
    assert list(decode_lines([b"\xef\xbb\xbfa\n", b"b"], "x")) == ["a\n", "b"]
    with pytest.raises(InputError, match="x, line 1, byte 4: 0xff is not UTF-8; save the text as UTF-8"):
        list(decode_lines([b"\xef\xbb\xbfa\xff\n"], "x"))


@pytest.mark.parametrize("content, lines", [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\nb", 2), (b"\n\n", 2)])
def test_lines_are_counted(tmp_path, content, lines):
    (tmp_path / "x.txt").write_bytes(content)
    assert count_lines(tmp_path / "x.txt") == lines
    (tmp_path / "x.txt.gz").write_bytes(gzip.compress(content))
    assert count_lines(tmp_path / "x.txt.gz") is None


def test_what_utf8_cannot_encode_becomes_a_question_mark(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"text": "a \\ud83d b", "label": "\\ude00"}\n')
    assert labelled_texts(open_text_dataset(str(tmp_path / "x.jsonl"))) == [("a ? b", "?")]


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("x.csv", b"", "x.csv is empty: give a file with a header line and at least two rows"),
        ("x.csv", b"\n\n", "x.csv is empty: give a file with a header line"),
        ("x.csv", b"text,label\na,b\n\xff,b\n", "x.csv, line 3, byte 15: 0xff is not UTF-8"),
        ("x.csv", b"text,label\na,\n", "x.csv, line 2: no label in column 'label'"),
        ("x.csv", b"text,label\na\n", "x.csv, line 2: 1 column, but line 1 has 2; quote texts that contain"),
        ("x.csv", b'text,label\n"a,b\nc,d\n', "x.csv, line 2: .*quotation mark not closed"),
        ("x.csv.gz", gzip.compress(b"text,label\n" + b"a,b\n" * 9, mtime=0)[:-12], "x.csv.gz: damaged gzip file"),
        ("x.csv.gz", b"text,label\n", "x.csv.gz: damaged gzip file after line 0"),
        (
            "x.jsonl",
            b'{"text": "a", "label": "b"}\n{"text"\n',
            "x.jsonl, line 2: not JSON: .*; write one object per line",
        ),
        ("x.jsonl", b'{"text": "a", "label": "b"}\n[1]\n', "x.jsonl, line 2: not a JSON object; write one per line"),
        ("x.jsonl", b'{"text": "a", "label": "b"}\n{"text": "a"}\n', "x.jsonl, line 2: no label in column 'label'"),
        ("x.jsonl", b'{"text": 3, "label": "b"}\n', "x.jsonl, line 1: column 'text' holds int, not text"),
        ("x.jsonl", b'{"text": "a", "label": ["b"]}\n', "x.jsonl, line 1: column 'label' holds list, not a label"),
        (
            "x.jsonl",
            b'{"text": "a", "label": "b"}\n{"body": "c", "label": "b"}\n',
            "x.jsonl, line 2: no text in column 'text'; every row needs one",
        ),
        ("x.parquet", b"PAR1 and no more", "x.parquet: not a complete parquet file"),
        (
            "x.docx",
            b"?",
            "files of type '.docx' are not supported; use .csv, .tsv, .jsonl, .parquet, .xlsx, or a folder",
        ),
    ],
)
def test_reports_what_is_broken_and_where(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        labelled_texts(open_text_dataset(str(tmp_path / name)))


def test_a_parquet_file_that_is_cut_off(tmp_path):
    path = write_table(tmp_path / "x.parquet")
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(InputError, match=r"x.parquet: not a complete parquet file, perhaps cut off"):
        open_text_dataset(str(path))


def test_a_parquet_file_with_damaged_data(tmp_path):
    path = write_table(tmp_path / "x.parquet", [(f"{n} {n * n % 7919}", "ab"[n % 2]) for n in range(9_000)])
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396  # of the first page; the footer is intact
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(f"{path}: damaged after row 0: ")):
        list(open_table(path).rows())


def test_a_field_with_tabs_may_go_on_in_the_next_line(tmp_path):
    text = 'label\ttext\np\t"one\ntwo"\nn\t"Hi" he said\np\t"open\nn\tlast\n'
    (tmp_path / "x.tsv").write_text(text)
    assert [(v["label"], v["text"]) for _, v in open_table(tmp_path / "x.tsv").rows()] == [
        ("p", "one\ntwo"), ("n", '"Hi" he said'), ("p", '"open'), ("n", "last"),
    ]  # fmt: skip


def test_a_test_split_without_labels_is_named(tmp_path):
    (tmp_path / "train.csv").write_text("text,label\na,b\nc,d\n")
    (tmp_path / "test.csv").write_text("text\na\n")
    with pytest.raises(InputError, match="test.csv has no column 'label', which another split has: add it, or leave"):
        open_text_dataset(str(tmp_path))


def test_the_separator_that_tears_no_quoted_field_is_taken(tmp_path):
    (tmp_path / "x.csv").write_text('label;"text, long"\npos;a good film, really\nneg;dull, very\n')
    table = open_table(tmp_path / "x.csv")
    assert table.columns == ("label", "text, long")
    assert [values["label"] for _, values in table.rows()] == ["pos", "neg"]


def test_a_key_that_appears_late_is_named_once(tmp_path, capsys):
    lines = ['{"text": "a", "label": "b"}'] * 1000 + ['{"text": "a", "label": "b", "stars": 3}'] * 2
    (tmp_path / "x.jsonl").write_text("\n".join(lines) + "\n")
    table = open_table(tmp_path / "x.jsonl")
    assert table.columns == ("text", "label") and len(list(table.rows())) == len(list(table.rows())) == 1002
    said = capsys.readouterr().err
    assert (
        said.count("line 1001: 'stars' is in none of the first 1,000 objects and is not read") == 1 == said.count("\n")
    )


def test_a_key_that_appears_late_is_a_series(tmp_path, capsys):
    lines = [f'{{"y": {n}}}' for n in range(1000)] + [f'{{"y": {n}, "z": {n}}}' for n in range(3)]
    (tmp_path / "x.jsonl").write_text("\n".join(lines) + "\n")
    assert open_series(str(tmp_path / "x.jsonl")).panel.names == ("y", "z") and not capsys.readouterr().err


def test_lines_may_end_with_carriage_returns_alone(tmp_path):
    (tmp_path / "x.csv").write_bytes(b'text,label\ra film,pos\r"two, three",neg\r')
    table = open_table(tmp_path / "x.csv")
    assert [row["text"] for _, row in table.rows()] == ["a film", "two, three"] and table.size == 3
    (tmp_path / "y.csv.gz").write_bytes(gzip.compress(b"date,a\r2024-01-01,1\r2024-01-02,2"))
    assert open_series(str(tmp_path / "y.csv.gz")).panel.series(0).tolist() == [1, 2]
    (tmp_path / "z.csv").write_bytes(b"date,a\r2024-01-01,1\rsoon,2\r")
    with pytest.raises(InputError, match="z.csv, line 3: column 'date' holds 'soon'"):
        open_series(str(tmp_path / "z.csv"))


def workbook(path, **sheets):
    """Write a workbook; each sheet is a list of rows."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


TABLE = [["text", "label"], ["a", "b"], ["c", "d"]]


def test_the_only_sheet_with_a_table_is_read_and_the_others_are_named(tmp_path, capsys):
    table = open_table(workbook(tmp_path / "x.xlsx", About=[["made by hand"]], Reviews=TABLE, Empty=[]))
    assert table.columns == ("text", "label") and len(list(table.rows())) == 2
    assert "x.xlsx: sheet 'Reviews' is read; not read: About, Empty" in capsys.readouterr().err
    open_table(workbook(tmp_path / "y.xlsx", Reviews=TABLE))
    assert not capsys.readouterr().err


def test_several_sheets_with_tables_are_refused(tmp_path):
    with pytest.raises(InputError, match="2 sheets hold tables, One, Two: save the one to read as a .csv file"):
        open_table(workbook(tmp_path / "x.xlsx", One=TABLE, Two=TABLE))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("My reviews\n\ntext,label\na film,pos\nanother,neg\n", "or, if line 3 names the columns, remove the lines"),
        ("text,label\na film,pos\nanother, longer,neg\n", "line 3: 3 columns, but line 1 has 2; quote texts that"),
    ],
)
def test_rows_of_texts_that_are_longer_than_the_header(tmp_path, text, message):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        list(open_table(tmp_path / "x.csv").rows())
