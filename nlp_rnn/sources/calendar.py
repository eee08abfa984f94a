"""The times of a table: read, in order, and regular, or else the row where they are not; frequency and season.

A step is "M" with a number of months, "S" with a number of seconds or "B1", from one weekday to the next: "M3" for
quarters, "S3600" for hours. Weekdays are Monday to Friday; a holiday among them is a value that is missing.
"""

import re
import warnings
from collections.abc import Callable, Sequence

import numpy as np

from nlp_rnn.checks import InputError
from nlp_rnn.progress import say

DAY = 86_400
SEASONS = {f"S{7 * DAY}": 52, f"S{DAY}": 7, "B1": 5}
LONGEST = 288  # steps of a season within a day: of those of five minutes a day's, of shorter ones an hour's
WORDS = {
    "M1": "monthly",
    "M3": "quarterly",
    "M12": "yearly",
    f"S{7 * DAY}": "weekly",
    f"S{DAY}": "daily",
    "B1": "on weekdays",
    "S3600": "hourly",
}
FEW = 4  # so few gaps do not tell the time between values
WEEKENDS = 2  # so many without a value, and days are weekdays alone
_QUARTER = r"\s*(\d{4})[-\s]?[Qq]([1-4])\s*"
# What looks like a time. What may as well be a number, a range or a shop's department, 1.10 or 1-2, does not.
LIKELY = re.compile(
    r"(\d{4}[-/]\d{1,2}([-/]\d{1,2})?|\d{4}\.\d{1,2}\.\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})([ T].*)?"
    rf"|(19|20)\d{{2}}[01]\d[0-3]\d|{_QUARTER}"
)
_ZONE = r"\s*(Z|[+-]\d\d:?\d\d)$"
Place = Callable[[int], str]


