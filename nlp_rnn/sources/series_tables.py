"""Tables of numbers as pandas reads them, where it would take in silence what nobody meant."""

import re
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nlp_rnn.checks import CallError, InputError

if TYPE_CHECKING:
    import pandas as pd

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "null", "NULL", "None", "<NA>")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?([ T].*)?")


def read_table(path: Path, series_of: Callable[[list[str]], str | None]) -> "pd.DataFrame":
    """A table as pandas reads it.

    Args:
        path: a .csv, .tsv, .jsonl or .parquet file, or one packed with gzip.
        series_of: of its columns, the one that names series, or None; a series may be called NA.

    Raises:
        CallError: pandas is not installed.
        InputError: it is broken, or empty.
    """
    try:
        import pandas as pd
    except ImportError:
        raise CallError("series need the package pandas: pip install 'nlp-rnn[forecasting]'") from None

    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    try:
        if kind in ("csv", "tsv"):
            table = _separated(path, "\t" if kind == "tsv" else ",", series_of)
        else:
            table = pd.read_json(path, lines=True, dtype=False) if kind == "jsonl" else pd.read_parquet(path)
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text: save it as UTF-8") from None
    except pd.errors.ParserWarning:
        raise InputError(f"{path}: rows hold more values than the first line names columns") from None
    except (ValueError, OSError, EOFError, zlib.error) as error:  # pandas' own errors are ValueErrors
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"{path} could not be read: {first[0]}") from None
    table.columns = [str(column) for column in table.columns]
    table = _without_index(table)
    while len(table) and (table.iloc[-1].isna() | (table.iloc[-1] == "")).all():  # empty lines at the end
        table = table.iloc[:-1]
    if not len(table) or not len(table.columns):
        raise InputError(f"{path} holds no rows")
    return table


def _separated(path, separator, series_of):
    """A table of values between separators."""
    import pandas as pd

    plain = {"sep": separator, "skip_blank_lines": False, "index_col": False}
    plain |= _of_spreadsheets(pd.read_csv(path, nrows=0, sep="\0", engine="python").columns)
    written = pd.read_csv(path, nrows=1, header=None, dtype=str, keep_default_na=False, **plain)
    _check_names(path, [name.strip() for row in written.to_numpy().tolist() for name in row])
    columns = list(pd.read_csv(path, nrows=0, **plain).columns)
    names = series_of(columns)
    missing = {column: MISSING for column in columns if column != names}
    kinds = {names: str} if names else None
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the first
        return pd.read_csv(path, dtype=kinds, keep_default_na=False, na_values=missing, low_memory=False, **plain)


def _of_spreadsheets(header):
    """How a table is read whose first line is this: where semicolons stand between columns, a comma is decimal."""
    line = header[0] if len(header) else ""
    return {"sep": ";", "decimal": ","} if ";" in line and "," not in line and "\t" not in line else {}


def _check_names(path, names):
    """What the first line names.

    Raises:
        InputError: a column twice, or nothing: it holds values.
    """
    twice = next((name for n, name in enumerate(names) if name and name in names[:n]), None)
    if twice is not None:
        raise InputError(f"{path}, line 1: two columns are named '{twice}'; give each a name of its own")
    dates = [name for name in names if DATE.fullmatch(name)]
    numbers = [name for name in names if NUMBER.fullmatch(name)]
    whole = [name for name in numbers if name.isdigit()]  # these may well be names, as of shops
    if len({*dates, *numbers}) == len(names) > len(whole):
        raise InputError(
            f"{path}, line 1 holds values: write the names of the columns, such as 'month,sales', in a line above them"
        )


def _without_index(table):
    """Without columns that have no name; but times in the first one, as pandas writes its index, are kept."""
    first = table.columns[0] if len(table.columns) else ""
    if first.startswith("Unnamed: ") and "time" not in table.columns:
        written = table[first].dropna().astype(str)
        if len(written) and written.str.fullmatch(DATE).all():
            table = table.rename(columns={first: "time"})
    return table.loc[:, [column for column in table.columns if not column.startswith("Unnamed: ")]]
