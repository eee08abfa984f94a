"""Numbers that mark missing values, such as -9999: a run of nines, repeated, far outside all other values."""

import re
from collections.abc import Callable

import numpy as np

from nlp_rnn.checks import InputError
from nlp_rnn.progress import say

_NINES = re.compile(r"-?(99+\.?9*|9\.9+)")
FAR = 3  # times the range of the other values between them and a negative mark
TIMES_LARGER = 10  # than all others is a positive mark; a price of 999 may be a price


def check_missing_marks(values: np.ndarray, place: Callable[[int], str], name: str) -> None:
    """Check that no number marks missing values; of positive ones it is not certain, and a message names them.

    Args:
        values: a column, float64 [N], NaN where a value is missing.
        place: returns the place of a row, for messages.
        name: the name of the column.

    Raises:
        InputError: a negative number does.

    Examples:
        >>> values = np.array([3.5, -999, 4, -999, 5])
        >>> check_missing_marks(values, lambda row: f"a.csv, line {row + 2}", "rain")
        Traceback (most recent call last):
        nlp_rnn.checks.InputError: a.csv, line 3, column 'rain': -999 occurs 2 times, far below all other values: it ...
    """
    for mark in (np.nanmin(values), np.nanmax(values)) if np.isfinite(values).any() else ():
        rows, others = np.flatnonzero(values == mark), values[np.isfinite(values) & (values != mark)]
        if len(rows) < 2 or not len(others) or not _NINES.fullmatch(f"{mark:.12g}") or not _far(mark, others):
            continue
        where = f"{place(int(rows[0]))}, column '{name}': {mark:.12g} occurs {len(rows):,} times"
        if mark < 0:
            raise InputError(
                f"{where}, far below all other values: it seems to mark missing values; leave their cells empty"
            )
        say(f"{where}, far above all other values; if it marks missing values, leave their cells empty")


def _far(mark, others):
    """Whether a run of nines is far outside other values: a negative one also if no other value is negative."""
    low, high = others.min(), others.max()
    if mark > 0:
        return mark >= 999 and low >= 0 and mark >= TIMES_LARGER * high
    return (low >= 0 and mark <= -99) or (mark <= -99 and low - mark > FAR * (high - low))
