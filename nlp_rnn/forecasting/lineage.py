"""Which points of series a forecaster was trained on, so that it is never evaluated on them."""

import hashlib
from collections.abc import Iterator

import numpy as np

from nlp_rnn.datasets.lineage import Lineage
from nlp_rnn.forecasting.backtest import held_out_ends
from nlp_rnn.forecasting.panel import Panel

FIRST = 16  # points that, with its name, identify a series, which may have grown since


def trained_points(panel: Panel, horizon: int, origins: int) -> Lineage:
    """The number of points of each series before its test split.

    Args:
        panel: the series, with the test split at their ends.
        horizon: the steps of a forecast.
        origins: number of origins from which the test split is forecast.
    """
    ends = held_out_ends(panel, horizon, origins)
    return Lineage(series={key: int(end) for key, end in zip(series_keys(panel), ends, strict=True)})


def series_keys(panel: Panel) -> Iterator[int]:
    """A hash of each series, of its name and first points."""
    for number, name in enumerate(panel.names):
        first = np.ascontiguousarray(panel.series(number)[:FIRST], np.float32)
        digest = hashlib.blake2b(name.encode(errors="replace") + b"\0" + first.tobytes(), digest_size=8)
        yield int.from_bytes(digest.digest(), "big")
