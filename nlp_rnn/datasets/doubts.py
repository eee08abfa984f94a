"""Tables of series that would be misread if nobody asked: columns that may be times, and times in the header."""

import re
from collections.abc import Collection, Mapping

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.frames import Frame
from nlp_rnn.datasets.kinds import EMPTY, NUMBER, TIME, WORD, some_texts
from nlp_rnn.datasets.months import MONTHS
from nlp_rnn.datasets.names import names_times
from nlp_rnn.datasets.time_forms import matching

MANY = 3  # columns that are named with times, months or hours, which is no coincidence
_HOUR = re.compile(r"(h|hh|he|hour)[ _]?\d{1,2}|\d{1,2}:\d{2}", re.IGNORECASE)
_GROUPS = re.compile(r"\d+\D+\d+\D+\d+")  # digits in at least three groups, as in most times


def check_columns(frame: Frame, kinds: Mapping[str, str]) -> None:
    """Check that the columns of numbers are not the months, hours or days of each row.

    Raises:
        UsageError: they are; the message says how to write the table.
    """
    numbers = [column for column in kinds if kinds[column] in (NUMBER, EMPTY)]
    months = [column for column in numbers if column.strip().lower().rstrip(".") in MONTHS]
    hours = [column for column in numbers if _HOUR.fullmatch(column.strip())]
    dates = [column for column in numbers if matching([column.strip()])]
    dated = any(kinds[column] == TIME for column in kinds)
    for found, what in ((months, "months"), (hours, "clock times"), ([] if dated else dates, "times")):
        if len(found) >= MANY:
            raise UsageError(
                f"{frame.path}: the columns {found[0]} to {found[-1]} are named with {what}: write one row for each "
                "time, with the time in one column, or a column in front that names the series of each row"
            )


def check_times(frame: Frame, kinds: Mapping[str, str], given: Collection[str]) -> None:
    """Check that no column holds times in a form that is not known, in a table in which no times were found.

    Args:
        frame: the table.
        kinds: what each column holds.
        given: the columns that the user named for another role.

    Raises:
        UsageError: one seems to; the message names it and quotes a value.
    """
    for column, kind in kinds.items():
        if column in given or kind not in (WORD, NUMBER):
            continue
        texts = some_texts(frame.table[column])
        grouped = kind == WORD and len(texts) > len(frame.table) / 2 and all(_GROUPS.search(text) for text in texts)
        if names_times(column) or grouped:
            raise UsageError(
                f"{frame.path}: the column '{column}' holds '{texts[0][:40]}', which is not read as a time: write "
                "times as 2024-01-31 or 2024-01-31 13:00, or give --time-column none if the table has no times"
            )
