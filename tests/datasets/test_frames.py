"""Tables of series that pandas would silently misread."""

import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.forecasting.series import open_series


def opened(folder, text):
    """The panel of a CSV."""
    (folder / "a.csv").write_text(text, encoding="utf-8")
    return open_series(str(folder / "a.csv")).panel


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,a,b,a\n2024-01-01,1,2,3\n", "line 1: two columns are named 'a'"),
        ("date;a; a\n2024-01-01;1;2\n", "line 1: two columns are named 'a'"),
        ("date,a,a,b,b,\n2024-01-01,1,2,3,4,\n", "line 1: two columns are named 'a'"),
        ("2024-01-01,1\n2024-01-02,2\n", "line 1 holds values: write the names of the columns"),
        ("2024-01-01 00:00,1,1,\n2024-01-01 01:00,2,3,\n", "line 1 holds values"),
        ("2024-01-01,x,5\n2024-01-02,x,6\n", "line 1 holds values"),
        ("2024-01-01,,NA\n2024-01-02\n", "line 1 holds values"),
        ("31.01.2024;1\n29.02.2024;2\n", "line 1 holds values"),
        ("2024Q1,5\n2024Q2,6\n", "line 1 holds values"),
        ("20240101,5\n20240102,6\n", "line 1 holds values"),
        ("1.5\n2\n3\n", "line 1 holds values"),
        (",\n2024-01-01,1\n", "line 1 is empty; it must name the columns"),
        ("date,a\n2024-01-01,1,2\n", "line 2: 3 columns, but line 1 has 2; quote texts"),
    ],
)
def test_columns_need_different_names(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        opened(tmp_path, text)


def test_columns_may_be_named_with_numbers(tmp_path):
    for names in (("101", "102"), ("0.1", "0.5"), ("1-1", "1-2"), ("2024-01", "2024-02")):
        assert opened(tmp_path, ",".join(names) + "\n1,2\n3,4\n").names == names
    assert opened(tmp_path, "date,a,,\n2024-01-01,2,,\n2024-01-02,4,,\n").names == ("a",)
    assert opened(tmp_path, "date,1.5\n2024-01-01,2\n2024-01-02,4\n").names == ("1.5",)


def test_an_index_as_pandas_writes_it(tmp_path):
    import pandas as pd

    months = pd.date_range("2024-01-01", periods=3, freq="MS")
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]}, months)
    panel = opened(tmp_path, table.to_csv())
    assert panel.frequency == "M1" and panel.names == ("a", "b"), "times"
    panel = opened(tmp_path, table.reset_index(drop=True).to_csv())
    assert panel.start_times is None and panel.names == ("a", "b"), "numbers of rows"
    panel = opened(tmp_path, table.reset_index(names="time").to_csv())
    assert panel.frequency == "M1" and panel.names == ("a", "b"), "row numbers next to times"
    panel = opened(tmp_path, table["a"].to_csv())
    assert panel.frequency == "M1" and panel.names == ("a",)


@pytest.mark.parametrize(
    "text",
    [
        ",a\n0,1\n1,3\n2,4\n\n",  # the empty line makes numbers of rows 0.0, 1.0
        ",a\n1-1,1\n1-2,3\n",
        ",a\n1.1,1\n1.2,3\n",
        ",a\n2024-01-01,1\nsoon,3\n",
        ",a\n,1\n,3\n",
        ";a\n0;1,5\n1;3,5\n\n",
    ],
)
def test_other_columns_without_a_name_are_left_out(tmp_path, text):
    panel = opened(tmp_path, text)
    assert panel.start_times is None and panel.names == ("a",)


@pytest.mark.parametrize("name", ["date", "Time", "month"])
def test_a_column_of_times_with_a_name_takes_precedence_over_an_index(tmp_path, name, capsys):
    panel = opened(tmp_path, f",{name},a\n2024-05-01,2024-01-01,1\n2024-05-02,2024-02-01,2\n2024-05-03,2024-03-01,3\n")
    assert panel.frequency == "M1" and "is read as the time" not in capsys.readouterr().err


def test_a_named_column_of_times_takes_precedence_over_an_index(tmp_path):
    (tmp_path / "a.csv").write_text(",when,a\n2024-05-01,2024-01-01,1\n2024-05-02,2024-02-01,2\n", encoding="utf-8")
    panel = open_series(str(tmp_path / "a.csv"), time_column="when").panel
    assert panel.start_times.astype("datetime64[D]").astype(str).tolist() == ["2024-01-01"]


def test_an_index_of_times_with_one_missing(tmp_path):
    with pytest.raises(InputError, match="line 3: column 'column 1' is empty"):
        opened(tmp_path, ",a\n2024-01-01,1\n,2\n2024-01-03,3\n")


