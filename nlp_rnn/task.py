"""The interface of a task, and the table of tasks: the only place that maps the kind of a run to its code.

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
from nlp_rnn.datasets.columns import SPLIT_COLUMN, TEXT_COLUMNS, refuse_columns
from nlp_rnn.datasets.inputs import open_texts
from nlp_rnn.datasets.tables import is_table
from nlp_rnn.datasets.text_roles import TEXT_NAMES
from nlp_rnn.report import Answer, Report

if TYPE_CHECKING:
    import click
    import keras

    from nlp_rnn.datasets.lineage import Lineage


# Module and class by kind, as written into run.json. A new task needs a row here and no other change outside its own
# folder and its recipes.
TASKS = {
    "text_classifier": "nlp_rnn.classification.task:ClassificationTask",
    "language_model": "nlp_rnn.language_model.task:LanguageModelTask",
    "translator": "nlp_rnn.seq2seq.task:TranslationTask",
    "forecaster": "nlp_rnn.forecasting.task:ForecastingTask",
}


class Pipeline(Protocol):
    """A model and the encoders that read its input, to predict with, save and export.

    Attributes:
        kind: the kind of the task, a key of `TASKS`.
        model: the network.
        classes: the names of its classes or categories; empty for a task without them.
        encoders: the encoders of its texts; empty for numbers.
    """

    kind: ClassVar[str]
    model: "keras.Model"
    classes: list[str]

    @property
    def encoders(self) -> Sequence[Any]: ...

    def signatures(self) -> Mapping[str, Any]:
        """The functions of an export by name; `serving_default` is the one that servers call by default."""
        ...

    def checks(self) -> Iterator[tuple[str, dict, dict]]:
        """Cases that an export must reproduce: name of a signature, inputs by name, expected outputs by name."""
        ...


@dataclass(frozen=True)
class Run:
    """A finished run, loaded from its folder.

    Attributes:
        path: its folder.
        recipe: the recipe's name, or the file that was run.
        settings: the recipe's settings by name.
        data: what it was trained on: name, text_column, label_column.
        pipeline: the model with its encoders.
        metrics: figures on the held-out data.
        start: the run that it starts from; set only while this one is being created.
        lineage: what it was trained on, a `Lineage`; set only while this one is being created, see `lineage_of`.
    """

    path: Path
    recipe: str
    settings: dict[str, Any]
    data: dict[str, Any]
    pipeline: Any
    metrics: dict[str, Any]
    start: "Run | None" = None
    lineage: Any = None

    @property
    def task(self) -> "Task":
        """The task of the run."""
        return task_of(self.pipeline)


class Task(ABC):
    """A task: what runs of its kind can do. Subclasses hold no state: one object serves all runs of its kind.

    Attributes:
        kind: a key of `TASKS`.
        title: what its runs are called in messages: "runs of {title}".
        takes: what its data are called in messages.
        starts_from: the kinds of other tasks whose runs `nlp-rnn run --from` accepts.
        columns: the options that name columns of its tables, among `TEXT_COLUMNS`, `SPLIT_COLUMN` and
            `SERIES_COLUMNS`.
        predict_options: the options of `nlp-rnn predict` that its runs accept besides the common ones.
        input_column: of tables for `predict`, what the column of texts is called in messages, and its common names.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    takes: ClassVar[str]
    starts_from: ClassVar[frozenset[str]] = frozenset()
    columns: ClassVar[Sequence[str]] = (*TEXT_COLUMNS, SPLIT_COLUMN)
    predict_options: ClassVar[Sequence["click.Option"]] = ()
    input_column: ClassVar[tuple[str, Sequence[str]]] = ("text", TEXT_NAMES)

    @abstractmethod
    def open_data(self, request: Mapping[str, Any], settings: Mapping[str, Any], like: Run | None = None) -> Any:
        """Open data for training or evaluation; the attribute `notes` of the result lists what was guessed.

        Args:
            request: the name of the data, columns by the names in `columns`, and split_seed, which decides the split of
                a text where the data have no splits.
            settings: the settings of the recipe, or of the run to evaluate.
            like: a run that the data must suit.

        Raises:
            UsageError: there are no such data, or a named column is missing.
            InputError: the data are broken.
        """

    @abstractmethod
    def save(self, pipeline: Any, folder: Path) -> dict[str, Any]:
        """Write the files of a pipeline, except its weights, and return its part of run.json."""

    @abstractmethod
    def load(self, folder: Path, about: Mapping[str, Any]) -> Pipeline:
        """Load a pipeline.

        Args:
            folder: the run folder.
            about: the content of run.json, with the figures as `metrics`.

        Raises:
            InputError: the files are inconsistent.
        """

    @abstractmethod
    def measure(self, run: Run, data: Any, before: bool = False) -> Report:
        """Measure a run on the part of the data that it was not trained on.

        Args:
            run: a run that is finished or about to be saved.
            data: from `open_data`.
            before: the run is about to be fine-tuned; only the metrics that are compared afterwards are needed.

        Raises:
            InputError: there is nothing to measure on, or the data do not fit the run.
        """

    def lineage(self, data: Any, settings: Mapping[str, Any]) -> "Lineage | None":
        """What a run that is trained on these data has seen, which it is never evaluated on; None if unknown.

        Args:
            data: from `open_data`.
            settings: the settings of the run.
        """
        return None

    @abstractmethod
    def summary(self, figures: Mapping[str, Any], measured_on: str) -> Iterator[str]:
        """The lines that print the figures, always next to a naive baseline."""

    @abstractmethod
    def predict(self, run: Run, inputs: Any, options: Mapping[str, Any]) -> Iterator[Answer]:
        """Predict each input.

        For `ArrivingTexts`, graphs are traced before the first one comes: it is answered as quickly as the others.

        Args:
            inputs: from `open_inputs`.
            options: the values of `predict_options` by name; None or empty where one is not given.

        Raises:
            UsageError: an option is out of its range.
            InputError: there is no prediction for an input.
        """

    def open_inputs(self, run: Run, texts: Sequence[str], path: Path | None, columns: Mapping[str, Any]) -> Any:
        """The inputs of `predict`: the given texts, the rows of a table, or the lines of a file or of standard input.

        Raises:
            UsageError: columns are named, but there is no table.
        """
        if texts:
            refuse_columns(columns)
            return texts
        role, names = self.input_column
        column = columns.get("text_column") or run.data.get("text_column")
        refuse_columns({name: value for name, value in columns.items() if name != "text_column"})
        return open_texts(path, column if path and is_table(path) else columns.get("text_column"), role, names)

    def columns_of(self, run: Run, columns: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of data for a finished run, as named on the command line."""
        return dict(columns)

    def check_finetunes(self, start: Run, recipe: str) -> None:
        """Check that a recipe of this task can fine-tune a run.

        Raises:
            UsageError: the run is of another task.
        """
        if start.task is not self:
            cure = f"fine-tune it with a recipe of {start.task.title}"
            if start.task.kind in self.starts_from:
                cure = f"to start from its weights, use nlp-rnn run {recipe} --from {start.path}"
            raise UsageError(
                f"{start.path} is a run of {start.task.title}, and the recipe {recipe} is one of {self.title}; {cure}"
            )

    def check_accepts_start(self, recipe: str) -> None:
        """Check that `--from` makes sense with a recipe of this task.

        Raises:
            UsageError: the recipe cannot start from another task.
        """
        if not self.starts_from:
            raise UsageError(
                f"the recipe {recipe} does not start from a run of another task; to fine-tune a run, use finetune"
            )

    def check_start(self, start: Run, recipe: str) -> None:
        """Check that a recipe of this task can start from the weights of a run.

        Raises:
            UsageError: it cannot; the message says from which runs it can.
        """
        self.check_accepts_start(recipe)
        if start.task.kind not in self.starts_from:
            titles = " or ".join(get(kind).title for kind in sorted(self.starts_from))
            raise UsageError(
                f"{start.path} is not a run of {titles}, which --from needs; to fine-tune it, use finetune"
            )

    def check_options(self, given: Mapping[str, Any]) -> None:
        """Check the options of `predict` before anything is read: each that is given must be one of this task.

        Args:
            given: the options that are not left at their defaults.

        Raises:
            UsageError: one is not; the message says which runs accept it.
        """
        own = {option.name for option in self.predict_options}
        for name in given:
            if name not in own:
                takers = [task.title for task in tasks() if name in {option.name for option in task.predict_options}]
                option = name.replace("_", "-")
                raise UsageError(f"--{option} is for runs of {' or '.join(takers)}, and this is a run of {self.title}")

    def commands(self) -> Sequence["click.Command"]:
        """Commands that only this task has.

        The command line adds RUN, --recipe and --json: each command is called with `run`, the loaded run, and `json_`,
        besides the parameters that it declares.
        """
        return ()


@functools.cache
def _made(where: str) -> Task:
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)()


def get(kind: str) -> Task:
    """The task of a kind of run.

    Raises:
        InputError: this version does not know the kind.
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
    """The task with this `takes`, by which recipes of version 0.1 named their task."""
    return next(task for task in tasks() if task.takes == takes)
