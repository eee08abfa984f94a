"""Series cut into windows: what is known up to a position, and what follows it. Nothing that follows is ever known.

Shapes: N series, P points of all series, B windows of a batch, L points known, H points to tell.
"""

import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from nlp_rnn.batching import dataset_of
from nlp_rnn.panel import Panel

UNKNOWN = 0.1  # share of windows in training whose category is hidden, so that one not known can be told as well


class Windows:
    """Windows of series as training batches: (known [B, L], following [B, H], category [B]).

    Where a series has no value, before its beginning or after `ends`, there is NaN.

    Args:
        panel: the series.
        ends: int64 [N], how many points of each may be seen; what is after them is not read.
        known: L.
        horizon: H.
        batch: B.
        steps: batches of an epoch.
        least: points known at least, where a series has them.
        seed: of the windows drawn, other ones in each epoch: a series at random, then a position in it at random. None:
            the last window of each series, once.

    `epoch` says which epoch comes next, and `ready` when each of its batches was made, as for `LengthBuckets`.

    Raises:
        ValueError: no series has two points to be seen.
    """

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
        return (self.panel.values, self.panel.offsets, self._ends, self.panel.categories)

    @property
    def texts(self) -> "Windows":
        """What is read; of texts it is the encoded texts that have `arrays`."""
        return self

    def __len__(self) -> int:
        """The batches of an epoch."""
        return self._steps

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """The batches of one epoch."""
        draw = None if self.seed is None else np.random.default_rng((self.seed, self.epoch))
        for step in range(self._steps):
            if draw is None:
                series = self._series[step * self.batch : (step + 1) * self.batch]
                yield self.cut(series, self._last[series])
            else:
                series = draw.choice(self._series, self.batch)
                known, following, kinds = self.cut(series, draw.integers(self._first[series], self._last[series] + 1))
                yield known, following, np.where(draw.random(self.batch) < UNKNOWN, 0, kinds)

    def cut(self, series: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The windows of some series that are told from these places on, counted over all points."""
        points = places[:, None] + np.arange(-self.known, self.horizon)
        inside = (points >= self.panel.offsets[series][:, None]) & (points < self._ends[series][:, None])
        values = np.where(inside, self.panel.values[np.where(inside, points, 0)], np.nan).astype(np.float32)
        return values[:, : self.known], values[:, self.known :], self.panel.categories[series]

    def dataset(self) -> tf.data.Dataset:
        """The batches of one epoch; asks `epoch` anew at each pass."""
        kinds = ([None, self.known], tf.float32), ([None, self.horizon], tf.float32), ([None], tf.int32)
        return dataset_of(self._timed, tuple(tf.TensorSpec(*kind) for kind in kinds), len(self))

    def _timed(self):
        self.ready = []
        for batch in self.batches():
            self.ready.append(time.monotonic())
            yield batch
