"""Tables of series that could be misread: they are read rightly, or the message says how to write them."""

import pytest

from nlp_rnn.checks import InputError
from tests.forecasting.tables import open_text


def rows(*lines):
    return "".join(f"{line}\n" for line in lines)


MONTHS = ("Jan", "Feb", "Mar", "Apr")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (rows("month,v", "marzec 2020,3", "kwiecień 2020,4"), "the column 'month' holds 'marzec 2020', which is not read"),
        (rows("date,v", "03012024,3", "02012024,2"), "the column 'date' holds '03012024', which is not read as a time"),
        (rows("timestamp,v", "1704067200.5,1", "1704067201.5,2"), "the column 'timestamp' holds"),
        (rows("x,v", "2024:001:12,3.5", "2024:002:12,2.5"), "the column 'x' holds '2024:001:12', which is not read as a"),
        (rows("x,v", "1990,3.5", "1991,2.5", "1992,1.5"), "does the column 'x' hold times or values[?] Give --time-column"),
        (rows("Year," + ",".join(MONTHS), "2020,1,2,3,4", "2021,1,2,3,5"), "the columns Jan to Apr are named with months"),
        (rows("Date,H1,H2,H3", "2024-01-01,1,2,4", "2024-01-02,1,2,4"), "the columns H1 to H3 are named with clock times"),
        (rows("store,2023-01-01,2023-01-02,2023-01-03,Total", "1,1.5,2.5,3.5,7"), "are named with times"),
        (rows("season,v", "2001-02,1", "2002-03,2", "2003-04,3"), "holds '2001-02', which may be a season"),
        (rows("week,v", "202401,1", "202402,2", "202403,3"), "may be a week or a month: write weeks as 2024-W05"),
        (rows("quarter,v", "202301,1", "202302,2", "202303,3"), "may be a quarter or a month: write quarters as"),
        (rows("month,v", "Jan-25,1", "Feb-25,2", "Mar-25,4", "May-27,5"), "two digits on both sides of today"),
        (rows("date,hour,load", *(f"2024-01-01,part {n},1" for n in (1, 2))), "the time 2024-01-01 occurs twice"),
        (rows("time,sensor,host,v", *(f"2024-01-01 0{n}:00,{n % 2},{n % 2},1" for n in range(4))), "one or several of"),
        ('date,v\n2024-01-01,50%\n2024-01-02,0.5\n', "line 2, column 'v': '50%' has a percent sign, and other numbers have none"),
    ],
)  # fmt: skip
def test_what_could_be_misread_is_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        open_text(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rows("time,v", "2024-03-04 01:00:00+00,2", "2024-03-04 00:00:00+00,1"), {"v": [1, 2]}),
        (rows("time,sensor,v", *(f"2024-01-01 0{n}:00,{'ab'[n % 2]},{n}" for n in range(6))), {"a": [0, 2, 4], "b": [1, 3, 5]}),
        (rows("Country,1960,1961,1962,", "A,1.5,2.5,3.5,", "B,4.5,5.5,6.5,"), {"A": [1.5, 2.5, 3.5], "B": [4.5, 5.5, 6.5]}),
        (rows("store,2023-01-01,2023-01-02,2023-01-03", "1,1.5,2.5,3.5", "2,4,5,6"), {"1": [1.5, 2.5, 3.5], "2": [4, 5, 6]}),
        (rows("Name,1990 [YR1990],1991 [YR1991],1992 [YR1992]", "A,1,2,4"), {"A": [1, 2, 4]}),
        (rows("date,on_hand,sold", *(f"2024-01-0{n},{1500 + n * n},{n / 2}" for n in (1, 2, 3))),
         {"on_hand": [1501, 1504, 1509], "sold": [0.5, 1, 1.5]}),
        (rows("date,users,price", *(f"2024-01-0{n},{500 + n},{n * n}" for n in (1, 2, 3))),
         {"users": [501, 502, 503], "price": [1, 4, 9]}),
        (rows("date,hour,load", *(f"2024-01-01,HE{n},{n}" for n in (1, 2, 3))), {"load": [1, 2, 3]}),
        (rows("date,opens,riders", *(f"2024-01-0{n},05:30,{n * n}" for n in (1, 2, 3))), {"riders": [1, 4, 9]}),
        (rows("date;v", "2024-01-01;0.500", "2024-01-02;12.250"), {"v": [0.5, 12.25]}),
        (rows("date,v", "2024-01-01,5-", "2024-01-02,--", "2024-01-03,4"), {"v": [-5, None, 4]}),
    ],
)  # fmt: skip
def test_what_is_clear_is_read(tmp_path, text, expected):
    panel = open_text(tmp_path, text).panel
    read = {name: [None if v != v else v for v in panel.series(n).tolist()] for n, name in enumerate(panel.names)}
    assert read == expected


