"""How commands end, and what they write where: terminals, pipes, files, closed and full streams, encodings, signals.

The table of docs/command-line.md; each row is a process of its own.
"""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import SENTENCES, SMALL

FORMER = Path(__file__).parents[1] / "fixtures" / "v0_1" / "runs"
CLASSIFIER, LANGUAGE_MODEL = FORMER / "classifier", FORMER / "language_model"
COMMAND = [sys.executable, "-m", "nlp_rnn.cli"]
REDIRECTED = {"closed": "&-", "full": " /dev/full", "null": " /dev/null"}
TRAIN = ["run", "sentiment", "--data", "reviews.csv", "--out", "out", *SMALL, "--set", "epochs=1"]
pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")


class Ended(NamedTuple):
    """How a process ended, and what it wrote."""

    code: int
    out: bytes
    err: bytes


def ended(words, folder, stdin="null", stdout="pipe", stderr="pipe", env=None, lines=b""):
    """Run a command line with streams that are pipes, terminals, closed, full, or pipes whose reader has gone.

    Args:
        words: the command line.
        folder: the folder to run it in.
        stdin, stdout, stderr: "pipe", "terminal", "gone" or a key of `REDIRECTED`.
        env: further environment variables.
        lines: what the pipe of standard input gives.
    """
    kinds = {0: stdin, 1: stdout, 2: stderr}
    redirections = [
        f"{number}{'>' if number else '<'}{REDIRECTED[kind]}" for number, kind in kinds.items() if kind in REDIRECTED
    ]
    ours, theirs = pty.openpty()
    reading, gone = os.pipe()
    os.close(reading)
    ends = {"pipe": subprocess.PIPE, "terminal": theirs, "gone": gone}
    streams = [ends.get(kind, subprocess.DEVNULL) for kind in kinds.values()]
    command = ["bash", "-c", f'exec "$@" {" ".join(redirections)}', "bash", *COMMAND, *map(str, words)]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", **(env or {})}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, **dict(zip(("stdin", "stdout", "stderr"), streams, strict=True))
    )
    os.close(theirs)
    os.close(gone)
    out, err = process.communicate(lines if stdin == "pipe" else None, timeout=120)
    shown = shown_on(ours) if "terminal" in kinds.values() else b""
    os.close(ours)
    return Ended(
        process.returncode, shown if stdout == "terminal" else out or b"", shown if stderr == "terminal" else err or b""
    )


def shown_on(terminal):
    shown = b""
    try:
        while more := os.read(terminal, 1 << 16):
            shown += more
    except OSError:  # Linux: every writer has closed it
        pass
    return shown


class Situation(NamedTuple):
    """A row of the table: a command line, its streams, its exit code, and texts that it writes, or None for nothing."""

    what: str
    words: list
    code: int
    out: str | None = None
    err: str | None = None
    streams: dict = {}  # noqa: RUF012


