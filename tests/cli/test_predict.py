"""`nlp-rnn predict`: texts, lines, files, pipes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


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
    assert [line.split("\t")[0] for line in Path("a.tsv").read_text().splitlines()] == ["positive", "negative"]


def test_texts_that_are_cut_are_counted(cli, trained):
    assert "1 longer than 400 tokens were cut" in cli("predict", trained, "good " * 401, "good").stderr


def test_a_reader_that_has_seen_enough_is_no_error(trained, tmp_path):
    (tmp_path / "many.txt").write_text("film 1 was good to see\n" * 20_000)
    command = f"{sys.executable} -m nlp_rnn.cli predict {trained} --input {tmp_path}/many.txt | head -n 1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "Traceback" not in done.stderr and done.stdout.startswith("positive")
