"""The roles of the columns of a table of series, from their content and their names."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.account import Roles, check_column
from nlp_rnn.datasets.columns import NO_COLUMN
from nlp_rnn.datasets.doubts import check_columns, check_times
from nlp_rnn.datasets.frames import Frame, is_mostly_numbers
from nlp_rnn.datasets.kinds import (
    EMPTY,
    MAYBE_TIME,
    NUMBER,
    TIME,
    WORD,
    identifies_rows,
    kind_of,
    numbers_rows,
    part_of,
    some_texts,
)
from nlp_rnn.datasets.names import (
    COUNTER_WORDS,
    ENTITY_WORDS,
    ID_WORDS,
    names_part_of_times,
    names_times,
    usual_column,
    words_of,
)
from nlp_rnn.datasets.points import in_order, run_of_points
from nlp_rnn.datasets.steps import counting_column, counting_words
from nlp_rnn.datasets.time_columns import find_time_columns

SHOWN = 5  # columns of values that are listed
FEW_ROWS = 10  # below which unique words may still name series of one value
MOST_KEYS = 3  # columns that together name a series


@dataclass(kw_only=True)
class SeriesRoles(Roles):
    """What each column of a table of series is.

    Attributes:
        time: the columns that together hold the time.
        steps: the column that counts steps instead.
        series: the columns that together name the series.
        values: the columns of values.
        category: the column of categories.
        by_row: each row is a series, and each column of values a point of it.
    """

    time: tuple[str, ...] = ()
    steps: str | None = None
    series: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    category: str | None = None
    by_row: bool = False

    def parts(self) -> dict[str, str]:
        """The names of columns by role."""
        if self.by_row:
            named, first, last = " + ".join(self.series), self.values[0], self.values[-1]
            return {"": f"a series in each row, named by {named}, from {first} to {last}"}
        values = self.values[:SHOWN] + (("…",) if len(self.values) > SHOWN else ())
        steps = f"none, {self.steps} counts steps" if self.steps else "none"
        return {
            "time": " + ".join(self.time) or steps,
            "series": " + ".join(self.series),
            "values": ", ".join(values),
            "category": self.category or "",
        }


def series_roles(frame: Frame, named: Mapping[str, str | None], taken: Collection[str] = ()) -> SeriesRoles:
    """The roles of the columns of a table of series.

    Args:
        frame: the table.
        named: the columns that the user named, by "series", "value" and "time"; several with commas between them.
        taken: columns with another role.

    Raises:
        UsageError: a named column is missing, or it is not clear which column has a role; the message names the option
            that decides.
    """
    columns = [column for column in frame.table.columns if column not in taken]
    given = {role: _named(frame, name, role) for role, name in named.items()}
    kinds = {column: kind_of(frame, column) for column in columns}
    timeless = named.get("time") == NO_COLUMN and NO_COLUMN not in columns
    if not given["time"] and not given["value"] and (run := run_of_points(kinds)):
        return _by_row(frame, run, kinds, given["series"])
    if not given["time"]:
        check_columns(frame, kinds)
    roles = SeriesRoles(time=given["time"] or (() if timeless else find_time_columns(frame, kinds)))
    if len(roles.time) < 2 and (step := counting_column(frame, roles.time, kinds)):
        roles.time, roles.steps = (), step
    if not (roles.time or roles.steps or timeless):
        roles.steps = _steps_in_words(frame, kinds, given)
    rest = [column for column in columns if column not in (*roles.time, roles.steps)]
    kinds |= {column: _without_times(frame, column) for column in rest if kinds[column] == MAYBE_TIME}
    if not (roles.time or roles.steps or timeless):
        check_times(frame, kinds, {*given["series"], *given["value"]})
    numbers = _leave_out(frame, rest, kinds, roles, {*given["series"], *given["value"]})
    roles.series = given["series"] or _series_columns(frame, rest, kinds, roles, given["value"])
    roles.values = given["value"] or _value_columns(frame, numbers, roles)
    if roles.series:
        roles.category = usual_column([c for c in rest if kinds[c] == WORD and c not in roles.series], "category")
    _leave_out_the_rest(rest, kinds, roles)
    return roles


def _without_times(frame, column):
    """What a column holds that might hold times and does not."""
    return NUMBER if is_mostly_numbers(some_texts(frame.table[column])) else WORD


def _named(frame, name, role):
    """The columns that the user named for a role."""
    if name is None or (role == "time" and name == NO_COLUMN and name not in frame.table):
        return ()
    names = (name,) if name in frame.table else tuple(part.strip() for part in name.split(","))
    for column in names:
        check_column(str(frame.path), column, frame.table.columns, role)
    return names


def _steps_in_words(frame, kinds, given):
    """The column of words that count the steps, if with it and the columns that name the series no row repeats."""
    named = {*given["series"], *given["value"]}
    column = counting_words(frame, kinds, named)
    if column is None:
        return None
    rest = [name for name in kinds if name != column]
    numbered = SeriesRoles(steps=column)
    series = given["series"] or _series_columns(frame, rest, kinds, numbered, given["value"])
    return None if frame.repeats(column, *series) else column


def _leave_out(frame, rest, kinds, roles, given):
    """Record the columns that are certainly not values; return the other columns of numbers."""
    numbers = [column for column in rest if kinds[column] == NUMBER]
    counters = [column for column in numbers if numbers_rows(frame.table[column])]
    for column in rest:
        if column in given:
            continue
        named = set(words_of(column)) & COUNTER_WORDS or column.startswith("column ")
        others = len(numbers) > len(counters) and frame.table[column].iloc[0] in (0, 1, "0", "1")
        if column in counters and (others or (named and len(numbers) > 1)):
            roles.left_out[column] = "row number"
        elif named and column in numbers and len(numbers) > 1 and identifies_rows(frame.table[column]):
            roles.left_out[column] = "identifies rows"
        elif roles.time and part_of(frame, column) and kinds[column] != WORD:
            roles.left_out[column] = "part of the time"
        elif kinds[column] == TIME or (roles.time and kinds[column] == NUMBER and names_times(column)):
            roles.left_out[column] = "times as well"
        elif kinds[column] == NUMBER and column.startswith("column ") and frame.dialect and len(numbers) > 1:
            roles.left_out[column] = "no name"
    return [column for column in numbers if column not in roles.left_out]


def _series_columns(frame, rest, kinds, roles, value) -> tuple[str, ...]:
    """The columns that name the series: those that make the times unique."""
    possible = [c for c in rest if c not in roles.left_out and c not in value and kinds[c] in (WORD, NUMBER)]
    order = roles.time or ((roles.steps,) if roles.steps else ())
    usual = usual_column([c for c in possible if not _identifies_rows(frame, c, kinds, order)], "series")
    if not order or not frame.repeats(*order):
        entities = [] if usual or not roles.time else _entities(frame, possible)
        return (usual,) if usual and len(possible) > 1 else tuple(entities)
    words = [c for c in possible if _may_name_series(frame, c, kinds) or c == usual]
    words = [c for c in words if c != usual_column(possible, "value")]
    words.sort(key=lambda column: (frame.table[column].nunique(), column))  # the same in every order of the columns
    for size in range(1, MOST_KEYS + 1):
        keys = [key for key in combinations(words, size) if not frame.repeats(*order, *key)]
        keys = _distinct(frame, keys, usual, roles)
        if len(keys) > 1:
            names = ", ".join(" + ".join(key) for key in keys)
            raise UsageError(f"{frame.path}: which column names the series? Give --series-column, one of: {names}")
        if keys:
            return keys[0]
    return (usual,) if usual else ()


def _entities(frame, columns):
    """The column of things such as shops or sensors that recur, so that rows at different times are of several series.

    Raises:
        UsageError: there are several.
    """
    found = [c for c in columns if set(words_of(c)) & ENTITY_WORDS and 2 * frame.table[c].nunique() <= len(frame.table)]
    found = [column for column in found if frame.table[column].nunique() > 1 and frame.table[column].notna().all()]
    if len(found) > 1:
        raise UsageError(
            f"{frame.path}: which column names the series? Give --series-column, one or several of: {', '.join(found)}"
        )
    return found


def _may_name_series(frame, column, kinds):
    """Whether a column holds words that recur, or identifiers, according to its name."""
    values = frame.table[column]
    if names_part_of_times(column):
        return False
    recurs = kinds[column] == WORD and 2 * values.nunique() <= len(values)
    return values.notna().all() and (recurs or bool(set(words_of(column)) & ID_WORDS))


def _identifies_rows(frame, column, kinds, time):
    """Whether each row has its own value and the times are already unique: each series would be a single value."""
    values = frame.table[column]
    if not values.is_unique or values.isna().any() or (kinds[column] == WORD and len(values) < FEW_ROWS):
        return False
    return len(values) > 1 and not (time and frame.repeats(*time))


def _distinct(
    frame: Frame, keys: list[tuple[str, ...]], usual: str | None, roles: SeriesRoles
) -> list[tuple[str, ...]]:
    """The keys, except for those that define the same series as an earlier one; only one with a common name, if any."""
    if usual and (usual,) in keys:
        return [(usual,)]
    kept: list[tuple[str, ...]] = []
    for key in keys:
        number = _groups(frame, *key)
        same = [k for k in kept if _groups(frame, *k, *key) == number]
        if same and _groups(frame, *same[0]) == number:
            roles.left_out |= {column: "names the same series" for column in key if column not in same[0]}
        else:
            kept.append(key)
    return kept


def _groups(frame, *columns):
    """The number of distinct combinations of values in some columns."""
    return len(np.unique(frame.codes(*columns)))


def _value_columns(frame, numbers, roles):
    """The columns of values: a single one in long format, otherwise all columns of numbers."""
    numbers = [column for column in numbers if column not in roles.series]
    if not roles.series:
        ids = [c for c in numbers if set(words_of(c)) & ID_WORDS and frame.table[c].nunique() == 1]
        if len(ids) < len(numbers):
            roles.left_out |= dict.fromkeys(ids, "one value throughout")
            numbers = [column for column in numbers if column not in ids]
        return tuple(numbers)
    usual = usual_column(numbers, "value")
    if usual is None and len(numbers) != 1:
        available = ", ".join(numbers or (column for column in frame.table if column not in roles.series))
        raise UsageError(f"{frame.path}: which column holds the values? Give --value-column, one of: {available}")
    return (usual or numbers[0],)


def _leave_out_the_rest(rest, kinds, roles):
    used = {*roles.time, *roles.series, *roles.values, roles.category, roles.steps, *roles.left_out}
    why = {WORD: "words", EMPTY: "empty", NUMBER: "other numbers"}
    for column in rest:
        if column not in used and not (kinds[column] == EMPTY and column.startswith("column ")):
            roles.left_out[column] = why.get(kinds[column], "a clock time without a day")


def _by_row(frame, run, kinds, series):
    """The roles of the columns where each row is a series."""
    before = [column for column in kinds if column not in run and kinds[column] != EMPTY]
    words = [c for c in before if kinds[c] == WORD] or [c for c in before if set(words_of(c)) & ID_WORDS]
    unique = [column for column in words if frame.table[column].is_unique]
    names = series or ((unique[0],) if unique else tuple(words))
    roles = SeriesRoles(series=names, values=tuple(in_order(run)), by_row=True)
    roles.left_out = {c: "names of rows" if c in words else "other numbers" for c in before if c not in names}
    return roles