def test_blank_lines_at_the_beginning_are_skipped(tmp_path):
    with pytest.raises(InputError, match="line 5: column 'date' is empty"):
        opened(tmp_path, "\n\ndate,a\n2024-01-01,1\n,2\n")


def test_series_may_be_named_by_two_columns(tmp_path):
    days = [f"{store},{item},2024-01-0{day},{day}" for store in "ab" for item in "xy" for day in (1, 2)]
    for header in ("town,item,date,sales", "town,name,date,sales"):
        assert opened(tmp_path, header + "\n" + "\n".join(days) + "\n").names == ("x/a", "x/b", "y/a", "y/b")
    with pytest.raises(InputError, match="line 4: the time 2024-01-01 occurs twice"):
        opened(tmp_path, "store,sku,date,sales\na,x,2024-01-01,1\na,x,2024-01-02,1\na,x,2024-01-01,1\n")


def test_marks_between_thousands(tmp_path):
    panel = opened(tmp_path, 'date,a,b\n2024-01-01,"3,161.00",1\n2024-01-02,"3,162.50",2\n')
    assert panel.names == ("a", "b") and panel.series(0).tolist() == [3161, 3162.5]


def test_an_empty_index_in_other_formats_is_left_out(tmp_path):
    import pandas as pd

    pd.DataFrame({"Unnamed: 0": [None, None], "a": [1.0, 2.0]}).to_parquet(tmp_path / "a.parquet")
    panel = open_series(str(tmp_path / "a.parquet")).panel
    assert panel.start_times is None and panel.names == ("a",)


def test_many_combinations_have_codes_of_their_own(tmp_path):
    """More than an int64 can number without a second numbering."""
    from nlp_rnn.datasets.frames import read_frame

    columns = [f"c{n}" for n in range(9)]
    rows = [",".join(columns), *(",".join([str(n)] * 9) for n in range(255)), ",".join(["8", *["7"] * 8])]
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    frame = read_frame(tmp_path / "a.csv")
    assert len(set(frame.codes(*columns))) == 256 and not frame.repeats(*columns)
    assert frame.repeats(*columns[1:])


def test_points_are_thousands_marks_beside_quoted_decimal_commas(tmp_path):
    panel = opened(tmp_path, 'date,a,b\n2024-01-01,1.100,"50,5"\n2024-01-02,959,"7,25"\n')
    assert panel.series(0).tolist() == [1100, 959] and panel.series(1).tolist() == [50.5, 7.25]


def test_series_are_named_alike_in_every_order_of_the_columns(tmp_path):
    days = [f"2024-01-0{day},{store},{item},{day}" for store in "ab" for item in "xy" for day in (1, 2)]
    names = opened(tmp_path, "date,store,item,sales\n" + "\n".join(days) + "\n").names
    turned = ["{0},{2},{1},{3}".format(*day.split(",")) for day in days]
    assert opened(tmp_path, "date,item,store,sales\n" + "\n".join(turned) + "\n").names == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('date,a,note\n2024-01-01,1,"one\ntwo\n"\n2024-01-02,x,\n2024-01-03,3,\n', "line 5, column 'a': 'x' is not"),
        ("date,a\n2024-01-01,1\n\n2024-01-02,x\n", "line 3: column 'date' is empty"),
        ("date;a;b\n2024-01-01;1;2\n2024-01-02;5\n", "line 3: 2 columns, but line 1 has 3; .* keep the separators"),
        ("date,a\n" + "2024-01-01,1\n" * 3 + "2024-01-01,1,2\n", "line 5: 3 columns, but line 1 has 2"),
        ('date,a\n2024-01-01,"1\n"\n2024-01-02,2,3\n', "line 4: 3 columns, but line 1 has 2"),
        ("Sales of shop A\ndate,a\n2024-01-01,1\n2024-01-02,2\n", "line 2 seems to name the columns: remove the"),
        ("Sales by month\n\ndate;a\n2024-01-01;1,5\n2024-01-02;2,5\n", "line 3 seems to name the columns"),
        ("Sales,,\ndate,a,b\n2024-01-01,1,3\n2024-01-02,2,4\n", "line 2 seems to name the columns"),
        ("Sales,of A\ndate,a,b\n2024-01-01,1,3\n2024-01-02,2,4\n", "line 2: 3 columns, .* if line 2 names the columns"),
    ],
)  # fmt: skip
def test_messages_name_the_line_of_a_row(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        opened(tmp_path, text)


def test_a_series_a_row_may_end_before_others(tmp_path):
    panel = opened(tmp_path, "id,V1,V2,V3,V4\na,1,2,3,4\nb,1,2\n")
    assert panel.series(0).tolist() == [1, 2, 3, 4] and panel.series(1).tolist() == [1, 2]


def test_rows_without_a_last_value_are_no_short_rows(tmp_path):
    assert len(opened(tmp_path, "date,a,b\n2024-01-01,1,2\n2024-01-02,5,\n").names) == 2
