"""Options that name columns."""

import pytest

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.columns import refuse_columns


def test_columns_where_there_are_none_are_refused():
    refuse_columns({"time_column": None, "future_columns": ()})
    with pytest.raises(UsageError, match="--future-column names a column of a table, and this input has no such"):
        refuse_columns({"future_columns": ("price",)})
