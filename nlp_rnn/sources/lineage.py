"""Which data a run has seen, those of the runs that it started from among them: none of it may be evaluated on."""

import os
from collections.abc import Sequence
from glob import has_magic
from pathlib import Path


def lineage(name: str, seed: int, start=None) -> dict:
    """What a run writes down beside the name of its data.

    Args:
        name: of its data, as the user said it.
        seed: of the run.
        start: the run that it starts from; None where there is none.

    Returns:
        trained_on: the data of all these runs, files from the root; split_seed: decides who goes into a split that the
        data do not have. It stays the same from run to run, or what one held out the next would train on.
    """
    if start is None:
        return {"trained_on": [rooted(name)], "split_seed": seed}
    return {"trained_on": [*trained_on(start.data), rooted(name)], "split_seed": split_seed(start)}


def split_seed(run) -> int:
    """The seed that the splits of a run's data were drawn with."""
    return run.data.get("split_seed", run.settings.get("seed", 0))


def trained_on(data: dict) -> list[str]:
    """The names of all data that a run has seen, by what it wrote down; its own are the last."""
    return data.get("trained_on") or [data["name"]]


def where(data: dict) -> str:
    """The name that a run's data are found by: as the user said it, or from the root where that leads nowhere."""
    said = data["name"]
    return said if all(Path(part).exists() for part in said.split(",")) else trained_on(data)[-1]


def rooted(name: str) -> str:
    """A name of data with files and folders from the root.

    Example:
        >>> rooted("no-such-set"), rooted("/tmp/../tmp") == os.path.realpath("/tmp")
        ('no-such-set', True)
    """
    parts = name.split(",")
    return ",".join(os.path.realpath(part) if Path(part).exists() or has_magic(part) else part for part in parts)


def is_among(name: str, seen: Sequence[str]) -> bool:
    """Whether a name of data means the same as one of others."""
    return name in seen or rooted(name) in map(rooted, seen)
