"""Checks that series suit a forecaster, or the settings to train one with."""

from dataclasses import replace

import numpy as np

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.calendar import describe
from nlp_rnn.datasets.lineage import TrainedRun, lineage_of
from nlp_rnn.forecasting.backtest import held_out_ends
from nlp_rnn.forecasting.digits import text_of
from nlp_rnn.forecasting.forecaster import Forecaster
from nlp_rnn.forecasting.lineage import series_keys
from nlp_rnn.forecasting.panel import Panel
from nlp_rnn.forecasting.settings import COUNTS
from nlp_rnn.progress import say

SMALL_SPREAD = 0.1  # fraction of the mean; the logarithm of values that vary less is close to linear


def check_fits(forecaster: Forecaster, panel: Panel, quiet: bool = False) -> Panel:
    """The series with the categories, season and frequency of a forecaster, after checking that they fit it.

    Args:
        forecaster: the forecaster, trained on other series.
        panel: the series.
        quiet: do not print what is assumed.

    Raises:
        UsageError: the covariates differ from those of the forecaster.
        InputError: the series have another frequency than in training, or hold values that the model does not accept:
            values not above zero, or not counts.
    """
    frequency, season = forecaster.options["frequency"], forecaster.options["season"]
    if frequency and panel.frequency and frequency != panel.frequency:
        raise InputError(
            f"{panel.name} is {describe(panel.frequency, panel.season)}, and the model was trained on series that are "
            f"{describe(frequency, season)}"
        )
    trained = _named(forecaster.options["columns"], forecaster.model.settings["num_future_covariates"])
    given = _named(panel.columns, panel.num_future_covariates)
    if given != trained:
        raise UsageError(
            f"{panel.name}: the covariates of the model are {trained}, and here {given}; name columns with "
            "--future-column and --past-column as in training"
        )
    if frequency and not panel.frequency and not quiet:
        say(f"{panel.name} has no times: its values are taken to be {describe(frequency, season)}")
    if forecaster.model.settings["scaling"] == "log":
        check_positive(panel)
    if forecaster.model.settings.get("likelihood") == COUNTS:
        check_counts(panel)
    return replace(panel.matched(forecaster.classes), season=season, frequency=frequency or panel.frequency)


def _named(columns, num_future):
    """The names of the covariates, for messages."""
    return ", ".join([*(f"{c} (known ahead)" for c in columns[:num_future]), *columns[num_future:]]) or "none"


def check_counts(panel: Panel) -> None:
    """Check that all values are counts: integers of 0 and above.

    Raises:
        InputError: one is not; the message names the series.
    """
    seen = np.nan_to_num(panel.values)
    wrong = (seen != np.round(seen)) | (seen < 0)
    if wrong.any():
        point = int(wrong.argmax())
        raise InputError(
            f"{panel.name}: series '{_series_at(panel, point)}' holds {text_of(seen[point])}, which is not a count, "
            f"and likelihood={COUNTS} needs counts: choose another likelihood"
        )


def check_positive(panel: Panel) -> None:
    """Check that all values are above zero, so that their logarithms exist.

    Raises:
        InputError: one is not; the message names the series.
    """
    if not np.nanmin(panel.values) > 0:
        point = int(np.nanargmin(panel.values))
        raise InputError(
            f"{panel.name}: series '{_series_at(panel, point)}' holds {text_of(panel.values[point])}, and the model "
            "takes logarithms, which need values above zero: leave it empty if it is missing, or train with "
            "--set scaling=deviation"
        )


def chosen_scaling(panel: Panel, scaling: str, likelihood: str) -> str:
    """How windows are scaled.

    "auto" becomes "log" if all values are above zero and a typical series, the median one, has a standard deviation of
    at least a tenth of its mean; else "deviation".

    Args:
        panel: the series.
        scaling: one of `settings.SCALINGS`, or "auto".
        likelihood: the likelihood of the model; counts are scaled by their "size".

    Raises:
        InputError: the scaling or the likelihood does not suit the values; the message names the series.
    """
    if likelihood == COUNTS:
        check_counts(panel)
        return "size"
    if scaling == "log":
        check_positive(panel)
    seen = panel.values[~np.isnan(panel.values)]
    if (seen == 0).any() and (seen > 0).any() and (seen >= 0).all() and (seen == np.round(seen)).all():
        say(
            f"these are counts: compare with --set model=sample_paths --set likelihood={COUNTS}, whose forecasts are "
            "never below zero"
        )
    if (low := np.count_nonzero(seen <= 0)) and scaling == "auto":
        say(f"scaled without logarithms, since {low:,} of {len(seen):,} values are not above zero")
    if scaling != "auto":
        return scaling
    if low:
        return "deviation"
    spread = _typical_spread(panel)
    if spread >= SMALL_SPREAD:
        return "log"
    say(f"scaled without logarithms, since a typical series has a standard deviation of {spread:.2g} of its mean")
    return "deviation"


def _typical_spread(panel):
    """The standard deviation of a series as a fraction of its mean, the median over the series with values."""
    series = [panel.series(n) for n in range(len(panel))]
    given = [one[~np.isnan(one)] for one in series]
    return np.median([one.std() / one.mean() for one in given if len(one)])


def check_validation(panel: Panel, ends: np.ndarray, horizon: int) -> None:
    """Check that there is a value to validate on, among the last points of each series up to `ends`.

    Raises:
        InputError: there is none.
    """
    targets = (panel.series(n)[:end][-horizon:] for n, end in enumerate(ends) if end)
    if not any(np.isfinite(points).any() for points in targets):
        raise InputError(
            f"{panel.name}: there is no value in the validation split, the {horizon} points before the test split: "
            "give values there, or choose another --set horizon=N"
        )


def check_held_out(start: TrainedRun | None, panel: Panel | str, origins: int) -> None:
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
    for series, key, end in zip(panel.names, series_keys(panel), ends, strict=True):
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


def _series_at(panel, point):
    """The name of the series that a point belongs to."""
    return panel.names[int(np.searchsorted(panel.offsets, point, "right")) - 1]
