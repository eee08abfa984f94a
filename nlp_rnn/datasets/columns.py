"""The options that name the columns of a table, as recorded in run.json."""

from collections.abc import Mapping
from typing import Any

from nlp_rnn.checks import UsageError

NO_COLUMN = "none"  # instead of a name: the table has no such column
TEXT_COLUMNS = ("text_column", "label_column")
SPLIT_COLUMN = "split_column"
SERIES_COLUMNS = ("time_column", "future_columns", "past_columns", "decimal_mark")


def refuse_columns(columns: Mapping[str, Any]) -> None:
    """Check that no columns are named, for input without columns.

    Raises:
        UsageError: one is; the message says which.
    """
    for name, column in columns.items():
        if column:
            option = name.removesuffix("s").replace("_", "-")
            raise UsageError(f"--{option} names a column of a table, and this input has no such column: leave it out")
