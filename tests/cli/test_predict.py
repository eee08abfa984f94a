"""`nlp-rnn predict`: texts, lines, files, pipes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nlp_rnn.datasets.tables import open_table


@pytest.mark.slow
def test_predict_texts_lines_and_files(cli, trained, tmp_path):
    result = cli("predict", trained, "film 3 was good\tto see", "film 4 was dull to see")
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[0] for row in rows] == ["positive", "negative"] and rows[0][2] == "film 3 was good to see"
    assert 0.5 <= float(rows[0][1]) <= 1
    lines = cli("predict", trained, "--json", input="film 3 was great to see\nfilm 3 was awful to see\n\n")
    answers = [json.loads(line) for line in lines.stdout.splitlines()]
    assert [a["label"] for a in answers[:2]] == ["positive", "negative"] and answers[2]["text"] == ""
    assert sum(answers[0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    Path("in.txt").write_text("film 5 was great to see\nfilm 5 was awful to see 😀\n", encoding="utf-8")
    assert cli("predict", trained, "--input", "in.txt", "--output", "a.tsv").exit_code == 0
    assert [line.split("\t")[:2] for line in Path("a.tsv").read_text(encoding="utf-8").splitlines()] == [
        ["text", "label"],
        ["film 5 was great to see", "positive"],
        ["film 5 was awful to see 😀", "negative"],
    ]


TABLE = 'id,label,review\n7,?,"film 3 was good\nto see"\n8,!,film 3 was dull to see\n9,?,\n'


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_a_table_is_answered_row_by_row(cli, trained, suffix):
    Path("ask.csv").write_text(TABLE, encoding="utf-8")
    result = cli("predict", trained, "--input", "ask.csv", "--keep-columns", "--output", f"out.{suffix}")
    assert result.exit_code == 0 and "text: review; left out: id (row number), label (not used)" in result.stderr
    rows = [values for _, values in open_table(Path(f"out.{suffix}")).rows()]
    assert [str(row["id"]) for row in rows] == ["7", "8", "9"] and rows[0]["review"] == "film 3 was good\nto see"
    assert [row["predicted_label"] for row in rows[:2]] == ["positive", "negative"] and rows[0]["label"] == "?"


def test_a_table_is_answered_on_standard_output(cli, trained):
    Path("ask.csv").write_text(TABLE, encoding="utf-8")
    lines = cli("predict", trained, "--input", "ask.csv").stdout.splitlines()
    assert [line.split("\t")[2] for line in lines] == ["film 3 was good to see", "film 3 was dull to see", ""]
    kept = cli("predict", trained, "--input", "ask.csv", "--keep-columns").stdout.splitlines()
    assert kept[0] == "id,label,review,predicted_label,probability" and len(kept) == 5, "a text has two lines"
    answers = cli("predict", trained, "--input", "ask.csv", "--text-column", "label", "--json").stdout.splitlines()
    assert [json.loads(line)["text"] for line in answers] == ["?", "!", "?"]


def test_columns_of_what_is_no_table_are_refused(cli, trained):
    Path("in.txt").write_text("film 5 was great to see\n", encoding="utf-8")
    for words, message in (
        (["--input", "in.txt", "--keep-columns"], "--keep-columns needs a table of texts as --input"),
        (["--input", "in.txt", "--text-column", "review"], "--text-column names a column of a table"),
        (["good", "--text-column", "review"], "--text-column names a column of a table"),
    ):
        result = cli("predict", trained, *words)
        assert result.exit_code == 2 and message in result.stderr


@pytest.mark.slow
def test_texts_that_are_cut_are_counted(cli, trained):
    assert "1 longer than 400 tokens were cut" in cli("predict", trained, "good " * 401, "good").stderr


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_ends_the_command(trained, tmp_path):
    (tmp_path / "many.txt").write_text("film 1 was good to see\n" * 20_000)
    command = f"{sys.executable} -m nlp_rnn.cli predict {trained} --input {tmp_path}/many.txt | head -n 1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 141 and "Traceback" not in done.stderr and done.stdout.startswith("positive")


def test_a_parquet_file_of_answers_has_a_type_for_columns_without_values(cli, trained):
    Path("ask.jsonl").write_text('{"text": "good", "note": null}\n' * 2)
    assert cli("predict", trained, "--input", "ask.jsonl", "--keep-columns", "--output", "a.parquet").exit_code == 0
    import pyarrow.parquet as pq

    assert str(pq.read_schema("a.parquet").field("note").type) == "string"
    Path("none.txt").write_text("")
    assert cli("predict", trained, "--input", "none.txt", "--output", "b.parquet").exit_code == 0
    assert pq.read_table("b.parquet").num_rows == 0
