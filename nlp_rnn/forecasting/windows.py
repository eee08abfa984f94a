"""Series cut into windows: the context up to a position and the targets after it, which the context never holds.

Shapes: N series, P points of all series, B windows of a batch, L points of context, H points to forecast, C columns of
covariates.
"""

import time
from collections.abc import Iterator
from itertools import groupby, islice

import numpy as np
import tensorflow as tf

from nlp_rnn.batches import dataset_of
from nlp_rnn.deprecation import renamed_arguments
from nlp_rnn.forecasting.panel import Panel

HIDDEN_CATEGORIES = 0.1  # fraction of training windows whose category is hidden, so that it may be unknown later
_FORMER = {"known": "context_length", "batch": "batch_size", "steps": "steps_per_epoch", "least": "min_context"}


class Windows:
    """Windows of series in batches, (context [B, L], targets [B, H], category [B]); see `batches.Batches`.

    With covariates, a fourth array holds those that are known before the targets, [B, L + H, C]. Values before the
    beginning of a series or after `ends` are NaN.

    Args:
        panel: the series.
        ends: number of points of each series that may be read, int64 [N]; later ones are not, except for covariates
            that are known for future times.
        context_length: L, the points of context.
        horizon: H, the points to forecast.
        batch_size: B, the windows per batch.
        steps_per_epoch: number of batches per epoch.
        min_context: minimum number of points of context, if a series has that many.
        seed: the seed of the windows, sampled anew in each epoch: a random series, then a random position in it. None:
            the last window of each series, once.

    Raises:
        ValueError: no series has two points that may be read.
    """

    max_steps_per_execution = 16

    @renamed_arguments(_FORMER)
    def __init__(
        self,
        panel: Panel,
        ends: np.ndarray,
        context_length: int,
        horizon: int,
        batch_size: int = 64,
        steps_per_epoch: int = 100,
        min_context: int = 1,
        seed: int | None = None,
    ):
        self.panel = panel
        self.context_length = context_length
        self.horizon = horizon
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0
        self.ready_times: list[float] = []
        self._series = np.flatnonzero(ends >= 2)
        if not len(self._series):
            raise ValueError("panel must hold a series with two readable points, got none")
        self._ends = panel.offsets[:-1] + ends
        first, last = panel.offsets[:-1] + 1, np.maximum(self._ends - horizon, panel.offsets[:-1] + 1)
        self._last = last
        self._first = np.minimum(np.maximum(first, panel.offsets[:-1] + min_context), last)
        self._steps = steps_per_epoch if seed is not None else -(-len(self._series) // batch_size)

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """All data that training depends on."""
        panel = self.panel
        covariates = () if panel.covariates is None else panel.given_covariates
        return (panel.values, panel.offsets, self._ends, panel.category_ids, *covariates)

    def __len__(self) -> int:
        """The number of batches per epoch."""
        return self._steps

    @property
    def points(self) -> int:
        """The number of points per batch, context and targets."""
        return self.batch_size * (self.context_length + self.horizon)

    def batches(self) -> Iterator[tuple[np.ndarray, ...]]:
        """The batches of one epoch."""
        random = None if self.seed is None else np.random.default_rng((self.seed, self.epoch))
        for step in range(self._steps):
            if random is None:
                series = self._series[step * self.batch_size : (step + 1) * self.batch_size]
                yield self.cut(series, self._last[series])
            else:
                series = random.choice(self._series, self.batch_size)
                positions = random.integers(self._first[series], self._last[series] + 1)
                context, targets, category, *covariates = self.cut(series, positions)
                hidden = random.random(self.batch_size) < HIDDEN_CATEGORIES
                yield context, targets, np.where(hidden, 0, category), *covariates

    def cut(self, series: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, ...]:
        """The windows of series whose targets begin at these positions, among all points."""
        points = positions[:, None] + np.arange(-self.context_length, self.horizon)
        inside = (points >= self.panel.offsets[series][:, None]) & (points < self._ends[series][:, None])
        values = np.where(inside, self.panel.values[np.where(inside, points, 0)], np.nan)
        window = values[:, : self.context_length], values[:, self.context_length :], self.panel.category_ids[series]
        if self.panel.covariates is None:
            return window
        return *window, self.panel.covariate_windows(series, positions, self.context_length, self.horizon)

    def dataset(self) -> tf.data.Dataset:
        """The batches of one epoch; every pass uses the current value of `epoch`."""
        shapes = [[self.context_length], [self.horizon], []]
        if self.panel.covariates is not None:
            shapes.append([self.context_length + self.horizon, len(self.panel.columns)])
        types = [tf.int32 if not shape else tf.float64 for shape in shapes]
        # Sampled batches are full, and the layers are faster when they know the number of rows.
        rows = None if self.seed is None else self.batch_size
        arrays = zip(shapes, types, strict=True)
        signature = tuple(tf.TensorSpec([None, rows, *shape], dtype) for shape, dtype in arrays)
        return dataset_of(self._stacked, signature, len(self), stacked=True)

    def _stacked(self):
        """Several batches at a time, [N, B, ...] each, since passing one on costs as much as a small network's step."""
        self.ready_times, batches = [], self.batches()
        while some := list(islice(batches, self.max_steps_per_execution)):
            for _, like in groupby(some, lambda batch: len(batch[0])):
                stacked = tuple(np.stack(parts) for parts in zip(*like, strict=True))
                self.ready_times += [time.monotonic()] * len(stacked[0])
                yield stacked
