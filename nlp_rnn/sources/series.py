"""Series of numbers in tables: one column a series, or one row a value; in shipped sets, one row a series."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nlp_rnn import shipped
from nlp_rnn.checks import CallError, InputError, nearest
from nlp_rnn.panel import Panel
from nlp_rnn.progress import say
from nlp_rnn.sources import calendar
from nlp_rnn.sources.regular import Beside, Opened, Rows, joined, place_of
from nlp_rnn.sources.series_tables import read_table

USUAL = {
    "series": ("series", "unique_id", "series_id", "item_id", "id", "item", "sku", "store", "name"),
    "time": ("time", "ds", "date", "datetime", "timestamp", "period", "month", "week", "day", "year", "quarter"),
    "value": ("value", "y", "values", "target", "sales", "demand", "count", "quantity"),
    "category": ("category", "kind", "type", "class"),
}
ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".tsv.gz", ".jsonl.gz")
DATES = 10_000_000  # whole numbers from here on may be dates, 20240131


def open_series(
    data: str,
    series_column: str | None = None,
    value_column: str | None = None,
    time_column: str | None = None,
    step: str = "",
    future_columns: Sequence[str] = (),
    past_columns: Sequence[str] = (),
) -> Opened:
    """Open series.

    Args:
        data: a shipped set's name, or a .csv, .tsv, .jsonl or .parquet file. A file with a column of values and one of
            series' names holds one row a value; else every column of numbers is a series.
        series_column, value_column, time_column: names of columns; guessed where None.
        step: the time between values where so few are given that it cannot be told; see `calendar`.
        future_columns, past_columns: columns of what is known beside the values: for times to come as well, such as a
            price, in rows whose values are left empty; or not, such as the weather.

    Raises:
        CallError: no such set, file or column.
        InputError: the data are broken; says where.
    """
    if data.partition("/")[0] in shipped.data_sets():
        if future_columns or past_columns:
            raise CallError(f"{data} ships with this project and has no columns but the values")
        return _shipped(data)
    path = Path(data)
    if path.is_dir():
        raise CallError(f"{data} is a folder: series are read from one file, {', '.join(ENDINGS[:4])} (.gz)")
    if not path.is_file():
        known = shipped.data_sets()
        raise CallError(f"{data}: no such file, and no such data set.{nearest(data, known)}")
    if not path.name.endswith(ENDINGS):
        raise CallError(f"{data}: series are read from {', '.join(ENDINGS[:4])} (.gz)")
    asked = {"series": series_column, "value": value_column, "time": time_column}
    table = read_table(path, lambda columns, role: _named(columns, asked, role))
    beside = _beside(path, table, asked, future_columns, past_columns)
    table = table.drop(columns=list(beside.columns))
    columns = _columns(path, table, asked)
    time, series = _long(path, table, columns) if columns["value"] else _wide(path, table, columns["time"])
    times = None
    if time is not None and not _counted(path, table[time], [one.rows for one in series]):
        times = calendar.times_of(table[time], lambda row: place_of(path, row), time)
    kinds = _factorized(table[columns["category"]])[1] if columns["category"] else ()
    return joined(path, times, series, tuple(map(str, kinds)), beside, step)


def _shipped(data):
    from nlp_rnn.sources.catalogue import shipped_rows

    splits, about = shipped_rows(data)
    if "values" not in next(iter(splits["train"]), {}):
        raise CallError(f"{data} holds no series of numbers; choose another, such as m3/monthly")
    following = {row["series"]: row["values"] for row in splits.get("test", [])}
    rows = [(row["series"].decode(), row["values"], following.get(row["series"], []), row) for row in splits["train"]]
    rows.sort(key=lambda row: row[0])
    values = [np.concatenate([known, after]).astype(np.float32) for _, known, after, _ in rows]
    kinds = tuple(sorted({row["category"].decode() for *_, row in rows}))
    numbers = {kind: number for number, kind in enumerate(kinds, 1)}
    categories = np.array([numbers[row["category"].decode()] for *_, row in rows], np.int32)
    offsets = np.cumsum([0, *map(len, values)])
    names = tuple(row[0] for row in rows)
    panel = Panel(data, names, np.concatenate(values), offsets, about["season"], categories, kinds, step=about["step"])
    return Opened(panel, about["horizon"])


def _named(columns, asked, role):
    """The column of a role: as asked, or one with a usual name."""
    lowered = {str(column).lower().strip(): column for column in reversed(list(columns))}
    return asked.get(role) or next((lowered[name] for name in USUAL[role] if name in lowered), None)


def _columns(path, table, asked):
    """The column of each role, None where there is none."""
    for role, column in asked.items():
        if column is not None and column not in table.columns:
            raise CallError(f"{path} has no column '{column}' for the {role}; it has: {', '.join(table.columns)}")
    found = {role: _named(table.columns, asked, role) for role in USUAL}
    dated = [column for column in table.columns if table[column].dtype.kind == "M"]
    found["time"] = found["time"] or next(iter(dated), None)
    if not found["series"] and not asked["value"]:
        found |= _names_and_values(table, found)
    others = len(table.columns) - 1 - (found["time"] is not None)
    if found["value"] and not found["series"] and others and not asked["value"]:
        found["value"] = None  # one of several columns of numbers
    if asked["series"] and not found["value"]:
        rest = [c for c in table.columns if c not in found.values() and c not in dated and _is_numeric(table[c])]
        if len(rest) != 1:
            raise CallError(f"{path}: which column holds the values? Say --value-column, one of: {', '.join(rest)}")
        found["value"] = rest[0]
    if not found["value"]:
        found["series"] = found["category"] = None
    return found


def _names_and_values(table, found):
    """The columns of names and values where no usual name says so, but times come again and one column is of words.

    Nothing where another one is, where the words are hardly ever the same, or where two columns may be the values.
    """
    time = found["time"]
    if time is None or not table[time].duplicated().any():
        return {}
    rest = [column for column in table.columns if column != time]
    numbers = [column for column in rest if _is_numeric(table[column])]
    words = [column for column in rest if column not in numbers]
    value = found["value"] or (numbers[0] if len(numbers) == 1 else None)
    if len(words) != 1 or not value or table[words[0]].isna().any() or 2 * table[words[0]].nunique() > len(table):
        return {}
    say(f"column '{words[0]}' names the series, '{value}' holds their values")
    return {"series": words[0], "value": value, "category": None}


def _beside(path, table, asked, future_columns, past_columns):
    """The covariates of all rows.

    Raises:
        CallError: there is no such column, or one is named twice or has another role.
    """
    names = [*future_columns, *past_columns]
    roles = {_named(table.columns, asked, role): role for role in ("series", "time", "value")}
    for name in names:
        if name not in table.columns:
            raise CallError(f"{path} has no column '{name}'; it has: {', '.join(table.columns)}")
        if name in roles:
            raise CallError(f"the column '{name}' holds the {roles[name]} of {path}: it cannot stand beside the values")
        if names.count(name) > 1:
            raise CallError(f"the column '{name}' is named twice: it is known for times to come, or it is not")
    values = [_numbers(path, table, name) for name in names]
    return Beside(tuple(names), len(future_columns), np.stack(values, 1) if names else np.zeros((len(table), 0)))


def _numbers(path, table, column):
    """A column as float64.

    Raises:
        InputError: a value is no number, or infinite; says where.
    """
    import pandas as pd

    numbers = pd.to_numeric(table[column], errors="coerce").to_numpy(float, na_value=np.nan)
    broken = np.isnan(numbers) & table[column].notna().to_numpy()
    for wrong, what in (
        (broken, "no number"),
        (np.isinf(numbers), "not finite"),
        (np.abs(numbers) > 1e18, "too large"),
    ):
        if wrong.any():
            row = int(wrong.argmax())
            value = str(table[column].iloc[row])[:40]
            raise InputError(
                f"{place_of(path, row)}, column '{column}': '{value}' is {what}; leave empty what is missing"
            )
    return numbers


def _wide(path, table, time):
    """Name, rows, values and category of each series: all columns of numbers."""
    columns = [column for column in table.columns if column != time and table[column].dtype.kind != "M"]
    if time is None and len(columns) > 1 and not _is_numeric(table[columns[0]]):
        time, columns = columns[0], columns[1:]
    words = [column for column in columns if table[column].notna().any() and not _is_numeric(table[column])]
    if words:
        shown = str(table[words[0]].dropna().iloc[0])[:40]
        say(f"left out, since they hold no numbers: {', '.join(words[:5])}; '{words[0]}' begins with '{shown}'")
    columns = [column for column in columns if column not in words]
    if not columns:
        raise InputError(f"{path} has no column of values" + (f" beside '{time}'" if time else ""))
    rows = np.arange(len(table))
    return time, [Rows(column, rows, _numbers(path, table, column)) for column in columns]


def _counted(path, column, series):
    """Whether a column of times counts steps, 1, 2, 3 …, in every series: there are then no times.

    Raises:
        InputError: it does, but a step is left out or comes twice; says where.
    """
    if column.dtype.kind not in "iu" or column.between(1000, 3000).all() or column.max() >= DATES:
        return False
    for rows in series:
        wrong = np.diff(column.to_numpy()[rows]) != 1
        if wrong.any():
            row = int(rows[int(wrong.argmax()) + 1])
            raise InputError(
                f"{place_of(path, row)}: column '{column.name}' holds {column.iloc[row]} and counts steps, which must "
                "go up by one from row to row, values left empty where they are missing; or write times as 2024-01-31"
            )
    say(f"column '{column.name}' counts steps: there are no times")
    return True


def _is_numeric(column):
    import pandas as pd

    return pd.to_numeric(column, errors="coerce").notna().any()


def _long(path, table, columns):
    """The same of a table with a row a value."""
    values = _numbers(path, table, columns["value"])
    if columns["series"] is None:
        return columns["time"], [Rows(columns["value"], np.arange(len(table)), values)]
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
    kinds = _factorized(table[category])[0] + 1 if category else np.zeros(len(table), np.int64)
    return columns["time"], [
        Rows(str(name), rows, values[rows], int(kinds[rows[0]])) for name, rows in zip(known, parts, strict=True)
    ]


def _check_keys(path, table, columns):
    """Check that no further column is needed to tell the series apart.

    Raises:
        InputError: a series has two values for a time, and none where another column is taken to its name; says which.
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

    return pd.factorize(column.astype(str).where(column.notna().to_numpy()), sort=True)  # -1 where there is none
