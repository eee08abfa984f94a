"""Predictions for series: the forecast of each step, or the anomalous points.

Shapes: H steps of a forecast, Q quantiles.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nlp_rnn import plots
from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.calendar import time_after
from nlp_rnn.forecasting.backtest import MAX_FANS
from nlp_rnn.forecasting.digits import decimals_of, rounded, text_of
from nlp_rnn.forecasting.forecaster import AT_ONCE, Forecast, Forecaster
from nlp_rnn.forecasting.panel import Panel
from nlp_rnn.forecasting.pipeline import forecast_at
from nlp_rnn.forecasting.report import fan
from nlp_rnn.progress import say

QUANTILES = "0.1,0.5,0.9"  # default levels


class RowAnswer(NamedTuple):
    """A row of the table of predictions.

    Attributes:
        row: the cells by column.
        first: whether this is the first row, above which the names of the columns are printed.
    """

    row: Mapping[str, Any]
    first: bool

    def lines(self) -> Iterator[str]:
        """CSV."""
        if self.first:
            yield ",".join(self.row)
        yield ",".join(_cell(value) for value in self.row.values())

    def rows(self) -> Iterator[dict[str, Any]]:
        """The cells, in the only row."""
        yield self.json()

    def json(self) -> dict[str, Any]:
        """The cells."""
        return dict(self.row)


def _cell(value):
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"' if set(value) & set(',"\n\r') else value
    return text_of(value) if isinstance(value, float) else str(value)


def quantile_levels(text: str | None) -> list[float]:
    """The quantile levels in the value of `--quantiles`, in ascending order.

    Raises:
        UsageError: they are not numbers between 0 and 1.
    """
    try:
        levels = [float(part) for part in (text or QUANTILES).split(",")]
    except ValueError:
        levels = [0.0]
    if not all(0 < level < 1 for level in levels):
        raise UsageError(
            f"--quantiles must be numbers between 0 and 1, separated by commas, such as 0.1,0.5,0.9; got {text}"
        )
    return sorted(set(levels))


def forecast_rows(
    forecaster: Forecaster, panel: Panel, horizon: int | None, quantiles: str | None, plot: Path | None
) -> Iterator[dict[str, Any]]:
    """A row for each forecast step of each series.

    Args:
        forecaster: the forecaster.
        panel: the series.
        horizon: number of steps; by default that of the forecaster.
        quantiles: quantile levels, separated by commas; by default `QUANTILES`.
        plot: a new .png file for fan charts of the first series.

    Raises:
        UsageError: an option is out of its range.
        InputError: no series can be forecast, or covariates of the forecast steps are missing.
    """
    levels = quantile_levels(quantiles)
    if horizon is not None and horizon < 1:
        raise UsageError(f"--horizon must be 1 or above, got {horizon}")
    horizon, length = horizon or forecaster.options["horizon"], forecaster.options["context_length"]
    forecaster.check(horizon, levels)
    usable = _usable(panel, length)
    _check_future_covariates(panel, usable, horizon)
    _say_what_is_rare(panel, usable, length)
    for begin in range(0, len(usable), AT_ONCE):  # the covariates of all series may not fit into memory
        some = usable[begin : begin + AT_ONCE]
        covariates = panel.forecast_covariates(some, panel.lengths[some], length, horizon)
        series, category_ids = [panel.series(n) for n in some], panel.category_ids[some]
        forecast = forecaster.forecast(series, horizon, levels, category_ids, begin, covariates)
        if plot and not begin:
            _draw(panel, usable, forecast, levels, plot)
        for n, mean, values in zip(some, forecast.mean, forecast.quantiles, strict=True):
            yield from _steps(panel, n, mean, values, levels)


def _usable(panel, length):
    """The numbers of the series that have a value among their last points; prints which have none.

    Raises:
        InputError: none has.
    """
    usable = [n for n in range(len(panel)) if not np.isnan(panel.series(n)[-length:]).all()]
    kept = set(usable)
    left_out = [n for n, points in enumerate(panel.lengths) if points and n not in kept]
    if left_out:
        name = panel.names[left_out[0]]
        say(f"left out: {len(left_out):,} series without a value among the last {length} points, such as '{name}'")
    if not usable:
        raise InputError(f"{panel.name}: no series has a value among the last {length} points, which the model reads")
    return usable


def _say_what_is_rare(panel, usable, length):
    """Print which series have few values to forecast from, or end earlier than others."""
    few = max(panel.season, 2)
    short = [n for n in usable if np.isfinite(panel.series(n)[-length:]).sum() < few]
    if short:
        name = panel.names[short[0]]
        say(f"{len(short):,} series, such as '{name}', have fewer than {few} values among the last {length} points")
    if panel.start_times is not None and panel.frequency:
        ends = [time_after(panel.start_times[n], panel.lengths[n], panel.frequency) for n in usable]
        latest = max(ends)
        early = [n for n, end in zip(usable, ends, strict=True) if end < latest]
        if early:
            name = panel.names[early[0]]
            say(f"{len(early):,} series, such as '{name}', end before others and are forecast from their own end on")


def _steps(panel, number, mean, quantiles, levels):
    """A row for each step of the forecast of a series: mean [H] and quantiles [H, Q]."""
    decimals = decimals_of(panel.series(number))
    for step, (middle, values) in enumerate(zip(mean, quantiles, strict=True)):
        named = {f"q{level:g}": rounded(value, decimals) for level, value in zip(levels, values, strict=True)}
        time = _time(panel, number, panel.lengths[number] + step)
        yield {"series": panel.names[number], **time, "mean": rounded(middle, decimals), **named}


def _check_future_covariates(panel, usable, horizon):
    if not panel.num_future_covariates:
        return
    known = panel.future_steps[usable]
    if len(usable) and known.min() < horizon:
        names = ", ".join(panel.columns[: panel.num_future_covariates])
        raise InputError(
            f"{panel.name}: series '{panel.names[usable[known.argmin()]]}': {names} must be known for {horizon} steps "
            f"after its last value, and is for {known.min()}: add rows with empty values"
            + (", or choose a shorter --horizon" if known.min() else "")
        )


def _time(panel, number, position):
    """The time of a point of a series, by column; without times, its number, counted from 1."""
    if panel.start_times is None:
        return {"point": position + 1}
    return panel.time_text.cells(panel.start_times[number], int(position), panel.frequency)


def _draw(panel: Panel, usable: Sequence[int], forecast: Forecast, levels: Sequence[float], plot: Path) -> None:
    some = zip(usable[:MAX_FANS], forecast.quantiles, strict=False)
    fans = [fan(panel, n, panel.lengths[n], quantiles, levels) for n, quantiles in some]
    plots.fans(fans, plot)
    which = f"the first {len(fans)} of {len(usable):,} series" if len(fans) < len(usable) else "all series"
    say(f"{plot}: a fan chart of {which}")


def anomaly_rows(forecaster: Forecaster, panel: Panel, share: float) -> Iterator[dict[str, Any]]:
    """A row for each point outside its prediction interval, forecast one horizon at a time from the points before.

    Args:
        forecaster: the forecaster.
        panel: the series.
        share: probability of the interval, such as 0.9.

    Raises:
        UsageError: the share is out of range, or no series is longer than the horizon.
    """
    if not 0 < share < 1:
        raise UsageError(f"--anomalies must be between 0 and 1, such as 0.9, got {share}")
    most = round(1 - 2 * forecaster.lowest_quantile, 6)
    if share > most:
        raise UsageError(f"--anomalies must be at most {most} with this model, got {share}")
    horizon, length = forecaster.options["horizon"], forecaster.options["context_length"]
    places = [(n, end) for n, points in enumerate(panel.lengths) for end in range(horizon, points, horizon)]
    places = [(n, end) for n, end in places if not np.isnan(panel.series(n)[max(end - length, 0) : end]).all()]
    if not places:
        raise UsageError(f"no series is longer than the horizon, {horizon}: there is nothing to forecast a point from")
    levels = (round((1 - share) / 2, 6), 0.5, round((1 + share) / 2, 6))
    forecasts = forecast_at(forecaster, panel, places, levels).quantiles
    decimals = {n: decimals_of(panel.series(n)) for n in {n for n, _ in places}}
    for (n, end), forecast in zip(places, forecasts, strict=True):
        actual = panel.series(n)[end : end + horizon]
        for step, (value, (low, middle, high)) in enumerate(zip(actual, forecast, strict=False)):
            if value < low or value > high:
                numbers = {"value": value, "expected": middle, "low": low, "high": high}
                numbers = {name: rounded(one, decimals[n]) for name, one in numbers.items()}
                yield {"series": panel.names[n], **_time(panel, n, end + step), **numbers}
