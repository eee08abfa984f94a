"""A panel: series of one frequency, back to back in one array.

Shapes: N series, P points in total, B windows, C columns of covariates, F steps after the end of a series.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nlp_rnn.datasets.time_text import ISO, TimeText

MANY = 100  # series; from this number on, some are held out for validation


@dataclass(frozen=True)
class Panel:
    """Series of one frequency.

    Attributes:
        name: the name of the data, for messages.
        names: the name of each series.
        values: float64 [P]; NaN where one is missing.
        offsets: int64 [N + 1]; series n is values[offsets[n]:offsets[n + 1]].
        season: steps of a seasonal period; 1 for none.
        category_ids: int32 [N], the category of each series, numbered from 1; 0 for unknown.
        categories: the names of the categories.
        start_times: datetime64 [N], the time of the first value of each; None where there are no times.
        frequency: the time between two values, see `datasets.calendar`; empty if unknown.
        covariates: float64 [P, C], NaN where one is missing; None for no covariates.
        columns: the names of the covariates.
        num_future_covariates: how many of the columns, the first ones, are known for future times as well.
        future_covariates: float64 [N, F, C], the covariates after the end of each series, NaN where unknown.
        time_text: how times are written.
    """

    name: str
    names: tuple[str, ...]
    values: np.ndarray
    offsets: np.ndarray
    season: int
    category_ids: np.ndarray
    categories: tuple[str, ...] = ()
    start_times: np.ndarray | None = None
    frequency: str = ""
    covariates: np.ndarray | None = None
    columns: tuple[str, ...] = ()
    num_future_covariates: int = 0
    future_covariates: np.ndarray | None = None
    time_text: TimeText = ISO

    def __len__(self) -> int:
        return len(self.names)

    @property
    def lengths(self) -> np.ndarray:
        """Points of each series, int64 [N]."""
        return np.diff(self.offsets)

    def series(self, number: int | np.integer) -> np.ndarray:
        """The values of one series."""
        return self.values[self.offsets[number] : self.offsets[number + 1]]

    @property
    def given_covariates(self) -> tuple[np.ndarray, np.ndarray]:
        """`covariates` and `future_covariates` of series that have some.

        Raises:
            ValueError: they have none.
        """
        if self.covariates is None or self.future_covariates is None:
            raise ValueError(f"covariates must be given for {self.name}, got none")
        return self.covariates, self.future_covariates

    def matched(self, categories: Sequence[str]) -> "Panel":
        """The same series with categories numbered as in `categories`; others become 0."""
        numbers = {name: number for number, name in enumerate(categories, 1)}
        renumbered = np.array([0, *(numbers.get(name, 0) for name in self.categories)], np.int32)
        return replace(self, category_ids=renumbered[self.category_ids], categories=tuple(categories))

    def only(self, numbers: np.ndarray) -> "Panel":
        """Some of the series."""
        parts = [self.series(n) for n in numbers]
        chosen = {
            "names": tuple(self.names[n] for n in numbers),
            "values": np.concatenate(parts) if parts else self.values[:0],
            "offsets": np.cumsum([0, *map(len, parts)]),
            "category_ids": self.category_ids[numbers],
            "start_times": None if self.start_times is None else self.start_times[numbers],
        }
        if self.covariates is not None:
            observed, future = self.given_covariates
            ranges = [np.arange(self.offsets[int(n)], self.offsets[int(n) + 1]) for n in numbers]
            points = np.concatenate(ranges) if ranges else np.zeros(0, np.int64)
            chosen |= {"covariates": observed[points], "future_covariates": future[numbers]}
        return replace(self, **chosen)

    def covariate_windows(
        self, series: np.ndarray, positions: np.ndarray, context_length: int, horizon: int
    ) -> np.ndarray:
        """The covariates that are known when series are forecast, float [B, context_length + horizon, C].

        Args:
            series: the numbers of the series, int [B].
            positions: the positions of the first point to forecast, among all P points, int [B].
            context_length, horizon: number of points before the positions, and from the positions on.
        """
        observed, future = self.given_covariates
        points = positions[:, None] + np.arange(-context_length, horizon)
        begin, end = self.offsets[series][:, None], self.offsets[series + 1][:, None]
        inside, after = (points >= begin) & (points < end), points - end
        given = (after >= 0) & (after < future.shape[1])
        windows = np.full((*points.shape, len(self.columns)), np.nan)
        windows[inside] = observed[points[inside]]
        windows[given] = future[np.broadcast_to(series[:, None], points.shape)[given], after[given]]
        windows[:, context_length:, self.num_future_covariates :] = np.nan
        return windows

    def forecast_covariates(
        self, numbers: Sequence[int], ends: Sequence[int] | np.ndarray, context_length: int, horizon: int
    ) -> np.ndarray | None:
        """`covariate_windows` of series forecast from `ends` on, counted from their first points; None without any."""
        if self.covariates is None:
            return None
        series = np.asarray(numbers, np.int64)
        return self.covariate_windows(series, self.offsets[series] + np.asarray(ends), context_length, horizon)

    @property
    def future_steps(self) -> np.ndarray:
        """For how many steps after its end all future covariates of each series are known, int [N]."""
        _, future = self.given_covariates
        unknown = np.isnan(future[..., : self.num_future_covariates]).any(-1)
        return np.argmax(np.pad(unknown, [(0, 0), (0, 1)], constant_values=True), axis=1)


def split_by_series(panel: Panel, ends: np.ndarray, horizon: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The number of points of each series for training, and the number up to the end of validation, int64 [N] each.

    Of many series, a random tenth is for validation, so that the others are trained on to their end; of few series, the
    last `horizon` points are for validation.

    Args:
        panel: the series.
        ends: number of points of each series before the test split, int64 [N].
        horizon: steps to forecast.
        seed: the seed of the sample.
    """
    usable = np.flatnonzero(ends >= horizon + 2)
    if len(usable) < MANY:
        return np.maximum(ends - horizon, 0), ends
    sample = np.random.default_rng(seed).permutation(usable)[: len(usable) // 10]
    validates = np.isin(np.arange(len(panel)), sample)
    return np.where(validates, 0, ends), np.where(validates, ends, 0)
