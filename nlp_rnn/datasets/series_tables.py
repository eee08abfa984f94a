"""Tables of numbers read with pandas, with errors where pandas would silently misread them."""

import re
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.times import TIME_PATTERN
from nlp_rnn.progress import say

if TYPE_CHECKING:
    import pandas as pd

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "null", "NULL", "None", "<NA>")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
Roles = Callable[[list[str], str], str | None]


def read_table(path: Path, role_of: Roles) -> "pd.DataFrame":
    """A table as pandas reads it.

    Args:
        path: a .csv, .tsv, .jsonl or .parquet file; the first three may be gzipped.
        role_of: returns the column of a role, "series" or "time", or None. A series may be called NA.

    Raises:
        UsageError: pandas is not installed.
        InputError: the file is broken or empty, or its first line holds values or a name twice.
    """
    try:
        import pandas as pd
    except ImportError:
        raise UsageError("series need the package pandas: pip install 'nlp-rnn[forecasting]'") from None

    suffix = path.name.removesuffix(".gz").rpartition(".")[2]
    try:
        if suffix in ("csv", "tsv"):
            table = _separated(path, "\t" if suffix == "tsv" else ",", role_of)
        else:
            table = pd.read_json(path, lines=True, dtype=False) if suffix == "jsonl" else pd.read_parquet(path)
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text: save it as UTF-8") from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: line 1 is empty; it must name the columns") from None
    except pd.errors.ParserWarning:
        raise InputError(f"{path}: rows hold more values than the first line names columns") from None
    except (ValueError, OSError, EOFError, zlib.error) as error:  # pandas' own errors are ValueErrors
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"{path} could not be read: {first[0]}") from None
    table.columns = [str(column) for column in table.columns]
    while len(table) and (table.iloc[-1].isna() | (table.iloc[-1] == "")).all():  # empty lines at the end
        table = table.iloc[:-1]
    table = _without_index(table, role_of)
    if not len(table) or not len(table.columns):
        raise InputError(f"{path} holds no rows")
    return table


def _separated(path, separator, role_of):
    """A table of delimited values."""
    import pandas as pd

    plain = {"sep": separator, "skip_blank_lines": False, "index_col": False}
    plain |= _of_spreadsheets(pd.read_csv(path, nrows=0, sep="\0", engine="python").columns)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the first
        text = {"header": None, "dtype": str, "keep_default_na": False, "on_bad_lines": "skip"}
        first = pd.read_csv(path, nrows=2, **text, **plain).fillna("")
        _check_names(path, *[[cell.strip() for cell in row] for row in first.to_numpy().tolist()])
        columns = list(pd.read_csv(path, nrows=0, **plain).columns)
        names = role_of(columns, "series")
        missing = {column: MISSING for column in columns if column != names}
        dtypes = {names: str} if names else None
        return pd.read_csv(path, dtype=dtypes, keep_default_na=False, na_values=missing, low_memory=False, **plain)


def _of_spreadsheets(header):
    """Options to read a table with this first line: where semicolons separate columns, a comma is decimal."""
    line = header[0] if len(header) else ""
    return {"sep": ";", "decimal": ","} if ";" in line and "," not in line and "\t" not in line else {}


def _check_names(path, names, below=("",)):
    """Check the first line, which names the columns, given the line below.

    Raises:
        InputError: the first line holds values as well, or two names are the same.
    """
    times = TIME_PATTERN.fullmatch(names[0]) and TIME_PATTERN.fullmatch(below[0])
    if times or (len(names) == 1 and NUMBER.fullmatch(names[0])):  # several numbers may be names, for example of shops
        raise InputError(
            f"{path}, line 1 holds values: write the names of the columns, such as 'month,sales', in a line above them"
        )
    twice = next((name for n, name in enumerate(names) if name and name in names[:n]), None)
    if twice is not None:
        raise InputError(f"{path}, line 1: two columns are named '{twice}'; give each a name of its own")


def _without_index(table, role_of):
    """The table without unnamed columns, except for the first one if it is the only column of times.

    pandas writes an index of times like that, and also row numbers.
    """
    first = table.columns[0] if len(table.columns) else ""
    if first.startswith("Unnamed: ") and role_of(list(table.columns), "time") is None:
        written = table[first].dropna()
        if len(written) and written.dtype.kind not in "iuf" and written.astype(str).str.fullmatch(TIME_PATTERN).all():
            say("the first column has no name: it is read as the time")
            table = table.rename(columns={first: "time"})
    return table.loc[:, [column for column in table.columns if not column.startswith("Unnamed: ")]]
