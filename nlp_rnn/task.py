"""The interface of a task, and the table of tasks: the one place that leads from the kind of a run to its code.

Imports no TensorFlow at the top, and neither do the modules of the tasks that `TASKS` names, so that the command line
starts quickly.
"""

import functools
import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.lines import read_texts
from nlp_rnn.report import Answer, Report

if TYPE_CHECKING:
    import click
    import keras


# By the kind that is written into run.json: module and class. A new task needs a row here and nothing else outside
# its own folder and its recipes.
TASKS = {
    "text_classifier": "nlp_rnn.classification.task:ClassificationTask",
    "language_model": "nlp_rnn.language_model.task:LanguageModelTask",
    "translator": "nlp_rnn.seq2seq.task:TranslationTask",
    "forecaster": "nlp_rnn.forecasting.task:ForecastingTask",
}
TEXT_COLUMNS = ("text_column", "label_column")
SERIES_COLUMNS = ("time_column", "future_columns", "past_columns")


class Pipeline(Protocol):
    """Text or numbers in, an answer out: a model and all that reads its input, to predict with, save and export.

    Attributes:
        kind: of the task, a key of `TASKS`.
        model: the network.
        classes: the names of its classes or categories; empty for a task without them.
        encoders: what reads its texts; empty for numbers.
    """

    kind: ClassVar[str]
    model: "keras.Model"
    classes: list[str]

    @property
    def encoders(self) -> Sequence[Any]: ...

    def signatures(self) -> Mapping[str, Any]:
        """The functions of an export by name; `serving_default` is the one that servers call when none is named."""
        ...

    def checks(self) -> Iterator[tuple[str, dict, dict]]:
        """What an export must reproduce: name of a signature, inputs and expected outputs by name."""
        ...


@dataclass(frozen=True)
class Run:
    """A finished run, read back.

    Attributes:
        path: its folder.
        recipe: the recipe's name, or the file that was run.
        settings: the recipe's settings by name.
        data: what it was trained on: name, text_column, label_column.
        pipeline: text or numbers in, an answer out.
        metrics: figures on the held-out data.
        start: the run that it starts from, while it is made.
    """

    path: Path
    recipe: str
    settings: dict[str, Any]
    data: dict[str, Any]
    pipeline: Any
    metrics: dict[str, Any]
    start: "Run | None" = None

    @property
    def task(self) -> "Task":
        """What a run of its kind can do."""
        return task_of(self.pipeline)


