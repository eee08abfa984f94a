"""Tables of series: what is found in them, and what is said of those that are broken."""

import gzip

import numpy as np
import pytest

from nlp_rnn.checks import CallError, InputError
from nlp_rnn.sources import calendar
from nlp_rnn.sources.series import open_series

WEEKDAYS = [f"2024-01-{day:02d}" for day in range(1, 20) if day % 7 not in (6, 0)]  # the first is a Monday


def opened(tmp_path, text, name="series.csv", **columns):
    path = tmp_path / name
    path.write_text(text)
    return open_series(str(path), **columns)


def test_a_column_a_series(tmp_path):
    found = opened(tmp_path, "date,a,b\n2024-01-01,1,\n2024-02-01,2,5\n2024-04-01,4,6\n")
    assert found.panel.names == ("a", "b") and found.panel.step == "M1" and found.panel.season == 12
    np.testing.assert_array_equal(found.panel.series(0), [1, 2, np.nan, 4])
    np.testing.assert_array_equal(found.panel.series(1), [5, np.nan, 6])  # from its first value on
    assert found.panel.begins[1] == np.datetime64("2024-02-01")
    assert found.notes == [
        "2 series of 3 to 4 points, monthly, season of 12",
        "2 of 7 values are missing, or left out between others",
    ]


def test_a_row_a_value(tmp_path):
    text = "unique_id,ds,y,kind\nb,2024-01-02,5,x\na,2024-01-01,1,z\nb,2024-01-04,6,x\na,2024-01-02,2,z\n"
    panel = opened(tmp_path, text).panel
    assert panel.names == ("a", "b") and panel.step == "S86400" and panel.season == 7
    assert panel.series(0).tolist() == [1, 2]
    np.testing.assert_array_equal(panel.series(1), [5, np.nan, 6])
    assert panel.kinds == ("x", "z") and panel.categories.tolist() == [2, 1]
    assert panel.begins.astype("datetime64[D]").astype(str).tolist() == ["2024-01-01", "2024-01-02"]


def test_one_series_without_times_and_columns_that_are_named(tmp_path):
    panel = opened(tmp_path, "value\n1\n2\n3\n").panel
    assert panel.begins is None and panel.season == 1 and panel.series(0).tolist() == [1, 2, 3]
    text = "shop,when,sold\na,2024-01-01,1\na,2024-01-08,2\n"
    panel = opened(tmp_path, text, series_column="shop", time_column="when", value_column="sold").panel
    assert panel.names == ("a",) and panel.step == f"S{7 * 86400}" and panel.season == 52


def test_other_kinds_of_files(tmp_path):
    import pandas as pd

    table = pd.DataFrame({"date": ["2024-01-01 00:00", "2024-01-01 01:00"], "a": [1.0, 2.0]})
    table.to_parquet(tmp_path / "a.parquet")
    table.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(table.to_csv(sep="\t", index=False).encode()))
    for name in ("a.parquet", "a.jsonl", "a.tsv.gz"):
        panel = open_series(str(tmp_path / name)).panel
        assert panel.step == "S3600" and panel.season == 24 and panel.series(0).tolist() == [1, 2], name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,a\n2024-01-02,1\n2024-01-01,2\n", "line 3: the time 2024-01-01 is before that of the row above it"),
        ("date,a\n2024-01-01,1\n2024-01-01,2\n", "line 3: the time 2024-01-01 comes twice"),
        (
            "date,a\n" + "".join(f"2024-01-{d:02d},1\n" for d in (1, 3, 5, 7, 8, 10)),
            "line 6: 2024-01-08 is not a whole",
        ),
        ("date,a\n2024-01-01,1\n2024-01-02,two\n", "line 3, column 'a': 'two' is no number"),
        ("date,a\n2024-01-01,1\n2024-01-02,inf\n", "line 3, column 'a': 'inf' is not finite"),
        ("date,a\n2024-01-01,1\nsoon,2\n", "line 3: column 'date' holds 'soon', which is no time"),
        ("date,a\n2024-01-01,1\n,2\n", "line 3: column 'date' is empty"),
        ("date,a\n2024-01-01,\n2024-01-02,\n", "all values are missing"),
        ("date,a\n2024-01-01 00:00:01,1\n2024-01-01 00:00:02,1\n2024-06-01 00:00:00,1\n", "a gap of"),
        ("id,date,y\na,2024-01-01,1\n,2024-01-02,1\n", "line 3: column 'id' is empty"),
        ("date\n2024-01-01\n", "has no column of values"),
        ("week,sales\n1,5\n2,6\n4,7\n", "line 4: column 'week' holds 4 and counts steps, which must go up by one"),
        ("", "line 1 is empty"),
        ("date,a\n", "holds no rows"),
    ],
)
def test_broken_tables_say_where(tmp_path, text, message):
    with pytest.raises(InputError, match=None) as error:
        opened(tmp_path, text)
    assert message in str(error.value)


