"""Tables of series: the roles of columns, and the errors of broken tables."""

import gzip

import numpy as np
import pytest

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.forecasting.series import open_series
from tests.forecasting.tables import open_text


def test_wide_format(tmp_path):
    dataset = open_text(tmp_path, "date,a,b\n2024-01-01,1,\n2024-02-01,2,5\n2024-04-01,4,6\n")
    panel = dataset.panel
    assert panel.names == ("a", "b") and panel.frequency == "M1" and panel.season == 12
    np.testing.assert_array_equal(panel.series(0), [1, 2, np.nan, 4])
    np.testing.assert_array_equal(panel.series(1), [5, np.nan, 6])  # from its first value on
    assert panel.start_times[1] == np.datetime64("2024-02-01")
    assert dataset.notes == [
        "time: date; values: a, b",
        "2 series of 3 to 4 points, monthly, season of 12",
        "2 of 7 values are missing, or left out between others",
    ]


def test_long_format(tmp_path):
    text = "unique_id,ds,y,kind\nb,2024-01-02,5,x\na,2024-01-01,1,z\nb,2024-01-04,6,x\na,2024-01-02,2,z\n"
    panel = open_text(tmp_path, text).panel
    assert panel.names == ("a", "b") and panel.frequency == "S86400" and panel.season == 7
    assert panel.series(0).tolist() == [1, 2]
    np.testing.assert_array_equal(panel.series(1), [5, np.nan, 6])
    assert panel.categories == ("x", "z") and panel.category_ids.tolist() == [2, 1]
    assert panel.start_times.astype("datetime64[D]").astype(str).tolist() == ["2024-01-01", "2024-01-02"]


def test_one_series_without_times(tmp_path):
    panel = open_text(tmp_path, "value\n1\n2\n3\n").panel
    assert panel.start_times is None and panel.season == 1 and panel.series(0).tolist() == [1, 2, 3]


