"""The run folder: everything that a trained model needs, and its metadata.

    run.json          recipe, settings, data, classes, the model's structure, versions, SHA-256 of the other files
    vocabulary.txt    one token per line, in the order of the ids
    target.txt        the same for the target side of a translator
    model.weights.h5  the weights of the best epoch
    trained_on.npz    hashes of the texts that it was trained on, which it is never evaluated on
    metrics.json      metrics on the held-out data
    history.csv       one row per epoch
    mistakes.csv      a classifier's most confident mistakes on the held-out texts
    translations.csv  a translator's output for the held-out sources
    backtest.csv      a forecaster's forecasts of the held-out points, and the actual values
    plots/            the training curves and plots of the results

A folder is complete or absent: it is created as OUT.unfinished and renamed. Loading one runs no code from it and
unpickles nothing: the structure may only name layers of Keras and of this library.
"""

import csv
import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

import nlp_rnn
from nlp_rnn import task, weights
from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.runs.paths import LOCK, SPECIFICATION, in_use, unfinished
from nlp_rnn.settings import current_names
from nlp_rnn.task import Run

FORMAT = 2  # 1 was written by version 0.1


def save(
    folder: Path,
    pipeline: task.Pipeline,
    figures: Mapping[str, Any],
    history: Sequence[dict],
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write a run into its unfinished folder; call it last, since it records the hashes of all files there.

    Args:
        folder: the unfinished folder.
        pipeline: the trained model.
        figures: its metrics.
        history: one row per epoch.
        settings: those that had an effect; None for all that the run was started with.
    """
    files = task.task_of(pipeline).save(pipeline, folder)
    structure = weights.save(pipeline.model, folder / weights.WEIGHTS)
    write_json(folder / "metrics.json", figures)
    write_rows(folder / "history.csv", history)
    specification = _read_json(folder / SPECIFICATION)
    about = {
        "format": FORMAT,
        "kind": pipeline.kind,
        **specification,
        "settings": dict(settings) if settings is not None else specification["settings"],
        "classes": pipeline.classes,
        **files,
        "model": structure,
        "versions": versions(),
        "files": {name: sha256(folder / name) for name in _files(folder)},
    }
    write_json(folder / "run.json", {**about, "digest": digest(about)})


def load(path: Path) -> Run:
    """Load a run folder.

    Raises:
        UsageError: there is no such folder.
        InputError: it is not a run folder, a file is missing or was changed, or this version does not know its kind.
    """
    about = _read_about(path)
    for name, expected in about["files"].items():
        if not (path / name).resolve().is_relative_to(path.resolve()):
            raise InputError(f"{path}: run.json names the file {name}, which is outside the run folder")
        if not (path / name).is_file():
            raise InputError(f"{path}: the run's file {name} is missing; restore the run from a copy, or retrain it")
        if sha256(path / name) != expected:
            raise InputError(f"{path}: the run's file {name} was changed after training; restore the run from a copy")
    metrics = _read_json(path / "metrics.json")
    pipeline = task.get(about["kind"]).load(path, {**about, "metrics": metrics})
    return Run(path, about["recipe"], current_names(about["settings"]), about["data"], pipeline, metrics)


def digest(about: Mapping[str, Any]) -> str:
    """SHA-256 of a run's description, without the digest itself."""
    rest = {key: value for key, value in about.items() if key != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def versions() -> dict[str, str]:
    """The versions of Python, nlp-rnn, TensorFlow and Keras, by name."""
    import tensorflow as tf

    modules = {"nlp-rnn": nlp_rnn, "tensorflow": tf, "keras": keras}
    return {"python": platform.python_version(), **{n: m.__version__ for n, m in modules.items()}}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write indented JSON to a file that is complete or absent."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, path)


def write_rows(path: Path, rows: Sequence[dict]) -> None:
    """Write dicts with the same keys as a CSV file."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)


def leftovers(folder: Path) -> list[Path]:
    """Files that are needed only while a run is being created."""
    files = [folder / SPECIFICATION, folder / LOCK, *folder.glob("*.ids*"), *folder.glob("*.partial")]
    return [*folder.glob("*checkpoint*"), *(file for file in files if file.exists())]


def _files(folder):
    """The names of the files that a run consists of, except run.json, which lists them."""
    apart = [*leftovers(folder), folder / "tensorboard"]
    files = [path for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in files if not any(path.is_relative_to(other) for other in apart)]
    return sorted(str(path.relative_to(folder)) for path in kept if path.name != "run.json")


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_about(path):
    if not path.is_dir():
        cure = "another process is training it" if in_use(unfinished(path)) else "continue with --resume"
        hint = f"; {unfinished(path)} is not finished: {cure}" if unfinished(path).exists() else ""
        raise UsageError(f"{path}: no such run folder{hint}")
    file = path / "run.json"
    try:
        about = _read_json(file)
        whole = about["digest"] == digest(about)
    except FileNotFoundError:
        why = "is not finished: continue with --resume" if path.suffix == ".unfinished" else "has no run.json"
        raise InputError(f"{path} is not a run folder: it {why}") from None
    except (ValueError, TypeError, KeyError):
        about, whole = {}, False
    if not whole:
        raise InputError(f"{file} is damaged, was changed, or is not nlp-rnn's; restore the run from a copy")
    if about["format"] > FORMAT:
        raise InputError(f"{path} was made by a later nlp-rnn (format {about['format']}); upgrade to read it")
    try:
        task.get(about["kind"])
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return about


def _read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))
