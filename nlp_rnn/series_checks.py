"""Whether series are such as a forecaster can read."""

from dataclasses import replace

import numpy as np

from nlp_rnn.checks import CallError, InputError
from nlp_rnn.distributions import COUNTS
from nlp_rnn.forecasting import Forecaster
from nlp_rnn.panel import Panel
from nlp_rnn.progress import say
from nlp_rnn.sources.calendar import words
from nlp_rnn.sources.lineage import is_among, trained_on


def check_fits(forecaster: Forecaster, panel: Panel) -> Panel:
    """The series with the categories that a forecaster knows, and the season and frequency that it was trained for.

    Raises:
        CallError: other columns are named than those that it reads.
        InputError: the series are of another frequency than those that it was trained on, or not above zero or no
            counts as those.
    """
    step, season = forecaster.options["step"], forecaster.options["season"]
    if step and panel.step and step != panel.step:
        raise InputError(
            f"{panel.name} is {words(panel.step, panel.season)}, and the model was trained on series that are "
            f"{words(step, season)}"
        )
    wanted = _named(forecaster.options["columns"], forecaster.model.settings["ahead"])
    if _named(panel.columns, panel.ahead) != wanted:
        raise CallError(
            f"{panel.name}: the model reads beside the values {wanted}, and here is "
            f"{_named(panel.columns, panel.ahead)}; name columns with --future-column and --past-column as in training"
        )
    if step and not panel.step:
        say(f"{panel.name} has no times: its values are taken to be {words(step, season)}")
    if forecaster.model.settings["scaling"] == "log":
        check_positive(panel)
    if forecaster.model.settings.get("likelihood") == COUNTS:
        check_counts(panel)
    return replace(panel.matched(forecaster.classes), season=season, step=step or panel.step)


def _named(columns, ahead):
    return ", ".join([*(f"{c} (known ahead)" for c in columns[:ahead]), *columns[ahead:]]) or "nothing"


def check_counts(panel: Panel) -> None:
    """Check that all values are whole numbers from zero on.

    Raises:
        InputError: one is not; says of which series.
    """
    seen = np.nan_to_num(panel.values)
    wrong = (seen != np.round(seen)) | (seen < 0)
    if wrong.any():
        place = int(wrong.argmax())
        raise InputError(
            f"{panel.name}: series '{_series_at(panel, place)}' holds {seen[place]:g}, which is no count, and "
            f"likelihood={COUNTS} is for those: choose another likelihood"
        )


def check_positive(panel: Panel) -> None:
    """Check that all values are above zero, as those have to be whose logarithms are taken.

    Raises:
        InputError: one is not; says of which series.
    """
    if not np.nanmin(panel.values) > 0:
        place = int(np.nanargmin(panel.values))
        raise InputError(
            f"{panel.name}: series '{_series_at(panel, place)}' holds {panel.values[place]:g}, and the model takes "
            "logarithms, which are of values above zero: leave it empty if it is missing, or train with "
            "--set scaling=deviation"
        )


def chosen_scaling(panel: Panel, asked: str, likelihood: str) -> str:
    """How windows are measured; "auto" is of logarithms only where every value has one, for commands read them all.

    Args:
        panel: the series.
        asked: one of `SCALINGS`, or "auto".
        likelihood: of the model; counts are measured by their size.

    Raises:
        InputError: the values are not such as was asked for; says of which series.
    """
    if likelihood == COUNTS:
        check_counts(panel)
        return "size"
    if asked == "log":
        check_positive(panel)
    seen = panel.values[~np.isnan(panel.values)]
    if (seen == 0).any() and (seen > 0).any() and (seen >= 0).all() and (seen == np.round(seen)).all():
        say(f"these are counts: compare with --set model=paths --set likelihood={COUNTS}, which is never below zero")
    if (low := np.count_nonzero(seen <= 0)) and asked == "auto":
        say(f"measured as they are, not by logarithms, since {low:,} of {len(seen):,} values are not above zero")
    return {"auto": "deviation" if low else "log"}.get(asked, asked)


def check_decides(panel: Panel, ends: np.ndarray, horizon: int) -> None:
    """Check that there is a value among what decides which epoch is best: the last points of each series up to `ends`.

    Raises:
        InputError: there is none.
    """
    told = (panel.series(n)[:end][-horizon:] for n, end in enumerate(ends) if end)
    if not any(np.isfinite(points).any() for points in told):
        raise InputError(
            f"{panel.name}: no value is given where it is decided which epoch is best, the {horizon} points before "
            "what is held out: give values there, or choose another --set horizon=N"
        )


def check_held_out(start, name: str, origins: int) -> None:
    """Check that a run held out all that is to be held out, where it is trained on with the same series.

    Args:
        start: a run of a forecaster; None where there is none.
        name: of the series.
        origins: places that what is held out is forecast from.

    Raises:
        CallError: it was trained on some of it.
    """
    if start is not None and origins > start.settings["origins"] and is_among(name, trained_on(start.data)):
        raise CallError(
            f"--set origins={origins}: {start.path} held out {start.settings['origins']} of the last horizons of "
            f"{name}, and was trained on the points before: no more can be held out now"
        )


def _series_at(panel, place):
    """The name of the series that a point is of."""
    return panel.names[int(np.searchsorted(panel.offsets, place, "right")) - 1]