def times_of(column, place: Place, name: str) -> np.ndarray:
    """A column of times as datetime64[s]; those with a zone in UTC, but for days as they are written.

    Args:
        column: of a pandas table.
        place: where a row stands, for messages.
        name: of the column.

    Raises:
        InputError: a row holds no time, or a fraction of a second; says which.
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) and column.between(1000, 3000).all():
        column = column.astype(int).astype(str)  # years
    text = column.astype(str).where(column.notna().to_numpy())
    quarters = text.str.fullmatch(_QUARTER).fillna(False).astype(bool)
    if quarters.any():
        text = text.str.replace(_QUARTER, _first_of_quarter, regex=True)
    walls = text.str.replace(_ZONE, "", regex=True)
    days = pd.to_datetime(walls, errors="coerce", format="ISO8601")
    if days.notna().all() and (days.dt.normalize() == days).all():
        times = days
    else:
        times = pd.to_datetime(text, errors="coerce", utc=True, format="ISO8601").dt.tz_localize(None)
        if times.notna().any() and (walls != text)[text.notna()].any():
            say(f"the times of column '{name}' have a zone: they are read, and told, as UTC")
    if times.isna().all():
        times = _written_otherwise(text, times, place, name)
    broken = times.isna().to_numpy()
    if broken.any():
        row = int(broken.argmax())
        what = "is empty" if text.isna().iloc[row] else f"holds '{text.iloc[row][:40]}', which is no time"
        raise InputError(f"{place(row)}: column '{name}' {what}; write times as 2024-01-31 or 2024-01-31 13:00")
    fractions = (times != times.dt.floor("s")).to_numpy()
    if fractions.any():
        raise InputError(f"{place(int(fractions.argmax()))}: column '{name}': fractions of a second are not read")
    return times.to_numpy("datetime64[s]")


def _written_otherwise(text, times, place, name):
    """Times as people write them, the day or the month first, whichever makes them more regular.

    Raises:
        InputError: both make them as regular.
    """
    import pandas as pd

    read = []
    for day_first in (False, True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a format that had to be guessed
            found = pd.to_datetime(text, errors="coerce", utc=True, dayfirst=day_first).dt.tz_localize(None)
        if not (found.isna() & text.notna()).any():
            read.append(found)
    if not read:
        return times
    if len(read) == 1 or read[0].equals(read[1]):
        return read[0]
    first, second = (_irregularity(found.dropna().to_numpy("datetime64[s]")) for found in read)
    if first == second:
        row = int((read[0] != read[1]).to_numpy().argmax())
        raise InputError(
            f"{place(row)}: column '{name}': is '{text.iloc[row]}' {_shown(read[0].to_numpy()[row])} or "
            f"{_shown(read[1].to_numpy()[row])}? Write times as 2024-01-31"
        )
    return read[0] if first < second else read[1]


def _irregularity(times):
    """How many different gaps there are."""
    times = np.unique(times)
    step = _months(times, [np.arange(len(times))])
    return len(np.unique(np.diff(places(times, step or "S1"))))


def _first_of_quarter(found):
    return f"{found[1]}-{3 * int(found[2]) - 2:02d}-01"


def step_of(times: np.ndarray, series: Sequence[np.ndarray], place: Place, likely: str = "") -> tuple[str, int]:
    """The time between two values, and the season.

    Args:
        times: of all rows.
        series: the rows of each series, in order.
        place: where a row stands, for messages.
        likely: taken where so few values are given that they do not tell, if they are such steps apart; days are read
            as all days or as weekdays as it says, if they can be.

    Raises:
        InputError: the times of a series do not rise, or are not regular; says which row.
    """
    gaps = []
    for rows in series:
        apart = np.diff(times[rows]).astype(np.int64)
        if (apart <= 0).any():
            row = int((apart <= 0).argmax()) + 1
            what = "comes twice" if apart[row - 1] == 0 else "is before that of the row above it: sort by time"
            several = "; or, if several series stand below each other, name the column of their names: --series-column"
            hint = several if len(rows) == len(times) else ""
            hint = "; is it a change of the clock? Write times with their zone" if _clock(times, rows, row) else hint
            raise InputError(f"{place(int(rows[row]))}: the time {_shown(times[rows[row]])} {what}{hint}")
        gaps.append(apart)
    together = np.concatenate(gaps) if gaps else np.zeros(0, np.int64)
    if len(together) < FEW and likely and all(_apart(times[rows], likely) for rows in series):
        return likely, _season(likely)
    if not len(together):
        return "", 1
    step = _months(times, series) or f"S{_usual(together)}"
    if step == f"S{DAY}" and likely != step:
        step = "B1" if _weekdays(times, series) or (likely == "B1" and _on_weekdays(times)) else step
    for rows in series:
        _check_regular(times, rows, step, place)
    return step, _season(step)


def _apart(times, step):
    """Whether times are whole steps apart, and each later than the one before."""
    if step[0] == "S":
        return not (np.diff(times).astype(np.int64) % int(step[1:])).any()
    if step == "B1":
        return _on_weekdays(times)
    months = np.diff(times.astype("datetime64[M]").astype(np.int64))
    return bool((months > 0).all() and not (months % int(step[1:])).any())


def _weekdays(times, series):
    """Whether no time is on a Saturday or Sunday, though enough of those lie between them."""
    begins, ends = (np.array([times[rows[n]] for rows in series if len(rows)]) for n in (0, -1))
    days = (ends - begins).astype("timedelta64[D]").astype(int).max()
    return days >= 7 * WEEKENDS and _on_weekdays(times)


def _on_weekdays(times):
    """Whether all times are at the same hour of a day from Monday to Friday."""
    days = times.astype("datetime64[D]")
    return bool(np.is_busday(days).all()) and len(np.unique(times - days)) == 1


def _season(step):
    """The steps of a year, of a week, of a day, or of what is shorter."""
    number = int(step[1:])
    if step[0] == "M":
        return 12 // number if 12 % number == 0 else 1
    within = (whole // number for whole in (DAY, 3600, 60) if whole % number == 0 and whole > number)
    return SEASONS.get(step) or next((season for season in within if season <= LONGEST), 1)


def _clock(times, rows, row):
    """Whether an hour is repeated, as when the clock is put back."""
    back = (times[rows[row - 1]] - times[rows[row]]).astype(np.int64)
    return 0 <= back <= 3600 and len(rows) > 2 and np.median(np.diff(times[rows]).astype(np.int64)) <= 3600


def _usual(gaps):
    """The most frequent gap."""
    found, counts = np.unique(gaps, return_counts=True)
    return int(found[counts.argmax()])


def _months(times, series):
    """The step in months, if all times are of the same day of a month, or of its last day; else an empty string."""
    gaps = np.concatenate([np.diff(times[rows].astype("datetime64[M]").astype(np.int64)) for rows in series])
    times = np.unique(times)
    days = times.astype("datetime64[D]")
    ends = _day_of_month(days + 1) == 1
    same_day = len(np.unique(_day_of_month(times))) == 1
    if not gaps.any() or not (same_day or ends.all()) or len(np.unique(times - days)) > 1:
        return ""
    return f"M{int(np.gcd.reduce(gaps))}"


def _day_of_month(times):
    days = times.astype("datetime64[D]")
    return (days - times.astype("datetime64[M]").astype("datetime64[D]")).astype(int) + 1


def _check_regular(times, rows, step, place):
    if step[0] != "S":
        return
    seconds = int(step[1:])
    wrong = np.diff(times[rows]).astype(np.int64) % seconds != 0
    if wrong.any():
        row = int(wrong.argmax()) + 1
        raise InputError(
            f"{place(int(rows[row]))}: {_shown(times[rows[row]])} is not a whole number of steps of {words(step, 0)} "
            "after the row before; the times must be regular, with rows left out where values are missing"
        )


def places(times: np.ndarray, step: str) -> np.ndarray:
    """How many steps after the first each time is; without a step there is but one time."""
    if not step:
        return np.zeros(len(times), np.int64)
    if step[0] == "M":
        months = times.astype("datetime64[M]").astype(np.int64)
        return (months - months[0]) // int(step[1:])
    if step == "B1":
        return np.busday_count(times[0].astype("datetime64[D]"), times.astype("datetime64[D]"))
    return (times - times[0]).astype(np.int64) // int(step[1:])


def after(begin: np.datetime64, steps: int, step: str) -> str:
    """The time so many steps after `begin`, as it is written in a table.

    Example:
        >>> after(np.datetime64("2024-11-30"), 3, "M1"), after(np.datetime64("2024-01-01T22:00"), 3, "S3600")
        ('2025-02-28', '2024-01-02 01:00')
        >>> after(np.datetime64("2024-01-01T23:00"), 1, "S3600"), after(np.datetime64("2024-11-29"), 1, "B1")
        ('2024-01-02 00:00', '2024-12-02')
    """
    shown = _shown(moved(begin, steps, step))
    clock = step[:1] == "S" and int(step[1:]) % DAY and " " not in shown
    return f"{shown} 00:00" if clock else shown


def moved(begin: np.datetime64, steps: int, step: str) -> np.datetime64:
    """The time so many steps after `begin`; of months on their last day, on the last day."""
    if not step:
        return begin
    if step[0] == "S":
        return begin.astype("datetime64[s]") + steps * int(step[1:])
    day, month = begin.astype("datetime64[D]"), begin.astype("datetime64[M]")
    if step == "B1":
        return np.busday_offset(day, steps).astype("datetime64[s]") + (begin - day.astype(begin.dtype))
    wanted = month + steps * int(step[1:])
    last = (wanted + 1).astype("datetime64[D]") - 1
    at_end = (day + 1).astype("datetime64[M]") != month
    same = wanted.astype("datetime64[D]") + (day - month.astype("datetime64[D]"))
    return (last if at_end else min(same, last)).astype("datetime64[s]") + (begin - day.astype(begin.dtype))


def _shown(time):
    day, _, clock = str(time.astype("datetime64[s]")).partition("T")
    return day if clock == "00:00:00" else f"{day} {clock.removesuffix(':00')}"


def words(step: str, season: int) -> str:
    """A step and a season in words."""
    if not step:
        return "without a known time between values"
    name = WORDS.get(step) or (f"every {int(step[1:]):,} " + ("months" if step[0] == "M" else "seconds"))
    return f"{name}, season of {season}" if season > 1 else name