class Task(ABC):
    """What a kind of run can do. Subclasses hold no state: one object serves all runs of its kind.

    Attributes:
        kind: a key of `TASKS`.
        title: what its runs are called in messages: "runs of {title}".
        takes: what its data are called in messages.
        starts_from: the kinds of other tasks whose runs `nlp-rnn run --from` accepts.
        columns: the options that name columns of its tables, among `TEXT_COLUMNS` and `SERIES_COLUMNS`.
        predict_options: the options of `nlp-rnn predict` that its runs take beside the common ones.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    takes: ClassVar[str]
    starts_from: ClassVar[frozenset[str]] = frozenset()
    columns: ClassVar[Sequence[str]] = TEXT_COLUMNS
    predict_options: ClassVar[Sequence["click.Option"]] = ()

    @abstractmethod
    def open_data(self, request: Mapping[str, Any], settings: Mapping[str, Any], like: Run | None = None) -> Any:
        """Open data for training or measuring; the result has `notes`, what was guessed.

        Args:
            request: their name, the columns by the names in `columns`, and split_seed, which decides the split of a
                text where the data have no splits.
            settings: of the recipe, or of the run that is measured.
            like: a run whose data these must resemble.

        Raises:
            UsageError: there are no such data, or a named column is missing.
            InputError: they are broken.
        """

    @abstractmethod
    def save(self, pipeline: Any, folder: Path) -> dict[str, Any]:
        """Write the files of a pipeline, apart from its weights; returns its part of run.json."""

    @abstractmethod
    def load(self, folder: Path, about: Mapping[str, Any]) -> Pipeline:
        """Read a pipeline back.

        Args:
            folder: of the run.
            about: what run.json says; with the figures, as `metrics`.

        Raises:
            InputError: the files do not fit one another.
        """

    @abstractmethod
    def measure(self, run: Run, data: Any, before: bool = False) -> Report:
        """Measure a run on the part of the data that it was not trained on.

        Args:
            run: finished, or about to be saved.
            data: from `open_data`.
            before: the run is about to be fine-tuned: only what is compared afterwards is needed.

        Raises:
            InputError: there is nothing to measure on, or the data do not fit the run.
        """

    @abstractmethod
    def summary(self, figures: Mapping[str, Any], measured_on: str) -> Iterator[str]:
        """The lines that report the figures to a person, always beside a naive baseline."""

    @abstractmethod
    def predict(self, run: Run, inputs: Any, options: Mapping[str, Any]) -> Iterator[Answer]:
        """Answer each input.

        Args:
            inputs: from `open_inputs`.
            options: the values of `predict_options` by name; None or empty where one is not given.

        Raises:
            UsageError: an option is out of its range.
            InputError: an input cannot be answered.
        """

    def open_inputs(self, run: Run, texts: Sequence[str], path: Path | None, columns: Mapping[str, Any]) -> Any:
        """What `predict` answers: the texts given, or the lines of a file or of standard input.

        Raises:
            UsageError: columns are named, and there is no table.
        """
        refuse_columns(columns)
        return texts or read_texts(path)

    def columns_of(self, run: Run, columns: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of data that a finished run is used on, as named on the command line."""
        return dict(columns)

    def check_finetunes(self, start: Run, recipe: str) -> None:
        """Check that a recipe of this task can fine-tune a run.

        Raises:
            UsageError: the run is of another task.
        """
        if start.task is not self:
            raise UsageError(f"{start.path} takes {start.task.takes}, and the recipe {recipe} {self.takes}")

    def check_accepts_start(self, recipe: str) -> None:
        """Check that `--from` makes sense with a recipe of this task.

        Raises:
            UsageError: it starts from no other task.
        """
        if not self.starts_from:
            raise UsageError(
                f"the recipe {recipe} does not start from a run of another task; to fine-tune a run, use finetune"
            )

    def check_start(self, start: Run, recipe: str) -> None:
        """Check that a recipe of this task can start from the weights of a run.

        Raises:
            UsageError: it cannot; says from which it can.
        """
        self.check_accepts_start(recipe)
        if start.task.kind not in self.starts_from:
            titles = " or ".join(get(kind).title for kind in sorted(self.starts_from))
            raise UsageError(
                f"{start.path} is not a run of {titles}, which --from needs; to fine-tune it, use finetune"
            )

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Check that every option of `predict` that is given is one of this task.

        Raises:
            UsageError: one is not; says which runs take it.
        """
        own = {option.name for option in self.predict_options}
        for name, value in options.items():
            if value not in (None, ()) and name not in own:
                takers = [task.title for task in tasks() if name in {option.name for option in task.predict_options}]
                option = name.replace("_", "-")
                raise UsageError(f"--{option} is for runs of {' or '.join(takers)}, and this is a run of {self.title}")

    def commands(self) -> Sequence["click.Command"]:
        """Commands that only this task has.

        The command line adds RUN, --recipe and --json: each is called with `run`, opened, and `json_` besides the
        parameters that it declares.
        """
        return ()


@functools.cache
def _made(where: str) -> Task:
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)()


def get(kind: str) -> Task:
    """The task of a kind of run.

    Raises:
        InputError: this version knows no such kind.
    """
    if kind not in TASKS:
        raise InputError(f"runs of kind '{kind}' are not known to this version of nlp-rnn, only {', '.join(TASKS)}")
    return _made(TASKS[kind])


def tasks() -> list[Task]:
    """All tasks."""
    return [get(kind) for kind in TASKS]


def task_of(pipeline: Pipeline) -> Task:
    """The task of a pipeline."""
    return get(pipeline.kind)


def task_named(takes: str) -> Task:
    """The task whose data are called so: how recipes of version 0.1 named theirs."""
    return next(task for task in tasks() if task.takes == takes)


def refuse_columns(columns: Mapping[str, Any]) -> None:
    """Refuse that columns are named where there are none to name.

    Raises:
        UsageError: one of them is; says which.
    """
    for name, column in columns.items():
        if column:
            option = name.removesuffix("s").replace("_", "-")
            raise UsageError(f"--{option} names a column of a table, and this input has no such column: leave it out")
