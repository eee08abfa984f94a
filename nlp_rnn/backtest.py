"""How good forecasts are on what was held out, beside the naive and the classical ones, told from the same places.

Shapes: N series, K origins, H points told, Q quantiles.
"""

import importlib.util
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nlp_rnn import forecast_metrics as metrics
from nlp_rnn.baselines import CLASSICAL, METHODS, NAIVE2, SEASONAL, told_by
from nlp_rnn.checks import InputError
from nlp_rnn.forecasting import Forecaster, forecast_at
from nlp_rnn.panel import Panel
from nlp_rnn.progress import say, track
from nlp_rnn.sources.calendar import moved

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SHADES = (0.1, 0.3, 0.5, 0.7, 0.9)  # drawn
DRAWN = 9  # series
SHOWN = 4  # so many times the horizon is drawn before what follows, and so many seasons at least
HERE = "model"
START = "before fine-tuning"
MANY = 300  # series, of which the classical methods take a while
MOST = 3_000  # series that are measured: the classical methods are slow, and all are measured on the same ones


def held_out_ends(panel: Panel, horizon: int, origins: int) -> np.ndarray:
    """How many points of each series come before all that is held out for so many origins, int64 [N]."""
    return np.maximum(panel.lengths - horizon * origins, 0)


class Backtest(NamedTuple):
    """How good a forecaster is.

    Attributes:
        figures: of it and of the other methods.
        rows: one for each point told.
        drawn: a few series, for `plots.fans`.
    """

    figures: dict
    rows: list[dict]
    drawn: list[dict]


def evaluate(
    forecaster: Forecaster, panel: Panel, origins: int, classical: bool = True, start: Forecaster | None = None
) -> Backtest:
    """Measure a forecaster and the other methods on the ends of series.

    The origins are at the ends of the series, each a horizon before the next: every point of the last K * H is told
    once. Series that have no point before their first origin are left out.

    Args:
        panel: the series, what is held out at their ends.
        origins: K.
        classical: run ETS and Theta too.
        start: the forecaster that this one was fine-tuned from, measured beside it.

    Raises:
        InputError: no series is long enough.
    """
    options = forecaster.options
    horizon, season = options["horizon"], options["season"]
    panel = panel.only(_measured(panel, horizon, origins, options["known"]))
    models, names = {HERE: forecaster, **({START: start} if start else {})}, _methods(classical, len(panel))
    told = [_told(models, names, panel, horizon * back) for back in range(origins, 0, -1)]
    points = {name: np.concatenate([one.points[name] for one in told]) for name in (*models, *names)}
    quantiles, actual, sizes = (np.concatenate([one[n] for one in told]) for n in range(1, 4))
    if np.isnan(actual).all():
        raise InputError(f"{panel.name}: none of the last {horizon * origins} points, which are held out, has a value")
    figures = _figures(points, actual, sizes)
    figures[HERE] |= _of_quantiles(quantiles, actual, len(panel))
    counts = {"series": len(panel), "origins": origins, "horizon": horizon, "season": season}
    drawn = _drawn(panel, horizon, told[-1].quantiles, told[-1].actual)
    return Backtest({**counts, "methods": figures}, _rows(panel, points[HERE], quantiles, actual, origins), drawn)


class _Told(NamedTuple):
    """What is told from one origin: points [N, H] by method, the model's quantiles, what came, how to scale errors."""

    points: dict[str, np.ndarray]
    quantiles: np.ndarray
    actual: np.ndarray
    sizes: np.ndarray


def _told(models, names, panel, back):
    """By the models and the methods named, from so many points before the end of each series."""
    horizon, season = models[HERE].options["horizon"], models[HERE].options["season"]
    ends = panel.lengths - back
    found = {name: forecast_at(model, panel, list(enumerate(ends)), LEVELS) for name, model in models.items()}
    points = {name: one.quantiles[..., LEVELS.index(0.5)] for name, one in found.items()}
    seen = [panel.series(n)[:end] for n, end in enumerate(ends)]
    for name in names:
        forecasts = told_by(name, seen, season, horizon)
        points[name] = np.stack(list(track(forecasts, name, len(seen))))
    actual = np.stack([panel.series(n)[end : end + horizon] for n, end in enumerate(ends)])
    sizes = np.array([metrics.naive_error(one, season) for one in seen])
    return _Told(points, found[HERE].quantiles, actual, sizes)


def _measured(panel, horizon, origins, known):
    """The numbers of the series that are measured, at most `MOST`, the same ones each time."""
    held_out = horizon * origins
    enough = panel.lengths >= held_out + 2
    usable, short = np.flatnonzero(enough), np.count_nonzero(~enough)
    ends = [horizon * back for back in range(1, origins + 1)]
    old = [n for n in usable if any(np.isnan(panel.series(n)[:-end][-known:]).all() for end in ends)]
    if old:
        say(f"not measured: {len(old):,} series without a value among the {known} points before what is held out")
        usable = np.setdiff1d(usable, old)
    if not len(usable):
        raise InputError(
            f"{panel.name}: the longest series has {panel.lengths.max()} points; {held_out + 2} are needed to hold out "
            f"{held_out} and tell them"
        )
    if short:
        say(f"not measured: {short:,} series of fewer than {held_out + 2} points, of which {held_out} are held out")
    if len(usable) > MOST:
        say(f"the figures are of {MOST:,} of {len(usable):,} series, drawn at random")
        usable = np.sort(np.random.default_rng(0).choice(usable, MOST, replace=False))
    return usable


