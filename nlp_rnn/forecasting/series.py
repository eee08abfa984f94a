"""Series in tables: wide format, a column per series, or long format, a row per value."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nlp_rnn import resources
from nlp_rnn.checks import InputError, UsageError, nearest
from nlp_rnn.datasets.series_tables import read_table
from nlp_rnn.datasets.times import times_of
from nlp_rnn.deprecation import renamed_arguments
from nlp_rnn.forecasting.panel import Panel
from nlp_rnn.forecasting.regular import CovariateTable, SeriesDataset, SeriesRows, place_of, regular_dataset
from nlp_rnn.progress import say

USUAL_NAMES = {
    "series": ("series", "unique_id", "series_id", "item_id", "id", "item", "sku", "store", "name"),
    "time": ("time", "ds", "date", "datetime", "timestamp", "period", "month", "week", "day", "year", "quarter"),
    "value": ("value", "y", "values", "target", "sales", "demand", "count", "quantity"),
    "category": ("category", "kind", "type", "class"),
}
ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".tsv.gz", ".jsonl.gz")
DATES = 10_000_000  # integers from this on may be dates, such as 20240131


@renamed_arguments({"step": "frequency"})
def open_series(
    data: str,
    series_column: str | None = None,
    value_column: str | None = None,
    time_column: str | None = None,
    frequency: str = "",
    future_columns: Sequence[str] = (),
    past_columns: Sequence[str] = (),
) -> SeriesDataset:
    """Open a data set of series.

    Args:
        data: the name of a data set that ships, or a .csv, .tsv, .jsonl or .parquet file. A file with a column of
            values and a column of series names is in long format; in any other, every column of numbers is a series.
        series_column, value_column, time_column: names of columns; None to detect them by common names.
        frequency: the frequency to assume if there are too few values to infer it; see `calendar`.
        future_columns, past_columns: columns of covariates that are known for future times, such as a price, in rows
            with empty values; and of those that are not, such as the weather.

    Raises:
        UsageError: no such data set, file or column.
        InputError: the data are broken; the message says where.
    """
    if data.partition("/")[0] in resources.data_sets():
        if future_columns or past_columns:
            raise UsageError(f"{data} ships with nlp-rnn and has no columns of covariates")
        return _shipped(data)
    path = Path(data)
    if path.is_dir():
        raise UsageError(f"{data} is a folder: series are read from one file, {', '.join(ENDINGS[:4])} (.gz)")
    if not path.is_file():
        known = resources.data_sets()
        raise UsageError(f"{data}: no such file, and no such data set.{nearest(data, known)}")
    if not path.name.endswith(ENDINGS):
        raise UsageError(f"{data}: series are read from {', '.join(ENDINGS[:4])} (.gz)")
    named = {"series": series_column, "value": value_column, "time": time_column}
    table = read_table(path, lambda columns, role: _column_of(columns, named, role))
    covariates = _covariates(path, table, named, future_columns, past_columns)
    table = table.drop(columns=list(covariates.columns))
    columns = _columns(path, table, named)
    time, series = _long(path, table, columns) if columns["value"] else _wide(path, table, columns["time"])
    times = None
    if time is not None and not _counts_steps(path, table[time], [one.rows for one in series]):
        times = times_of(table[time], lambda row: place_of(path, row), time)
    categories = _factorized(table[columns["category"]])[1] if columns["category"] else ()
    return regular_dataset(path, times, series, tuple(map(str, categories)), covariates, frequency)


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


def _column_of(columns, named, role):
    """The column of a role: the named one, or one with a common name."""
    lowered = {str(column).lower().strip(): column for column in reversed(list(columns))}
    return named.get(role) or next((lowered[name] for name in USUAL_NAMES[role] if name in lowered), None)


def _columns(path, table, named):
    """The column of each role, None if there is none."""
    for role, column in named.items():
        if column is not None and column not in table.columns:
            raise UsageError(f"{path} has no column '{column}' for the {role}; it has: {', '.join(table.columns)}")
    roles = {role: _column_of(table.columns, named, role) for role in USUAL_NAMES}
    dated = [column for column in table.columns if table[column].dtype.kind == "M"]
    roles["time"] = roles["time"] or next(iter(dated), None)
    if not roles["series"] and not named["value"]:
        roles |= _names_and_values(table, roles)
    others = len(table.columns) - 1 - (roles["time"] is not None)
    if roles["value"] and not roles["series"] and others and not named["value"]:
        roles["value"] = None  # one of several columns of numbers
    if named["series"] and not roles["value"]:
        rest = [c for c in table.columns if c not in roles.values() and c not in dated and _is_numeric(table[c])]
        if len(rest) != 1:
            raise UsageError(f"{path}: which column holds the values? Give --value-column, one of: {', '.join(rest)}")
        roles["value"] = rest[0]
    if not roles["value"]:
        roles["series"] = roles["category"] = None
    return roles


def _names_and_values(table, roles):
    """The columns of names and values if none has a common name, but times are repeated and one column holds words.

    Empty if two columns hold words, if words are hardly ever repeated, or if two columns may hold the values.
    """
    time = roles["time"]
    if time is None or not table[time].duplicated().any():
        return {}
    rest = [column for column in table.columns if column != time]
    numbers = [column for column in rest if _is_numeric(table[column])]
    words = [column for column in rest if column not in numbers]
    value = roles["value"] or (numbers[0] if len(numbers) == 1 else None)
    if len(words) != 1 or not value or table[words[0]].isna().any() or 2 * table[words[0]].nunique() > len(table):
        return {}
    say(f"column '{words[0]}' names the series, '{value}' holds their values")
    return {"series": words[0], "value": value, "category": None}


def _covariates(path, table, named, future_columns, past_columns):
    """The covariates of all rows.

    Raises:
        UsageError: there is no such column, or a column is named twice or has another role.
    """
    names = [*future_columns, *past_columns]
    roles = {_column_of(table.columns, named, role): role for role in ("series", "time", "value")}
    for name in names:
        if name not in table.columns:
            raise UsageError(f"{path} has no column '{name}'; it has: {', '.join(table.columns)}")
        if name in roles:
            raise UsageError(f"the column '{name}' holds the {roles[name]} of {path}: it cannot be a covariate")
        if names.count(name) > 1:
            raise UsageError(f"the column '{name}' is named twice: it is known for future times, or it is not")
    values = [_numbers(path, table, name) for name in names]
    stacked = np.stack(values, 1) if names else np.zeros((len(table), 0))
    return CovariateTable(tuple(names), len(future_columns), stacked)


def _numbers(path, table, column):
    """A column as float64.

    Raises:
        InputError: a value is not a number, or not finite; the message says where.
    """
    import pandas as pd

    numbers = pd.to_numeric(table[column], errors="coerce").to_numpy(float, na_value=np.nan)
    broken = np.isnan(numbers) & table[column].notna().to_numpy()
    for wrong, what in (
        (broken, "not a number"),
        (np.isinf(numbers), "not finite"),
        (np.abs(numbers) > 1e18, "too large"),
    ):
        if wrong.any():
            row = int(wrong.argmax())
            value = str(table[column].iloc[row])[:40]
            raise InputError(
                f"{place_of(path, row)}, column '{column}': '{value}' is {what}; leave missing values empty"
            )
    return numbers


def _wide(path, table, time):
    """The column of times and the series of a table in wide format, which are all columns of numbers."""
    columns = [column for column in table.columns if column != time and table[column].dtype.kind != "M"]
    if time is None and len(columns) > 1 and not _is_numeric(table[columns[0]]):
        time, columns = columns[0], columns[1:]
    words = [column for column in columns if table[column].notna().any() and not _is_numeric(table[column])]
    if words:
        shown = str(table[words[0]].dropna().iloc[0])[:40]
        say(f"left out, since they hold no numbers: {', '.join(words[:5])}; '{words[0]}' begins with '{shown}'")
    columns = [column for column in columns if column not in words]
    if not columns:
        raise InputError(f"{path} has no column of values" + (f" other than '{time}'" if time else ""))
    rows = np.arange(len(table))
    return time, [SeriesRows(column, rows, _numbers(path, table, column)) for column in columns]


def _counts_steps(path, column, series):
    """Whether a column of times counts steps, 1, 2, 3 …, in every series: then there are no times.

    Raises:
        InputError: it does, but a step is left out or occurs twice; the message says where.
    """
    if column.dtype.kind not in "iu" or column.between(1000, 3000).all() or column.max() >= DATES:
        return False
    for rows in series:
        wrong = np.diff(column.to_numpy()[rows]) != 1
        if wrong.any():
            row = int(rows[int(wrong.argmax()) + 1])
            raise InputError(
                f"{place_of(path, row)}: column '{column.name}' holds {column.iloc[row]} and counts steps, which must "
                "increase by one from row to row, with missing values left empty; or write times as 2024-01-31"
            )
    say(f"column '{column.name}' counts steps: there are no times")
    return True


def _is_numeric(column):
    import pandas as pd

    return pd.to_numeric(column, errors="coerce").notna().any()


def _long(path, table, columns):
    """The same for a table in long format."""
    values = _numbers(path, table, columns["value"])
    if columns["series"] is None:
        return columns["time"], [SeriesRows(columns["value"], np.arange(len(table)), values)]
    names = table[columns["series"]]
    empty = (names.isna() | (names.astype(str) == "")).to_numpy()
    if empty.any():
        row = int(empty.argmax())
        raise InputError(f"{place_of(path, row)}: column '{columns['series']}' is empty; every value needs its series")
    codes, known = _factorized(names)
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(known)))
    parts = np.split(order, ends[:-1])
    _check_keys(path, table, columns)
    category = columns["category"]
    category_ids = _factorized(table[category])[0] + 1 if category else np.zeros(len(table), np.int64)
    named = zip(known, parts, strict=True)
    series = [SeriesRows(str(name), rows, values[rows], int(category_ids[rows[0]])) for name, rows in named]
    return columns["time"], series


def _check_keys(path, table, columns):
    """Check that no further column is needed to distinguish the series.

    Raises:
        InputError: a series has two values for a time, and only one if another column is part of its name; the message
            names that column.
    """
    keys = [columns["series"], columns["time"]]
    if None in keys or not table.duplicated(keys).any():
        return
    words = [c for c in table.columns if c not in columns.values() and not _is_numeric(table[c])]
    other = next((c for c in words if not table.duplicated([*keys, c]).any()), None)
    if other is not None:
        row = int(table.duplicated(keys).to_numpy().argmax())
        raise InputError(
            f"{place_of(path, row)}: '{table[keys[0]].iloc[row]}' has two values for a time; '{keys[0]}' names the "
            f"series, and '{other}' differs: write both in one column, such as 'store 1/item 2'"
        )


def _factorized(column):
    import pandas as pd

    return pd.factorize(column.astype(str).where(column.notna().to_numpy()), sort=True)  # -1 for a missing one
