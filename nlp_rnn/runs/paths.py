"""Paths of runs: the folder of an unfinished run, the next free name, and checks that a path is free."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nlp_rnn.checks import UsageError

SPECIFICATION = "purpose.json"  # in the folder of an unfinished run; named so by version 0.1
LOCK = "lock"


def unfinished(out: Path) -> Path:
    """The folder in which the run `out` is created; it is renamed to `out` at the end."""
    return out.with_name(f"{out.name}.unfinished")


def has_checkpoint(out: Path) -> bool:
    """Whether an unfinished run can be resumed."""
    return any(unfinished(out).glob("checkpoint-*"))


def begun(out: Path) -> dict[str, Any]:
    """The specification of the unfinished run of `out`, see `runs.Job.specification`; empty if there is none.

    Raises:
        UsageError: the file is damaged.
    """
    file = unfinished(out) / SPECIFICATION
    if not file.exists():
        return {}
    try:
        specification = json.loads(file.read_text(encoding="utf-8"))
        parts = [specification[part] for part in ("settings", "data")]
        whole = all(isinstance(part, dict) for part in parts) and "recipe" in specification
    except (ValueError, TypeError, KeyError):
        specification, whole = {}, False
    if not whole:
        raise UsageError(f"{file} is damaged: remove {file.parent} and start again")
    return specification


def next_free(out: Path, resume: bool = False) -> Path:
    """`out`, or OUT-2, OUT-3 … if it is taken; with `resume` the first unfinished one, if any."""
    number, path = 1, out
    while path.exists() or unfinished(path).exists():
        if resume and not path.exists():
            return path
        number += 1
        path = out.with_name(f"{out.name}-{number}")
    return path


def check_new(path: Path, option: str = "--out", resume: bool = False) -> None:
    """Check that something can be created at `path`; with `resume` it may be an unfinished run.

    Raises:
        UsageError: it exists, or one of its parents is a file.
    """
    if resume and (path / "run.json").exists():
        raise UsageError(f"{path} is finished: there is nothing to resume")
    if path.exists():
        raise UsageError(f"{path} exists already; choose another {option}")
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir():
        raise UsageError(f"{path} cannot be created: {above} is a file; choose another {option}")


def check_picture(picture: Path, option: str) -> None:
    """Check that a .png file can be created at a path.

    Raises:
        UsageError: it cannot.
    """
    check_new(picture, option)
    if picture.suffix != ".png":
        raise UsageError(f"{option} {picture}: the picture is a .png file")
    if not picture.parent.is_dir():
        raise UsageError(f"{option} {picture}: there is no folder {picture.parent}; create it first")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock an unfinished run against other processes.

    Raises:
        UsageError: another process holds the lock.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no such lock
        yield
        return
    with open(folder / LOCK, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{folder} is in use: another process is training there; wait for it") from None
        yield


def remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders, the innermost first, up to one that holds something."""
    for folder in folders:
        if any(folder.iterdir()):
            return
        folder.rmdir()
