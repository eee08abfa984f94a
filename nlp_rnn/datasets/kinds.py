"""What the columns of a table hold, from their content: times, clock times, parts of dates, numbers, words."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from nlp_rnn.datasets.frames import Frame, is_mostly_numbers
from nlp_rnn.datasets.months import MONTHS
from nlp_rnn.datasets.names import LIKELY_WORDS, PARTS, TIME_WORDS, names_times, words_of
from nlp_rnn.datasets.numbers import MISSING
from nlp_rnn.datasets.time_forms import CLOCK, matching
from nlp_rnn.datasets.times import EXCEL_DAYS, as_text, likeliest_form, sample_of

if TYPE_CHECKING:
    import pandas as pd

EMPTY, TIME, MAYBE_TIME, CLOCK_TIME, NUMBER, WORD = "empty", "time", "perhaps a time", "clock", "number", "word"
ROWS = 2_000  # at each end of a table, which decide what a column holds
MONTHS_OF_A_YEAR = 12
ORDINAL_DAY = "2024-031"
EXCEL_NAMES = ("date", "day", "datum", "fecha")
_AROUND = re.compile(r"^(?:Qtr|KW|HE|[QWHM])\s*(?=\d)|:00$", re.IGNORECASE)
_PLAIN_NUMERIC_FORMS = {"20240131", "2024013113", "202401311300"}  # digits that are hardly ever anything but times


def kind_of(frame: Frame, name: str) -> str:
    """What a column holds: `TIME`, `MAYBE_TIME`, `CLOCK_TIME`, `NUMBER`, `WORD` or `EMPTY`.

    Numbers that increase as times would may be times or values; the name of the column says nothing.
    """
    column = frame.table[name]
    if column.dtype.kind == "M" or (column.dtype.kind == "O" and str(column.dtype).startswith("period")):
        return TIME
    if column.dtype.kind in "iuf":
        return EMPTY if column.isna().all() else _kind_of_digits(some_texts(column), name)
    sample = [text for text in some_texts(column) if text not in MISSING]
    if not sample:
        return EMPTY if column.isna().all() or set(column.dropna().unique()) <= MISSING else WORD
    if matching(sample, [CLOCK]):
        return CLOCK_TIME
    if column.dtype.kind == "b":
        return NUMBER
    if is_mostly_numbers(sample):
        return _kind_of_digits(sample, name)
    if all(form.example == ORDINAL_DAY for form in matching(sample) or [CLOCK]) and not names_times(name):
        return MAYBE_TIME  # numbers of invoices look like this as well
    return TIME if _texts_are_times(sample, name) else WORD


def some_texts(column: "pd.Series") -> list[str]:
    """Distinct texts from the first and the last rows."""
    import pandas as pd

    some = column if len(column) <= 2 * ROWS else pd.concat([column.iloc[:ROWS], column.iloc[-ROWS:]])
    return sample_of([str(text) for text in as_text(some).dropna().unique()])


def _texts_are_times(sample, name):
    """Whether all texts are times, or all but a few, which are reported when they are read."""
    forms = matching(sample)
    if not forms and len(sample) > 1:
        likeliest = likeliest_form(sample)
        share = 0.5 if set(words_of(name)) & (TIME_WORDS | LIKELY_WORDS) else 0.8
        forms = [likeliest] if sum(likeliest.read(text) is not None for text in sample) >= share * len(sample) else []
    if not forms:
        return False
    if all(form.example == "Jan-24" for form in forms):
        return _are_months(sample, forms[0])
    return True


def _are_months(sample, form):
    """Whether texts such as Jan-15 are months of years, not days: then the month changes from one to the next."""
    moments = [found.local for text in sample if (found := form.read(text))]
    months = [moment.month for moment in moments]
    return len(set(months)) > 1 and sum(a != b for a, b in pairwise(months)) >= len(months) // 2


def _kind_of_digits(sample: Sequence[str], name: str) -> str:
    """What numbers are: times if their column is named so or if few other numbers look like this."""
    forms = matching(sample)
    if any(form.example in _PLAIN_NUMERIC_FORMS for form in forms) or (forms and names_times(name)):
        return TIME
    return MAYBE_TIME if any(_increase_like_times(form, sample) for form in forms) else NUMBER


def _increase_like_times(form, sample):
    """Whether years or months follow each other, or seconds have the same whole minutes between them."""
    times = np.sort(np.array([found.local for text in sample if (found := form.read(text))], "datetime64[s]"))
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
                values = integers_of(values)
            inside = values.dtype.kind in "iuf" and values.notna().all() and values.between(low, high).all()
            return part if inside and (values % 1 == 0).all() else None
    return None


def _are_names(values):
    return all(str(value).strip().lower().rstrip(".") in MONTHS for value in values.dropna().unique())


def integers_of(values: "pd.Series") -> "pd.Series":
    """Texts as numbers; the mark before or after a part of a time, as in Q1, HE24, M01 or 01:00, is not needed."""
    import pandas as pd

    text = values.astype(str).str.strip().str.replace(_AROUND, "", regex=True)
    return pd.to_numeric(text, errors="coerce")


def identifies_rows(column: "pd.Series") -> bool:
    """Whether a column holds a distinct whole number in each row."""
    column = integers_of(column) if column.dtype.kind == "O" else column
    return column.dtype.kind in "iuf" and bool(column.notna().all() and (column % 1 == 0).all() and column.is_unique)


def numbers_rows(column: "pd.Series") -> bool:
    """Whether a column counts the rows: it goes up by one from each to the next."""
    if column.dtype.kind == "O":
        column = integers_of(column)
    if column.dtype.kind not in "iuf" or len(column) < 3 or column.isna().any() or column.iloc[0] % 1:
        return False
    return bool((np.diff(column.to_numpy(float)) == 1).all())


def excel_days(column: "pd.Series", name: str) -> bool:
    """Whether numbers may be serial dates of Excel, by the name of their column."""
    if column.dtype.kind not in "iuf" or not names_times(name) or words_of(name)[-1] not in EXCEL_NAMES:
        return False
    return bool(column.between(*EXCEL_DAYS).all())
