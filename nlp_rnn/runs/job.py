"""What a recipe is asked to do, and the run that it makes: measured before and after, written when it is whole."""

import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlp_rnn import plots
from nlp_rnn.checks import UsageError
from nlp_rnn.progress import say
from nlp_rnn.runs import folder as folders
from nlp_rnn.runs.paths import SPECIFICATION, check_new, has_checkpoint, locked, remove_empty, unfinished
from nlp_rnn.runs.resume import check_resumable
from nlp_rnn.task import Pipeline, Report, Run, task_of


@dataclass(frozen=True)
class Job:
    """What a recipe is asked to do, apart from its settings.

    Attributes:
        recipe: the recipe's name, or the file that is run.
        out: the run folder to be.
        data: name and columns of the data set.
        start: a finished run whose weights to start from; None to start from scratch.
        resume: continue an unfinished run.
        tensorboard: write TensorBoard's logs into the run folder.
    """

    recipe: str
    out: Path
    data: dict
    start: Run | None = None
    resume: bool = False
    tensorboard: bool = False

    def require_same(self, settings: Mapping[str, Any], names: Sequence[str]) -> None:
        """Check that what decides the shapes of the weights is as in the run to start from.

        Raises:
            UsageError: a setting among `names` differs.
        """
        for name in names:
            stays = self.start.settings.get(name, settings[name]) if self.start else settings[name]
            if settings[name] != stays:
                raise UsageError(
                    f"--set {name}={settings[name]}: {name} cannot change after training, it stays {stays}"
                )

    def specification(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """What has to be the same to resume a run, and is written into it."""
        start = str(self.start.path) if self.start else None
        return {"recipe": self.recipe, "settings": dict(settings), "data": self.data, "start": start}


class NewRun:
    """A run in the making.

    Args:
        job: what is to be done.
        settings: of the recipe, by name.
        folder: where it is made.
    """

    def __init__(self, job: Job, settings: Mapping[str, Any], folder: Path):
        self.job = job
        self.settings = dict(settings)
        self.folder = folder
        self._before: Report | None = None

    def measure_before(self, pipeline: Pipeline, data: Any) -> None:
        """Measure a model that is to be fine-tuned, its vocabulary extended already; does nothing from scratch."""
        if self.job.start is not None:
            self._before = task_of(pipeline).measure(self._as_run(pipeline), data, before=True)
            say(f"before fine-tuning: {self._before.headline()}")

    def measure(self, pipeline: Pipeline, data: Any) -> Report:
        """Measure the trained model; after fine-tuning, beside what `measure_before` found."""
        report = task_of(pipeline).measure(self._as_run(pipeline), data)
        if self._before is not None:
            report.add_before(self._before)
        return report

    def finish(self, pipeline: Pipeline, report: Report, history: Sequence[dict]) -> dict[str, Any]:
        """Write the run: pictures, tables, weights and figures; returns the figures."""
        (self.folder / "plots").mkdir(exist_ok=True)
        if history:
            plots.curves(history, self.folder / "plots" / "curves.png")
        report.write(self.folder)
        folders.save(self.folder, pipeline, report.figures, history)
        return report.figures

    def _as_run(self, pipeline):
        job = self.job
        return Run(job.out, job.recipe, self.settings, job.data, pipeline, {}, job.start)


@contextmanager
def new(job: Job, config: Any) -> Iterator[NewRun]:
    """A run made in the folder OUT.unfinished, which becomes OUT when all went well.

    When something fails the folder is kept if there is a checkpoint or a finished run in it, and removed otherwise.

    Args:
        job: what is to be done.
        config: the settings, a dataclass.

    Raises:
        UsageError: OUT exists, or an unfinished one does and is not to be resumed, had another specification, or is in
            use.
    """
    settings = dataclasses.asdict(config)
    with workplace(job, settings) as folder:
        yield NewRun(job, settings, folder)


@contextmanager
def workplace(job: Job, settings: Mapping[str, Any]) -> Iterator[Path]:
    """The folder of `new` alone."""
    folder, specification = unfinished(job.out), job.specification(settings)
    check_resumable(job.out, specification, job.resume)
    made = [parent for parent in folder.parents if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        try:
            folders.write_json(folder / SPECIFICATION, specification)
            yield folder
            check_new(job.out)
            os.replace(folder, job.out)
        except BaseException:
            if not has_checkpoint(job.out) and not (folder / "run.json").exists():
                shutil.rmtree(folder, ignore_errors=True)
                remove_empty(made)
            raise
    for leftover in folders.leftovers(job.out):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
