"""Steps within opening hours, such as those of an exchange or of shifts: the time between two days is not a gap.

As a frequency: "O1800+0:19-31:B" are steps of 1,800 seconds, the 19th to the 31st after midnight, on weekdays ("B") or
on all days ("D"). The number after the plus sign is the seconds after midnight at which step 0 begins.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

DAY = 86_400
FEW_DAYS = 3  # minimum number of days with values
CLOSED = 2  # minimum number of steps of a day that never have a value
FILLED = 0.5  # minimum fraction of the steps within opening hours that have values


class OpeningHours(NamedTuple):
    """The steps of a day that have values.

    Attributes:
        seconds: the length of a step.
        phase: seconds after midnight at which the step 0 begins.
        steps: the numbers of the steps of a day, ascending.
        weekdays: whether there are none on Saturdays and Sundays.
    """

    seconds: int
    phase: int
    steps: tuple[int, ...]
    weekdays: bool

    @classmethod
    def parse(cls, frequency: str) -> "OpeningHours":
        """The opening hours of a frequency that begins with O."""
        step, runs, days = frequency[1:].split(":")
        seconds, phase = map(int, step.split("+"))
        bounds = [run.split("-") for run in runs.split(",")]
        steps = (n for bound in bounds for n in range(int(bound[0]), int(bound[-1]) + 1))
        return cls(seconds, phase, tuple(steps), days == "B")

    @property
    def frequency(self) -> str:
        """The frequency as text."""
        ends = [b for a, b in pairwise(self.steps) if b - a > 1]
        starts = [self.steps[0], *ends]
        stops = [self.steps[self.steps.index(start) - 1] for start in ends]
        runs = ",".join(f"{a}-{b}" for a, b in zip(starts, [*stops, self.steps[-1]], strict=True))
        return f"O{self.seconds}+{self.phase}:{runs}:{'B' if self.weekdays else 'D'}"

    def positions(self, times: np.ndarray) -> np.ndarray:
        """The number of steps from the beginning of 1970 to each time."""
        days = times.astype("datetime64[D]")
        since = (times.astype("datetime64[s]") - days).astype(np.int64)
        first = np.datetime64("1970-01-01")
        day = np.busday_count(first, days) if self.weekdays else (days - first).astype(np.int64)
        return day * len(self.steps) + np.searchsorted(self.steps, (since - self.phase) // self.seconds)

    def after(self, start: np.datetime64, steps: int) -> np.datetime64:
        """The time `steps` steps after `start`."""
        day, step = divmod(int(self.positions(np.array([start]))[0]) + int(steps), len(self.steps))
        first = np.datetime64("1970-01-01")
        date = np.busday_offset(first, day) if self.weekdays else first + day
        return date.astype("datetime64[s]") + self.phase + self.steps[step] * self.seconds

    def holds(self, times: np.ndarray) -> bool:
        """Whether all times are within these hours, at the beginning of a step."""
        days = times.astype("datetime64[D]")
        since = (times.astype("datetime64[s]") - days).astype(np.int64) - self.phase
        inside = (since % self.seconds == 0) & np.isin(since // self.seconds, self.steps)
        return bool(inside.all() and (not self.weekdays or np.is_busday(days).all()))

    def words(self) -> str:
        """The hours in words: "every 1,800 seconds from 09:30 to 15:30 on weekdays"."""
        ends = (self.phase + self.steps[n] * self.seconds for n in (0, -1))
        begin, end = (f"{at // 3600:02d}:{at % 3600 // 60:02d}" for at in ends)
        return f"every {self.seconds:,} seconds from {begin} to {end}{' on weekdays' * self.weekdays}"


def opening_hours(times: np.ndarray, series: Sequence[np.ndarray], seconds: int, weekdays: bool) -> OpeningHours | None:
    """The opening hours of some series; None if they have values around the clock, or too few to tell.

    Args:
        times: the times of all rows, datetime64[s].
        series: the rows of each series.
        seconds: the length of a step.
        weekdays: whether there are no values on Saturdays and Sundays.
    """
    if DAY % seconds or DAY // seconds < CLOSED + 2:
        return None
    since = times[series[0]].astype(np.int64) % DAY
    if len(np.unique(since // seconds)) > DAY // seconds - CLOSED:
        return None
    days = times.astype("datetime64[D]")
    since = times.astype(np.int64) % DAY
    phase, steps = int(since[0] % seconds), np.unique(since // seconds)
    if (since % seconds != phase).any() or len(steps) > DAY // seconds - CLOSED or len(steps) < 2:
        return None
    opened = sum(len(np.unique(days[rows])) for rows in series)
    longest = max(len(np.unique(days[rows])) for rows in series)
    if longest < FEW_DAYS or sum(map(len, series)) < FILLED * opened * len(steps):
        return None
    return OpeningHours(seconds, phase, tuple(map(int, steps)), weekdays)
