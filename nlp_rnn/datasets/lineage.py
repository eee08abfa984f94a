"""What a run and the runs it started from were trained on, as hashes of the texts: it is never evaluated on them.

The hashes are a file of the run folder, so the data are recognised under any path, in another format or after they
have grown. Runs of earlier versions have recorded paths instead.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from glob import has_magic
from operator import or_
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.hash_sets import HashSet
from nlp_rnn.progress import say

Item = TypeVar("Item")
FILE = "trained_on.npz"
RARE = 100  # of so many texts, fewer than one is taken by chance for one that was trained on
FORMER_SPLIT = "former"  # as runs were split that did not record it


class TrainedRun(Protocol):
    """The attributes of a run that are read here.

    Attributes:
        path: its folder.
        data: what run.json records about its data.
        settings: the settings of its recipe, by name.
        lineage: what it is trained on, while it is being created.
    """

    @property
    def path(self) -> Path: ...
    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def lineage(self) -> "Lineage | None": ...


@dataclass(frozen=True)
class Lineage:
    """What a run was trained on, or used for validation, including the data of the runs it started from.

    Attributes:
        hashes: of the texts.
        digests: of whole documents.
        series: the number of points of each series that it was trained on, by the hash of the series.
        names: the data of runs of earlier versions, which recorded paths.
    """

    hashes: HashSet | None = None
    digests: frozenset[str] = frozenset()
    series: Mapping[int, int] = field(default_factory=dict)
    names: Sequence[str] = ()

    def __contains__(self, text_hash: int) -> bool:
        """Whether a text with this hash is known to have been trained on; rarely so by chance, see `HashSet`."""
        return self.hashes is not None and text_hash in self.hashes

    def decides(self, text_hash: int) -> bool:
        """Whether it is known if a text with this hash was trained on: of very many texts, only a part is recorded."""
        return self.hashes is None or self.hashes.decides(text_hash)

    def trained_on(self, hashes: Callable[[], Iterable[int]]) -> Callable[[int], bool]:
        """Whether a run was trained on a text with some hash.

        Where that is not known, it is assumed of all texts of data of which the run was trained on others.

        Args:
            hashes: returns the hashes of all texts of the data.
        """
        if self.hashes is None or not self.hashes.sampled:
            return self.__contains__
        known = [value in self for value in hashes() if self.decides(value)]
        shared = RARE * sum(known) > len(known)
        if shared:
            say(
                "the run was trained on more texts than it records: texts of which it is not known are left out as well"
            )
        return lambda value: value in self if self.decides(value) else shared

    def __or__(self, other: "Lineage") -> "Lineage":
        """What either was trained on."""
        sets = [lineage.hashes for lineage in (self, other) if lineage.hashes is not None]
        hashes = reduce(or_, sets) if sets else None
        series = dict(self.series)
        for key, points in other.series.items():
            series[key] = max(series.get(key, 0), points)
        names = tuple(dict.fromkeys([*self.names, *other.names]))
        return Lineage(hashes, self.digests | other.digests, series, names)

    def without(self, hashes: Iterable[int]) -> "Lineage":
        """The same, except for some texts."""
        return self if self.hashes is None else replace(self, hashes=self.hashes.without(HashSet.of(hashes)))

    def knows(self, name: str) -> bool:
        """Whether a run of an earlier version was trained on these data, under the same or another path."""
        return already_seen(name, self.names)

    def save(self, folder: Path) -> None:
        """Write everything but the names, which run.json has, into a run folder."""
        import numpy as np

        series = np.array(sorted(self.series.items()), np.uint64).reshape(-1, 2)
        hashes = self.hashes or HashSet.of(())
        arrays = {"hashes": hashes.values, "sampled": np.array(hashes.sampled), "series": series}
        with open(folder / FILE, "wb") as file:
            np.savez(file, digests=np.array(sorted(self.digests), "U64"), **arrays)


def lineage_of(run: TrainedRun) -> Lineage:
    """The lineage of a run, from its folder; of an earlier version, from the paths that it recorded."""
    if run.lineage is not None:
        return run.lineage
    inherited = tuple(run.data.get("trained_on") or ())
    file = Path(run.path) / FILE
    if not file.exists():
        # Recipes that do not evaluate the run write no file either.
        own = [find_data(run.data, run.path)] if run.data.get("name") else []
        return Lineage(names=(*inherited, *own) if "location" in run.data else inherited or tuple(own))
    import numpy as np

    with np.load(file, allow_pickle=False) as arrays:
        series = {int(key): int(points) for key, points in arrays["series"]}
        sampled = int(arrays["sampled"]) if "sampled" in arrays else 0
        return Lineage(HashSet(arrays["hashes"], sampled), frozenset(map(str, arrays["digests"])), series, inherited)


@dataclass
class HeldOut(Generic[Item]):
    """The examples that a run may be evaluated on: those that it was not trained on. Iterate once.

    If the run was trained on all of a test split, all of it is read, with a warning.

    Attributes:
        read: returns the candidates: all examples, or those of the test split.
        trained_on: whether the run was trained on an example.
        whole: the candidates are all examples, whose splits are unknown.
        left_out: number of candidates that the run was trained on, once all were read.
        strict: raise an error where the run was trained on all of a test split.
        title: what the candidates are called in messages.
    """

    read: Callable[[], Iterable[Item]]
    trained_on: Callable[[Item], bool]
    whole: bool
    left_out: int = 0
    strict: bool = False
    title: str = "texts"

    def __iter__(self) -> Iterator[Item]:
        """The examples.

        Raises:
            InputError: the run was trained on all of them.
        """
        kept = 0
        try:
            for example in self.read():
                if self.trained_on(example):
                    self.left_out += 1
                else:
                    kept += 1
                    yield example
        finally:  # the reader may have enough before the end
            if kept and self.left_out:
                read = f"{self.left_out + kept:,} {self.title}"
                say(f"left out, since the run was trained on them: {self.left_out:,} of {read}")
        if kept or not self.left_out:
            return
        if self.strict:
            raise InputError(f"the run was trained on all {self.left_out:,} that were held out")
        if self.whole:
            raise InputError(
                f"the run was trained on all of these {self.left_out:,} {self.title}: evaluate it on others"
            )
        say("the run was trained on every text of the test split: these figures say nothing about other texts")
        yield from self.read()

    @property
    def measured_on(self) -> str:
        """What these examples are called in messages, once all were read."""
        return "texts" if self.whole and not self.left_out else "held-out texts"


def with_lineage(data: Mapping[str, Any], start: TrainedRun | None = None, out: Path | None = None) -> dict[str, Any]:
    """What run.json records about the data of a run.

    Args:
        data: the name of the data, as the user gave it, and whatever else decides how they are read.
        start: the run that it starts from, if any.
        out: the folder of the run.

    Returns:
        The same, with `location`: the path from the run folder to files; and with `trained_on` if the run to start from
        comes from an earlier version: the data of these runs.
    """
    record = dict(data)
    names = lineage_of(start).names if start else ()
    if names:
        record["trained_on"] = [resolved(name) for name in names]
    there = resolved(data.get("name") or "").split(",")
    if out is not None and all(map(os.path.isabs, there)):
        record["location"] = ",".join(os.path.relpath(part, os.path.realpath(out)) for part in there)
    return record


def split_seed(run: TrainedRun) -> int:
    """The seed of the splits of a run's data.

    It is the same for all runs that start from one another: otherwise one would train on the held-out data of another.
    """
    return run.data.get("split_seed", run.settings.get("seed", 0))


def former_split(name: str, earlier: Mapping[str, Any], start: TrainedRun | None = None) -> str | None:
    """How data that have been trained on were split, if that has to stay: as recorded, or as by earlier versions.

    Args:
        name: the name of the data.
        earlier: what an earlier request records about its data.
        start: the run to evaluate or to start from, if any.

    Returns:
        The split that is recorded, `FORMER_SPLIT` if none is, or None if the data have not been trained on under this
        name.
    """
    if len(earlier) > 1 and earlier.get("name") == name:
        return earlier.get("split_by", FORMER_SPLIT)
    if start is None:
        return None
    if start.data.get("name") and resolved(find_data(start.data, start.path)) == resolved(name):
        return start.data.get("split_by", FORMER_SPLIT)
    return FORMER_SPLIT if lineage_of(start).knows(name) else None


def find_data(data: Mapping[str, Any], folder: Path | None = None) -> str:
    """The name to open a run's data by: as the user gave it, or where they are as seen from the run folder.

    Args:
        data: what run.json records about the data; runs of earlier versions have recorded absolute paths.
        folder: the run folder; None if unknown.
    """
    given = data["name"]
    if all(Path(part).exists() for part in given.split(",")):
        return given
    if folder is not None and "location" in data:
        parts = [os.path.normpath(Path(os.path.realpath(folder), part)) for part in data["location"].split(",")]
        return ",".join(parts) if all(Path(part).exists() or has_magic(part) for part in parts) else given
    return (data.get("trained_on") or [given])[-1]


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
