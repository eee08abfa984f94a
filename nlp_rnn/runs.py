"""The run folder: all that a trained model needs, and what is known about it.

    run.json          recipe, settings, data, classes, the model's structure, versions, SHA-256 of the other files
    vocabulary.txt    one token a line, in the order of the ids
    target.txt        the same of the target side, of a translator
    model.weights.h5  the weights of the best epoch
    metrics.json      figures on the held-out texts
    history.csv       a row an epoch
    mistakes.csv      the most confident mistakes on the held-out texts
    translations.csv  what a translator made of the held-out sources
    backtest.csv      what a forecaster told of the held-out points, and what came
    plots/            the curves, and the confusion matrix or some forecasts

A folder is whole or absent: it is made as OUT.unfinished and renamed. Loading one runs no code from it and unpickles
nothing: the structure may only name layers of Keras and of this library.
"""

import csv
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras

import nlp_rnn
from nlp_rnn.checks import CallError, InputError
from nlp_rnn.forecasting import Forecaster
from nlp_rnn.language import LanguagePipeline
from nlp_rnn.models import storage
from nlp_rnn.pipelines import TextClassifier
from nlp_rnn.places import PURPOSE, begun, check_new, unfinished
from nlp_rnn.progress import say
from nlp_rnn.text import TextEncoder, Vocabulary
from nlp_rnn.translation import Translator

FORMAT = 1
LOCK = "lock"  # in the workplace
Pipeline = TextClassifier | LanguagePipeline | Translator | Forecaster
PIPELINES = {pipeline.kind: pipeline for pipeline in (TextClassifier, LanguagePipeline, Translator, Forecaster)}
ENCODERS = {"encoder": "vocabulary.txt", "target": "target.txt"}  # those that a pipeline may have, and their tokens


@dataclass(frozen=True)
class Run:
    """A finished run, read back.

    Attributes:
        path: its folder.
        recipe: the recipe's name, or the file that was run.
        settings: the recipe's settings by name.
        data: what it was trained on: name, text_column, label_column.
        pipeline: text in, answer out.
        metrics: figures on the held-out texts.
    """

    path: Path
    recipe: str
    settings: dict
    data: dict
    pipeline: Pipeline
    metrics: dict


@dataclass(frozen=True)
class Job:
    """What a recipe is asked to do, apart from its settings.

    Attributes:
        recipe: the recipe's name, or the file that is run.
        out: the run folder to be.
        data: name and columns of the source.
        start: a finished run whose weights to start from; None to start from scratch.
        resume: go on with an unfinished run.
        tensorboard: write TensorBoard's logs into the run folder.
    """

    recipe: str
    out: Path
    data: dict
    start: Run | None = None
    resume: bool = False
    tensorboard: bool = False

    def require_same(self, settings: dict, names: Sequence[str]) -> None:
        """Check that what decides the shapes of the weights is as in the run to start from.

        Raises:
            CallError: a setting among `names` differs.
        """
        for name in names:
            stays = self.start.settings.get(name, settings[name]) if self.start else settings[name]
            if settings[name] != stays:
                raise CallError(f"--set {name}={settings[name]}: {name} cannot change after training, it stays {stays}")

    def purpose(self, settings: dict) -> dict:
        """What has to be the same to go on with a run, and is written down in it."""
        start = str(self.start.path) if self.start else None
        return {"recipe": self.recipe, "settings": settings, "data": self.data, "start": start}


