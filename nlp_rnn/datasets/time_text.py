"""Times written back in the form of the table that they continue."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from nlp_rnn.datasets.calendar import text_after, time_after
from nlp_rnn.datasets.months import name_like
from nlp_rnn.datasets.time_forms import EPOCHS, TimeForm
from nlp_rnn.datasets.time_parts import PartText

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TAKEN = {"series", "mean", "value", "expected", "low", "high"}  # columns of forecasts and of anomalies
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2})?)?")


class TimeText(NamedTuple):
    """How times are written.

    Attributes:
        form: the form of the times that were read; None to write ISO 8601.
        example: one of these times.
        bare: the parts, among "day", "month" and "hour", that have no 0 in front if they are below 10.
        anchor: of times in months: "last weekday" or "last day" if all are, else the number of a day.
        columns: how parts of the time are written that have columns of their own.
    """

    form: TimeForm | None = None
    example: str = ""
    bare: frozenset[str] = frozenset()
    anchor: str | int = ""
    columns: tuple[PartText, ...] = ()

    def cells(self, start: np.datetime64, steps: int, frequency: str) -> dict[str, str]:
        """The time `steps` steps after `start`, by column: one named "time", or those of the table."""
        if not self.columns or {part.column for part in self.columns} & TAKEN:
            return {"time": self.after(start, steps, frequency)}
        time = time_after(start, steps, frequency).astype("datetime64[s]").item()
        iso_year = any(part.part == "week" for part in self.columns)
        return {part.column: part.text(time, iso_year) for part in self.columns}

    def after(self, start: np.datetime64, steps: int, frequency: str) -> str:
        """The time `steps` steps after `start`."""
        if self.anchor and frequency[:1] == "M":
            clock = start - start.astype("datetime64[D]")
            month = start.astype("datetime64[M]") + steps * int(frequency[1:])
            start, steps, frequency = self._day_of(month).astype("datetime64[s]") + clock, 0, ""
        if self.form is None:
            return text_after(start, steps, frequency)
        return self.text(time_after(start, steps, frequency).astype("datetime64[s]").item())

    def _day_of(self, month):
        """The day of a month, by the anchor."""
        last = (month + 1).astype("datetime64[D]") - 1
        if self.anchor == "last weekday":
            return last_weekday(month)
        return last if self.anchor == "last day" else min(month.astype("datetime64[D]") + (int(self.anchor) - 1), last)

    def text(self, time: datetime) -> str:
        """A time."""
        text, end, groups = "", 0, self._groups
        spans = sorted((span, name) for name, (span, _) in groups.items())
        for (begin, stop), name in spans:
            if begin >= end and name != "mark":
                text += self.example[end:begin] + self._part(name, groups[name][1], time)
                end = stop
        return text + self.example[end:]

    def _part(self, name, example, time):
        """A part of a time, written like that of the example."""
        if name in ("day", "month", "hour"):
            hour = time.hour if "half" not in self._groups else (time.hour - 1) % 12 + 1
            number = {"day": time.day, "month": time.month, "hour": hour}[name]
            return str(number) if name in self.bare else f"{number:02d}"
        if name == "name" and self.form:
            return _like(name_like(time.month, example, self.form.language), example)
        if name == "weekday":
            word = WEEKDAYS[time.weekday()]
            return _like(word if len(example) > 3 else word[:3], example)
        year, week, _ = time.isocalendar()
        return {
            "year": lambda: f"{year if 'week' in self._groups else time.year:04d}"[-len(example) :],
            "minute": lambda: f"{time.minute:02d}",
            "second": lambda: f"{time.second:02d}",
            "fraction": lambda: "0" * len(example),
            "half": lambda: _like("pm" if time.hour >= 12 else "am", example)[: len(example)],
            "ending": lambda: _like(_ending(time.day, example), example),
            "quarter": lambda: str((time.month + 2) // 3),
            "semester": lambda: str((time.month + 5) // 6),
            "ordinal": lambda: f"{time:%j}",
            "week": lambda: f"{week:02d}",
            "weekday_number": lambda: str(time.isoweekday()),
            "end": lambda: f"{time + timedelta(days=6):%Y-%m-%d}",
            "part": lambda: _fraction_of_year(time, len(example)),
            "epoch": lambda: str(_epoch(time, len(example))),
        }[name]()

    @property
    def _groups(self) -> dict[str, tuple[tuple[int, int], str]]:
        """The parts of the example by name: where they stand, and their texts."""
        found = self.form and self.form.pattern.fullmatch(self.example)
        return {name: (found.span(name), text) for name, text in found.groupdict().items() if text} if found else {}


ISO = TimeText()


def time_text(form: TimeForm, texts: Sequence[str], zone: bool, times: np.ndarray) -> TimeText:
    """How times are written.

    Args:
        form: the form of the texts.
        texts: some of them.
        zone: whether they have a zone; what is converted to UTC is written in ISO 8601.
        times: what they mean, of the whole column.
    """
    anchor = _anchor(times.astype("datetime64[D]"))
    if zone or (form.step == "day" and all(ISO_DAY.fullmatch(text) for text in texts)):
        return TimeText(anchor=anchor)
    found = [match.groupdict() | {"": text} for text in texts if (match := form.pattern.fullmatch(text))]
    fullest = max(
        found, key=lambda parts: (sum(map(bool, parts.values())), len(parts.get("name") or ""), len(parts[""]))
    )
    bare = {part for part in ("day", "month", "hour") if any(len(parts.get(part) or "00") == 1 for parts in found)}
    return TimeText(form, fullest[""], frozenset(bare), anchor)


def _anchor(days):
    """Which day of a month all times are on; empty if several are in one month."""
    if len(days) < 2 or len(np.unique(days.astype("datetime64[M]"))) < len(np.unique(days)):
        return ""
    following = (days.astype("datetime64[M]") + 1).astype("datetime64[D]")
    if (days + 1 == following).all():
        return "last day"
    if len(days) > 2 and (last_weekday(days) == days).all():
        return "last weekday"
    numbers = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(int) + 1
    lengths = (following - days.astype("datetime64[M]").astype("datetime64[D]")).astype(int)
    same = (numbers == np.minimum(numbers.max(), lengths)).all()
    return int(numbers.max() if same else numbers[0])


def last_weekday(times: np.ndarray) -> np.ndarray:
    """The last day from Monday to Friday of the months of times, datetime64[D]."""
    following = (times.astype("datetime64[M]") + 1).astype("datetime64[D]")
    return np.busday_offset(following, -1, roll="forward")


def _ending(day, example):
    """The ending of an ordinal number; in French, only the first day has one."""
    if example.lower() == "er":
        return "er" if day == 1 else ""
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _like(word, example):
    """A word in the case of the example."""
    return word.upper() if example.isupper() else word.lower() if example.islower() else word.capitalize()


def _fraction_of_year(time, digits):
    begin, end = datetime(time.year, 1, 1), datetime(time.year + 1, 1, 1)
    share = (time.month - 1) / 12 if time.day == 1 else (time - begin) / (end - begin)
    return f"{share:.{digits}f}"[2:].rstrip("0") or "0"


def _epoch(time, digits):
    units = EPOCHS[next(most for most in EPOCHS if digits <= most)]
    return int((time - datetime(1970, 1, 1)).total_seconds()) * units
