"""Bad input: one clear line, the right exit code, nothing left behind."""

import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import SMALL, reviews

HEADER = "text,label\n"


def rows(number=100):
    return HEADER + "".join(f'"{text.replace(chr(34), chr(39))}",{label}\n' for text, label in reviews(number))


CASES = {
    "a missing file": ("missing.csv", None, 2, "missing.csv: no such file or folder"),
    "an empty file": ("x.csv", b"", 1, "x.csv is empty"),
    "only a header": ("x.csv", HEADER.encode(), 1, "x.csv has no rows"),
    "not UTF-8": ("x.csv", HEADER.encode() + b"caf\xe9,a\n", 1, "x.csv, line 2, byte 14: 0xe9 is not UTF-8"),
    "UTF-16": ("x.csv", rows().encode("utf-16"), 1, "x.csv is UTF-16, as Excel writes Unicode text: save it as CSV"),
    "no such column": ("x.csv", b"a,b\nc,d\n", 2, "which column holds the text? Give --text-column, one of: a, b"),
    "a workbook that is none": ("x.xlsx", b"PK", 1, "x.xlsx: not an Excel workbook"),
    "a label missing": ("x.csv", (rows() + "lost,\n").encode(), 1, "x.csv, line 102: no label in column 'label'"),
    "one class only": ("x.csv", (HEADER + "t,a\n" * 50).encode(), 1, "two classes are needed"),
    "ids for labels": (
        "x.csv",
        (HEADER + "".join(f"t{n},{n}\n" for n in range(90))).encode(),
        1,
        "the right --label-col",
    ),
    "too few rows": ("x.csv", (HEADER + "t,a\nu,b\nv,a\n").encode(), 1, "split is empty: 3 texts are too few"),
    "a cut parquet": ("x.parquet", b"PAR1....", 1, "x.parquet: not a complete parquet file"),
    "a kind not read": ("x.docx", b"PK", 1, "files of type '.docx' are not supported"),
}


def one_line(result, code, message):
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    errors = [line for line in result.stderr.splitlines() if "Error" in line]
    assert len(errors) == 1 and message in errors[0], result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("case", CASES)
def test_data_that_cannot_be_used(cli, case):
    name, content, code, message = CASES[case]
    if content is not None:
        Path(name).write_bytes(content)
    one_line(cli("run", "sentiment", "--data", name, "--out", "runs/new"), code, message)
    assert not Path("runs").exists()


def test_a_folder_without_sub_folders(cli):
    Path("texts").mkdir()
    one_line(cli("run", "sentiment", "--data", "texts"), 1, "texts has no sub-folders")
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    "words, message",
    [
        (
            ["--set", "embeding=3"],
            "no setting 'embeding'. Did you mean embedding? There are: learning_rate, finetuning_learning_rate",
        ),
        (["--set", "units=many"], "--set units=many: units is of type int"),
        (["--set", "units=1.5"], "--set units=1.5: units is of type int"),
        (["--set", "units=0"], "units must be a positive int, got 0"),
        (["--set", "dropout=2"], "dropout must be a number from 0"),
        (["--set", "cell=transformer"], "cell must be one of lstm, gru, rnn, got 'transformer'"),
        (["--set", "learning_rate=nan"], "learning_rate must be a number above 0"),
        (["--set", "units"], "write KEY=VALUE"),
        (["--set", "seed=5000000000"], "seed must be below 2**32"),
        (["--out", "x.csv/run"], "x.csv is a file; choose another --out"),
        (["--label-column", "stars"], "has no column 'stars' for the label; it has: text, label"),
    ],
)
def test_a_wrong_call_of_run(cli, words, message):
    Path("x.csv").write_text(rows())
    one_line(cli("run", "sentiment", "--data", "x.csv", *words), 2, message)
    assert not Path("runs").exists()


