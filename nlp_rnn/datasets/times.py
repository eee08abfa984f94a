"""Times read from a column of a table, as people and programs write them."""

import re
import warnings
from typing import TYPE_CHECKING

import numpy as np

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.calendar import Place, irregularity, shown
from nlp_rnn.progress import say

if TYPE_CHECKING:
    import pandas as pd

_QUARTER = r"\s*(\d{4})[-\s]?[Qq]([1-4])\s*"
# What is recognised as a time. 1.10 and 1-2 are not: they may be a number, a range or a shop's department.
TIME_PATTERN = re.compile(
    r"(\d{4}[-/]\d{1,2}([-/]\d{1,2})?|\d{4}\.\d{1,2}\.\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})([ T].*)?"
    rf"|(19|20)\d{{2}}[01]\d[0-3]\d|{_QUARTER}"
)
_ZONE = r"\s*(Z|[+-]\d\d:?\d\d)$"


def times_of(column: "pd.Series", place: Place, name: str) -> np.ndarray:
    """A column of times as datetime64[s]; times with a zone are converted to UTC, dates are kept as written.

    Args:
        column: a column of a pandas table.
        place: gives the place of a row, for messages.
        name: the name of the column.

    Raises:
        InputError: a row holds no time, or a fraction of a second; the message names the row.
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) and column.between(1000, 3000).all():
        column = column.astype(int).astype(str)  # years
    text = column.astype(str).where(column.notna().to_numpy())
    quarters = text.str.fullmatch(_QUARTER).fillna(False).astype(bool)
    if quarters.any():
        text = text.str.replace(_QUARTER, _first_of_quarter, regex=True)
    times = _iso_times(text, name)
    if times.isna().all():
        times = _written_otherwise(text, times, place, name)
    broken = times.isna().to_numpy()
    if broken.any():
        row = int(broken.argmax())
        what = "is empty" if text.isna().iloc[row] else f"holds '{text.iloc[row][:40]}', which is not a time"
        raise InputError(f"{place(row)}: column '{name}' {what}; write times as 2024-01-31 or 2024-01-31 13:00")
    fractions = (times != times.dt.floor("s")).to_numpy()
    if fractions.any():
        raise InputError(f"{place(int(fractions.argmax()))}: column '{name}': fractions of a second are not supported")
    return times.to_numpy("datetime64[s]")


def _iso_times(text, name):
    """Times in ISO 8601, NaT where a text holds none."""
    import pandas as pd

    walls = text.str.replace(_ZONE, "", regex=True)
    days = pd.to_datetime(walls, errors="coerce", format="ISO8601")
    if days.notna().all() and (days.dt.normalize() == days).all():
        return days
    times = pd.to_datetime(text, errors="coerce", utc=True, format="ISO8601").dt.tz_localize(None)
    if times.notna().any() and (walls != text)[text.notna()].any():
        say(f"the times of column '{name}' have a zone: they are converted to UTC, and forecasts are in UTC")
    return times


def _written_otherwise(text, times, place, name):
    """Times in other formats, with day or month first, whichever makes them more regular.

    Raises:
        InputError: both readings are equally regular.
    """
    import pandas as pd

    readings = []
    for day_first in (False, True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a format that had to be guessed
            reading = pd.to_datetime(text, errors="coerce", utc=True, dayfirst=day_first).dt.tz_localize(None)
        if not (reading.isna() & text.notna()).any():
            readings.append(reading)
    if not readings:
        return times
    if len(readings) == 1 or readings[0].equals(readings[1]):
        return readings[0]
    first, second = (irregularity(reading.dropna().to_numpy("datetime64[s]")) for reading in readings)
    if first == second:
        row = int((readings[0] != readings[1]).to_numpy().argmax())
        raise InputError(
            f"{place(row)}: column '{name}': is '{text.iloc[row]}' {shown(readings[0].to_numpy()[row])} or "
            f"{shown(readings[1].to_numpy()[row])}? Write times as 2024-01-31"
        )
    return readings[0] if first < second else readings[1]


def _first_of_quarter(match):
    return f"{match[1]}-{3 * int(match[2]) - 2:02d}-01"
