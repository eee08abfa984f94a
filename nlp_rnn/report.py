"""Results of a task: the metrics of a run, and predictions for its inputs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class Answer(Protocol):
    """One result of `predict`."""

    def lines(self) -> Iterable[str]:
        """The lines to print; may be empty."""
        ...

    def rows(self) -> Iterable[dict[str, Any]]:
        """The same as rows of a table, cells by column; the input is in the column "text"."""
        ...

    def json(self) -> dict:
        """The same as one JSON object."""
        ...


@dataclass
class Report:
    """How good a run is on data that it was not trained on.

    Attributes:
        figures: metrics by name, as `--json` prints them and metrics.json holds them.
        measured_on: what the metrics were measured on, for messages, such as "held-out texts".
        examples: lines that show some errors.
        compared: the metrics that fine-tuning compares with those before it.
    """

    figures: dict[str, Any]
    measured_on: str = "held-out texts"
    examples: list[str] = field(default_factory=list)
    compared: Sequence[str] = ()

    def add_before(self, before: "Report") -> None:
        """Add what was measured before fine-tuning: each compared metric, with `_before` after its name."""
        self.figures |= {f"{name}_before": before.figures[name] for name in self.compared if name in before.figures}

    def headline(self) -> str:
        """The compared metrics in one line."""
        named = ((name, self.figures[name]) for name in self.compared if name in self.figures)
        return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in named)

    def write(self, folder: Path) -> None:
        """Write the files that belong in a run folder besides the metrics: tables of errors, plots."""


def one_line(text: str) -> str:
    """A text without tabs and line ends, for output of one line per result."""
    return text.replace("\t", " ").replace("\r", " ").replace("\n", " ")
