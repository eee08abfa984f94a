"""Input and output of commands: load a run, print metrics, write lines of results."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlp_rnn import recipes
from nlp_rnn.checks import UsageError
from nlp_rnn.cli.errors import quiet_tensorflow
from nlp_rnn.runs.paths import unfinished
from nlp_rnn.streams import write_json, write_line
from nlp_rnn.task import Task

if TYPE_CHECKING:
    from nlp_rnn.task import Run


def open_run(path: Path, recipe: Path | None) -> "Run":
    """Load a run; `recipe` names the file of its recipe, if that defines layers.

    Raises:
        UsageError: there is no such folder.
        InputError: it is not a run folder, or damaged.
    """
    if not path.exists() and not unfinished(path).exists():
        raise UsageError(f"{path}: no such run folder")
    quiet_tensorflow()
    if recipe:
        recipes.load(str(recipe))
    from nlp_rnn.runs import folder

    return folder.load(path)


def print_figures(
    task: Task, figures: Mapping[str, Any], as_json: bool, measured_on: str, examples: Iterable[str] = ()
) -> None:
    """Print the metrics of a run as one JSON object, or as lines followed by the examples."""
    if as_json:
        write_json(figures)
        return
    if "run" in figures:
        write_line(f"run       {figures['run']}")
    for line in (*task.summary(figures, measured_on), *examples):
        write_line(line)


@contextlib.contextmanager
def complete_or_absent(path: Path) -> Iterator[Path]:
    """A temporary path to write to; it is renamed to `path` on success and removed on failure."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