def test_columns_that_are_named(tmp_path):
    text = "shop,when,sold\na,2024-01-01,1\na,2024-01-08,2\n"
    panel = open_text(tmp_path, text, series_column="shop", time_column="when", value_column="sold").panel
    assert panel.names == ("a",) and panel.frequency == f"S{7 * 86400}" and panel.season == 52
    with pytest.raises(UsageError, match="has no column 'sold'"):
        open_text(tmp_path, "date,a\n2024-01-01,1\n", value_column="sold")
    with pytest.raises(UsageError, match="which column holds the values"):
        open_text(tmp_path, "shop,a,b\nx,1,2\n", series_column="shop")


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "a.tsv.gz"])
def test_other_formats(tmp_path, name):
    import pandas as pd

    table = pd.DataFrame({"date": ["2024-01-01 00:00", "2024-01-01 01:00"], "a": [1.0, 2.0]})
    table.to_parquet(tmp_path / "a.parquet")
    table.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(table.to_csv(sep="\t", index=False).encode()))
    panel = open_series(str(tmp_path / name)).panel
    assert panel.frequency == "S3600" and panel.season == 24 and panel.series(0).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,a\n2024-01-01,1\n2024-01-01,2\n", "line 3: the time 2024-01-01 occurs twice"),
        (
            "date,a\n" + "".join(f"2024-01-{d:02d},1\n" for d in (1, 3, 5, 7, 8, 10)),
            "line 6: 2024-01-08 is not a whole",
        ),
        ("date,a\n2024-01-01,1\n2024-01-02,two\n", "line 3, column 'a': 'two' is not a number"),
        ("date,a\n2024-01-01,1\n2024-01-02,inf\n", "line 3, column 'a': 'inf' is not finite"),
        ("date,a\n2024-01-01,1\n2024-01-02,1e19\n", "line 3, column 'a': '1e\\+19' is too large"),
        ("date,a\n2024-01-01,1\nsoon,2\n", "line 3: column 'date' holds 'soon', which is not a time"),
        ("date,a\n2024-01-01,1\n,2\n", "line 3: column 'date' is empty"),
        ("date,a\n2024-01-01,\n2024-01-02,\n", "all values are missing"),
        ("date,a\n2024-01-01 00:00:01,1\n2024-01-01 00:00:02,1\n2024-06-01 00:00:00,1\n", "a gap of"),
        ("id,date,y\na,2024-01-01,1\n,2024-01-02,1\n", "line 3: column 'id' is empty"),
        ("date\n2024-01-01\n", "has no column of values"),
        ("week,sales\n1,5\n2,6\n4,7\n", "line 4: column 'week' holds 4 and counts steps, which must increase by one"),
        ("", "line 1 is empty"),
        ("date;a\n2024-01-01;1.070\n2024-01-02;959\n", "is '1.070' 1.07 or 1070[?] .*give --decimal-mark"),
        ("date;a;b\n2024-01-01;1,5;2.25\n", "'1,5' in column 'a' and '2.25' in column 'b': write all numbers with"),
        ("date,a\n", "holds no rows"),
    ],
)
def test_errors_say_where_a_table_is_broken(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        open_text(tmp_path, text)


def test_files_that_are_none(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        open_series(str(tmp_path / "absent.csv"))
    with pytest.raises(UsageError, match="series are read from"):
        open_text(tmp_path, "x", name="series.txt")
    with pytest.raises(UsageError, match="is a folder"):
        open_series(str(tmp_path))


def test_a_column_that_counts_steps_is_no_time(tmp_path):
    dataset = open_text(tmp_path, "week,sales\n" + "".join(f"{n},{n}\n" for n in range(1, 40)))
    panel = dataset.panel
    assert panel.start_times is None and panel.names == ("sales",) and len(panel.values) == 39
    assert dataset.notes[0] == "time: none, week counts steps; values: sales"


def test_days_may_be_written_as_one_number(tmp_path):
    panel = open_text(tmp_path, "day,sales\n20240131,1\n20240201,2\n20240202,3\n").panel
    assert panel.frequency == "S86400" and panel.start_times[0] == np.datetime64("2024-01-31")


def test_two_columns_without_times_are_two_series(tmp_path):
    assert open_text(tmp_path, "sales,demand\n1,2\n3,4\n").panel.names == ("sales", "demand")


def test_days_that_may_be_months_are_refused(tmp_path):
    with pytest.raises(InputError, match="line 3: column 'date': is '01/02/2024' 2024-01-02 or 2024-02-01"):
        open_text(tmp_path, "date,a\n01/01/2024,1\n01/02/2024,2\n01/03/2024,3\n")


@pytest.mark.thorough
def test_a_set_that_ships_has_its_official_parts():
    dataset = open_series("m3/other")
    assert len(dataset.panel) == 174 and dataset.horizon == 8 and dataset.panel.season == 1
    assert dataset.panel.lengths.min() == 63 + 8 and set(dataset.panel.categories) > {"micro", "finance"}
    assert open_series("m3/other").panel.names == dataset.panel.names
    with pytest.raises(UsageError, match="holds no series"):
        open_series("everyday")
    with pytest.raises(UsageError, match="has no columns of covariates"):
        open_series("m3/other", future_columns=["price"])


def test_a_series_may_be_called_na(tmp_path):
    text = ",shop,when,sold,note\n0,NA,2024-01-01,1,x\n1,NA,2024-01-02,2,y\n"
    panel = open_text(tmp_path, text, series_column="shop", time_column="when").panel
    assert panel.names == ("NA",) and panel.series(0).tolist() == [1, 2]


@pytest.mark.parametrize("words", [("cold", "warm"), ("cold", "cold")])
def test_a_column_of_words_is_no_series(tmp_path, words):
    panel = open_text(tmp_path, "date,a,remark\n2024-01-01,1,{}\n2024-01-02,2,{}\n\n".format(*words)).panel
    assert panel.names == ("a",)


@pytest.mark.parametrize("header", ["date,region,sales", "date,category,turnover"])
def test_a_column_of_words_names_the_series_where_times_are_repeated(tmp_path, header):
    days = "\n2024-01-01,north,1\n2024-01-01,south,2\n2024-01-02,south,4\n2024-01-02,north,3\n"
    panel = open_text(tmp_path, header + days).panel
    assert panel.names == ("north", "south") and panel.series(1).tolist() == [2, 4] and not panel.categories


def test_series_that_stand_below_each_other_need_a_name(tmp_path):
    text = "date,region,sales\n2024-01-01,north,1\n2024-01-01,north,2\n"
    with pytest.raises(InputError, match="line 3: the time .* occurs twice.*name the column of their names: --series-"):
        open_text(tmp_path, text)
    with pytest.raises(InputError, match="line 3: the time 2024-01-01 occurs twice"):
        open_text(tmp_path, "date,sales,remark\n2024-01-01,1,cold\n2024-01-01,2,warm\n")


def test_the_column_with_which_no_time_occurs_twice_names_the_series(tmp_path):
    assert open_text(tmp_path, "date,store_nbr,sales\n2024-01-01,1,5\n2024-01-01,2,6\n").panel.names == ("1", "2")
    rows = [f"2024-01-0{day},{region},{day},cold\n" for day in (1, 2) for region in ("north", "south")]
    dataset = open_text(tmp_path, "date,region,sales,remark\n" + "".join(rows))
    assert dataset.panel.names == ("north", "south")
    assert dataset.notes[0] == "time: date; series: region; values: sales; left out: remark (words)"
    both = [f"2024-01-0{day},{a},{b},{day}\n" for day in (1, 2) for a, b in (("x", "u"), ("x", "v"), ("y", "u"))]
    assert open_text(tmp_path, "date,a,b,sales\n" + "".join(both)).panel.names == ("x/u", "x/v", "y/u")


def test_rows_out_of_order_are_sorted(tmp_path):
    dataset = open_text(tmp_path, "date,a\n2024-01-03,3\n2024-01-01,1\n2024-01-02,2\n")
    assert dataset.panel.series(0).tolist() == [1, 2, 3]
    assert "the rows are out of order: they are sorted by time" in dataset.notes


def test_two_columns_of_times_are_a_question(tmp_path):
    text = "opened,closed,a\n2024-01-01,2024-02-01,1\n2024-01-02,2024-02-02,2\n"
    with pytest.raises(UsageError, match="which column holds the time[?] Give --time-column, one of: opened, closed"):
        open_text(tmp_path, text)
    dataset = open_text(tmp_path, text, time_column="closed")
    assert dataset.notes[0] == "time: closed; values: a; left out: opened (times as well)"


def test_covariates_in_wide_format(tmp_path):
    text = "date,a,price,rain\n2024-01-01,,1,9\n2024-01-02,5,2,8\n2024-01-03,6,3,7\n2024-01-04,,4,\n2024-01-05,,5,\n"
    panel = open_text(tmp_path, text, future_columns=["price"], past_columns=["rain"]).panel
    assert panel.names == ("a",) and panel.columns == ("price", "rain") and panel.num_future_covariates == 1
    assert panel.series(0).tolist() == [5, 6] and panel.covariates.tolist() == [[2, 8], [3, 7]]
    assert panel.future_steps.tolist() == [2] and panel.future_covariates[0, :, 0].tolist() == [4, 5]


LONG = "id,date,y,promo\na,2024-01-01,1,0\nb,2024-01-01,2,1\na,2024-01-02,3,1\nb,2024-01-02,,1\n"


def test_covariates_in_long_format(tmp_path):
    panel = open_text(tmp_path, LONG, future_columns=["promo"]).panel
    assert panel.lengths.tolist() == [2, 1] and panel.covariates[:, 0].tolist() == [0, 1, 1]
    assert panel.future_steps.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"past_columns": ["rain"]}, "has no column 'rain'"),
        ({"past_columns": ["promo"], "future_columns": ["promo"]}, "is named twice"),
        ({"past_columns": ["y"]}, "'y' holds the value"),
    ],
)
def test_columns_that_cannot_be_covariates_are_refused(tmp_path, columns, message):
    with pytest.raises(UsageError, match=message):
        open_text(tmp_path, LONG, **columns)


