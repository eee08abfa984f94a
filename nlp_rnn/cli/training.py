"""What `run` and `finetune` share: train the recipe and print its metrics."""

from types import ModuleType
from typing import TYPE_CHECKING, Any

from nlp_rnn.cli.output import print_figures
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
    print_figures(task, {"run": str(job.out), **figures}, as_json, "held-out texts")
