"""What pandas would take in silence when it reads a table of series."""

import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.sources.series import open_series


def opened(folder, text):
    """The panel of a CSV."""
    (folder / "a.csv").write_text(text, encoding="utf-8")
    return open_series(str(folder / "a.csv")).panel


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,a,b,a\n2024-01-01,1,2,3\n", "line 1: two columns are named 'a'"),
        ("date;a; a\n2024-01-01;1;2\n", "line 1: two columns are named 'a'"),
        ("2024-01-01,1\n2024-01-02,2\n", "line 1 holds values: write the names of the columns"),
        ("2024-01-01 00:00,1,-2.5e3\n2024-01-01 01:00,2,3\n", "line 1 holds values"),
        ("1.5\n2\n3\n", "line 1 holds values"),
    ],
)
def test_columns_need_names_of_their_own(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        opened(tmp_path, text)


def test_numbers_may_be_names(tmp_path):
    assert opened(tmp_path, "101,102\n1,2\n3,4\n").names == ("101", "102")
    assert opened(tmp_path, "date,1.5\n2024-01-01,2\n2024-01-02,4\n").names == ("1.5",)


def test_an_index_as_pandas_writes_it(tmp_path):
    import pandas as pd

    months = pd.date_range("2024-01-01", periods=3, freq="MS")
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]}, months)
    panel = opened(tmp_path, table.to_csv())
    assert panel.step == "M1" and panel.names == ("a", "b"), "times"
    panel = opened(tmp_path, table.reset_index(drop=True).to_csv())
    assert panel.begins is None and panel.names == ("a", "b"), "numbers of rows"
    panel = opened(tmp_path, table.reset_index(names="time").to_csv())
    assert panel.step == "M1" and panel.names == ("a", "b"), "numbers of rows beside times"
    panel = opened(tmp_path, table["a"].to_csv())
    assert panel.step == "M1" and panel.names == ("a",)
