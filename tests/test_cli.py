"""The command line, through its runner and as a process."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nlp_rnn import runs
from tests.conftest import SMALL, reviews

COMMANDS = ("list", "run", "finetune", "evaluate", "predict", "generate", "export", "copy")


def nlp_rnn(*arguments, **options):
    command = [sys.executable, "-m", "nlp_rnn.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


def test_help_answers_at_once_and_shows_an_example(cli):
    for command in COMMANDS:
        result = cli(command, "--help")
        assert result.exit_code == 0
        assert "nlp-rnn " + command in result.output.partition("Example")[2]
    code = (
        "import resource, subprocess, sys; subprocess.run([sys.executable, '-m', 'nlp_rnn.cli', '--help'], stdout=-3); "
    )
    code += "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime)"
    seconds = min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5))
    assert seconds < 0.2


def test_help_tells_the_settings_of_the_recipe_named(cli, tmp_path):
    told = " ".join(cli("run", "sentiment", "--help").output.partition("Settings of sentiment")[2].split())
    assert "vocabulary=30000 tokens known; the rest are <unk>" in told and "bidirectional=True" in told
    recipe = tmp_path / "mine.py"
    recipe.write_text("class Config:\n    units: int = 2**3  # of a layer\n    cell: str = 'gru'\n    seed: int\n")
    told = " ".join(cli("run", "--out", "here", recipe, "--help").output.partition("for --set:")[2].split())
    assert told.endswith("units=2**3 of a layer cell=gru seed=")
    assert "Settings of" not in cli("run", "sentimental", "--help").output + cli("run", "--help").output
    recipe.write_text("class Config:\n    units: int =\n")
    result = cli("run", recipe, "--help")
    assert result.exit_code == 1 and f"{recipe}, line 2" in result.stderr and "Usage" not in result.stdout


def test_list(cli):
    assert "sentiment" in cli("list").stdout and "movie_reviews" in cli("list").stdout
    listed = json.loads(cli("list", "--json").stdout)
    assert listed["recipes"]["sentiment"].startswith("Sentiment") and "movie_reviews" in listed["data"]


def test_run_prints_figures_for_machines_and_talks_on_standard_error(cli, reviews_csv, tmp_path):
    result = cli("run", "sentiment", "--data", reviews_csv, "--json", *SMALL, "--set", "epochs=1")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["run"] == "runs/sentiment" and 0 <= figures["accuracy"] <= 1
    assert {"majority_accuracy", "macro_f1", "loss", "classes"} <= set(figures)
    assert "epoch 1/1" in result.stderr and "text column: review" in result.stderr
    with open("runs/sentiment/history.csv") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1"]


def test_the_next_run_takes_the_next_free_folder(cli, reviews_csv):
    Path("runs/sentiment").mkdir(parents=True)
    result = cli("run", "sentiment", "--data", reviews_csv, *SMALL, "--set", "epochs=1")
    assert result.exit_code == 0 and "runs/sentiment-2" in result.stdout


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


def test_evaluate_its_own_and_other_data(cli, trained, tmp_path):
    own = json.loads(cli("evaluate", trained, "--json").stdout)
    assert own["accuracy"] > 0.9 and own["texts"] < 50
    Path("o.jsonl").write_text("".join(json.dumps({"text": t, "label": to}) + "\n" for t, to in reviews(40)))
    other = cli("evaluate", trained, "--data", "o.jsonl")
    assert "on 40 texts" in other.stdout


def test_evaluate_knows_its_own_data_by_any_path(cli, trained, reviews_csv):
    other_path = reviews_csv.parent / ".." / reviews_csv.parent.name / reviews_csv.name
    own, again = (cli("evaluate", trained, *more, "--json").stdout for more in ([], ["--data", other_path]))
    assert own == again


def write_others(path):
    rows = ({"text": f"another {text}", "label": to} for text, to in reviews(100))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_what_an_ancestor_was_trained_on_is_not_evaluated_on(cli, trained, reviews_csv):
    write_others(Path("new.jsonl"))
    more = ("--set", "epochs=1", "--set", "seed=1")
    assert cli("finetune", trained, "--data", "new.jsonl", "--out", "tuned", *more).exit_code == 0
    old = json.loads(cli("evaluate", trained, "--json").stdout)["texts"]
    assert f"on {old:,} held-out texts" in cli("evaluate", "tuned", "--data", reviews_csv).stdout
    again = cli("finetune", trained, "--data", reviews_csv, "--out", "again", *more)
    assert f"on {old:,} held-out texts" in again.stdout
    about = json.loads(Path("again", "run.json").read_text())["data"]
    assert about["split_seed"] == 0 and about["trained_on"] == [str(reviews_csv.resolve())] * 2


def test_a_run_finds_its_data_from_another_folder(cli, trained, monkeypatch):
    write_others(Path("new.jsonl"))
    assert cli("finetune", trained, "--data", "new.jsonl", "--out", "tuned", "--set", "epochs=1").exit_code == 0
    own = cli("evaluate", "tuned").stdout
    Path("below").mkdir()
    monkeypatch.chdir("below")
    assert "held-out" in own and cli("evaluate", "../tuned").stdout == own
    assert cli("evaluate", "../tuned", "--data", "../new.jsonl").stdout == own


def test_texts_that_are_cut_are_counted(cli, trained):
    assert "1 longer than 400 tokens were cut" in cli("predict", trained, "good " * 401, "good").stderr


def test_export_and_copy(cli, trained):
    result = json.loads(cli("export", trained, "served", "--json").stdout)
    assert result["largest_difference"] <= 1e-5 and Path("served/saved_model.pb").exists()
    assert cli("copy", "sentiment", "mine.py").exit_code == 0
    assert "run other.py" in cli("copy", "sentiment", "other.py").stdout


def test_a_copied_recipe_with_a_layer_of_its_own(cli, reviews_csv):
    cli("copy", "sentiment", "mine.py")
    text = (
        Path("mine.py")
        .read_text()
        .replace(
            "@dataclass(frozen=True)\nclass Config",
            "@keras.saving.register_keras_serializable('mine')\nclass Mine(Classifier):\n    pass\n\n\n"
            "@dataclass(frozen=True)\nclass Config",
        )
    )
    Path("mine.py").write_text(text.replace("model = Classifier(", "model = Mine("))
    result = cli("run", "mine.py", "--data", reviews_csv, "--out", "r", *SMALL, "--set", "epochs=1")
    assert result.exit_code == 0, result.output
    refused = nlp_rnn("predict", "r", "good")
    assert refused.returncode == 1 and "the model holds Mine" in refused.stderr and "--recipe" in refused.stderr
    assert nlp_rnn("predict", "r", "good", "--recipe", "mine.py").returncode == 0


def test_finetune_new_classes_and_the_same(cli, trained, tmp_path):
    rows = [(f"film {n} was {'stellar' if n % 3 else 'good'}", "abc"[n % 3]) for n in range(120)]
    Path("new.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    result = cli("finetune", trained, "--data", "new.csv", "--out", "new", "--json", "--set", "epochs=1")
    assert result.exit_code == 0, result.output
    assert set(json.loads(result.stdout)["classes"]) == {"a", "b", "c"}
    old, new = (Path(p, "vocabulary.txt").read_text().splitlines() for p in (trained, "new"))
    assert new[: len(old)] == old and "stellar" in new[len(old) :]
    about = json.loads(Path("new/run.json").read_text())
    assert about["start"] == str(trained) and about["settings"]["units"] == 8
    on_what = cli("finetune", trained, "--out", "x")
    assert on_what.exit_code == 2 and "say what to train on with --data" in on_what.stderr
    frozen = cli("finetune", trained, "--data", "new.csv", "--out", "x", "--set", "units=9")
    assert frozen.exit_code == 2 and "units cannot change" in frozen.stderr and not Path("x").exists()
    pairs = cli("finetune", trained, "--data", "new.csv", "--out", "x", "--set", "bigrams=9")
    assert pairs.exit_code == 2 and f"--set bigrams=9: bigrams is 4096 in {trained}" in pairs.stderr


MANY = ["--set", "bigrams=1048576", "--set", "epochs=1"]


def test_many_classes_leave_fewer_pairs_and_fine_tuning_keeps_them(cli, tmp_path):
    rows = [f"film {n} was number {n % 40},class {n % 40}\n" for n in range(400)]
    Path("many.csv").write_text("text,label\n" + "".join(rows))
    result = cli("run", "sentiment", "--data", "many.csv", "--out", "many", *SMALL, *MANY)
    assert result.exit_code == 0, result.output
    assert "instead of 1048576, for 40 classes" in result.stderr
    assert 100_000 < runs.load(Path("many")).pipeline.model.settings["bigrams"] < 5_000_000 / 40
    rows += [f"novel {n} told of place {n % 45},class {n % 45}\n" for n in range(450)]
    Path("more.csv").write_text("text,label\n" + "".join(rows))
    again = cli("finetune", "many", "--data", "more.csv", "--out", "again", "--set", "epochs=1")
    assert again.exit_code == 0, again.output
    kept = [runs.load(Path(run)).pipeline.model.settings["bigrams"] for run in ("many", "again")]
    assert kept[0] == kept[1], "though there are more classes and words"
    without = cli(
        "run", "sentiment", "--data", "many.csv", "--out", "w", *SMALL, "--set", "epochs=1", "--set", "bigrams=0"
    )
    assert without.exit_code == 0, without.output
    on = cli("finetune", "w", "--data", "many.csv", "--out", "on", "--set", "epochs=1", "--set", "bigrams=1048576")
    assert on.exit_code == 0, on.output
    assert json.loads(Path("on/run.json").read_text())["settings"]["bigrams"] == 0


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


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_says_how_to_go_on_and_does(tmp_path, reviews_csv, how):
    long = ("--data", reviews_csv, *SMALL, "--set", "epochs=15", "--set", "patience=15")
    process = start_run(tmp_path, *long)
    wait_for_checkpoint(process, tmp_path)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert not (tmp_path / "out").exists() and (tmp_path / "out.unfinished").exists()
    if how == signal.SIGINT:
        assert process.returncode == 130 and "Traceback" not in said
        assert "go on with:\n  nlp-rnn run sentiment" in said and said.strip().endswith("Stopped.")
    again = start_run(tmp_path, *long)
    _, said = again.communicate(timeout=60)
    assert again.returncode == 2 and "add --resume" in said
    # What is not said is as it was begun; what is said must be.
    resumed = start_run(tmp_path, *(long if how == signal.SIGINT else ()), "--resume")
    out, said = resumed.communicate(timeout=240)
    assert resumed.returncode == 0 and "going on after epoch" in said and "accuracy" in out
    assert (tmp_path / "out" / "run.json").exists() and not (tmp_path / "out.unfinished").exists()


def test_a_reader_that_has_seen_enough_is_no_error(trained, tmp_path):
    (tmp_path / "many.txt").write_text("film 1 was good to see\n" * 20_000)
    command = f"{sys.executable} -m nlp_rnn.cli predict {trained} --input {tmp_path}/many.txt | head -n 1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "Traceback" not in done.stderr and done.stdout.startswith("positive")


def test_runs_are_the_same_for_the_same_seed(cli, reviews_csv):
    losses = [
        cli("run", "sentiment", "--data", reviews_csv, "--out", out, "--json", *SMALL, "--set", "epochs=1").stdout
        for out in "ab"
    ]
    assert json.loads(losses[0])["loss"] == json.loads(losses[1])["loss"]


def test_tensorboard_logs_on_request(cli, reviews_csv):
    result = cli("run", "sentiment", "--data", reviews_csv, "--out", "r", "--tensorboard", *SMALL, "--set", "epochs=1")
    assert result.exit_code == 0, result.output
    assert list(Path("r/tensorboard").rglob("events.out.tfevents.*"))
    assert cli("predict", "r", "good").exit_code == 0
