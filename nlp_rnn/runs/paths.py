"""Paths of runs: the folder of an unfinished run, the next free name, and checks that a path is free."""

import glob
import itertools
import json
import os
import shutil
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
        check_not_in_use(file.parent)
        raise UsageError(f"{file} is damaged: remove {file.parent} and start again")
    return specification


def to_resume(out: Path) -> Path | None:
    """The first of `out`, OUT-2, OUT-3 … that is an unfinished run, if possible one that no process is training."""
    names = out.parent.glob(f"{glob.escape(out.name)}*.unfinished") if out.parent.is_dir() else ()
    begun = [path.with_suffix("") for path in names if (path / SPECIFICATION).exists()]
    numbered = {number: path for path in begun if (number := _number(path.name, out.name))}
    runs = [numbered[number] for number in sorted(numbered)]
    return next((run for run in runs if not in_use(unfinished(run))), runs[0] if runs else None)


def _number(name, first):
    """The number of a name among FIRST, FIRST-2, FIRST-3 …; 0 if it is none of them."""
    if name == first:
        return 1
    number = name.removeprefix(f"{first}-")
    return int(number) if number != name and number.isdecimal() else 0


@contextmanager
def claimed(out: Path) -> Iterator[Path]:
    """Claim `out`, or OUT-2, OUT-3 … if it is taken: no other process gets the same name.

    The name is claimed by the folder of its unfinished run, locked. It is removed at the end if it is worth nothing.

    Raises:
        UsageError: a parent is a file.
    """
    _check_parents(out)
    made = [parent for parent in out.absolute().parents if not parent.exists()]
    name = next(name for name in _names(out) if _claim(name))
    try:
        with locked(unfinished(name)):
            yield name
    finally:
        discard(name)
        remove_empty(made)


def _names(out):
    yield out
    yield from (out.with_name(f"{out.name}-{number}") for number in itertools.count(2))


def _claim(out):
    """Create the folder of an unfinished run; false if the name is taken."""
    if out.exists():
        return False
    try:
        unfinished(out).mkdir(parents=True)
    except FileExistsError:
        return False
    if out.exists():  # the run that held the name was finished in between
        unfinished(out).rmdir()
        return False
    return True


def discard(out: Path) -> None:
    """Remove the folder of an unfinished run, unless it holds a checkpoint or a finished run."""
    folder = unfinished(out)
    if not has_checkpoint(out) and not (folder / "run.json").exists():
        shutil.rmtree(folder, ignore_errors=True)


def check_new(path: Path, option: str = "--out", resume: bool = False) -> None:
    """Check that something can be created at `path`; with `resume` it may be an unfinished run.

    Raises:
        UsageError: it exists, or one of its parents is a file.
    """
    if resume and (path / "run.json").exists():
        raise UsageError(f"{path} is finished: there is nothing to resume")
    if path.exists():
        raise UsageError(f"{path} exists already; choose another {option}")
    _check_parents(path, option)


def _check_parents(path, option="--out"):
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir():
        raise UsageError(f"{path} cannot be created: {above} is a file; choose another {option}")


def check_new_file(path: Path, option: str) -> None:
    """Check that a file can be created at a path, in a folder that exists.

    Raises:
        UsageError: it cannot.
    """
    check_new(path, option)
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{option} {path}: there is no folder {path.parent}; create it first")


def check_picture(picture: Path, option: str) -> None:
    """Check that a .png file can be created at a path.

    Raises:
        UsageError: it cannot.
    """
    if picture.suffix != ".png":
        raise UsageError(f"{option} {picture}: the picture is a .png file")
    check_new_file(picture, option)


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
    with open(folder / LOCK, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = f" ({number})" if (number := file.read().strip()) else ""
            raise UsageError(
                f"{folder} is in use: another process{holder} is training there; wait for it, or choose another --out"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def check_not_in_use(folder: Path) -> None:
    """Check that no process is training in the folder of an unfinished run.

    Raises:
        UsageError: one is.
    """
    if (folder / LOCK).exists():
        with locked(folder):
            pass


def in_use(folder: Path) -> bool:
    """Whether a process is training in the folder of an unfinished run."""
    try:
        check_not_in_use(folder)
    except UsageError:
        return True
    return False


def remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders, the innermost first, up to one that holds something or is gone."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return
