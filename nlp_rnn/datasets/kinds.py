"""What the columns of a table hold, from their content: times, clock times, parts of dates, numbers, words."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from nlp_rnn.datasets.frames import Frame, is_mostly_numbers
from nlp_rnn.datasets.numbers import MISSING
from nlp_rnn.datasets.time_forms import CLOCK, MONTHS, TimeForm, matching
from nlp_rnn.datasets.times import EXCEL_DAYS, as_text, likeliest_form, sample_of

if TYPE_CHECKING:
    import pandas as pd

EMPTY, TIME, CLOCK_TIME, NUMBER, WORD = "empty", "time", "clock", "number", "word"
ROWS = 2_000  # at each end of a table, which decide what a column holds
MONTHS_OF_A_YEAR = 12
PARTS = {  # of a date, by the words that name a column, and the range of their values
    "year": (("year", "yr", "yyyy", "jahr", "anno", "annee", "año"), (1000, 3000)),
    "quarter": (("quarter", "qtr", "quartal", "trimestre"), (1, 4)),
    "month": (("month", "mon", "mm", "mnth", "monat", "mes", "mois"), (1, 12)),
    "week": (("week", "wk", "kw", "woche", "epiweek", "isoweek", "weeknumber"), (1, 53)),
    "day": (("day", "dd", "dayofmonth", "tag", "dom", "mday"), (1, 31)),
    "hour": (("hour", "hr", "hh", "hourending", "he", "stunde", "hours"), (0, 24)),
    "minute": (("minute", "min", "mi", "minutes"), (0, 59)),
}
TIME_WORDS = frozenset((
    "time", "times", "date", "dates", "datetime", "timestamp", "ts", "ds", "period", "month", "week", "day", "year",
    "quarter", "hour", "epoch", "unix", "datum", "zeit", "fecha", "when", "at", "on", "yyyymm", "yyyymmdd", "start",
    "end", "begin", "from", "until", "tag", "monat", "jahr", "yr"
))  # fmt: skip
_WORDS = re.compile(r"[A-Z]?[a-zäöüéñ]+|[A-Z]+(?![a-z])|\d+")
_PLAIN_NUMERIC_FORMS = {"20240131", "2024013113", "202401311300"}  # digits that are hardly ever anything but times


def words_of(name: str) -> list[str]:
    """The words of the name of a column, in lower case.

    Examples:
        >>> words_of("orderDate"), words_of("HourEnding"), words_of("DAY_of_month")
        (['order', 'date'], ['hour', 'ending'], ['day', 'of', 'month'])
    """
    return [word.lower() for word in _WORDS.findall(name)]


def kind_of(frame: Frame, name: str) -> str:
    """What a column holds: `TIME`, `CLOCK_TIME`, `NUMBER`, `WORD` or `EMPTY`."""
    column = frame.table[name]
    if column.dtype.kind == "M" or (column.dtype.kind == "O" and str(column.dtype).startswith("period")):
        return TIME
    if column.dtype.kind in "iuf":
        return EMPTY if column.isna().all() else TIME if _numbers_are_times(column, name) else NUMBER
    sample = [text for text in some_texts(column) if text not in MISSING]
    if not sample:
        return EMPTY if column.isna().all() or set(column.dropna().unique()) <= MISSING else WORD
    if matching(sample, [CLOCK]):
        return CLOCK_TIME
    numbers = is_mostly_numbers(sample)
    if _texts_are_times(sample, name, numbers):
        return TIME
    return NUMBER if numbers or column.dtype.kind == "b" else WORD


def some_texts(column: "pd.Series") -> list[str]:
    """Distinct texts from the first and the last rows."""
    import pandas as pd

    some = column if len(column) <= 2 * ROWS else pd.concat([column.iloc[:ROWS], column.iloc[-ROWS:]])
    return sample_of([str(text) for text in as_text(some).dropna().unique()])


def _texts_are_times(sample, name, numbers):
    """Whether all texts are times, or all but a few, which are reported when they are read."""
    forms = matching(sample)
    if not forms and len(sample) > 1:
        likeliest = likeliest_form(sample)
        share = 0.5 if set(words_of(name)) & TIME_WORDS else 0.8
        forms = [likeliest] if sum(likeliest.read(text) is not None for text in sample) >= share * len(sample) else []
    if not forms:
        return False
    if all(form.example == "Jan-24" for form in forms):
        return _are_months(sample, forms[0])
    return not numbers or any(_digits_are_times(form, sample, name) for form in forms)


def _are_months(sample, form):
    """Whether texts such as Jan-15 are months of years, not days: then the month changes from one to the next."""
    moments = [found.local for text in sample if (found := form.read(text))]
    months = [moment.month for moment in moments]
    return len(set(months)) > 1 and sum(a != b for a, b in pairwise(months)) >= len(months) // 2


def _numbers_are_times(column, name):
    sample = some_texts(column)
    return any(_digits_are_times(form, sample, name) for form in matching(sample))


def _digits_are_times(form: TimeForm, sample: Sequence[str], name: str) -> bool:
    """Whether numbers that could be times are: their column is named so, or other numbers rarely look like this."""
    if form.example in _PLAIN_NUMERIC_FORMS:
        return True
    if set(words_of(name)) & TIME_WORDS:
        return True
    moments = [found.local for text in sample if (found := form.read(text))]
    times = np.sort(np.array(moments, "datetime64[s]"))
    if len(times) < 3:
        return False
    if form.step in ("month", "year", "decimal year"):
        gaps = np.diff(times.astype("datetime64[M]").astype(int))
        return gaps[0] > 0 and bool((gaps == gaps[0]).all()) and (form.step != "year" or gaps[0] == MONTHS_OF_A_YEAR)
    gaps = np.diff(times).astype(int)
    return form.step == "epoch" and gaps[0] > 0 and bool((gaps % 60 == 0).all()) and _regular(gaps)


def _regular(gaps):
    """Whether most gaps are the same."""
    return np.unique(gaps, return_counts=True)[1].max() > 0.8 * len(gaps)


def part_of(frame: Frame, name: str) -> str | None:
    """The part of a date that a column holds, by its name and its values: "year", "month" and so on."""
    words = words_of(name)
    joined = "".join(words)
    for part, (names, (low, high)) in PARTS.items():
        if joined in names or (
            len(words) == 2 and words[0] in names and words[1] in ("no", "nr", "number", "of", "id")
        ):
            values = frame.table[name]
            if part == "month" and values.dtype.kind == "O" and _are_names(values):
                return part
            if values.dtype.kind == "O":
                values = _integers(values)
            inside = values.dtype.kind in "iuf" and values.notna().all() and values.between(low, high).all()
            return part if inside and (values % 1 == 0).all() else None
    return None


def _are_names(values):
    return all(str(value).strip().lower().rstrip(".") in MONTHS for value in values.dropna().unique())


def _integers(values):
    """Texts as numbers; Q1 to Q4 and 01:00 count as well."""
    import pandas as pd

    text = values.astype(str).str.strip().str.replace(r"^[QqWwHh]|:00$", "", regex=True)
    return pd.to_numeric(text, errors="coerce")


def identifies_rows(column: "pd.Series") -> bool:
    """Whether a column holds a distinct whole number in each row."""
    column = _integers(column) if column.dtype.kind == "O" else column
    return column.dtype.kind in "iuf" and bool(column.notna().all() and (column % 1 == 0).all() and column.is_unique)


def numbers_rows(column: "pd.Series") -> bool:
    """Whether a column counts the rows: it goes up by one from each to the next."""
    if column.dtype.kind == "O":
        column = _integers(column)
    if column.dtype.kind not in "iuf" or len(column) < 3 or column.isna().any():
        return False
    return bool((np.diff(column.to_numpy(float)) == 1).all())


def excel_days(column: "pd.Series", name: str) -> bool:
    """Whether numbers may be serial dates of Excel, by the name of their column."""
    if column.dtype.kind not in "iu" or not set(words_of(name)) & {"date", "day", "datum", "fecha"}:
        return False
    return bool(column.between(*EXCEL_DAYS).all())