LIST, WRONG = ["list"], ["rum"]
PREDICT = ["predict", CLASSIFIER]
NO_COMMAND = "No such command 'rum'"
CLOSED = "Error: standard output is closed, so the results cannot be written: redirect it to a file"
FULL = "Error: standard output: No space left on device; free some space and try again"
CP1252, ASCII = {"env": {"PYTHONIOENCODING": "cp1252"}}, {"env": {"PYTHONIOENCODING": "ascii"}}
QUICK = [  # without TensorFlow
    Situation("list, pipes", LIST, 0, "sentiment"),
    Situation("list, terminal", LIST, 0, "sentiment", streams={"stdout": "terminal"}),
    Situation("list, standard output closed", LIST, 1, None, CLOSED, {"stdout": "closed"}),
    Situation("list, standard output full", LIST, 1, None, FULL, {"stdout": "full"}),
    Situation("list, reader gone", LIST, 141, streams={"stdout": "gone"}),
    Situation("list, standard error closed", LIST, 0, "sentiment", streams={"stderr": "closed"}),
    Situation("list, everything closed", LIST, 1, streams=dict.fromkeys(("stdin", "stdout", "stderr"), "closed")),
    Situation("list, cp1252", LIST, 0, "sentiment", streams=CP1252),
    Situation("help, standard output full", ["--help"], 1, None, "No space left on device", {"stdout": "full"}),
    Situation("help of a command, reader gone", ["predict", "--help"], 141, streams={"stdout": "gone"}),
    Situation("wrong usage, pipes", WRONG, 2, None, NO_COMMAND),
    Situation("wrong usage, terminal", WRONG, 2, None, NO_COMMAND, {"stderr": "terminal"}),
    Situation("wrong usage, standard error closed", WRONG, 2, streams={"stderr": "closed"}),
    Situation("wrong usage, standard error full", WRONG, 2, streams={"stderr": "full"}),
    Situation("wrong usage, reader of errors gone", WRONG, 2, streams={"stderr": "gone"}),
    Situation(
        "wrong usage, cp1252", ["rum\N{GREEK SMALL LETTER ALPHA}"], 2, None, r"No such command 'rum\u03b1'", CP1252
    ),
    Situation("predict, standard input closed", PREDICT, 2, None, "give a text, --input FILE", {"stdin": "closed"}),
    Situation("predict, standard input a terminal", PREDICT, 2, None, "give a text, --input", {"stdin": "terminal"}),
    Situation(
        "predict, output folder missing", [*PREDICT, "x", "--output", "none/a"], 2, None, "no folder none; create"
    ),
    Situation("copy, folder missing", ["copy", "sentiment", "none/a.py"], 2, None, "none: no such folder"),
]
SLOW = [
    Situation("predict, cp1252", [*PREDICT, "good 😀"], 0, "good ?\n", "is cp1252: '?' stands for", CP1252),
]
THOROUGH = [
    Situation("predict, reader gone", [*PREDICT, "good"], 141, streams={"stdout": "gone"}),
    Situation("predict, standard output closed", [*PREDICT, "good"], 1, None, CLOSED, {"stdout": "closed"}),
    Situation("predict, standard output full", [*PREDICT, "good"], 1, None, FULL, {"stdout": "full"}),
    Situation("predict, errors closed", [*PREDICT, "good"], 0, "\tgood\n", streams={"stderr": "closed"}),
    Situation(
        "predict, not UTF-8", PREDICT, 1, None, "standard input, line 1, byte 0", {"stdin": "pipe", "lines": b"\xff"}
    ),
    Situation("predict, a folder as input", [*PREDICT, "--input", "."], 2, None, ".: no such file"),
    Situation("generate, ascii", ["generate", LANGUAGE_MODEL, "é", "--json"], 0, r'"prompt": "\u00e9"', streams=ASCII),
    Situation("generate, standard output full", ["generate", LANGUAGE_MODEL, "a"], 1, None, FULL, {"stdout": "full"}),
    Situation(
        "evaluate, reader gone", ["evaluate", CLASSIFIER, "--data", "reviews.csv"], 141, streams={"stdout": "gone"}
    ),
    Situation("run, standard output closed", TRAIN, 1, None, "out is complete", {"stdout": "closed"}),
    Situation("run, errors closed", TRAIN, 0, "accuracy", streams={"stderr": "closed"}),
    Situation("run, errors on a full disk", TRAIN, 0, "accuracy", streams={"stderr": "full"}),
]
MARKED = [*QUICK, *(pytest.param(row, marks=pytest.mark.slow) for row in SLOW)]
MARKED += [pytest.param(row, marks=pytest.mark.thorough) for row in THOROUGH]


