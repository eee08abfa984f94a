"""Rows of a table brought to series with a value at every step, NaN where none is given.

Shapes: R rows, C columns of covariates.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nlp_rnn.checks import InputError
from nlp_rnn.panel import Panel
from nlp_rnn.sources import calendar

MOST_SPREAD = 50  # points for each value given, beyond which times are not regular


class Opened:
    """Series, and what else a source says of them.

    Attributes:
        panel: the series, the official test part at their ends if there is one.
        horizon: the steps of that part; 0 where there is none.
        notes: what was found, for the user to know.
    """

    def __init__(self, panel: Panel, horizon: int = 0, notes: Sequence[str] = ()):
        self.panel = panel
        self.horizon = horizon
        self.notes = list(notes)


class Beside(NamedTuple):
    """The covariates of all rows.

    Attributes:
        columns: their names.
        ahead: so many, the first ones, are known for times to come.
        values: [R, C].
    """

    columns: tuple[str, ...]
    ahead: int
    values: np.ndarray


class Rows(NamedTuple):
    """The rows of one series, in order.

    Attributes:
        name: of the series.
        rows: their numbers in the table.
        values: of each.
        category: the number of its kind; 0 is unknown.
    """

    name: str
    rows: np.ndarray
    values: np.ndarray
    category: int = 0


def place_of(path: Path, row: int) -> str:
    """Where a row stands; the first line of a delimited file names the columns."""
    delimited = path.name.removesuffix(".gz").endswith((".csv", ".tsv"))
    return f"{path}, line {row + 2}" if delimited else f"{path}, row {row + 1}"


def joined(
    path: Path, times: np.ndarray | None, series: Sequence[Rows], kinds: tuple[str, ...], beside: Beside, step: str
) -> Opened:
    """Series side by side, each from its first value on.

    Args:
        times: of all rows; None where there are none.
        kinds: the names of the categories.
        step: the time between values where so few are given that it cannot be told; see `calendar`.

    Raises:
        InputError: times are not in order, come twice or are not regular; or all values are missing.
    """
    begins, season = None, 1
    if times is None:
        step, places = "", [np.arange(len(one.rows)) for one in series]
    else:
        step, season = calendar.step_of(times, [one.rows for one in series], lambda row: place_of(path, row), step)
        places = [_places(path, times, one.rows, step) for one in series]
        begins = np.array([times[one.rows[0]] for one in series])
    found = zip(series, places, strict=True)
    pieces = [_spread_out(np.column_stack([one.values, beside.values[one.rows]]), where) for one, where in found]
    if not beside.columns:
        pieces = _cut(pieces, series, places, np.arange(len(beside.values)) if times is None else times)
    pieces, begins = _begun(pieces, begins, step)
    known = pieces if not beside.columns else [_ended(piece) for piece in pieces]
    values = np.concatenate(known)
    if not np.isfinite(values[:, 0]).any():
        raise InputError(f"{path}: all values are missing")
    panel = Panel(
        str(path),
        tuple(one.name for one in series),
        values[:, 0].astype(np.float32),
        np.cumsum([0, *map(len, known)]),
        season,
        np.array([one.category for one in series], np.int32),
        kinds,
        begins,
        step,
        **_covariates(beside, pieces, known, values),
    )
    return Opened(panel, 0, _notes(panel))


def _covariates(beside, pieces, known, values):
    if not beside.columns:
        return {}
    after = [piece[len(part) :, 1:] for piece, part in zip(pieces, known, strict=True)]
    future = np.full((len(after), max(map(len, after)), len(beside.columns)), np.nan, np.float32)
    for row, part in zip(future, after, strict=True):
        row[: len(part)] = part
    covariates = values[:, 1:].astype(np.float32)
    return {"covariates": covariates, "columns": beside.columns, "ahead": beside.ahead, "future": future}


def _notes(panel):
    words, lengths = calendar.words(panel.step, panel.season), panel.lengths[panel.lengths > 0]
    length = f"{lengths.min():,} to {lengths.max():,}" if lengths.min() < lengths.max() else f"{lengths.max():,}"
    notes = [f"{len(lengths):,} series of {length} point{'s' * (length != '1')}, {words}"]
    missing = int(np.isnan(panel.values).sum())
    if missing:
        notes.append(f"{missing:,} of {len(panel.values):,} values are missing, or left out between others")
    empty = [name for name, length in zip(panel.names, panel.lengths, strict=True) if not length]
    if empty:
        notes.append(f"{len(empty):,} series without any value, such as '{empty[0]}'")
    return notes


def _begun(pieces, begins, step):
    """The series from their first value on, and when that is."""
    firsts = [_first(piece[:, 0]) for piece in pieces]
    pieces = [piece[first:] for piece, first in zip(pieces, firsts, strict=True)]
    if begins is not None:
        moved = zip(begins, firsts, strict=True)
        begins = np.array([calendar.moved(begin, first, step) if first else begin for begin, first in moved])
    return pieces, begins


def _cut(pieces, series, places, order):
    """The series without the steps at their end at which none of them has a value: those are there to be told.

    Args:
        order: of all rows, by time.
    """
    there = [order[one.rows][~np.isnan(one.values)] for one in series]
    last = max((times.max() for times in there if len(times)), default=order[0])
    found = zip(pieces, series, places, strict=True)
    return [piece[: 1 + where[order[one.rows] <= last].max(initial=-1)] for piece, one, where in found]


def _ended(piece):
    """A series to its last value; what comes after are covariates alone."""
    return piece[: len(piece) - _first(piece[::-1, 0])]


def _first(values):
    """The place of the first value, the length where there is none."""
    there = ~np.isnan(values)
    return int(there.argmax()) if there.any() else len(values)


def _places(path, times, rows, step):
    """At which step each row of a series is."""
    places = calendar.places(times[rows], step)
    if places[-1] + 1 > MOST_SPREAD * (len(rows) + 10):
        row = int(rows[np.diff(places).argmax() + 1])
        raise InputError(f"{place_of(path, row)}: a gap of {np.diff(places).max():,} steps; the times are not regular")
    return places


def _spread_out(values, places):
    """Rows at their places in time, NaN where there is none."""
    spread = np.full((places[-1] + 1, values.shape[1]), np.nan)
    spread[places] = values
    return spread
