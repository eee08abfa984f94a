"""The frequency and the season of ordered, regular times, and arithmetic in steps of a frequency.

A frequency is "M" with a number of months, "S" with a number of seconds, or "B1", from one weekday to the next: "M3"
for quarters, "S3600" for hours. Weekdays are Monday to Friday; a holiday among them is a missing value. In months and
weeks, it does not matter on which of their days a time is. Steps within opening hours begin with "O", see
`opening_hours`.
"""

from collections.abc import Callable, Sequence

import numpy as np

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.opening_hours import DAY, OpeningHours, opening_hours

WEEK = f"S{7 * DAY}"
SPANS = {
    "M1": (20, 45),
    "M3": (70, 120),
    "M12": (330, 400),
    WEEK: (3, 12),
}  # minimum and maximum days between two times
CONSECUTIVE = 0.8  # minimum fraction of times in the period right after the previous one
SEASONS = {WEEK: 52, f"S{DAY}": 7, "B1": 5}
LONGEST = 288  # steps of a season within a day: a day of 5-minute steps; with shorter steps, an hour
WORDS = {
    "M1": "monthly",
    "M3": "quarterly",
    "M12": "yearly",
    WEEK: "weekly",
    f"S{DAY}": "daily",
    "B1": "on weekdays",
    "S3600": "hourly",
}
FEW_TIMES = 100  # of the first series, enough to see that times are not on one day of the month
FEW = 4  # gaps; with fewer, the frequency cannot be inferred
WEEKENDS = 2  # minimum number of weekends without a value for the frequency to be weekdays
Place = Callable[[int], str]


def irregularity(times: np.ndarray) -> int:
    """The number of distinct gaps between times."""
    times = np.unique(times)
    frequency = _months(times, [np.arange(len(times))])
    return len(np.unique(np.diff(steps_since_first(times, frequency or "S1"))))


def infer_frequency(times: np.ndarray, series: Sequence[np.ndarray], place: Place, likely: str = "") -> tuple[str, int]:
    """The frequency of some series, and the season.

    Args:
        times: the times of all rows, datetime64[s].
        series: the rows of each series, in order.
        place: returns the place of a row, for messages.
        likely: the frequency to assume where there are too few values to infer one and they fit it; also decides
            between all days and weekdays where both fit.

    Raises:
        InputError: a time of a series occurs twice, or its times are not regular; the message names the row.
    """
    gaps = [_rising_gaps(times, rows, place) for rows in series]
    every = np.concatenate(gaps) if gaps else np.zeros(0, np.int64)
    if len(every) < FEW and likely and all(_fits(times[rows], likely) for rows in series):
        return likely, _season(likely)
    if not len(every):
        return "", 1
    frequency = _months(times, series) or _periods(times, series, every) or f"S{_most_frequent(every)}"
    if frequency[0] == "S" and likely != frequency:
        frequency = _within_opening_hours(times, series, frequency, likely)
    for rows in series:
        _check_regular(times, rows, frequency, place)
    return frequency, _season(frequency)


def _rising_gaps(times, rows, place):
    """The gaps between the times of a series, in seconds.

    Raises:
        InputError: one is zero; the message says where, and suggests a reason.
    """
    gaps = np.diff(times[rows]).astype(np.int64)
    if (gaps <= 0).any():
        row = int((gaps <= 0).argmax()) + 1
        several = "; or, if several series stand below one another, name the column of their names: --series-column"
        hint = several if len(rows) == len(times) else ""
        hint = (
            "; is it a change to winter time? Write times with their zone"
            if _is_clock_change(times, rows, row)
            else hint
        )
        raise InputError(f"{place(int(rows[row]))}: the time {shown(times[rows[row]])} occurs twice{hint}")
    return gaps