def test_a_covariate_that_is_no_number_is_refused(tmp_path):
    with pytest.raises(InputError, match="line 2, column 'promo': 'yes' is not a number"):
        open_text(tmp_path, "date,a,promo\n2024-01-01,1,yes\n", future_columns=["promo"])


def test_tables_as_spreadsheets_write_them(tmp_path):
    panel = open_text(tmp_path, "datum;a;b\n2024-01-01;1,5;2\n2024-01-02;2,5;3\n").panel
    assert panel.names == ("a", "b") and panel.series(0).tolist() == [1.5, 2.5]
    with pytest.raises(InputError, match="line 2: 3 columns, but line 1 has 2"):
        open_text(tmp_path, "date,a\n2024-01-01,1,5\n2024-01-02,2,5\n")
    (tmp_path / "latin.csv").write_bytes("date,gr\xf6sse\n2024-01-01,1\n".encode("latin-1"))
    with pytest.raises(InputError, match="line 1, byte 7: 0xf6 is not UTF-8"):
        open_series(str(tmp_path / "latin.csv"))


def test_arguments_of_version_0_1_are_understood(tmp_path):
    with pytest.warns(FutureWarning, match="the argument step is now frequency"):
        assert open_text(tmp_path, "date,y\n2024-03-01,1\n2024-03-04,2\n", step="B1").panel.frequency == "B1"


@pytest.mark.thorough
def test_a_hundred_thousand_series_are_read(tmp_path):
    rows = "".join(f"s{n},{day},{n}\n" for n in range(100_000) for day in ("2024-01-01", "2024-01-02"))
    panel = open_text(tmp_path, "id,date,y\n" + rows).panel
    assert len(panel) == 100_000 and panel.lengths.tolist() == [2] * 100_000
