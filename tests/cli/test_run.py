"""`nlp-rnn run`: figures, folders, interruption and resumption."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import SMALL


@pytest.mark.slow
def test_run_prints_figures_for_machines_and_talks_on_standard_error(cli, reviews_csv, tmp_path):
    result = cli("run", "sentiment", "--data", reviews_csv, "--json", *SMALL, "--set", "epochs=1")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["run"] == "runs/sentiment" and 0 <= figures["accuracy"] <= 1
    assert {"majority_accuracy", "macro_f1", "loss", "classes"} <= set(figures)
    assert "epoch 1/1" in result.stderr and "text: review" in result.stderr
    with open("runs/sentiment/history.csv") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1"]


@pytest.mark.slow
def test_the_next_run_takes_the_next_free_folder(cli, reviews_csv):
    Path("runs/sentiment").mkdir(parents=True)
    result = cli("run", "sentiment", "--data", reviews_csv, *SMALL, "--set", "epochs=1")
    assert result.exit_code == 0 and "runs/sentiment-2" in result.stdout


def start_run(folder, *more):
    command = [sys.executable, "-m", "nlp_rnn.cli", "run", "sentiment", "--out", "out", *map(str, more)]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def wait_for_checkpoint(process, folder):
    for _ in range(1200):
        if any(folder.glob("out.unfinished/checkpoint-*")):
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    raise AssertionError("no checkpoint within a minute")


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.thorough)])
def test_a_stopped_run_says_how_to_resume_and_does(cli, tmp_path, reviews_csv, how):
    long = ("--data", reviews_csv, *SMALL, "--set", "epochs=6", "--set", "patience=6")
    process = start_run(tmp_path, *long)
    wait_for_checkpoint(process, tmp_path)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert not (tmp_path / "out").exists() and (tmp_path / "out.unfinished").exists()
    if how == signal.SIGINT:
        assert process.returncode == 130 and "Traceback" not in said
        assert "to resume:\n  nlp-rnn run sentiment" in said and said.strip().endswith("Stopped.")
    again = cli("run", "sentiment", "--out", "out", *long)
    assert again.exit_code == 2 and "add --resume" in again.stderr
    # Omitted options keep their values; those that are given must be the same.
    resumed = start_run(tmp_path, *(long if how == signal.SIGINT else ()), "--resume")
    out, said = resumed.communicate(timeout=240)
    assert resumed.returncode == 0 and "resuming after epoch" in said and "accuracy" in out
    assert (tmp_path / "out" / "run.json").exists() and not (tmp_path / "out.unfinished").exists()


@pytest.mark.thorough
def test_runs_are_the_same_for_the_same_seed(cli, reviews_csv):
    losses = [
        cli("run", "sentiment", "--data", reviews_csv, "--out", out, "--json", *SMALL, "--set", "epochs=1").stdout
        for out in "ab"
    ]
    assert json.loads(losses[0])["loss"] == json.loads(losses[1])["loss"]


@pytest.mark.slow
def test_tensorboard_logs_on_request(cli, reviews_csv):
    result = cli("run", "sentiment", "--data", reviews_csv, "--out", "r", "--tensorboard", *SMALL, "--set", "epochs=1")
    assert result.exit_code == 0, result.output
    assert list(Path("r/tensorboard").rglob("events.out.tfevents.*"))
    assert cli("predict", "r", "good").exit_code == 0
