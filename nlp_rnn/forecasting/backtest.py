"""Backtests: the forecasts of a model and of baselines from the same origins, compared with the actual values.

Shapes: N series, K origins, H points of a forecast, Q quantiles.
"""

import importlib.util
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from nlp_rnn.checks import InputError
from nlp_rnn.forecasting import metrics
from nlp_rnn.forecasting.baselines import CLASSICAL, METHODS, NAIVE2, forecasts_by
from nlp_rnn.forecasting.digits import decimals_of, rounded
from nlp_rnn.forecasting.forecaster import Forecaster
from nlp_rnn.forecasting.panel import Panel
from nlp_rnn.forecasting.pipeline import forecast_at
from nlp_rnn.forecasting.report import MODEL, ForecastReport, fan, overall, plain
from nlp_rnn.plots import Fan
from nlp_rnn.progress import say, track

QUANTILE_LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
FAN_LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
MAX_FANS = 9
MANY = 300  # series; from this number on the classical methods take a while
MAX_SERIES = 3_000  # to evaluate: the classical methods are slow, and all methods are compared on the same series


def held_out_ends(panel: Panel, horizon: int, origins: int) -> np.ndarray:
    """The number of points of each series before the test split, int64 [N]."""
    return np.maximum(panel.lengths - horizon * origins, 0)


def evaluate(forecaster: Forecaster, panel: Panel, origins: int, classical: bool = True) -> ForecastReport:
    """Evaluate a forecaster and the baselines on the ends of series.

    Successive origins are one horizon apart, so that each of the last K * H points is forecast once. Series without a
    point before their first origin are left out.

    Args:
        forecaster: the forecaster to evaluate.
        panel: the series, with the test split at their ends.
        origins: K.
        classical: run ETS and Theta as well.

    Raises:
        InputError: no series is long enough.
    """
    options = forecaster.options
    panel = panel.only(measured_series(panel, options["horizon"], origins, options["context_length"]))
    test = _forecasts(forecaster, _methods(classical, len(panel)), panel, origins)
    if np.isnan(test.actual).all():
        held_out = options["horizon"] * origins
        raise InputError(f"{panel.name}: none of the last {held_out} points, which are held out, has a value")
    figures = _metrics(test)
    figures[MODEL] |= _quantile_metrics(test, len(panel))
    fans = _fans(panel, options["horizon"], test)
    return ForecastReport(_counted(forecaster, panel, origins, figures), rows=_rows(panel, test), fans=fans)


def evaluate_model(forecaster: Forecaster, panel: Panel, origins: int) -> ForecastReport:
    """As `evaluate`, but only the metrics of the model's point forecasts, without baselines and messages.

    Raises:
        InputError: no series is long enough.
    """
    options = forecaster.options
    panel = panel.only(measured_series(panel, options["horizon"], origins, options["context_length"], quiet=True))
    figures = _metrics(_forecasts(forecaster, (), panel, origins))
    return ForecastReport(_counted(forecaster, panel, origins, figures))


def _counted(forecaster, panel, origins, figures):
    options = forecaster.options
    counts = {"series": len(panel), "origins": origins, "horizon": options["horizon"], "season": options["season"]}
    return {**counts, "methods": figures}


class _Test(NamedTuple):
    """Forecasts from all origins, one origin after the other.

    Attributes:
        points: point forecasts by method, [K * N, H].
        quantiles: quantiles of the model, [K * N, H, Q].
        actual: the actual values, [K * N, H].
        sizes: the scale of the errors, [K * N].
    """

    points: Mapping[str, np.ndarray]
    quantiles: np.ndarray
    actual: np.ndarray
    sizes: np.ndarray


def _forecasts(forecaster, methods, panel, origins):
    """The forecasts from all origins."""
    horizon = forecaster.options["horizon"]
    tests = [_from_origin(forecaster, methods, panel, horizon * back) for back in range(origins, 0, -1)]
    points = {name: np.concatenate([test.points[name] for test in tests]) for name in (MODEL, *methods)}
    return _Test(
        points,
        np.concatenate([test.quantiles for test in tests]),
        np.concatenate([test.actual for test in tests]),
        np.concatenate([test.sizes for test in tests]),
    )


def _from_origin(forecaster, methods, panel, back):
    """The forecasts from this many points before the end of each series."""
    horizon, season = forecaster.options["horizon"], forecaster.options["season"]
    ends = panel.lengths - back
    quantiles = forecast_at(forecaster, panel, list(enumerate(ends)), QUANTILE_LEVELS).quantiles
    points = {MODEL: quantiles[..., QUANTILE_LEVELS.index(0.5)]}
    seen = [panel.series(n)[:end] for n, end in enumerate(ends)]
    for name in methods:
        points[name] = np.stack(list(track(forecasts_by(name, seen, season, horizon), name, len(seen))))
    actual = np.stack([panel.series(n)[end : end + horizon] for n, end in enumerate(ends)])
    return _Test(points, quantiles, actual, np.array([metrics.naive_error(one, season) for one in seen]))


