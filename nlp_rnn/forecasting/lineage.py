"""Which points of series a forecaster was trained on, so that it is never evaluated on them."""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.lineage import Lineage, lineage_of
from nlp_rnn.forecasting.backtest import held_out_ends
from nlp_rnn.forecasting.panel import Panel

if TYPE_CHECKING:
    from nlp_rnn.task import Run

FIRST = 16  # points that identify a series, together with its name: a series grows at its end


def trained_points(panel: Panel, horizon: int, origins: int) -> Lineage:
    """The number of points of each series before its test split.

    Args:
        panel: the series, with the test split at their ends.
        horizon: the steps of a forecast.
        origins: number of origins from which the test split is forecast.
    """
    ends = held_out_ends(panel, horizon, origins)
    return Lineage(series={key: int(end) for key, end in zip(_keys(panel), ends, strict=True)})


def check_held_out(start: "Run | None", panel: Panel | str, origins: int) -> None:
    """Check that a run was not trained on the test split of series.

    Args:
        start: the run to evaluate or fine-tune; None when training from scratch.
        panel: the series; of recipes of version 0.1 only the name of the data.
        origins: number of origins from which the test split is forecast.

    Raises:
        UsageError: it was trained on part of it.
    """
    if start is None:
        return
    lineage, held_out = lineage_of(start), start.settings.get("origins", 1)
    name = panel if isinstance(panel, str) else panel.name
    if origins > held_out and lineage.knows(name):
        raise _trained(start, name, origins)
    if isinstance(panel, str) or not lineage.series:
        return
    ends = held_out_ends(panel, start.settings["horizon"], origins)
    for series, key, end in zip(panel.names, _keys(panel), ends, strict=True):
        if lineage.series.get(key, 0) > end:
            if origins > held_out:
                raise _trained(start, name, origins)
            raise UsageError(
                f"{name}: {start.path} was trained on the first {lineage.series[key]:,} points of series '{series}', "
                f"and here the test split begins after {end:,}: give the later points as well"
            )


def _trained(start, name, origins):
    return UsageError(
        f"--set origins={origins}: {start.path} held out {start.settings.get('origins', 1)} of the last horizons of "
        f"{name}, and was trained on the points before: no more can be held out now"
    )


def _keys(panel: Panel) -> Iterator[int]:
    """A hash of each series, of its name and first points."""
    for number, name in enumerate(panel.names):
        first = np.ascontiguousarray(panel.series(number)[:FIRST], np.float32)
        digest = hashlib.blake2b(name.encode(errors="replace") + b"\0" + first.tobytes(), digest_size=8)
        yield int.from_bytes(digest.digest(), "big")