def _within_opening_hours(times, series, frequency, likely):
    """A frequency within opening hours or on weekdays, if there are values only then; else the same frequency."""
    if likely[:1] == "O" and (hours := OpeningHours.parse(likely)).holds(times):
        return hours.frequency
    if frequency == f"S{DAY}":
        return "B1" if _only_weekdays(times, series) or (likely == "B1" and _on_weekdays(times)) else frequency
    hours = opening_hours(times, series, int(frequency[1:]), _no_weekends(times, series))
    return hours.frequency if hours else frequency


def _periods(times, series, gaps):
    """Monthly, quarterly, yearly or weekly, if nearly each such period has one time, on any of its days; else empty."""
    if not (gaps % _most_frequent(gaps)).any():
        return ""
    days = np.median(gaps) / DAY
    for frequency, (least, most) in SPANS.items():
        if least <= days <= most:
            steps = np.concatenate([np.diff(_period(times[rows], frequency)) for rows in series])
            return frequency if (steps > 0).all() and (steps == 1).mean() >= CONSECUTIVE else ""
    return ""


def _period(times, frequency):
    """The numbers of the periods that times are in."""
    if frequency == WEEK:
        return (times.astype("datetime64[D]").astype(np.int64) + 3) // 7  # 1970 began on a Thursday
    return times.astype("datetime64[M]").astype(np.int64) // int(frequency[1:])


def _fits(times, frequency):
    """Whether times are whole steps of a frequency apart, each later than the one before."""
    if frequency[0] == "O":
        return OpeningHours.parse(frequency).holds(times)
    if frequency == WEEK:
        return bool((np.diff(_period(times, WEEK)) > 0).all())
    if frequency[0] == "S":
        return not (np.diff(times).astype(np.int64) % int(frequency[1:])).any()
    if frequency == "B1":
        return _on_weekdays(times)
    months = np.diff(times.astype("datetime64[M]").astype(np.int64))
    return bool((months > 0).all() and not (months % int(frequency[1:])).any())


def _only_weekdays(times, series):
    """Whether all times are on weekdays at the same hour, with enough weekends between them."""
    return _no_weekends(times, series) and _on_weekdays(times)


def _no_weekends(times, series):
    """Whether no time is on a Saturday or Sunday, though enough of those lie between them."""
    begins, ends = (np.array([times[rows[n]] for rows in series if len(rows)]) for n in (0, -1))
    days = (ends - begins).astype("timedelta64[D]").astype(int).max()
    return bool(days >= 7 * WEEKENDS and np.is_busday(times.astype("datetime64[D]")).all())


def _on_weekdays(times):
    """Whether all times are at the same hour of a day from Monday to Friday."""
    days = times.astype("datetime64[D]")
    return bool(np.is_busday(days).all()) and len(np.unique(times - days)) == 1


