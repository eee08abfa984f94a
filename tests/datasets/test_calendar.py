"""The frequency and the season of times, and times some steps later."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp_rnn.datasets import calendar
from nlp_rnn.datasets.times import read_times

WEEKDAYS = [f"2024-01-{day:02d}" for day in range(1, 20) if day % 7 not in (6, 0)]  # the first is a Monday


@pytest.mark.parametrize(
    ("times", "frequency"),
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
def test_the_frequency_of_times_as_people_write_them(times, frequency, capsys):
    import pandas as pd

    read = read_times(pd.Series(times), lambda row: f"row {row}", "date").values
    assert calendar.infer_frequency(read, [np.arange(len(times))], lambda row: f"row {row}")[0] == frequency
    assert "have a zone" not in capsys.readouterr().err


def test_times_of_other_zones_are_converted_to_utc(capsys):
    import pandas as pd

    read = read_times(pd.Series(["2024-01-01T00:30+01:00", "2024-01-01T01:30+01:00"]), str, "date").values
    assert read.astype(str).tolist() == ["2023-12-31T23:30:00", "2024-01-01T00:30:00"]
    assert "the times of column 'date' have a zone: they are converted to UTC" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "season"), [(1, 60), (60, 60), (300, 288), (1200, 72), (3600, 24), (43_200, 2), (7_000, 1), (86_400, 7)]
)
def test_the_season_of_steps_within_a_day(seconds, season):
    times = np.datetime64("2024-01-01T00:00:00") + seconds * np.arange(6)
    assert calendar.infer_frequency(times, [np.arange(6)], str) == (f"S{seconds}", season)


@pytest.mark.slow
@given(
    frequency=st.sampled_from(["M1", "M3", "M12", "B1", "S86400", "S604800", "S3600", "S900"]),
    start=st.integers(0, 20_000),
    count=st.integers(15, 40),
)
def test_times_some_steps_later_have_the_frequency_and_the_steps(frequency, start, count):
    first = np.datetime64("1990-01-01") + start
    first = np.busday_offset(first, 0, roll="forward") if frequency == "B1" else first
    first = first.astype("datetime64[M]").astype("datetime64[D]") if frequency[0] == "M" else first
    first = first.astype("datetime64[s]")
    times = np.array([calendar.time_after(first, step, frequency) for step in range(count)])
    assert calendar.infer_frequency(times, [np.arange(count)], str)[0] == frequency
    assert calendar.steps_since_first(times, frequency).tolist() == list(range(count))
