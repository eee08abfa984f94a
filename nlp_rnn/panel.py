"""Series of one frequency side by side.

Shapes: N series, P points of all of them, C columns of covariates, F steps after the end of a series.
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
        covariates: float32 [P, C], what is known beside each value, NaN where it is missing; None for nothing.
        columns: their names.
        ahead: so many of the columns, the first ones, are known for times to come as well.
        future: float32 [N, F, C], the covariates after the end of each series, NaN where they are not known.
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
    covariates: np.ndarray | None = None
    columns: tuple[str, ...] = ()
    ahead: int = 0
    future: np.ndarray | None = None

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
        beside = {}
        if self.covariates is not None:
            places = [np.arange(self.offsets[n], self.offsets[n + 1]) for n in numbers]
            places = np.concatenate(places) if places else np.zeros(0, np.int64)
            beside = {"covariates": self.covariates[places], "future": self.future[numbers]}
        categories = self.categories[numbers]
        return replace(
            self, names=names, values=values, offsets=offsets, categories=categories, begins=begins, **beside
        )

    def beside(self, series: np.ndarray, places: np.ndarray, known: int, horizon: int) -> np.ndarray:
        """The covariates that are known when some series are told from these places on, [B, known + horizon, C].

        Args:
            series: int [B].
            places: int [B], counted over all points.
            known, horizon: so many points before the places and after.
        """
        points = places[:, None] + np.arange(-known, horizon)
        begin, end = self.offsets[series][:, None], self.offsets[series + 1][:, None]
        inside, after = (points >= begin) & (points < end), points - end
        given = (after >= 0) & (after < self.future.shape[1])
        found = np.full((*points.shape, len(self.columns)), np.nan, np.float32)
        found[inside] = self.covariates[points[inside]]
        found[given] = self.future[np.broadcast_to(series[:, None], points.shape)[given], after[given]]
        found[:, known:, self.ahead :] = np.nan
        return found

    def all_beside(self, numbers: Sequence[int], ends: Sequence[int], known: int, horizon: int) -> np.ndarray | None:
        """`beside` of series told from these ends on, counted from their first points; None where there is nothing."""
        if self.covariates is None:
            return None
        numbers = np.asarray(numbers, np.int64)
        return self.beside(numbers, self.offsets[numbers] + np.asarray(ends), known, horizon)

    @property
    def known_ahead(self) -> np.ndarray:
        """For how many steps after its end all of these covariates of each series are known, int [N]."""
        unknown = np.isnan(self.future[..., : self.ahead]).any(-1)
        return np.argmax(np.pad(unknown, [(0, 0), (0, 1)], constant_values=True), axis=1)


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