@pytest.mark.parametrize(
    ("times", "following"),
    [
        (["2021-02-28", "2021-03-28", "2021-04-28"], "2021-05-28"),
        (["2021-04-30", "2021-05-30", "2021-06-30"], "2021-07-30"),
        (["2021-02-28", "2021-03-31", "2021-04-30"], "2021-05-31"),
        (["04.03.2024", "04.03.2024 01:00", "04.03.2024 02:00"], "04.03.2024 03:00"),
        (["Monday, 4 March 2024", "Tuesday, 5 March 2024", "Wednesday, 6 March 2024"], "Thursday, 7 March 2024"),
        (["March 1st 2024", "March 2nd 2024", "March 3rd 2024"], "March 4th 2024"),
        (["May 2020", "June 2020", "July 2020", "August 2020"], "September 2020"),
        (["3/14/2024 01:00", "3/14/2024 02:00", "3/14/2024 03:00"], "3/14/2024 04:00"),
    ],
)
def test_the_next_time_is_written_as_the_table_does(tmp_path, times, following):
    text = rows("time;v", *(f"{time};{n * n}" for n, time in enumerate(times)))
    panel = open_text(tmp_path, text).panel
    assert panel.time_text.after(panel.start_times[0], int(panel.lengths[0]), panel.frequency) == following


def test_a_table_may_be_said_to_have_no_times(tmp_path):
    panel = open_text(tmp_path, rows("date,v", "03012024,3", "02012024,2"), time_column="none", value_column="v").panel
    assert panel.names == ("v",) and panel.start_times is None


def test_lists_in_a_column_are_refused(tmp_path):
    text = '{"item_id": "a", "start": "2020-01-01", "target": [1.5, 2.5]}\n'
    with pytest.raises(InputError, match="column 'target' holds lists: write one row for each value"):
        open_text(tmp_path, text, name="a.jsonl")


def test_an_index_of_parquet_that_does_not_count_is_a_column(tmp_path):
    import pandas as pd

    from nlp_rnn.forecasting.series import open_series

    index = pd.RangeIndex(2022, 2019, -1, name="year")
    pd.DataFrame({"v": [3.5, 2.5, 1.5]}, index=index).to_parquet(tmp_path / "a.parquet")
    assert open_series(str(tmp_path / "a.parquet")).panel.series(0).tolist() == [1.5, 2.5, 3.5]


def test_weeks_of_stata_are_not_read_as_weeks_of_iso_8601(tmp_path):
    weeks = [(2014, n) for n in range(40, 53)] + [(2015, n) for n in range(1, 53)] + [(2016, n) for n in range(1, 5)]
    stata = "week,v\n" + "".join(f"{year}w{n},{n}\n" for year, n in weeks)
    with pytest.raises(InputError, match="column 'week' holds '2014w40', which may be a week of Stata, .* as 2024-W05"):
        open_text(tmp_path, stata)
    for text in (stata.replace("w", "-W").replace("-Week", "week"), stata.replace("2016w1,", "2015w53,0\n2016w1,")):
        panel = open_text(tmp_path, text).panel
        assert str(panel.start_times[0])[:10] == "2014-09-29", "Monday of week 40 of ISO 8601"