def measured_series(panel: Panel, horizon: int, origins: int, context_length: int, quiet: bool = False) -> np.ndarray:
    """The numbers of the series to evaluate, at most `MAX_SERIES`, always the same; prints which are not evaluated.

    Raises:
        InputError: no series is long enough.
    """
    report = (lambda line: None) if quiet else say
    held_out = horizon * origins
    enough = panel.lengths >= held_out + 2
    usable, short = np.flatnonzero(enough), np.count_nonzero(~enough)
    ends = [horizon * back for back in range(1, origins + 1)]
    unknown = [n for n in usable if any(np.isnan(panel.series(n)[:-end][-context_length:]).all() for end in ends)]
    if unknown:
        report(
            f"not evaluated: {len(unknown):,} series without a value among the {context_length} points before the test "
            "split"
        )
        usable = np.setdiff1d(usable, unknown)
    if not len(usable):
        raise InputError(
            f"{panel.name}: the longest series has {panel.lengths.max()} points; {held_out + 2} are needed to hold out "
            f"{held_out} and forecast them"
        )
    if short:
        report(f"not evaluated: {short:,} series of fewer than {held_out + 2} points, of which {held_out} are held out")
    if len(usable) > MAX_SERIES:
        report(f"the figures are of {MAX_SERIES:,} of {len(usable):,} series, sampled at random")
        usable = np.sort(np.random.default_rng(0).choice(usable, MAX_SERIES, replace=False))
    return usable


def _methods(classical, series):
    if classical and importlib.util.find_spec("statsmodels") is None:
        say("ETS and Theta are left out: they need the package statsmodels (pip install 'nlp-rnn[forecasting]')")
        classical = False
    if classical and series > MANY:
        say("ETS and Theta of many series take a while; --set classical_baselines=false leaves them out")
    return [name for name in METHODS if classical or name not in CLASSICAL]


def _metrics(test):
    """The metrics of each method's point forecasts; the overall one is relative to Naive2, if that is included."""
    figures = {
        name: {
            "smape": plain(metrics.smape(test.actual, point)),
            "mase": plain(metrics.mase(test.actual, point, test.sizes)),
            "rmse": plain(metrics.rmse(test.actual, point)),
        }
        for name, point in test.points.items()
    }
    for of_method in figures.values():
        if NAIVE2 in figures:
            of_method["owa"] = overall(of_method["smape"], of_method["mase"], figures[NAIVE2])
    return figures


def _quantile_metrics(test, series):
    actual, quantiles = test.actual, test.quantiles
    low, high = (quantiles[..., QUANTILE_LEVELS.index(level)] for level in (0.1, 0.9))
    figures = {
        "weighted_quantile_loss": metrics.weighted_quantile_loss(actual, quantiles, QUANTILE_LEVELS),
        "crps": metrics.crps(actual, quantiles, QUANTILE_LEVELS),
        "coverage_80": metrics.coverage(actual, low, high),
        "coverage_80_of_lowest_tenth": metrics.lowest_coverage(actual, low, high, series),
    }
    return {name: plain(value) for name, value in figures.items()}


def _fans(panel, horizon, test) -> list[Fan]:
    """A few series with their forecasts from the last origin."""
    quantiles, actual = test.quantiles[-len(panel) :], test.actual[-len(panel) :]
    chosen = np.unique(np.linspace(0, len(panel) - 1, MAX_FANS).astype(int))
    columns = [QUANTILE_LEVELS.index(level) for level in FAN_LEVELS]
    ends = panel.lengths - horizon
    return [fan(panel, n, ends[n], quantiles[n][:, columns], FAN_LEVELS, actual[n]) for n in chosen]


def _rows(panel, test) -> list[dict]:
    """A row for each point of a forecast."""
    rows, decimals = [], [decimals_of(panel.series(n)) for n in range(len(panel))]
    low, high = (test.quantiles[..., QUANTILE_LEVELS.index(level)] for level in (0.1, 0.9))
    for number, point in enumerate(test.points[MODEL]):
        name, origin = panel.names[number % len(panel)], number // len(panel) + 1
        for step, value in enumerate(point):
            numbers = {"actual": test.actual[number, step], "forecast": value}
            numbers |= {"low_80": low[number, step], "high_80": high[number, step]}
            numbers = {key: rounded(one, decimals[number % len(panel)]) for key, one in numbers.items()}
            rows.append({"series": name, "origin": origin, "step": step + 1, **numbers})
    return rows