def test_names_that_do_not_exist(cli):
    one_line(cli("run", "sentimnt"), 2, "no recipe 'sentimnt'. Did you mean sentiment?")
    one_line(cli("copy", "sentimnt", "x.py"), 2, "Did you mean sentiment?")
    one_line(cli("run", "sentiment", "--data", "movie_review"), 2, "Did you mean movie_reviews?")
    one_line(cli("run", "sentiment", "--data", "tfds:imdb_review"), 2, "Did you mean imdb_reviews?")
    Path("typo.py").write_text("x = 1\ndef f(:\n")
    one_line(cli("run", "typo.py"), 1, "typo.py, line 2: invalid syntax")
    Path("empty.py").write_text('"""Nothing."""\n')
    one_line(cli("run", "empty.py"), 2, "empty.py is not a recipe: it lacks Config, load_data, build_model, train")
    assert cli("run", "sentiment", "--colour", "blue").exit_code == 2
    assert cli("rum").exit_code == 2


def test_nothing_is_written_over(cli, trained):
    Path("there").mkdir()
    for words in (
        ["run", "sentiment", "--out", "there"],
        ["finetune", trained, "--data", "x.csv", "--out", "there"],
        ["export", trained, "there"],
        ["predict", trained, "good", "--output", "there"],
    ):
        one_line(cli(*words), 2, "there exists already; choose another")
    one_line(cli("run", "sentiment", "--out", trained, "--resume"), 2, "is finished: there is nothing to resume")
    one_line(cli("run", "sentiment", "--out", "there", "--resume"), 2, "there exists already; choose another")
    one_line(cli("run", "sentiment", "--out", "none", "--resume"), 2, "there is no unfinished run none to resume")
    Path("mine.py").write_text("")
    one_line(cli("copy", "sentiment", "mine.py"), 2, "mine.py exists already")
    assert Path("mine.py").read_text() == "" and not list(Path("there").iterdir())


@pytest.mark.parametrize("command", ["predict", "evaluate", "export"])
def test_a_run_that_cannot_be_read(cli, trained, command):
    more = {"predict": ["good"], "evaluate": [], "export": ["dest"]}[command]
    one_line(cli(command, "nowhere", *more), 2, "nowhere: no such run folder")
    run = Path(shutil.copytree(trained, "run"))
    (run / "vocabulary.txt").write_text("other\n")
    one_line(cli(command, "run", *more), 1, "the run's file vocabulary.txt was changed after training")
    (run / "model.weights.h5").unlink()
    one_line(cli(command, "run", *more), 1, "the run's file model.weights.h5 is missing")
    assert not Path("dest").exists()


def test_predict_called_wrongly_and_on_broken_lines(cli, trained):
    Path("bad.txt").write_bytes(b"good\n\xff\n")
    one_line(cli("predict", trained, "--input", "none.txt"), 2, "none.txt: no such file")
    one_line(cli("predict", trained, "good", "--input", "bad.txt"), 2, "give texts or --input, not both")
    result = cli("predict", trained, "--input", "bad.txt", "--output", "out.tsv")
    one_line(result, 1, "bad.txt, line 2, byte 5: 0xff is not UTF-8")
    assert sorted(p.name for p in Path().iterdir()) == ["bad.txt"]
    assert cli("predict", trained, input=b"ok\n\xc3\x28\n").exit_code == 1


def test_labels_that_the_run_does_not_know(cli, trained):
    Path("x.csv").write_text(HEADER + "t,surprised\n")
    one_line(
        cli("evaluate", trained, "--data", "x.csv"), 1, "x.csv, line 2: label 'surprised' is not one of the classes"
    )


@pytest.mark.slow
def test_a_disk_that_fills_up_during_a_save(cli, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device", "state.npz")

    Path("x.csv").write_text(rows())
    monkeypatch.setattr(np, "savez", full)
    result = cli("run", "sentiment", "--data", "x.csv", "--out", "runs/new", *SMALL, "--set", "epochs=1")
    one_line(result, 1, "state.npz: No space left on device; free some space and try again")
    assert not Path("runs").exists()


@pytest.mark.parametrize("error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")])
def test_memory_that_runs_out(cli, monkeypatch, trained, error):
    def out(*args, **kwargs):
        raise error

    monkeypatch.setattr("nlp_rnn.classification.pipeline.TextClassifier.predict", out)
    one_line(
        cli("predict", trained, "good"), 1, "memory ran out; use smaller batches (--set batch_size) or shorter texts"
    )