@contextmanager
def workplace(job: Job, settings: dict) -> Iterator[Path]:
    """The folder that a run is made in, OUT.unfinished; it becomes OUT when all went well.

    When something fails it is kept if there is a checkpoint or a finished run in it, and removed otherwise.

    Raises:
        CallError: OUT exists, or an unfinished one does and is not to be resumed, had another purpose, or is in use.
    """
    folder, purpose = unfinished(job.out), job.purpose(settings)
    _check_free(job, folder, purpose)
    made = [parent for parent in folder.parents if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        try:
            write_json(folder / PURPOSE, purpose)
            yield folder
            check_new(job.out)
            os.replace(folder, job.out)
        except BaseException:
            if not has_checkpoint(job.out) and not (folder / "run.json").exists():
                shutil.rmtree(folder, ignore_errors=True)
                _remove_empty(made)
            raise
    for leftover in _leftovers(job.out):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


@contextmanager
def _locked(folder):
    """Keep a second process out of an unfinished run."""
    try:
        import fcntl
    except ImportError:  # Windows has no such lock
        yield
        return
    with open(folder / LOCK, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CallError(f"{folder} is in use: another process is training there; wait for it") from None
        yield


def has_checkpoint(out: Path) -> bool:
    """Whether an unfinished run can be resumed."""
    return any(unfinished(out).glob("checkpoint-*"))


def save(folder: Path, pipeline: Pipeline, figures: dict, history: Sequence[dict]) -> None:
    """Write a run into its workplace; call it last, since it takes the hashes of all files there."""
    encoders = {name: getattr(pipeline, name) for name in ENCODERS if hasattr(pipeline, name)}
    for name, encoder in encoders.items():
        (folder / ENCODERS[name]).write_text(encoder.vocabulary.dump(), encoding="utf-8")
    structure = storage.save(pipeline.model, folder / storage.WEIGHTS)
    write_json(folder / "metrics.json", figures)
    write_rows(folder / "history.csv", history)
    about = {
        "format": FORMAT,
        "kind": pipeline.kind,
        **_read_json(folder / PURPOSE),
        "classes": pipeline.classes,
        **{name: encoder.get_config() for name, encoder in encoders.items()},
        "options": getattr(pipeline, "options", {}),
        "model": structure,
        "versions": versions(),
        "files": {name: _sha256(folder / name) for name in _files(folder)},
    }
    write_json(folder / "run.json", {**about, "digest": digest(about)})


def load(path: Path) -> Run:
    """Read a run folder back.

    Raises:
        CallError: there is no such folder.
        InputError: it is not a run folder, a file is missing or was changed, or it is of a later version.
    """
    about = _read_about(path)
    for name, digest in about["files"].items():
        if not (path / name).is_file():
            raise InputError(f"{path}: the run's file {name} is missing; take the run from a copy, or train it again")
        if _sha256(path / name) != digest:
            raise InputError(f"{path}: the run's file {name} was changed after training; take the run from a copy")
    encoders = {name: _encoder(path / file, about[name]) for name, file in ENCODERS.items() if name in about}
    model = storage.load(about["model"], path / storage.WEIGHTS)
    more = {**encoders, **about.get("options", {})}
    pipeline = PIPELINES[about["kind"]](model=model, classes=about["classes"], **more)
    return Run(path, about["recipe"], about["settings"], about["data"], pipeline, _read_json(path / "metrics.json"))


def _encoder(file, config):
    return TextEncoder(Vocabulary.parse(file.read_text(encoding="utf-8")), **config)


def digest(about: dict) -> str:
    """SHA-256 of a run's description, without the digest itself."""
    rest = {key: value for key, value in about.items() if key != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def versions() -> dict[str, str]:
    """The versions that a run was made with."""
    import tensorflow as tf

    modules = {"nlp-rnn": nlp_rnn, "tensorflow": tf, "keras": keras}
    return {"python": platform.python_version(), **{n: m.__version__ for n, m in modules.items()}}


def write_json(path: Path, content: dict) -> None:
    """Write JSON for machines and eyes, whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, path)


def write_rows(path: Path, rows: Sequence[dict]) -> None:
    """Write dicts of the same keys as a CSV file."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)


def _check_free(job, folder, purpose):
    check_new(job.out)
    if not folder.exists():
        if job.resume:
            say(f"there is no unfinished run {folder}: starting a new one")
        return
    if not job.resume:
        raise CallError(f"{folder} holds an unfinished run; add --resume to go on with it, or remove it")
    before = begun(job.out) or purpose
    now = json.loads(json.dumps(purpose))
    old, new = before["settings"], now["settings"]
    changed = [f"{key}={old.get(key)}, not {new.get(key)}" for key in old | new if new.get(key) != old.get(key)]
    changed += [f"another {key}" for key in now if key != "settings" and now[key] != before.get(key)]
    if missing := [key for key in new if key not in old]:
        raise CallError(f"{folder} was begun when the recipe had no setting {', '.join(missing)}: remove it")
    if changed:
        raise CallError(f"{folder} was begun with {'; '.join(changed)}: resume with the same, or remove it")


def _remove_empty(folders):
    for folder in folders:
        if any(folder.iterdir()):
            return
        folder.rmdir()


def _leftovers(folder):
    """What only the making of a run needs."""
    files = [folder / PURPOSE, folder / LOCK, *folder.glob("*.ids*"), *folder.glob("*.partial")]
    return [*folder.glob("*checkpoint*"), *(file for file in files if file.exists())]


def _files(folder):
    """The names of the files that a run consists of, but for run.json, which lists them."""
    apart = [*_leftovers(folder), folder / "tensorboard"]
    files = [path for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in files if not any(path.is_relative_to(other) for other in apart)]
    return sorted(str(path.relative_to(folder)) for path in kept if path.name != "run.json")


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_about(path):
    if not path.is_dir():
        hint = f"; {unfinished(path)} is not finished: go on with --resume" if unfinished(path).exists() else ""
        raise CallError(f"{path}: no such run folder{hint}")
    file = path / "run.json"
    try:
        about = _read_json(file)
        whole = about["digest"] == digest(about)
    except FileNotFoundError:
        why = "is not finished: go on with --resume" if path.suffix == ".unfinished" else "has no run.json"
        raise InputError(f"{path} is not a run folder: it {why}") from None
    except (ValueError, TypeError, KeyError):
        whole = False
    if not whole:
        raise InputError(f"{file} is damaged, was changed, or is not nlp-rnn's; take the run from a copy")
    if about["format"] > FORMAT or about["kind"] not in PIPELINES:
        raise InputError(f"{path} was made by a later nlp-rnn (format {about['format']}); upgrade to read it")
    return about


def _read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))