def _methods(classical, series):
    if classical and importlib.util.find_spec("statsmodels") is None:
        say("ETS and Theta are left out: they need the package statsmodels (pip install 'nlp-rnn[forecasting]')")
        classical = False
    if classical and series > MANY:
        say("ETS and Theta of many series take a while; a run with --set classical=false does without them")
    return [name for name in METHODS if classical or name not in CLASSICAL]


def _figures(points, actual, sizes):
    """The figures of each method's points."""
    found = {
        name: {
            "smape": metrics.smape(actual, point),
            "mase": metrics.mase(actual, point, sizes),
            "rmse": metrics.rmse(actual, point),
        }
        for name, point in points.items()
    }
    for of_method in found.values():
        of_method["owa"] = metrics.owa(of_method["smape"], of_method["mase"], found[NAIVE2])
    return {name: {key: _plain(value) for key, value in of_method.items()} for name, of_method in found.items()}


def _plain(value):
    """A number as JSON has it: None for one that does not exist, such as a scaled error without a scale."""
    return value if np.isfinite(value) else None


def _of_quantiles(told, actual, series):
    """Of quantiles told [K * N, H, Q] of so many series."""
    low, high = (told[..., LEVELS.index(level)] for level in (0.1, 0.9))
    found = {
        "weighted_quantile_loss": metrics.weighted_quantile_loss(actual, told, LEVELS),
        "crps": metrics.crps(actual, told, LEVELS),
        "coverage_80": metrics.coverage(actual, low, high),
        "coverage_80_of_lowest_tenth": metrics.lowest_coverage(actual, low, high, series),
    }
    return {name: _plain(value) for name, value in found.items()}


def _drawn(panel, horizon, quantiles, actual):
    """A few series, told from the last origin."""
    chosen = np.unique(np.linspace(0, len(panel) - 1, DRAWN).astype(int))
    places = [LEVELS.index(level) for level in SHADES]
    ends = panel.lengths - horizon
    return [fan(panel, n, ends[n], quantiles[n][:, places], SHADES, actual[n]) for n in chosen]


def fan(
    panel: Panel, number: int, end: int, told: np.ndarray, levels: Sequence[float], actual: np.ndarray | None = None
) -> dict:
    """What `plots.fans` draws of a series that is told from `end` on.

    Args:
        told: [H, Q].
        levels: the Q quantiles.
        actual: [H], what came.
    """
    first = max(end - SHOWN * max(len(told), panel.season), 0)
    when = None
    if panel.begins is not None and panel.step:
        when = np.array([moved(panel.begins[number], n, panel.step) for n in range(first, end + len(told))])
    seen = panel.series(number)[first:end]
    return {"name": panel.names[number], "seen": seen, "told": told, "levels": levels, "actual": actual, "when": when}


def _rows(panel, points, quantiles, actual, origins) -> list[dict]:
    """A row for each point told."""
    rows = []
    low, high = (quantiles[..., LEVELS.index(level)] for level in (0.1, 0.9))
    for number, point in enumerate(points):
        name, origin = panel.names[number % len(panel)], number // len(panel) + 1
        for step, value in enumerate(point):
            told = {"forecast": value, "low_80": low[number, step], "high_80": high[number, step]}
            told = {key: float(f"{one:.7g}") for key, one in ({"actual": actual[number, step]} | told).items()}
            rows.append({"series": name, "origin": origin, "step": step + 1, **told})
    return rows


def loses(figures: dict, other: str = SEASONAL) -> bool:
    """Whether another method is as good as the model or better, by MASE, or where there is none by sMAPE."""
    methods, name = figures["methods"], _decisive(figures)
    return name is not None and other in methods and methods[HERE][name] >= methods[other][name]


def _decisive(figures):
    """The figure that methods are judged by: sMAPE says nothing of values around zero."""
    found = figures["methods"].values()
    return next((name for name in ("mase", "smape") if all(one[name] is not None for one in found)), None)


def table(figures: dict) -> Sequence[Sequence[str]]:
    """The figures as rows of words, the best method first."""
    columns = ("smape", "mase", "owa", "rmse")
    decisive = _decisive(figures) or "rmse"
    methods = sorted(figures["methods"].items(), key=lambda item: item[1][decisive] or 0.0)
    head = ("", *(column.upper() if column != "smape" else "sMAPE %" for column in columns))
    return [head, *((name, *(_word(found[column]) for column in columns)) for name, found in methods)]


def _word(value):
    return "-" if value is None else f"{value:.4g}"
