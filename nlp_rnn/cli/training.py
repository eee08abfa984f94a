"""What `run` and `finetune` share: train the recipe and print its metrics."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nlp_rnn.cli.output import print_figures
from nlp_rnn.progress import say
from nlp_rnn.runs.paths import check_new, claimed, to_resume
from nlp_rnn.runs.resume import say_how_to_resume
from nlp_rnn.task import Task

if TYPE_CHECKING:
    from nlp_rnn.runs.job import Job


def train(task: Task, module: ModuleType, config: Any, dataset: Any, job: "Job", as_json: bool) -> None:
    """Train a recipe and print its metrics; if interrupted, print how to resume."""
    try:
        figures = module.train(config, dataset, job)
    except (KeyboardInterrupt, OSError):
        say_how_to_resume(job.out)
        raise
    try:
        print_figures(task, {"run": str(job.out), **figures}, as_json, "held-out texts")
    except OSError:
        say(f"{job.out} is complete; its metrics are in {job.out / 'metrics.json'}")
        raise


@contextmanager
def run_folder(out: Path | None, default: Path, resume: bool) -> Iterator[tuple[Path, bool]]:
    """The run folder to create, and whether it is claimed: see `claimed`.

    Args:
        out: the folder that was named; None for the next free name.
        default: the first name to try.
        resume: resume an unfinished run, the first one if none was named.

    Raises:
        UsageError: the folder exists already.
    """
    out = out or (to_resume(default) if resume else None)
    if out:
        check_new(out, resume=resume)
        yield out, False
        return
    with claimed(default) as name:
        yield name, True