def test_a_clock_put_back_is_named_and_zones_are_read(tmp_path):
    hours = ["2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 02:00", "2024-10-27 03:00"]
    text = "date,a\n" + "".join(f"{hour},1\n" for hour in hours)
    with pytest.raises(InputError, match="line 4.*change of the clock"):
        opened(tmp_path, text)
    zones = ["+02:00", "+02:00", "+01:00", "+01:00"]
    text = "date,a\n" + "".join(f"{hour}{zone},1\n" for hour, zone in zip(hours, zones, strict=True))
    panel = opened(tmp_path, text).panel
    assert panel.step == "S3600" and panel.series(0).tolist() == [1, 1, 1, 1]


def test_a_column_that_is_not_there_and_a_file_that_is_none(tmp_path):
    with pytest.raises(CallError, match="has no column 'sold'"):
        opened(tmp_path, "date,a\n2024-01-01,1\n", value_column="sold")
    with pytest.raises(CallError, match="no such file"):
        open_series(str(tmp_path / "absent.csv"))
    with pytest.raises(CallError, match="series are read from"):
        opened(tmp_path, "x", name="series.txt")


@pytest.mark.parametrize(
    ("times", "step"),
    [
        (["2024-01-01", "2024-07-01", "2025-01-01"], "M6"),
        ([f"01/{month:02d}/{year}" for year in (2023, 2024) for month in range(1, 13)], "M1"),
        ([f"01/{day:02d}/2024" for day in range(1, 14)], "S86400"),
        (["2024-03-30T00:00+01:00", "2024-03-31T00:00+01:00", "2024-04-01T00:00+02:00"], "S86400"),
        (["2024-01-31", "2024-02-29", "2024-03-31"], "M1"),
        (["2024-Q1", "2024-Q2", "2024Q3"], "M3"),
        ([2001, 2002, 2004], "M12"),
        (["2024-01-01", "2024-01-08", "2024-01-15"], "S604800"),
        (["31/01/2024", "29/02/2024", "31/03/2024"], "M1"),
        (["2024-01-01 00:00", "2024-01-01 00:30"], "S1800"),
        (["1/15/2024", "2/15/2024", "3/15/2024"], "M1"),
        (["31-01-2024", "29-02-2024", "31-03-2024"], "M1"),
        (WEEKDAYS, "B1"),
        (WEEKDAYS[:5] + WEEKDAYS[6:], "B1"),  # a holiday
        (WEEKDAYS[:10], "S86400"),
    ],
)
def test_the_step_between_times(times, step, capsys):
    import pandas as pd

    read = calendar.times_of(pd.Series(times), lambda row: f"row {row}", "date")
    assert calendar.step_of(read, [np.arange(len(times))], lambda row: f"row {row}")[0] == step
    assert "have a zone" not in capsys.readouterr().err


def test_series_of_weekdays_have_no_weekends(tmp_path):
    rows = "".join(f"{day},{n}\n" for n, day in enumerate(WEEKDAYS) if n != 6)
    panel = opened(tmp_path, "date,y\n" + rows).panel
    assert (panel.step, panel.season, len(panel.values)) == ("B1", 5, 15)
    assert np.flatnonzero(np.isnan(panel.values)).tolist() == [6]
    assert calendar.after(panel.begins[0], 15, "B1") == "2024-01-22"
    short = opened(tmp_path, "date,y\n2024-03-01,1\n2024-03-04,2\n", name="b.csv", step="B1").panel
    assert (short.step, len(short.values)) == ("B1", 2)
    some = "date,y\n" + "".join(f"{day},1\n" for day in WEEKDAYS[:8])
    assert opened(tmp_path, some, name="d.csv", step="B1").panel.step == "B1"
    assert opened(tmp_path, some, name="d.csv").panel.step == "S86400"
    assert opened(tmp_path, "date,y\n" + rows, step="S86400").panel.step == "S86400", "what a model knows as daily"
    daily = opened(tmp_path, "date,y\n2024-03-02,1\n2024-03-04,2\n", name="c.csv", step="B1").panel
    assert daily.step != "B1"


