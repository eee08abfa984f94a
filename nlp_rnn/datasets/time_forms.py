"""The forms in which people and programs write times: each is a pattern that reads a time.

A period is read as its beginning: 2020Q3 is July 1, 2020. A year that is not written is never assumed.
"""

import calendar
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from nlp_rnn.datasets.months import MONTHS, SPELLINGS, pattern_of

_WEEKDAY = r"(?:(?P<weekday>(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*)\.?,?\s+)?"
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?"
_CLOCK += r"(?:\s*(?P<half>[ap])\.?m\.?)?"
_ZONE = r"(?:\s*(?P<zone>z|utc|gmt|[+-]\d{2}(?::?\d{2}(?::00)?)?))?(?:\[[\w/+-]+\])?"
_AT = rf"(?:(?:\s+|t|:|,\s*){_CLOCK}{_ZONE})?"
_DAY, _MONTH_NUMBER = r"(?P<day>\d{1,2})", r"(?P<month>\d{1,2})"
_YEAR, _ANY_YEAR, _SHORT_YEAR = r"(?P<year>\d{4})", r"(?P<year>\d{4}|\d{2})", r"(?P<year>\d{2})"
_CENTURY = r"(?P<year>(?:19|20)\d{2})"
_TWO_DIGITS = r"(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])"
_DIGITS = r":?(?P<minute>\d{2})(?::?(?P<second>\d{2}))?"
_HOUR, _ENDING = r"(?P<hour>[01]\d|2[0-4])", r"(?P<ending>st|nd|rd|th|er)?"
EPOCHS = {
    10: 1,
    13: 1_000,
    16: 1_000_000,
    19: 1_000_000_000,
}  # by the number of digits of today's times: units per second


class TimeForm(NamedTuple):
    """A form of times.

    Attributes:
        example: an example, for messages.
        pattern: matches the whole text; its groups are named after the parts of a time.
        step: "day" if it may hold a day and a clock time, else what it names: "week", "month", "quarter", "year",
            "half-year", "epoch" or "clock".
        language: of the names of months in it.
    """

    example: str
    pattern: re.Pattern[str]
    step: str
    language: str = "en"

    def read(self, text: str) -> "Moment | None":
        """The time that a text denotes; None if it is not in this form, or there is no such time."""
        found = self.pattern.fullmatch(text.strip())
        if found is None:
            return None
        try:
            return moment(found.groupdict())
        except (ValueError, OverflowError):
            return None


class Moment(NamedTuple):
    """A local time, with its offset from UTC if it is written.

    Attributes:
        local: the time as written.
        offset: how far it is ahead of UTC; None without a zone.
    """

    local: datetime
    offset: timedelta | None = None


def _form(example: str, step: str, *parts: str) -> TimeForm:
    return TimeForm(example, re.compile("".join(parts), re.IGNORECASE), step)


def _named(language: str) -> tuple[TimeForm, ...]:
    """The forms with the names of months in a language."""
    month, of = pattern_of(language), r"[-/ .]*(?:d[eo]l?\s+)?"
    forms = (
        _form("31 January 2024", "day", _WEEKDAY, _DAY, _ENDING, of, month, r"\.?,?", of, _ANY_YEAR, _AT),
        _form("January 31, 2024", "day", _WEEKDAY, month, r"\.?[- ]*", _DAY, _ENDING, r"(?:,\s*|[- ]+)", _YEAR, _AT),
        _form("2024 January 31", "day", _YEAR, r"[-/ ]?", month, r"[-/ ]?", _DAY, _AT),
        _form("January 2024", "month", month, r"\.?,?", of, _YEAR),
        _form("Jan-24", "month", month, r"\.?[-/ ]?'?", _SHORT_YEAR),
        _form("2024 January", "month", _YEAR, r"[-/ ]?", month),
    )
    return tuple(form._replace(language=language) for form in forms)