def _season(frequency):
    """The steps of a year, of a week, of a day, or of an hour or minute."""
    if frequency[0] == "O":
        steps = len(OpeningHours.parse(frequency).steps)
        return steps if steps <= LONGEST else 1
    number = int(frequency[1:])
    if frequency[0] == "M":
        return 12 // number if 12 % number == 0 else 1
    within = (period // number for period in (DAY, 3600, 60) if period % number == 0 and period > number)
    return SEASONS.get(frequency) or next((season for season in within if season <= LONGEST), 1)


def _is_clock_change(times, rows, row):
    """Whether an hour is repeated, as when the clock is put back."""
    back = (times[rows[row - 1]] - times[rows[row]]).astype(np.int64)
    gaps = np.diff(np.unique(times[rows])).astype(np.int64)
    return 0 <= back <= 3600 and len(gaps) > 1 and np.median(gaps) <= 3600


def _most_frequent(gaps):
    values, counts = np.unique(gaps, return_counts=True)
    return int(values[counts.argmax()])


def _months(times, series):
    """The frequency in months, if all times are of the same day of a month or of its last day; else an empty string."""
    some = times[series[0][:FEW_TIMES]]
    if len(np.unique(_day_of_month(some))) > 1 and (_day_of_month(some.astype("datetime64[D]") + 1) != 1).any():
        return ""
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


def _check_regular(times, rows, frequency, place):
    if frequency[0] != "S" or (frequency == WEEK and _fits(times[rows], WEEK)):
        return
    seconds = int(frequency[1:])
    wrong = np.diff(times[rows]).astype(np.int64) % seconds != 0
    if wrong.any():
        row = int(wrong.argmax()) + 1
        raise InputError(
            f"{place(int(rows[row]))}: {shown(times[rows[row]])} is not a whole number of steps of "
            f"{describe(frequency, 0)} after the row before; the times must be regular, with rows left out where "
            "values are missing"
        )


def steps_since_first(times: np.ndarray, frequency: str) -> np.ndarray:
    """How many steps after the first each time is; without a frequency there is only one time."""
    if not frequency:
        return np.zeros(len(times), np.int64)
    if frequency[0] == "M":
        months = times.astype("datetime64[M]").astype(np.int64)
        return (months - months[0]) // int(frequency[1:])
    if frequency[0] == "O":
        positions = OpeningHours.parse(frequency).positions(times)
        return positions - positions[0]
    if frequency == WEEK:
        return _period(times, WEEK) - _period(times[:1], WEEK)[0]
    if frequency == "B1":
        return np.busday_count(times[0].astype("datetime64[D]"), times.astype("datetime64[D]"))
    return (times - times[0]).astype(np.int64) // int(frequency[1:])


def text_after(start: np.datetime64, steps: int, frequency: str) -> str:
    """The time `steps` steps after `start`, as it is written in a table.

    Examples:
        >>> text_after(np.datetime64("2024-11-30"), 3, "M1"), text_after(np.datetime64("2024-01-01T22:00"), 3, "S3600")
        ('2025-02-28', '2024-01-02 01:00')
        >>> text_after(np.datetime64("2024-01-01T23:00"), 1, "S3600"), text_after(np.datetime64("2024-11-29"), 1, "B1")
        ('2024-01-02 00:00', '2024-12-02')
    """
    text = shown(time_after(start, steps, frequency))
    clock = (frequency[:1] == "O" or (frequency[:1] == "S" and int(frequency[1:]) % DAY)) and " " not in text
    return f"{text} 00:00" if clock else text


def time_after(start: np.datetime64, steps: int, frequency: str) -> np.datetime64:
    """The time `steps` steps after `start`; from the last day of a month, the last day of another."""
    if not frequency:
        return start
    if frequency[0] == "S":
        return start.astype("datetime64[s]") + steps * int(frequency[1:])
    if frequency[0] == "O":
        return OpeningHours.parse(frequency).after(start, steps)
    day, month = start.astype("datetime64[D]"), start.astype("datetime64[M]")
    if frequency == "B1":
        return np.busday_offset(day, steps).astype("datetime64[s]") + (start - day.astype(start.dtype))
    wanted = month + steps * int(frequency[1:])
    last = (wanted + 1).astype("datetime64[D]") - 1
    at_end = (day + 1).astype("datetime64[M]") != month
    same = wanted.astype("datetime64[D]") + (day - month.astype("datetime64[D]"))
    return (last if at_end else min(same, last)).astype("datetime64[s]") + (start - day.astype(start.dtype))


def shown(time: np.datetime64) -> str:
    """A time as it is written in a table: the day alone at midnight, and seconds where there are any."""
    day, _, clock = str(time.astype("datetime64[s]")).partition("T")
    return day if clock == "00:00:00" else f"{day} {clock.removesuffix(':00')}"


def describe(frequency: str, season: int) -> str:
    """A frequency and a season in words.

    Examples:
        >>> describe("M1", 12), describe("S600", 1)
        ('monthly, season of 12', 'every 600 seconds')
    """
    if not frequency:
        return "without a known frequency"
    if frequency[0] == "O":
        name = OpeningHours.parse(frequency).words()
        return f"{name}, season of {season}" if season > 1 else name
    unit = "months" if frequency[0] == "M" else "seconds"
    name = WORDS.get(frequency) or f"every {int(frequency[1:]):,} {unit}"
    return f"{name}, season of {season}" if season > 1 else name
