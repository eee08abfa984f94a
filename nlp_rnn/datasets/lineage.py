"""The data that a run was trained on, including those of the runs it started from: it is never evaluated on them."""

import os
from collections.abc import Mapping, Sequence
from glob import has_magic
from pathlib import Path
from typing import Any, Protocol


class TrainedRun(Protocol):
    """The attributes of a run that are read here.

    Attributes:
        data: what run.json records about its data.
        settings: the settings of its recipe, by name.
    """

    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...


def with_lineage(data: Mapping[str, Any], start: TrainedRun | None = None) -> dict[str, Any]:
    """What run.json records about the data of a run.

    Args:
        data: the name of the data, as the user gave it, and whatever else decides how they are read.
        start: the run that it starts from, if any.

    Returns:
        The same, with `trained_on`: the data of all these runs, with absolute paths.
    """
    earlier = trained_on(start.data) if start else []
    return {**data, "trained_on": [*earlier, resolved(data["name"])]} if data.get("name") else dict(data)


def split_seed(run: TrainedRun) -> int:
    """The seed of the splits of a run's data.

    It is the same for all runs that start from one another: otherwise one would train on the held-out data of another.
    """
    return run.data.get("split_seed", run.settings.get("seed", 0))


def trained_on(data: Mapping[str, Any]) -> list[str]:
    """The names of all data that a run was trained on, its own last.

    Args:
        data: what run.json records about the data.
    """
    return data.get("trained_on") or [data["name"]]


def find_data(data: Mapping[str, Any]) -> str:
    """The name to open a run's data by: as the user gave it, or with absolute paths if it does not exist from here."""
    given = data["name"]
    return given if all(Path(part).exists() for part in given.split(",")) else trained_on(data)[-1]


def resolved(name: str) -> str:
    """A name of data with absolute paths and symbolic links resolved; names of data sets do not change.

    Examples:
        >>> resolved("no-such-set"), resolved("/tmp/../tmp") == os.path.realpath("/tmp")
        ('no-such-set', True)
    """
    parts = name.split(",")
    return ",".join(os.path.realpath(part) if Path(part).exists() or has_magic(part) else part for part in parts)


def already_seen(name: str, seen: Sequence[str]) -> bool:
    """Whether data are among those already trained on, under the same or another path."""
    return name in seen or resolved(name) in map(resolved, seen)
