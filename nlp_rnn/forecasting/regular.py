"""Rows of a table as series with a value at every step, NaN where none is given.

Shapes: R rows, C columns of covariates.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nlp_rnn.checks import InputError
from nlp_rnn.datasets import calendar
from nlp_rnn.datasets.frames import Frame
from nlp_rnn.datasets.time_text import ISO
from nlp_rnn.datasets.times import Times
from nlp_rnn.forecasting.panel import Panel

MAX_STEPS_PER_VALUE = 50  # with more steps per value, times do not count as regular


class SeriesDataset:
    """Series, and what else a data set specifies.

    Attributes:
        panel: the series, including the official test split at their ends if there is one.
        horizon: the steps of that test split; 0 if there is none.
        notes: what was guessed or noticed, for the user to see.
    """

    def __init__(self, panel: Panel, horizon: int = 0, notes: Sequence[str] = ()):
        self.panel = panel
        self.horizon = horizon
        self.notes = list(notes)


class CovariateTable(NamedTuple):
    """The covariates of all rows.

    Attributes:
        columns: the names of the covariates.
        num_future: how many of the columns, the first ones, are known for future times.
        values: float [R, C].
    """

    columns: tuple[str, ...]
    num_future: int
    values: np.ndarray


class SeriesRows(NamedTuple):
    """The rows of one series, in order.

    Attributes:
        name: the name of the series.
        rows: the numbers of the rows in the table.
        values: the value of each row.
        category_id: the number of the category; 0 for unknown.
    """

    name: str
    rows: np.ndarray
    values: np.ndarray
    category_id: int = 0


def regular_dataset(
    frame: Frame,
    times: Times | None,
    series: Sequence[SeriesRows],
    categories: tuple[str, ...],
    covariates: CovariateTable,
    frequency: str,
) -> SeriesDataset:
    """Series with a value at every step, each from its first value on.

    Args:
        frame: the table.
        times: the times of all rows; None without times.
        series: the rows of each series, in the order of their times.
        categories: the names of the categories.
        covariates: the covariates of all rows.
        frequency: the frequency to assume if there are too few values to infer it; see `calendar`.

    Raises:
        InputError: times occur twice or are not regular; or all values are missing.
    """
    path, every = frame.path, [one.rows for one in series]
    steps, starts, frequency, season = _steps_of(frame, times, every, frequency)
    rows = zip(series, steps, strict=True)
    pieces = [_spread_out(np.column_stack([one.values, covariates.values[one.rows]]), at) for one, at in rows]
    if not covariates.columns:
        order = np.arange(len(covariates.values)) if times is None else times.values
        pieces = _without_empty_steps(pieces, series, steps, order)
    pieces, starts = _from_first_value(pieces, starts, frequency)
    observed = pieces if not covariates.columns else [_to_last_value(piece) for piece in pieces]
    values = np.concatenate(observed)
    if not np.isfinite(values[:, 0]).any():
        raise InputError(f"{path}: all values are missing")
    panel = Panel(
        str(path),
        tuple(one.name for one in series),
        values[:, 0],
        np.cumsum([0, *map(len, observed)]),
        season,
        np.array([one.category_id for one in series], np.int32),
        categories,
        starts,
        frequency,
        **_covariates(covariates, pieces, observed, values),
        time_text=ISO if times is None else times.text,
    )
    return SeriesDataset(panel, 0, _notes(panel))


def _steps_of(frame, times, every, frequency):
    """The steps of the rows of each series and its first time, the frequency and the season."""
    if times is None:
        return [np.arange(len(rows)) for rows in every], None, "", 1
    at = times.values
    frequency, season = calendar.infer_frequency(at, every, frame.place, frequency)
    steps = [_steps(frame, at, rows, frequency) for rows in every]
    return steps, np.array([at[rows[0]] for rows in every]), frequency, season


def _covariates(table, pieces, observed, values):
    """The fields of a panel that hold covariates."""
    if not table.columns:
        return {}
    after = [piece[len(part) :, 1:] for piece, part in zip(pieces, observed, strict=True)]
    future = np.full((len(after), max(map(len, after)), len(table.columns)), np.nan)
    for row, part in zip(future, after, strict=True):
        row[: len(part)] = part
    return {
        "covariates": values[:, 1:],
        "columns": table.columns,
        "num_future_covariates": table.num_future,
        "future_covariates": future,
    }


def _notes(panel):
    described, lengths = calendar.describe(panel.frequency, panel.season), panel.lengths[panel.lengths > 0]
    length = f"{lengths.min():,} to {lengths.max():,}" if lengths.min() < lengths.max() else f"{lengths.max():,}"
    notes = [f"{len(lengths):,} series of {length} point{'s' * (length != '1')}, {described}"]
    missing = int(np.isnan(panel.values).sum())
    if missing:
        notes.append(f"{missing:,} of {len(panel.values):,} values are missing, or left out between others")
    empty = [name for name, length in zip(panel.names, panel.lengths, strict=True) if not length]
    if empty:
        notes.append(f"{len(empty):,} series without any value, such as '{empty[0]}'")
    return notes


def _from_first_value(pieces, starts, frequency):
    """The series from their first values on, and the times of those."""
    firsts = [_first(piece[:, 0]) for piece in pieces]
    pieces = [piece[first:] for piece, first in zip(pieces, firsts, strict=True)]
    if starts is not None:
        moved = zip(starts, firsts, strict=True)
        starts = np.array([calendar.time_after(start, first, frequency) if first else start for start, first in moved])
    return pieces, starts


def _without_empty_steps(pieces, series, steps, order):
    """The series without the steps at the end at which none has a value: these are the steps to forecast.

    Args:
        order: the order of all rows by time.
    """
    given = [order[one.rows][~np.isnan(one.values)] for one in series]
    last = max((times.max() for times in given if len(times)), default=order[0])
    parts = zip(pieces, series, steps, strict=True)
    return [piece[: 1 + at[order[one.rows] <= last].max(initial=-1)] for piece, one, at in parts]


def _to_last_value(piece):
    """A series up to its last value; after it there are only covariates."""
    return piece[: len(piece) - _first(piece[::-1, 0])]


def _first(values):
    """The position of the first value that is not missing, the length where there is none."""
    there = ~np.isnan(values)
    return int(there.argmax()) if there.any() else len(values)


def _steps(frame, times, rows, frequency):
    """The step of each row of a series."""
    steps = calendar.steps_since_first(times[rows], frequency)
    if steps[-1] + 1 > MAX_STEPS_PER_VALUE * (len(rows) + 10):
        row = int(rows[np.diff(steps).argmax() + 1])
        raise InputError(f"{frame.place(row)}: a gap of {np.diff(steps).max():,} steps; the times are not regular")
    return steps


def _spread_out(values, steps):
    """Rows at their steps, NaN where there is none."""
    spread = np.full((steps[-1] + 1, values.shape[1]), np.nan)
    spread[steps] = values
    return spread
