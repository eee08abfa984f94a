"""Series cut into windows: what is known up to a position, and what follows it. Nothing of it is ever known before.

Shapes: N series, P points of all series, B windows of a batch, L points known, H points to tell.
"""

import time
from collections.abc import Iterator
from itertools import groupby, islice

import numpy as np
import tensorflow as tf

from nlp_rnn.batching import dataset_of
from nlp_rnn.panel import Panel

UNKNOWN = 0.1  # share of windows in training whose category is hidden, so that one not known can be told as well


class Windows:
    """Windows of series as training batches: (known [B, L], following [B, H], category [B]).

    Where there are covariates, a fourth holds those that are known before what follows, [B, L + H, C]. Where a series
    has no value, before its beginning or after `ends`, there is NaN.

    Args:
        panel: the series.
        ends: int64 [N], how many points of each may be seen; what is after them is not read, but for covariates that
            are known ahead.
        known: L.
        horizon: H.
        batch: B.
        steps: batches of an epoch.
        least: points known at least, where a series has them.
        seed: of the windows drawn, other ones in each epoch: a series at random, then a position in it at random. None:
            the last window of each series, once.

    `epoch` says which epoch comes next, `ready` when each of its batches was made, and `together` how many steps may
    pass untold, as for `LengthBuckets`; so many batches are handed over at a time.

    Raises:
        ValueError: no series has two points to be seen.
    """

    together = 16

    def __init__(
        self,
        panel: Panel,
        ends: np.ndarray,
        known: int,
        horizon: int,
        batch: int = 64,
        steps: int = 100,
        least: int = 1,
        seed: int | None = None,
    ):
        self.panel = panel
        self.known = known
        self.horizon = horizon
        self.batch = batch
        self.seed = seed
        self.epoch = 0
        self.ready: list[float] = []
        self._series = np.flatnonzero(ends >= 2)
        if not len(self._series):
            raise ValueError("panel must hold a series with two points to be seen, got none")
        self._ends = panel.offsets[:-1] + ends
        first, last = panel.offsets[:-1] + 1, np.maximum(self._ends - horizon, panel.offsets[:-1] + 1)
        self._last = last
        self._first = np.minimum(np.maximum(first, panel.offsets[:-1] + least), last)
        self._steps = steps if seed is not None else -(-len(self._series) // batch)

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """All that training depends on."""
        panel = self.panel
        beside = () if panel.covariates is None else (panel.covariates, panel.future)
        return (panel.values, panel.offsets, self._ends, panel.categories, *beside)

    @property
    def texts(self) -> "Windows":
        """What is read; of texts it is the encoded texts that have `arrays`."""
        return self

    def __len__(self) -> int:
        """The batches of an epoch."""
        return self._steps

    @property
    def points(self) -> int:
        """How many points a batch has, known ones and others."""
        return self.batch * (self.known + self.horizon)

    def batches(self) -> Iterator[tuple[np.ndarray, ...]]:
        """The batches of one epoch."""
        draw = None if self.seed is None else np.random.default_rng((self.seed, self.epoch))
        for step in range(self._steps):
            if draw is None:
                series = self._series[step * self.batch : (step + 1) * self.batch]
                yield self.cut(series, self._last[series])
            else:
                series = draw.choice(self._series, self.batch)
                places = draw.integers(self._first[series], self._last[series] + 1)
                known, following, kinds, *beside = self.cut(series, places)
                yield known, following, np.where(draw.random(self.batch) < UNKNOWN, 0, kinds), *beside

    def cut(self, series: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, ...]:
        """The windows of some series that are told from these places on, counted over all points."""
        points = places[:, None] + np.arange(-self.known, self.horizon)
        inside = (points >= self.panel.offsets[series][:, None]) & (points < self._ends[series][:, None])
        values = np.where(inside, self.panel.values[np.where(inside, points, 0)], np.nan).astype(np.float32)
        found = (values[:, : self.known], values[:, self.known :], self.panel.categories[series])
        if self.panel.covariates is None:
            return found
        return (*found, self.panel.beside(series, places, self.known, self.horizon))

    def dataset(self) -> tf.data.Dataset:
        """The batches of one epoch; asks `epoch` anew at each pass."""
        shapes = [[self.known], [self.horizon], []]
        if self.panel.covariates is not None:
            shapes.append([self.known + self.horizon, len(self.panel.columns)])
        types = [tf.int32 if not shape else tf.float32 for shape in shapes]
        kinds = zip(shapes, types, strict=True)
        # Drawn batches are whole, and the layers are faster when they know how many rows there are.
        rows = None if self.seed is None else self.batch
        signature = tuple(tf.TensorSpec([None, rows, *shape], kind) for shape, kind in kinds)
        return dataset_of(self._together, signature, len(self), slices=True)

    def _together(self):
        """The batches, some at a time, [N, B, ...] each: handing them over costs as much as a small network's step."""
        self.ready, batches = [], self.batches()
        while some := list(islice(batches, self.together)):
            for _, like in groupby(some, lambda batch: len(batch[0])):
                stacked = tuple(np.stack(parts) for parts in zip(*like, strict=True))
                self.ready += [time.monotonic()] * len(stacked[0])
                yield stacked
