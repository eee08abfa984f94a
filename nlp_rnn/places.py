"""Where runs are made: the folder of an unfinished one, the next free name, and the check that a place is free."""

import json
from pathlib import Path

from nlp_rnn.checks import CallError

PURPOSE = "purpose.json"  # in the folder of an unfinished run


def unfinished(out: Path) -> Path:
    """The folder in which the run folder `out` is made; it is renamed to `out` in the end."""
    return out.with_name(f"{out.name}.unfinished")


def begun(out: Path) -> dict:
    """What the unfinished run of `out` was asked for, as `runs.Job.purpose` says it; empty where there is none.

    Raises:
        CallError: it is damaged.
    """
    file = unfinished(out) / PURPOSE
    if not file.exists():
        return {}
    try:
        purpose = json.loads(file.read_text(encoding="utf-8"))
        whole = all(isinstance(purpose[part], dict) for part in ("settings", "data")) and "recipe" in purpose
    except (ValueError, TypeError, KeyError):
        whole = False
    if not whole:
        raise CallError(f"{file} is damaged: remove {file.parent} and begin again")
    return purpose


def next_free(out: Path, resume: bool = False) -> Path:
    """`out`, or OUT-2, OUT-3 … if it is taken; with `resume` the first unfinished one, where there is one."""
    number, path = 1, out
    while path.exists() or unfinished(path).exists():
        if resume and not path.exists():
            return path
        number += 1
        path = out.with_name(f"{out.name}-{number}")
    return path


def check_new(path: Path, option: str = "--out", resume: bool = False) -> None:
    """Check that something can be made at `path`; with `resume` it is a run that may have been begun.

    Raises:
        CallError: it exists, or what should be a folder on the way to it is a file.
    """
    if resume and (path / "run.json").exists():
        raise CallError(f"{path} is finished: there is nothing to resume")
    if path.exists():
        raise CallError(f"{path} exists already; choose another {option}")
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir():
        raise CallError(f"{path} cannot be made: {above} is a file; choose another {option}")