@pytest.mark.parametrize(
    ("seconds", "season"), [(1, 60), (60, 60), (300, 288), (1200, 72), (3600, 24), (43_200, 2), (7_000, 1), (86_400, 7)]
)
def test_the_season_of_steps_within_a_day(seconds, season):
    times = np.datetime64("2024-01-01T00:00:00") + seconds * np.arange(6)
    assert calendar.step_of(times, [np.arange(6)], str) == (f"S{seconds}", season)


def test_the_step_in_months_is_that_within_a_series(tmp_path):
    rows = "".join(f"a,{year}-12-31,1\nb,{year}-06-30,2\n" for year in (2020, 2021, 2022))
    panel = opened(tmp_path, "id,date,y\n" + rows).panel
    assert panel.step == "M12" and panel.season == 1 and panel.lengths.tolist() == [3, 3]


def test_rows_without_values_at_the_end_are_there_to_be_told(tmp_path, capsys):
    assert opened(
        tmp_path, "date,a,b\n2024-01-01,1,5\n2024-02-01,2,\n2024-03-01,,\n2024-04-01,,\n"
    ).panel.lengths.tolist() == [2, 2]
    assert opened(tmp_path, "a,b\n1,5\n2,\n,\n,\n").panel.lengths.tolist() == [2, 2]
    long = "id,date,y\na,2024-01-01,1\na,2024-02-01,\nb,2024-01-01,5\nb,2024-02-01,6\nb,2024-03-01,\n"
    assert opened(tmp_path, long).panel.lengths.tolist() == [2, 2]


def test_a_column_that_counts_steps_is_no_time(tmp_path, capsys):
    panel = opened(tmp_path, "week,sales\n" + "".join(f"{n},{n}\n" for n in range(1, 40))).panel
    assert panel.begins is None and panel.names == ("sales",) and len(panel.values) == 39
    assert "column 'week' counts steps: there are no times" in capsys.readouterr().err


def test_days_may_be_written_as_one_number(tmp_path):
    panel = opened(tmp_path, "day,sales\n20240131,1\n20240201,2\n20240202,3\n").panel
    assert panel.step == "S86400" and panel.begins[0] == np.datetime64("2024-01-31")


def test_two_columns_without_times_are_two_series(tmp_path):
    assert opened(tmp_path, "sales,demand\n1,2\n3,4\n").panel.names == ("sales", "demand")


def test_days_that_may_be_months_are_asked_for(tmp_path):
    with pytest.raises(InputError, match="line 3: column 'date': is '01/02/2024' 2024-01-02 or 2024-02-01"):
        opened(tmp_path, "date,a\n01/01/2024,1\n01/02/2024,2\n01/03/2024,3\n")


def test_the_shipped_set_has_its_official_parts():
    found = open_series("m3/other")
    assert len(found.panel) == 174 and found.horizon == 8 and found.panel.season == 1
    assert found.panel.lengths.min() == 63 + 8 and set(found.panel.kinds) > {"micro", "finance"}
    assert open_series("m3/other").panel.names == found.panel.names
    with pytest.raises(CallError, match="holds no series"):
        open_series("everyday")


def test_columns_are_told_apart(tmp_path):
    text = ",shop,when,sold,note\n0,NA,2024-01-01,1,x\n1,NA,2024-01-02,2,y\n"
    panel = opened(tmp_path, text, series_column="shop", time_column="when").panel
    assert panel.names == ("NA",) and panel.series(0).tolist() == [1, 2]
    with pytest.raises(CallError, match="which column holds the values"):
        opened(tmp_path, "shop,a,b\nx,1,2\n", series_column="shop")
    for words in (("cold", "warm"), ("cold", "cold")):
        panel = opened(tmp_path, "date,a,remark\n2024-01-01,1,{}\n2024-01-02,2,{}\n\n".format(*words)).panel
        assert panel.names == ("a",)
    for header in ("date,region,sales", "date,category,turnover"):
        days = "\n2024-01-01,north,1\n2024-01-01,south,2\n2024-01-02,south,4\n2024-01-02,north,3\n"
        panel = opened(tmp_path, header + days).panel
        assert panel.names == ("north", "south") and panel.series(1).tolist() == [2, 4] and not panel.kinds
    with pytest.raises(InputError, match="name the column of their names: --series-column"):
        opened(tmp_path, "date,region,sales\n2024-01-01,north,1\n2024-01-01,north,2\n")
    for text in (
        "date,sales,remark\n2024-01-01,1,cold\n2024-01-01,2,warm\n",
        "date,region,sales,remark\n2024-01-01,north,1,cold\n2024-01-01,south,2,cold\n2024-01-02,north,3,cold\n2024-01-02,south,4,cold\n",
    ):
        with pytest.raises(InputError, match="line 3: the time 2024-01-01 comes twice"):
            opened(tmp_path, text)
    with pytest.raises(InputError, match="name the column of their names: --series-column"):
        opened(tmp_path, "date,store_nbr,sales\n2024-01-01,1,5\n2024-01-01,2,6\n")


