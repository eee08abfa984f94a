"""Tables of series: wide format, a column per series; long format, a row per value; or a row per series."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nlp_rnn import resources
from nlp_rnn.checks import InputError, UsageError, nearest
from nlp_rnn.datasets.frames import Frame, read_frame
from nlp_rnn.datasets.missing_marks import check_missing_marks
from nlp_rnn.datasets.names import usual_column
from nlp_rnn.datasets.numbers import to_numbers
from nlp_rnn.datasets.points import point_name
from nlp_rnn.datasets.roles import Wanted, find_roles
from nlp_rnn.datasets.series_roles import SeriesRoles
from nlp_rnn.datasets.steps import step_numbers
from nlp_rnn.datasets.time_columns import read_time_columns
from nlp_rnn.datasets.time_forms import matching
from nlp_rnn.datasets.times import Times, read_times
from nlp_rnn.deprecation import renamed_arguments
from nlp_rnn.forecasting.panel import Panel
from nlp_rnn.forecasting.regular import CovariateTable, SeriesDataset, SeriesRows, regular_dataset

ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx", ".csv.gz", ".tsv.gz", ".jsonl.gz")


@renamed_arguments({"step": "frequency"})
def open_series(
    data: str,
    series_column: str | None = None,
    value_column: str | None = None,
    time_column: str | None = None,
    frequency: str = "",
    future_columns: Sequence[str] = (),
    past_columns: Sequence[str] = (),
    decimal_mark: str | None = None,
) -> SeriesDataset:
    """Open a data set of series.

    Args:
        data: the name of a data set that ships, or a .csv, .tsv, .jsonl, .parquet or .xlsx file. A file with a column
            of values and a column of series names is in long format; a file whose columns are named with times or
            numbered has a series in each row; in any other, every column of numbers is a series.
        series_column, value_column, time_column: names of columns, several with commas between them; None to detect
            them by their content and by common names.
        frequency: the frequency to assume if there are too few values to infer it; see `calendar`.
        future_columns, past_columns: columns of covariates that are known for future times, such as a price, in rows
            with empty values; and of those that are not, such as the weather.
        decimal_mark: "." or ","; None to detect it.

    Raises:
        UsageError: no such data set, file or column, or it is not clear which column has a role.
        InputError: the data are broken; the message says where.
    """
    covariates = (*future_columns, *past_columns)
    path = _file(data)
    if path is None:
        if covariates:
            raise UsageError(f"{data} ships with nlp-rnn and has no columns of covariates")
        return _shipped(data)
    frame = read_frame(path, decimal_mark)
    named = {"series": series_column, "value": value_column, "time": time_column}
    _check_covariates(frame, covariates, named)
    roles = find_roles(frame, Wanted(named, taken=covariates))
    values = [_numbers(frame, name) for name in covariates]
    table = CovariateTable(
        covariates, len(future_columns), np.stack(values, 1) if values else np.zeros((len(frame.table), 0))
    )
    notes = [roles.account()]
    if roles.by_row:
        dataset = _by_row(frame, roles, frequency)
    else:
        series, categories, times = _by_column(frame, roles, notes)
        dataset = regular_dataset(frame, times, series, categories, table, frequency)
    dataset.notes[:0] = notes
    return dataset


def _file(data):
    """The file that is named; None for a data set that ships.

    Raises:
        UsageError: there is no such file, or it is no table.
    """
    path = Path(data)
    if data.partition("/")[0] in resources.data_sets():
        return None
    if path.is_dir():
        raise UsageError(f"{data} is a folder: series are read from one file, {', '.join(ENDINGS[:5])} (.gz)")
    if not path.is_file():
        known = resources.data_sets()
        raise UsageError(f"{data}: no such file, and no such data set.{nearest(data, known)}")
    if not path.name.lower().endswith(ENDINGS):
        raise UsageError(f"{data}: series are read from {', '.join(ENDINGS[:5])} (.gz)")
    return path


def _shipped(data):
    from nlp_rnn.datasets.catalogue import shipped_rows

    splits, about = shipped_rows(data)
    if "values" not in next(iter(splits["train"]), {}):
        raise UsageError(f"{data} holds no series of numbers; choose another, such as m3/monthly")
    following = {row["series"]: row["values"] for row in splits.get("test", [])}
    rows = [(row["series"].decode(), row["values"], following.get(row["series"], []), row) for row in splits["train"]]
    rows.sort(key=lambda row: row[0])
    values = [np.concatenate([train, test]).astype(np.float64) for _, train, test, _ in rows]
    categories = tuple(sorted({row["category"].decode() for *_, row in rows}))
    numbers = {name: number for number, name in enumerate(categories, 1)}
    category_ids = np.array([numbers[row["category"].decode()] for *_, row in rows], np.int32)
    offsets = np.cumsum([0, *map(len, values)])
    names = tuple(row[0] for row in rows)
    season, frequency = about["season"], about["step"]
    panel = Panel(data, names, np.concatenate(values), offsets, season, category_ids, categories, frequency=frequency)
    return SeriesDataset(panel, about["horizon"])


def _check_covariates(frame, names, named):
    """Check the names of the columns of covariates.

    Raises:
        UsageError: there is no such column, or a column is named twice or has another role.
    """
    columns = list(frame.table.columns)
    roles = {column or usual_column(columns, role): role for role, column in named.items()}
    for name in names:
        if name not in columns:
            raise UsageError(f"{frame.path} has no column '{name}'; it has: {', '.join(columns)}")
        if name in roles:
            raise UsageError(f"the column '{name}' holds the {roles[name]} of {frame.path}: it cannot be a covariate")
        if names.count(name) > 1:
            raise UsageError(f"the column '{name}' is named twice: it is known for future times, or it is not")


def _by_column(frame: Frame, roles: SeriesRoles, notes: list[str]) -> tuple[list[SeriesRows], tuple, Times | None]:
    """The series of a table in wide or long format, the names of their categories, and the times."""
    frame.check_widths()
    times = read_time_columns(frame, roles.time) if roles.time else None
    series, categories = _long(frame, roles) if roles.series else (_wide(frame, roles), ())
    steps = step_numbers(frame.table[roles.steps]) if roles.steps else None
    series, moved = _in_order(steps if times is None else times.values, series)
    if moved:
        notes.append(f"the rows are out of order: they are sorted by {roles.steps or 'time'}")
    if steps is not None:
        _check_steps(frame, roles.steps, steps, series)
    return series, categories, times


def _numbers(frame, name):
    """A column of numbers without marks of missing values."""
    values = to_numbers(frame.table[name], frame.marks, frame.place, name)
    check_missing_marks(values, frame.place, name)
    return values


def _wide(frame, roles):
    """The series of a table in wide format."""
    if not roles.values and "empty" in roles.left_out.values():
        raise InputError(f"{frame.path}: all values are missing")
    if not roles.values:
        raise InputError(
            f"{frame.path} has no column of values" + (f" other than '{roles.time[0]}'" if roles.time else "")
        )
    rows = np.arange(len(frame.table))
    return [SeriesRows(name, rows, _numbers(frame, name)) for name in roles.values]


def _long(frame, roles):
    """The series of a table in long format, and the names of their categories."""
    if len(roles.values) != 1:
        raise UsageError(f"{frame.path}: --value-column takes one column where --series-column names the series")
    [value] = roles.values
    values = _numbers(frame, value)
    codes, names = _named(frame, roles.series)
    order = np.argsort(codes, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(codes, minlength=len(names)))[:-1])
    ids, categories = np.zeros(len(values), np.int64), ()
    if roles.category:
        codes, categories = frame.named(roles.category)
        ids = codes + 1
    series = [SeriesRows(name, rows, values[rows], int(ids[rows[0]])) for name, rows in zip(names, parts, strict=True)]
    return series, tuple(map(str, categories))


def _named(frame, columns):
    """The number of the series of each row, and the names of the series in alphabetical order.

    Raises:
        InputError: a row names no series; the message says which.
    """
    parts = [_names(frame, column) for column in columns]
    codes, names = parts[0][0], list(parts[0][1])
    for more, others in parts[1:]:
        pairs, codes = np.unique(codes * len(others) + more, return_inverse=True)
        names = [f"{names[pair // len(others)]}/{others[pair % len(others)]}" for pair in pairs]
    return codes, names


def _names(frame, column):
    """The number of the name in each row, and the names."""
    codes, names = frame.named(column)
    empty = codes < 0 if "" not in names else (codes < 0) | (codes == list(names).index(""))
    if empty.any():
        row = frame.place(int(empty.argmax()))
        raise InputError(f"{row}: column '{column}' is empty; every value needs its series")
    return codes, names


def _by_row(frame: Frame, roles: SeriesRoles, frequency: str) -> SeriesDataset:
    """The series of a table with a row per series; without times, up to their last values."""
    values = np.stack([to_numbers(frame.table[name], frame.marks, frame.place, name) for name in roles.values])
    for row, points in enumerate(values.T):
        check_missing_marks(points, lambda _, row=row: frame.place(row), f"{roles.values[0]} to {roles.values[-1]}")
    codes, names = _named(frame, roles.series)
    if len(names) < len(codes):
        row = int(np.argmax([(codes[:n] == code).any() for n, code in enumerate(codes)]))
        raise InputError(
            f"{frame.place(row)}: '{names[codes[row]]}' names a second series; give each a name of its own"
        )
    times, points = _point_times(frame, roles.values), len(roles.values)
    ends = [points] * len(codes) if times else [np.flatnonzero(~np.isnan(row)).max(initial=0) + 1 for row in values.T]
    rows = [
        SeriesRows(names[c], np.arange(end), values[:end, n])
        for n, (c, end) in enumerate(zip(codes, ends, strict=True))
    ]
    none = CovariateTable((), 0, np.zeros((points, 0)))
    return regular_dataset(frame, times, sorted(rows, key=lambda one: one.name), (), none, frequency)


def _point_times(frame, columns) -> Times | None:
    """The times that columns are named with, if they are."""
    import pandas as pd

    names = [point_name(column) for column in columns]
    return (
        read_times(pd.Series(names), lambda number: f"{frame.path}, column {number + 1}", "names")
        if matching(names)
        else None
    )


def _in_order(times, series):
    """The rows of each series in the order of their times, or of their steps, and whether some were not."""
    if times is None:
        return series, False
    ordered = []
    for one in series:
        at = times[one.rows]
        if len(at) > 1 and (at[1:] < at[:-1]).any():
            order = np.argsort(at, kind="stable")
            ordered.append(one._replace(rows=one.rows[order], values=one.values[order]))
        else:
            ordered.append(one)
    return ordered, any(a is not b for a, b in zip(ordered, series, strict=True))


def _check_steps(frame, name, steps, series):
    """Check that a column counts steps, 1, 2, 3 …, in every series.

    Raises:
        InputError: a step is left out or occurs twice; the message says where.
    """
    column = frame.table[name].to_numpy()
    for one in series:
        wrong = np.diff(steps[one.rows]) != 1
        if wrong.any():
            row = int(one.rows[int(wrong.argmax()) + 1])
            raise InputError(
                f"{frame.place(row)}: column '{name}' holds {column[row]} and counts steps, which must "
                "increase by one from row to row, with missing values left empty; or write times as 2024-01-31"
            )