FORMS = (
    _form("2024-01-31 13:00", "day", _YEAR, r"(?P<mark>[-/.])", _MONTH_NUMBER, r"(?P=mark)", _DAY, _AT),
    _form("31/01/2024", "day", _DAY, r"(?P<mark>[-/. ])", _MONTH_NUMBER, r"(?P=mark)", _YEAR, _AT),
    _form("01/31/2024", "day", _MONTH_NUMBER, r"(?P<mark>[-/])", _DAY, r"(?P=mark)", _YEAR, _AT),
    _form("31/01/24", "day", _DAY, r"(?P<mark>[-/.])", _MONTH_NUMBER, r"(?P=mark)", _SHORT_YEAR, _AT),
    _form("01/31/24", "day", _MONTH_NUMBER, r"(?P<mark>[-/])", _DAY, r"(?P=mark)", _SHORT_YEAR, _AT),
    _form("24-01-31", "day", _SHORT_YEAR, r"(?P<mark>[-/.])", _MONTH_NUMBER, r"(?P=mark)", _DAY, _AT),
    _form("2024-031", "day", _YEAR, r"-(?P<ordinal>\d{3})", _AT),
    _form("20240131", "day", _CENTURY, _TWO_DIGITS),
    _form("2024013113", "day", _CENTURY, _TWO_DIGITS, _HOUR),
    _form("202401311300", "day", _CENTURY, _TWO_DIGITS, _HOUR, r"(?P<minute>[0-5]\d)(?P<second>[0-5]\d)?"),
    _form("20240131 1300", "day", _CENTURY, _TWO_DIGITS, r"[ T_-]", _HOUR, _DIGITS),
    _form("2024-01", "month", _YEAR, r"[-/]", _MONTH_NUMBER),
    _form("202401", "month", _CENTURY, r"(?P<month>0[1-9]|1[0-2])"),
    _form("2024M01", "month", _YEAR, r"[- ]?M", r"(?P<month>\d{1,2})"),
    _form("01/2024", "month", _MONTH_NUMBER, r"[-/.]", _YEAR),
    _form("2024Q1", "quarter", _YEAR, r"[-/ :]?[QKT]", r"(?P<quarter>[1-4])"),
    _form("Q1 2024", "quarter", r"[QKT](?P<quarter>[1-4])[-/ ']*", _ANY_YEAR),
    _form("1Q2024", "quarter", r"(?P<quarter>[1-4])[QKT][-/ ']*", _ANY_YEAR),
    _form("2024H1", "half-year", _YEAR, r"[-/ :]?[HS](?P<semester>[12])"),
    _form("H1 2024", "half-year", r"[HS](?P<semester>[12])[-/ ]*", _YEAR),
    _form("1H2024", "half-year", r"(?P<semester>[12])[HS][-/ ]*", _YEAR),
    _form("2024-W05", "week", _YEAR, r"[-/ ]?W(?P<week>\d{1,2})(?:-?(?P<weekday_number>[1-7]))?"),
    _form("2024-01-29/2024-02-04", "week", _YEAR, "-", _MONTH_NUMBER, "-", _DAY, r"/(?P<end>\d{4}-\d{2}-\d{2})"),
    _form("2024", "year", r"(?P<year>1[0-9]\d{2}|2[01]\d{2})"),
    _form("2024.0833", "decimal year", r"(?P<year>1[5-9]\d{2}|20\d{2})\.(?P<part>\d+)"),
    _form("1706706000", "epoch", r"(?P<epoch>\d{9,10}|\d{12,13}|\d{15,16}|\d{18,19})"),
    *(form for language in SPELLINGS for form in _named(language)),
)  # fmt: skip
CLOCK = _form("13:00", "clock", _CLOCK)


def moment(parts: Mapping[str, str | None]) -> Moment:
    """The time that the named parts of a text denote.

    Raises:
        ValueError: there is no such time, such as February 30.
    """
    if epoch := parts.get("epoch"):
        seconds = int(epoch) / EPOCHS[next(digits for digits in EPOCHS if len(epoch) <= digits)]
        return Moment(datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None))
    day = _day(parts)
    if fraction := parts.get("part"):
        return Moment(_within_year(day.year, float(f"0.{fraction}"), len(fraction)))
    if (end := parts.get("end")) and date.fromisoformat(end) != day + timedelta(days=6):
        raise ValueError("it is no week")
    clock = _seconds(parts)
    return Moment(datetime(day.year, day.month, day.day) + timedelta(seconds=clock), _offset(parts.get("zone")))


def _day(parts):
    year = parts.get("year") or "2000"  # a clock time alone, whose day is not used
    if week := parts.get("week"):
        return date.fromisocalendar(int(year), int(week), int(parts.get("weekday_number") or 1))
    if ordinal := parts.get("ordinal"):
        return _day_of_year(int(year), int(ordinal))
    if quarter := parts.get("quarter"):
        month = 3 * int(quarter) - 2
    elif semester := parts.get("semester"):
        month = 6 * int(semester) - 5
    else:
        month = MONTHS[name.lower()] if (name := parts.get("name")) else int(parts.get("month") or 1)
    day = int(parts.get("day") or 1)
    found = date(int(year) if len(year) == 4 else 2000 + int(year), month, day)
    return found.replace(year=found.year - 100) if len(year) == 2 and found > date.today() else found


def _day_of_year(year, number):
    if not 1 <= number <= 365 + calendar.isleap(year):
        raise ValueError("there is no such day of the year")
    return date(year, 1, 1) + timedelta(days=number - 1)


def _seconds(parts):
    """Seconds after midnight; 86,400 for 24:00."""
    hour, minute, second = (int(parts.get(part) or 0) for part in ("hour", "minute", "second"))
    if half := parts.get("half"):
        if not 1 <= hour <= 12:
            raise ValueError("there is no such hour before or after noon")
        hour = hour % 12 + 12 * (half.lower() == "p")
    if minute > 59 or second > 59 or 3600 * hour + 60 * minute + second > 86_400:
        raise ValueError("there is no such time of a day")
    fraction = float(f"0.{parts.get('fraction') or 0}")
    return 3600 * hour + 60 * minute + second + fraction


def _offset(zone):
    if zone is None:
        return None
    digits = zone.replace(":", "")
    if not digits[1:3].isdigit():
        return timedelta(0)
    return (-1 if digits[0] == "-" else 1) * timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5] or 0))


def _within_year(year, fraction, digits):
    """The beginning of the month or the quarter that a fraction of a year denotes, as in R, or else the day."""
    for parts in (4, 12):
        nearest = round(fraction * parts)
        if abs(nearest / parts - fraction) <= 0.6 * 10**-digits:
            months = 12 * year + nearest * (12 // parts)
            return datetime(months // 12, months % 12 + 1, 1)
    days = 366 if calendar.isleap(year) else 365
    return datetime(year, 1, 1) + timedelta(days=round(fraction * days))


def matching(texts: Sequence[str], forms: Sequence[TimeForm] = FORMS) -> list[TimeForm]:
    """The forms that all of the texts are in.

    Examples:
        >>> [form.example for form in matching(["31/01/2024", "01/02/2024"])]
        ['31/01/2024']
    """
    return [form for form in forms if texts and all(form.read(text) is not None for text in texts)]