def test_columns_beside_the_values(tmp_path):
    text = "date,a,price,rain\n2024-01-01,,1,9\n2024-01-02,5,2,8\n2024-01-03,6,3,7\n2024-01-04,,4,\n2024-01-05,,5,\n"
    panel = opened(tmp_path, text, future_columns=["price"], past_columns=["rain"]).panel
    assert panel.names == ("a",) and panel.columns == ("price", "rain") and panel.ahead == 1
    assert panel.series(0).tolist() == [5, 6] and panel.covariates.tolist() == [[2, 8], [3, 7]]
    assert panel.known_ahead.tolist() == [2] and panel.future[0, :, 0].tolist() == [4, 5]
    text = "id,date,y,promo\na,2024-01-01,1,0\nb,2024-01-01,2,1\na,2024-01-02,3,1\nb,2024-01-02,,1\n"
    panel = opened(tmp_path, text, future_columns=["promo"]).panel
    assert panel.lengths.tolist() == [2, 1] and panel.covariates[:, 0].tolist() == [0, 1, 1]
    assert panel.known_ahead.tolist() == [0, 1]
    for columns, message in (
        ({"past_columns": ["rain"]}, "has no column 'rain'"),
        ({"past_columns": ["promo"], "future_columns": ["promo"]}, "is named twice"),
        ({"past_columns": ["y"]}, "'y' holds the value"),
    ):
        with pytest.raises(CallError, match=message):
            opened(tmp_path, text, **columns)
    with pytest.raises(CallError, match="has no columns but the values"):
        open_series("m3/other", future_columns=["price"])
    with pytest.raises(InputError, match="line 2, column 'promo': 'yes' is no number"):
        opened(tmp_path, "date,a,promo\n2024-01-01,1,yes\n", future_columns=["promo"])


def test_tables_as_spreadsheets_write_them(tmp_path):
    panel = opened(tmp_path, "datum;a;b\n2024-01-01;1,5;2\n2024-01-02;2,5;3\n").panel
    assert panel.names == ("a", "b") and panel.series(0).tolist() == [1.5, 2.5]
    with pytest.raises(InputError, match="more values than the first line names columns|could not be read"):
        opened(tmp_path, "date,a\n2024-01-01,1,5\n2024-01-02,2,5\n")
    (tmp_path / "latin.csv").write_bytes("date,gr\xf6sse\n2024-01-01,1\n".encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8 text"):
        open_series(str(tmp_path / "latin.csv"))
    with pytest.raises(CallError, match="is a folder"):
        open_series(str(tmp_path))


def test_few_values_are_of_the_step_that_is_likely(tmp_path):
    text = "id,date,y\na,2024-01-01,1\nb,2024-04-01,2\n"
    assert opened(tmp_path, text).panel.step == ""
    panel = opened(tmp_path, text, step="M1").panel
    assert panel.step == "M1" and panel.season == 12


def test_few_values_of_another_step_are_not_taken_for_the_likely_one(tmp_path):
    text = "date,a\n2024-01-01,5\n2024-01-02,7\n2024-01-03,9\n"
    assert opened(tmp_path, text, step="M1").panel.step == "S86400"
    assert opened(tmp_path, "date,a\n2024-01-01 00:00,5\n2024-01-01 01:00,7\n", step="S86400").panel.step == "S3600"


def test_a_hundred_thousand_series_are_read(tmp_path):
    rows = "".join(f"s{n},{day},{n}\n" for n in range(100_000) for day in ("2024-01-01", "2024-01-02"))
    panel = opened(tmp_path, "id,date,y\n" + rows).panel
    assert len(panel) == 100_000 and panel.lengths.tolist() == [2] * 100_000
