"""Columns with the clock time of a day in another column: as 13:00, as 1300, as an hour, or as the n-th half-hour."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.frames import Frame
from nlp_rnn.datasets.kinds import CLOCK_TIME, WORD, integers_of, part_of, some_texts
from nlp_rnn.datasets.names import CLOCK_WORDS, words_of
from nlp_rnn.datasets.times import as_text
from nlp_rnn.progress import say

if TYPE_CHECKING:
    import pandas as pd

DIGITS = frozenset(("hhmm", "hrmn"))  # names of columns with hours and minutes in one number
HALF_HOURS = frozenset(("settlementperiod", "sp", "halfhour", "hh", "period"))
LAST = 48  # half-hours of a day
GRID = 5  # minutes between clock times in digits, at least: other numbers are hardly ever multiples of it


def clock_columns(frame: Frame, day: str, kinds: Mapping[str, str], parts: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that hold the clock time of the days in a column; none if there are none.

    Args:
        frame: the table.
        day: the column of days.
        kinds: what each column holds.
        parts: the columns of parts of dates.
    """
    if not _are_days(frame.table[day]):
        return ()
    repeats = frame.repeats(day)
    clocks = [name for name in kinds if kinds[name] == CLOCK_TIME]
    if len(clocks) == 1 and (repeats or set(words_of(clocks[0])) & CLOCK_WORDS):
        return (clocks[0],)
    if repeats and "hour" in parts:
        return tuple(parts[part] for part in ("hour", "minute") if part in parts)
    others = [name for name in kinds if name != day and kinds[name] != WORD] if repeats else []
    return tuple([name for name in others if holds_digits(frame, name) or _holds_half_hours(frame, day, name)][:1])


def _are_days(column):
    """Whether no time has a clock time."""
    if column.dtype.kind == "M":
        return bool((column.dt.normalize() == column).all())
    return not any(re.search(r"\d:\d|T\d", text) for text in some_texts(column))


def holds_digits(frame: Frame, name: str) -> bool:
    """Whether a column holds clock times such as 0, 30, 100 and 2330, by its name and its values."""
    named = "".join(words_of(name)) in DIGITS
    if not named and not set(words_of(name)) & CLOCK_WORDS:
        return False
    numbers = _whole_numbers(frame, name)
    if numbers is None or numbers.max() < 100 or numbers.max() > 2400 or (numbers % 100 >= 60).any():
        return False
    minutes = numbers // 100 * 60 + numbers % 100
    return named or bool(np.gcd.reduce(minutes) % GRID == 0)


def _holds_half_hours(frame, day, name):
    """Whether a column numbers the half-hours of most days from 1 to 48."""
    numbers = _whole_numbers(frame, name) if "".join(words_of(name)) in HALF_HOURS else None
    if numbers is None or numbers.min() < 1:
        return False
    return float(np.median(_last_of_days(frame, day, numbers))) == LAST


def _last_of_days(frame, day, numbers):
    """The largest number of each day, in the order in which the days appear."""
    codes, days = frame.factorized(day)
    last = np.zeros(len(days), np.int64)
    np.maximum.at(last, codes[codes >= 0], numbers[codes >= 0])
    return last


def _whole_numbers(frame, name):
    """The whole numbers of a column; None if there are others, or empty cells."""
    column = frame.table[name]
    column = integers_of(column) if column.dtype.kind == "O" or str(column.dtype) == "str" else column
    if column.dtype.kind not in "iuf" or not len(column) or column.isna().any() or (column % 1 != 0).any():
        return None
    numbers = column.to_numpy(np.int64)
    return numbers if numbers.min() >= 0 else None


def clock_texts(frame: Frame, day: str, columns: Sequence[str]) -> "pd.Series":
    """The clock time of each row as text, such as 13:00.

    Args:
        frame: the table.
        day: the column of days.
        columns: those that hold the clock time, as from `clock_columns`.

    Raises:
        InputError: a day has more or fewer half-hours than others, as when the clock is changed.
    """
    parts = {part_of(frame, column) or "": as_text(frame.texts(column)) for column in columns}
    if "hour" in parts:
        return hours_as_clock(parts)
    numbers = _whole_numbers(frame, columns[0])
    if numbers is not None and holds_digits(frame, columns[0]):
        return _text_of(numbers // 100 * 60 + numbers % 100)
    if numbers is not None and _holds_half_hours(frame, day, columns[0]):
        _check_days(frame, day, columns[0], numbers)
        say(f"column '{columns[0]}' numbers the half-hours of a day: 1 begins at 00:00")
        return _text_of((numbers - 1) * 30)
    return as_text(frame.table[columns[0]])


def hours_as_clock(parts: "Mapping[str, pd.Series]") -> "pd.Series":
    """Clock times from hours, and minutes if there are any, as texts."""
    hour = parts["hour"].str.replace(r"^\D+|:00$", "", regex=True).str.zfill(2)
    return hour + ":" + (parts["minute"].str.zfill(2) if "minute" in parts else "00")


def _text_of(minutes):
    import pandas as pd

    return pd.Series([f"{minute // 60:02d}:{minute % 60:02d}" for minute in minutes.tolist()])


def _check_days(frame, day, name, numbers):
    """Check that no day but the first and the last has fewer or more half-hours than 48.

    Raises:
        InputError: one has as many as on a change of the clock.
    """
    last = _last_of_days(frame, day, numbers)
    changed = last > LAST
    changed[1:-1] |= last[1:-1] == LAST - 2
    if changed.any():
        number = int(changed.argmax())
        row = int((frame.factorized(day)[0] == number).argmax())
        raise InputError(
            f"{frame.place(row)}: column '{name}' ends at {last[number]} on this day, as when clocks change: write "
            "times with their zone, or in UTC"
        )
