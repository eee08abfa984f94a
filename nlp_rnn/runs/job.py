"""The job that a recipe carries out, and the run that it creates: evaluated before and after, then written."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nlp_rnn import plots
from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.hashing import text_hash
from nlp_rnn.datasets.lineage import Lineage, lineage_of, with_lineage
from nlp_rnn.progress import say
from nlp_rnn.runs import folder as folders
from nlp_rnn.runs.paths import SPECIFICATION, check_new, discard, locked, remove_empty, unfinished
from nlp_rnn.runs.resume import check_resumable
from nlp_rnn.settings import FINETUNING, SCRATCH, current_value, in_effect
from nlp_rnn.task import Pipeline, Report, Run, task_of


@dataclass(frozen=True)
class Job:
    """What a recipe has to do, apart from its settings.

    Attributes:
        recipe: the recipe's name, or the file that is run.
        out: the run folder to create.
        data: the name and the columns of the data set.
        start: a finished run whose weights to start from; None to start from scratch.
        resume: continue an unfinished run.
        tensorboard: write TensorBoard's logs into the run folder.
        claimed: the folder of the unfinished run is new, and the caller has locked it.
        files: the recipe's file and the files that it imports, by name; they must be the same to resume the run.
        given: the settings that were given with `--set`.
    """

    recipe: str
    out: Path
    data: dict
    start: Run | None = None
    resume: bool = False
    tensorboard: bool = False
    claimed: bool = False
    files: Mapping[str, Path] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def record(self) -> dict[str, Any]:
        """What the run records about its data."""
        return with_lineage(self.data, self.start, self.out)

    def require_same(self, settings: Mapping[str, Any], names: Sequence[str]) -> None:
        """Check that settings which decide the shapes of the weights are those of the run to start from.

        Raises:
            UsageError: a setting among `names` differs.
        """
        for name in names:
            stays = self.start.settings.get(name, settings[name]) if self.start else settings[name]
            if current_value(name, settings[name]) != current_value(name, stays):
                raise UsageError(
                    f"--set {name}={settings[name]}: {name} cannot change after training, it stays {stays}"
                )

    def specification(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Everything that must be the same to resume the run; it is written into its folder."""
        start, files = None, dict(self.files)
        if self.start:
            start = str(self.start.path)
            files[start] = self.start.path / "run.json"
        about = {"recipe": self.recipe, "settings": dict(settings), "data": self.record, "start": start}
        sources = {name: folders.sha256(path) for name, path in files.items() if path.exists()}
        return {**about, "sources": sources, "versions": folders.versions()}


class NewRun:
    """A run that is being created.

    Args:
        job: what to do.
        settings: the settings of the recipe, by name.
        folder: the unfinished run folder.
    """

    def __init__(self, job: Job, settings: Mapping[str, Any], folder: Path):
        self.job = job
        self.settings = dict(settings)
        self.folder = folder
        self.recorded = dict(settings)  # in run.json; `settings` must be the same to resume
        self._before: Report | None = None
        self._lineage: Lineage | None = None

    def uses(self, **settings: Any) -> None:
        """Record the values of settings that the data decide."""
        self.recorded |= settings

    def without_effect(self, name: str, why: str) -> None:
        """Do not record a setting that has no effect on this run; prints why if it was given with `--set`."""
        self.recorded.pop(name, None)
        if name in self.job.given:
            say(f"--set {name}={self.job.given[name]} has no effect: {why}")

    def measure_before(self, pipeline: Pipeline, data: Any) -> None:
        """Evaluate a model before fine-tuning, its vocabulary already extended; does nothing without a start."""
        if self.job.start is not None and self.job.start.task is task_of(pipeline):
            self._before = task_of(pipeline).measure(self._as_run(pipeline, data), data, before=True)
            say(f"before fine-tuning: {self._before.headline()}")

    def measure(self, pipeline: Pipeline, data: Any) -> Report:
        """Evaluate the trained model; after fine-tuning, together with the results of `measure_before`."""
        report = task_of(pipeline).measure(self._as_run(pipeline, data), data)
        if self._before is not None:
            report.add_before(self._before)
        return report

    def finish(self, pipeline: Pipeline, report: Report, history: Sequence[dict]) -> dict[str, Any]:
        """Write the run: plots, tables, weights and figures; returns the figures."""
        (self.folder / "plots").mkdir(exist_ok=True)
        if history:
            plots.curves(history, self.folder / "plots" / "curves.png")
        report.write(self.folder)
        if self._lineage is not None:
            self._lineage.save(self.folder)
        folders.save(self.folder, pipeline, report.figures, history, self.recorded)
        return report.figures

    def _as_run(self, pipeline, data):
        job = self.job
        if self._lineage is None:
            self._lineage = self._trained_on(task_of(pipeline), data)
        return Run(job.out, job.recipe, self.settings, job.record, pipeline, {}, job.start, self._lineage)

    def _trained_on(self, task, data):
        """What the run is trained on, with what the run to start from was trained on; None if unknown."""
        own, start = task.lineage(data, self.settings), self.job.start
        if own is None or start is None:
            return own
        earlier = lineage_of(start)
        if start.task is not task:  # it saw the texts without their labels: they may stay in the test split
            earlier = earlier.without(text_hash(example.text) for example in data.stream("test"))
        return own | earlier


@contextmanager
def new(job: Job, config: Any) -> Iterator[NewRun]:
    """Create a run in the folder OUT.unfinished, which is renamed to OUT if all goes well.

    If something fails, the folder is kept if it holds a checkpoint or a finished run, and removed otherwise.

    Args:
        job: what to do.
        config: the settings, a dataclass.

    Raises:
        UsageError: OUT exists; or an unfinished run exists that is not to be resumed, has another specification or is
            in use; or a given setting has no effect.
    """
    settings = in_effect(config, job.given, FINETUNING if job.start else SCRATCH)
    with workplace(job, settings, type(config)) as folder:
        yield NewRun(job, settings, folder)


@contextmanager
def workplace(job: Job, settings: Mapping[str, Any], config_class: type | None = None) -> Iterator[Path]:
    """The context manager of the folder of `new`."""
    folder, specification = unfinished(job.out), job.specification(settings)
    check_resumable(job.out, specification, job.resume, config_class, job.claimed)
    made = [parent for parent in folder.parents if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    with nullcontext() if job.claimed else locked(folder):
        try:
            folders.write_json(folder / SPECIFICATION, specification)
            yield folder
            check_new(job.out)
            os.replace(folder, job.out)
        except BaseException:
            discard(job.out)
            remove_empty(made)
            raise
    for leftover in folders.leftovers(job.out):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
