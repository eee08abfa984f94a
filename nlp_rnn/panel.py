"""Series of one frequency side by side.

Shapes: N series, P points of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

MANY = 100  # series: of so many some can be spared for validation


@dataclass(frozen=True)
class Panel:
    """Series of one frequency, back to back.

    Attributes:
        name: what they are called in messages.
        names: of each series.
        values: float32 [P]; NaN where one is missing.
        offsets: int64 [N + 1]; series n is values[offsets[n]:offsets[n + 1]].
        season: steps after which a pattern may come again; 1 for none.
        categories: int32 [N], what kind of series each is, from 1; 0 is unknown.
        kinds: the names of the categories.
        begins: datetime64 [N], the time of the first value of each; None where there are no times.
        step: the time between two values, see `sources.calendar`; empty where it is not known.
    """

    name: str
    names: tuple[str, ...]
    values: np.ndarray
    offsets: np.ndarray
    season: int
    categories: np.ndarray
    kinds: tuple[str, ...] = ()
    begins: np.ndarray | None = None
    step: str = ""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def lengths(self) -> np.ndarray:
        """Points of each series, int64 [N]."""
        return np.diff(self.offsets)

    def series(self, number: int) -> np.ndarray:
        """The values of one series."""
        return self.values[self.offsets[number] : self.offsets[number + 1]]

    def matched(self, kinds: Sequence[str]) -> "Panel":
        """The same series with categories numbered as in `kinds`; one that is not there becomes 0."""
        numbers = {kind: number for number, kind in enumerate(kinds, 1)}
        renumbered = np.array([0, *(numbers.get(kind, 0) for kind in self.kinds)], np.int32)
        return replace(self, categories=renumbered[self.categories], kinds=tuple(kinds))

    def only(self, numbers: np.ndarray) -> "Panel":
        """Some of the series."""
        parts = [self.series(n) for n in numbers]
        offsets = np.cumsum([0, *map(len, parts)])
        values = np.concatenate(parts) if parts else self.values[:0]
        names = tuple(self.names[n] for n in numbers)
        begins = None if self.begins is None else self.begins[numbers]
        categories = self.categories[numbers]
        return replace(self, names=names, values=values, offsets=offsets, categories=categories, begins=begins)


def split_by_series(panel: Panel, ends: np.ndarray, horizon: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """How many points of each series training may see, and how many validation, int64 [N] each.

    Of many series a tenth is drawn for validation and not trained on, so that the others are trained on to their end;
    of few, the last `horizon` points are for validation.
    """
    usable = np.flatnonzero(ends >= horizon + 2)
    if len(usable) < MANY:
        return np.maximum(ends - horizon, 0), ends
    drawn = np.random.default_rng(seed).permutation(usable)[: len(usable) // 10]
    validates = np.isin(np.arange(len(panel)), drawn)
    return np.where(validates, 0, ends), np.where(validates, ends, 0)