def test_fine_tuning_on_one_class_only(cli, trained):
    Path("x.csv").write_text(HEADER + "".join(f"t{n},positive\n" for n in range(50)))
    one_line(cli("finetune", trained, "--data", "x.csv", "--out", "new"), 1, "two classes are needed, and all 50 texts")


def test_no_recipe_is_run_because_a_run_folder_names_it(cli, trained):
    from nlp_rnn import runs

    run = Path(shutil.copytree(trained, "run"))
    Path("evil.py").write_text("raise SystemExit('ran')\n")
    about = json.loads((run / "run.json").read_text()) | {"recipe": "evil.py"}
    (run / "run.json").write_text(json.dumps(about | {"digest": runs.digest(about)}))
    one_line(
        cli("finetune", "run", "--data", "x.csv"),
        2,
        "run was made with the recipe evil.py: name its file with --recipe",
    )


@pytest.mark.slow
def test_half_a_character_and_names_with_dollars(cli, trained):
    texts = [{"text": f"bad \ud83d {n}", "label": ("$x^$", "a \udc00 b")[n % 2]} for n in range(60)]
    Path("x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts))
    result = cli("run", "sentiment", "--data", "x.jsonl", "--out", "r", *SMALL, "--set", "epochs=1")
    assert result.exit_code == 0, result.output
    assert set(json.loads(Path("r/metrics.json").read_text())["classes"]) == {"$x^$", "a ? b"}


@pytest.mark.slow
def test_texts_that_must_work(cli, trained):
    strange = [
        "x" * 10_000_000,
        "good " * 2_000_000,
        "nul \0 byte",
        "😀👩‍👩‍👧",
        "טוב مرحبا",
        "e\u0301\u0301\u0301",
        "\u202e",
        "",
    ]
    Path("x.jsonl").write_text("".join(json.dumps({"text": t, "label": "positive"}) + "\n" for t in strange))
    assert json.loads(cli("evaluate", trained, "--data", "x.jsonl", "--json").stdout)["texts"] == len(strange)
    mixed = [(t, label) for t in strange[2:] for label in ("a", "b")] * 8
    Path("y.jsonl").write_text(
        "".join(json.dumps({"text": f"{t} {n}", "label": to}) + "\n" for n, (t, to) in enumerate(mixed))
    )
    result = cli("run", "sentiment", "--data", "y.jsonl", *SMALL, "--set", "epochs=1", "--set", "min_count=1")
    assert result.exit_code == 0, result.output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "code", "message"),
    [
        (["vocabulary=1"], 2, "--set: vocabulary must be at least 4, got 1"),
        (["min_count=9999"], 1, "x.txt: no token occurs often enough for the vocabulary; lower --set min_count"),
        (["cycles=0"], 2, "--set: cycles must be a positive int, got 0"),
        (["cycles=3", "epochs=2"], 2, "cycles: at most one per epoch, and there are 2 epochs; got 3"),
    ],
)
def test_settings_that_no_model_can_have(cli, settings, code, message):
    Path("x.txt").write_text("the clouds are in the sky .\n" * 300)
    result = cli("run", "generation", "--data", "x.txt", *[f"--set={setting}" for setting in settings])
    assert result.exit_code == code and result.stderr.splitlines()[-1] == f"Error: {message}"
    assert not Path("runs").exists()


def test_an_empty_folder(cli):
    Path("texts/.git").mkdir(parents=True)
    Path("texts/.hidden").write_text("words")
    result = cli("run", "generation", "--data", "texts")
    assert result.exit_code == 1 and "texts is an empty folder: put text files into it" in result.stderr


def test_a_bug_keeps_its_traceback(cli, trained, monkeypatch):
    monkeypatch.setattr("nlp_rnn.runs.folder.load", lambda path: 1 / 0)
    assert isinstance(cli("predict", trained, "good").exception, ZeroDivisionError)
