"""Times read from the columns of a table, as people and programs write them."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.calendar import Place, irregularity, shown
from nlp_rnn.datasets.names import words_of
from nlp_rnn.datasets.numbers import LARGEST
from nlp_rnn.datasets.time_forms import FORMS, TimeForm, matching
from nlp_rnn.datasets.time_text import TimeText, time_text
from nlp_rnn.progress import say

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 200  # distinct texts that decide the form
QUARTERS, SPAN = 4, 80  # SPAN: more years lie between two-digit years only if they are of two centuries
MANY = 10_000  # distinct texts above which pandas parses ISO 8601 faster
EXCEL_DAYS = (20_000, 80_000)  # serial dates of Excel, 1954 to 2119
_STATA_WEEK = re.compile(r"\d{4}w\d{1,2}")  # as Stata writes its weeks; never 53
CURE = "write times as 2024-01-31 or 2024-01-31 13:00"


class Times(NamedTuple):
    """The times of all rows.

    Attributes:
        values: datetime64[s]; times with a zone are converted to UTC, dates are kept as they are written.
        text: how they are written.
    """

    values: np.ndarray
    text: TimeText


class _Reading(NamedTuple):
    """The times of distinct texts in one form: local, NaT where there is none; and seconds ahead of UTC, if known."""

    form: TimeForm
    local: np.ndarray
    offsets: list[int | None] | None


def read_times(column: "pd.Series", place: Place, name: str, factorized: Any = None) -> Times:
    """A column of times.

    Args:
        column: a column of a pandas table.
        place: returns the place of a row, for messages.
        name: the name of the column.
        factorized: what `pandas.factorize` returns for the column, if that is known.

    Raises:
        InputError: a row holds no time, or a fraction of a second; days and months cannot be distinguished. The message
            names the row.
    """
    import pandas as pd

    if column.dtype.kind == "M":
        return _stored(column, place, name)
    codes, values = factorized or pd.factorize(column)
    written = as_text(pd.Series(values))
    empty = (codes < 0) | np.append(written.isna().to_numpy(), True)[codes]
    if empty.any():
        raise InputError(f"{place(int(empty.argmax()))}: column '{name}' is empty; {CURE}")
    texts = [str(text) for text in written]

    def row_of(number):
        return place(int((codes == number).argmax()))

    forms = matching(sample_of(texts)) or [likeliest_form(texts)]
    readings = [_read(texts, form) for form in forms]
    complete = [reading for reading in readings if not np.isnat(reading.local).any()]
    if not complete:
        _refuse(texts, readings[0], row_of, name)
    form, local, offsets = complete[0] if len(complete) == 1 else _most_regular(complete, texts, codes, row_of, name)
    fractions = local != local.astype("datetime64[s]")
    if fractions.any():
        raise InputError(f"{row_of(int(fractions.argmax()))}: column '{name}': fractions of a second are not supported")
    _check_meaning(form, texts, local, row_of, name)
    times, zone = _in_utc(local.astype("datetime64[s]"), offsets, texts, row_of, name)
    return Times(times[codes], time_text(form, sample_of(texts), zone, times))


def as_text(column: "pd.Series") -> "pd.Series":
    """A column as texts, missing where it is empty; whole numbers have no decimals."""
    there = column.notna().to_numpy()
    if column.dtype.kind == "f" and (column[there].abs() < LARGEST).all() and (column[there] % 1 == 0).all():
        column = column.astype("Int64")
    text = (column if column.dtype == "str" else column.astype(str)).str.strip()
    there = there & (text != "").to_numpy(bool, na_value=False)
    return text if there.all() else text.where(there)


def sample_of(texts: Sequence[str]) -> list[str]:
    """Some of the texts, from the first to the last."""
    return list(texts) if len(texts) <= SAMPLE else [texts[n * (len(texts) - 1) // (SAMPLE - 1)] for n in range(SAMPLE)]


def _stored(column, place, name):
    """Times that the file stores as such."""
    empty = column.isna().to_numpy()
    if empty.any():
        raise InputError(f"{place(int(empty.argmax()))}: column '{name}' is empty; {CURE}")
    if getattr(column.dtype, "tz", None) is not None:
        say(f"the times of column '{name}' have a zone: they are converted to UTC, and forecasts are in UTC")
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    fractions = (column != column.dt.floor("s")).to_numpy()
    if fractions.any():
        raise InputError(f"{place(int(fractions.argmax()))}: column '{name}': fractions of a second are not supported")
    times = column.to_numpy("datetime64[s]")
    return Times(times, time_text(FORMS[0], ["2024-01-31"], False, np.unique(times)))


def _read(texts, form):
    """The times of texts in a form."""
    if form is FORMS[0] and len(texts) > MANY and (fast := _iso(texts)) is not None:
        return _Reading(form, fast, None)
    moments = [form.read(text) for text in texts]
    local = np.array([None if one is None else one.local for one in moments], "datetime64[us]")
    offsets = [None if one is None or one.offset is None else int(one.offset.total_seconds()) for one in moments]
    return _Reading(form, local, offsets)


def _iso(texts):
    """The times of texts in ISO 8601 without a zone, read by pandas; None if one is written otherwise."""
    import pandas as pd

    if any(text[10:].count("-") or text[-1] in "Zz" or "+" in text for text in sample_of(texts)):
        return None
    try:
        return pd.to_datetime(pd.Series(texts), format="ISO8601").to_numpy("datetime64[us]")
    except (ValueError, OverflowError):
        return None


def likeliest_form(texts: Sequence[str]) -> TimeForm:
    """The form that most of the texts are in."""
    sample = sample_of(texts)
    return max(FORMS, key=lambda form: sum(form.read(text) is not None for text in sample))


def _refuse(texts, reading, row_of, name):
    """Refuse the first text that is not a time.

    Raises:
        InputError: always.
    """
    form, local, _ = reading
    number = int(np.isnat(local).argmax())
    what = f"{row_of(number)}: column '{name}' holds '{texts[number][:40]}'"
    if all(text.isdigit() and EXCEL_DAYS[0] <= int(text) <= EXCEL_DAYS[1] for text in sample_of(texts)):
        day = np.datetime64("1899-12-30") + int(texts[number])
        raise InputError(f"{what}, a serial date of Excel: format the column as a date, such as {day}")
    if np.isnat(local).all():
        raise InputError(f"{what}, which is not a time; {CURE}")
    raise InputError(f"{what}, which is not a time like the others, written as {form.example}; {CURE}")


def _most_regular(readings, texts, codes, row_of, name):
    """The reading, with day, month or year first, in which the times are most regular.

    Raises:
        InputError: two readings differ, and are equally regular.
    """
    distinct: dict[bytes, _Reading] = {}
    for reading in readings:
        distinct.setdefault(reading.local.tobytes(), reading)
    if len(distinct) == 1:
        return readings[0]
    ranked = sorted(distinct.values(), key=lambda reading: irregularity(reading.local.astype("datetime64[s]")))
    first, second = ranked[:2]
    if irregularity(first.local.astype("datetime64[s]")) == irregularity(second.local.astype("datetime64[s]")):
        number = int((first.local != second.local).argmax())
        one, other = sorted(shown(reading.local[number]) for reading in (first, second))
        raise InputError(
            f"{row_of(number)}: column '{name}': is '{texts[number]}' {one} or {other}? Write times as 2024-01-31"
        )
    return first


def _check_meaning(form, texts, local, row_of, name):
    """Check that texts such as 2001-02 or 202401 are months, years of two digits of one century, weeks of ISO 8601.

    Raises:
        InputError: they may be seasons, weeks or quarters, or some years would lie ahead of today.
    """
    years, months = local.astype("datetime64[Y]").astype(int) + 1970, local.astype("datetime64[M]").astype(int) % 12 + 1
    words, what = set(words_of(name)), ""
    if form.step == "month" and len(texts) > 1 and (months == (years + 1) % 100).all():
        what = "which may be a season from one year to the next: write 2001 for 2001-02"
    elif form.step == "month" and words & {"week", "kw", "epiweek", "woche"}:
        what = "which may be a week or a month: write weeks as 2024-W05"
    elif form.step == "month" and words & {"quarter", "qtr", "quartal"} and (months <= QUARTERS).all():
        what = "which may be a quarter or a month: write quarters as 2024Q1"
    elif (
        form.step == "week"
        and any(map(_STATA_WEEK.fullmatch, texts))
        and not any(text.endswith("53") for text in texts)
    ):
        what = (
            "which may be a week of Stata, where week 1 begins on January 1, or of ISO 8601: write these as 2024-W05, "
            "and those of Stata as their first days, which dofw() gives"
        )
    elif np.ptp(years) > SPAN and not re.search(r"\d{4}", texts[0]):
        what = "and years of two digits on both sides of today: write four digits"
    if what:
        raise InputError(f"{row_of(0)}: column '{name}' holds '{texts[0]}', {what}")


def _in_utc(local, offsets, texts, row_of, name):
    """Times in UTC, and whether they were converted; dates at midnight of their zones stay as they are written.

    Raises:
        InputError: some times have a zone and others have none.
    """
    if offsets is None or all(offset is None for offset in offsets):
        return local, False
    if (local == local.astype("datetime64[D]")).all():
        return local, True
    without = next((number for number, offset in enumerate(offsets) if offset is None), None)
    if without is not None:
        raise InputError(
            f"{row_of(without)}: column '{name}' holds '{texts[without]}' without a zone, and other times with one: "
            f"write {texts[without]}Z if it is in UTC"
        )
    say(f"the times of column '{name}' have a zone: they are converted to UTC, and forecasts are in UTC")
    return local - np.array(offsets, "timedelta64[s]"), True