@pytest.mark.parametrize("row", MARKED, ids=lambda row: row.what)
def test_a_command_ends_as_documented(tmp_path, reviews_csv, row):
    if "reviews.csv" in row.words:
        (tmp_path / "reviews.csv").write_bytes(reviews_csv.read_bytes())
    result = ended(row.words, tmp_path, **row.streams)
    out, err = result.out.decode(), result.err.decode().replace("\r\n", "\n")
    assert result.code == row.code, err
    assert out == "" if row.out is None else row.out in out
    if row.err is not None:
        assert row.err in err
    assert "Traceback" not in err and "Exception ignored" not in err
    if row.code:
        assert "Error" not in out, "errors never go to standard output"
        assert len(err.splitlines()) <= 4 or row.words is TRAIN
    assert row.words is not TRAIN or (tmp_path / "out" / "run.json").exists(), "the run is made in any case"


@pytest.mark.slow
def test_training_goes_on_without_its_listeners(tmp_path, reviews_csv):
    (tmp_path / "reviews.csv").write_bytes(reviews_csv.read_bytes())
    assert ended(TRAIN, tmp_path, stdout="gone", stderr="gone").code == 141
    assert (tmp_path / "out" / "run.json").exists()


def answering(run, *options, **settings):
    """A process that predicts the lines of standard input, loaded and waiting."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*COMMAND, "predict", str(run), *options], **pipes, **settings)


def answer_time(process, line):
    begun = time.monotonic()
    process.stdin.write(line)
    process.stdin.flush()
    answer = process.stdout.readline()
    assert answer, process.stderr.read()
    return time.monotonic() - begun


@pytest.mark.parametrize(
    ("run", "line", "how", "code"),
    [
        pytest.param("classifier", b"a good film\n", signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param("language_model", b"the ___ is\n", signal.SIGINT, 130, marks=pytest.mark.thorough),
        pytest.param("translator", b"one\n", signal.SIGHUP, 129, marks=pytest.mark.thorough),
    ],
)
def test_each_line_of_a_slow_pipe_is_answered_when_it_comes_until_a_signal(run, line, how, code):
    process = answering(FORMER / run)
    first = line.replace(b"good", b"dull")  # the time of the first includes loading TensorFlow
    answer_time(process, first)
    options = {"language_model": 5}.get(run, 1)  # lines of an answer
    for _ in range(options - 1):
        process.stdout.readline()
    times = []
    for _ in range(5):
        times.append(answer_time(process, line))
        for _ in range(options - 1):
            process.stdout.readline()
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code and err.decode().splitlines()[-1] == "Stopped."
    assert sorted(times)[2] < 0.05, times  # the median: the machine may be busy


def test_a_bar_is_never_drawn_over_answers(cli, trained, monkeypatch):
    """With `--output` the answers are not on the terminal, and there is a bar; short work shows none on its own."""
    Path("lines.txt").write_text("good\ndull\n")
    tracked = []
    monkeypatch.setattr("nlp_rnn.cli.predict.track", lambda answers, *about: tracked.append(about) or answers)
    for terminal, more, bar in (
        (True, (), []),
        (True, ("--output", "a.tsv"), [("predicting", 2)]),
        (False, (), [("predicting", 2)]),
    ):
        tracked.clear()
        monkeypatch.setattr("nlp_rnn.cli.predict.draws", lambda stream, terminal=terminal: terminal)
        assert cli("predict", trained, "--input", "lines.txt", *more).exit_code == 0
        assert tracked == bar


@pytest.mark.thorough
@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_training_that_a_scheduler_stops_says_how_to_resume(tmp_path, how, code):
    (tmp_path / "text.txt").write_text("".join(f"{SENTENCES[n % 3]}\n" for n in range(2000)))
    words = ["run", "generation", "--data", "text.txt", "--out", "out", "--set", "epochs=30", "--set", "patience=30"]
    process = subprocess.Popen([*COMMAND, *words, "--set", "units=8"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith("epoch 1/"):
            break
    process.send_signal(how)
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == code and "to resume:\n  nlp-rnn run generation" in said and said.endswith("Stopped.\n")
    assert "\r" not in said
