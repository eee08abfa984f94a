"""The columns that hold the time of a row: one column, a day and a clock time, or a year and a month."""

from collections.abc import Mapping, Sequence

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.clocks import clock_columns, clock_texts, holds_digits, hours_as_clock
from nlp_rnn.datasets.columns import NO_COLUMN
from nlp_rnn.datasets.frames import Frame
from nlp_rnn.datasets.kinds import MAYBE_TIME, TIME, excel_days, part_of
from nlp_rnn.datasets.months import MONTHS
from nlp_rnn.datasets.names import LIKELY_WORDS, TIME_WORDS, usual_column, words_of
from nlp_rnn.datasets.time_parts import part_texts
from nlp_rnn.datasets.time_text import ISO
from nlp_rnn.datasets.times import Times, as_text, read_times

WITHIN_A_YEAR = ("month", "quarter", "week")


def find_time_columns(frame: Frame, kinds: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that together hold the time of a row; none if there are no times.

    Args:
        frame: the table.
        kinds: what each column holds.

    Raises:
        UsageError: several columns hold times, and none has a common name.
    """
    parts = {part: column for column in reversed(list(kinds)) if (part := part_of(frame, column))}
    full = [column for column in kinds if kinds[column] == TIME and column != parts.get("year")]
    full += [column for column in kinds if column not in full and excel_days(frame.table[column], column)]
    full = [column for column in full if len(full) == 1 or not holds_digits(frame, column)]
    if full:
        column = _one_of(frame, full)
        return (column, *clock_columns(frame, column, kinds, parts))
    if "year" in parts and (found := next((part for part in WITHIN_A_YEAR if part in parts), None)):
        finer = [part for part in ("day", "hour", "minute") if part in parts and found == "month"]
        return tuple(parts[part] for part in ("year", found, *(finer if "day" in finer else [])))
    if kinds.get(parts.get("year", "")) == TIME:
        return (parts["year"],)
    perhaps = [column for column in kinds if kinds[column] == MAYBE_TIME]
    if perhaps:
        raise UsageError(
            f"{frame.path}: does the column '{perhaps[0]}' hold times or values? Give --time-column '{perhaps[0]}', or "
            f"--time-column {NO_COLUMN}"
        )
    return ()


def _one_of(frame, columns):
    """The column of times that has a common name, or the only one."""
    usual = usual_column(columns, "time")
    if usual or len(columns) == 1:
        return usual or columns[0]
    named = [column for column in columns if set(words_of(column)) & (TIME_WORDS | LIKELY_WORDS)]
    if len(named) == 1:
        return named[0]
    raise UsageError(f"{frame.path}: which column holds the time? Give --time-column, one of: {', '.join(columns)}")


def read_time_columns(frame: Frame, columns: Sequence[str]) -> Times:
    """The times of all rows.

    Args:
        frame: the table.
        columns: the columns that together hold the time.

    Raises:
        InputError: a row holds no time; the message names it.
    """
    name = " + ".join(columns)
    if len(columns) == 1:
        return read_times(frame.table[columns[0]], frame.place, name, frame.factorized(columns[0]))
    parts = {part_of(frame, column) or "": (column, as_text(frame.texts(column))) for column in columns}
    if "year" not in parts:
        return Times(read_times(_day_and_clock(frame, columns), frame.place, name).values, ISO)
    together = _joined({part: text for part, (_, text) in parts.items()})
    return Times(read_times(together, frame.place, name).values, ISO._replace(columns=part_texts(parts)))


def _day_and_clock(frame, columns):
    """Texts of days with clock times."""
    day = frame.table[columns[0]]
    text = day.dt.strftime("%Y-%m-%d") if day.dtype.kind == "M" else as_text(day)
    return text + " " + clock_texts(frame, columns[0], columns[1:])


def _joined(parts):
    """Texts of times from the texts of their parts."""
    year = parts["year"]
    if "quarter" in parts:
        return year + "Q" + parts["quarter"].str[-1]
    if "week" in parts:
        return year + "-W" + parts["week"].str.replace(r"^\D", "", regex=True).str.zfill(2)
    names = {name: str(number) for name, number in MONTHS.items()}
    month = parts["month"].map(lambda text: names.get(str(text).lower().rstrip("."), str(text).lstrip("Mm")))
    text = year + "-" + month.str.zfill(2)
    if "day" in parts:
        text = text + "-" + parts["day"].str.zfill(2)
    return text + " " + hours_as_clock(parts) if "hour" in parts else text
