"""Rows of a table as series with a value at every step: frequencies, gaps, and steps without values."""

import numpy as np
import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.datasets import calendar
from tests.datasets.test_calendar import WEEKDAYS
from tests.forecasting.tables import open_text


def test_a_clock_put_back_is_suspected(tmp_path):
    hours = ["2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 02:00", "2024-10-27 03:00"]
    with pytest.raises(InputError, match="line 4.*change to winter time"):
        open_text(tmp_path, "date,a\n" + "".join(f"{hour},1\n" for hour in hours))
    zones = ["+02:00", "+02:00", "+01:00", "+01:00"]
    text = "date,a\n" + "".join(f"{hour}{zone},1\n" for hour, zone in zip(hours, zones, strict=True))
    panel = open_text(tmp_path, text).panel
    assert panel.frequency == "S3600" and panel.series(0).tolist() == [1, 1, 1, 1]


def test_series_of_weekdays_have_no_weekends(tmp_path):
    rows = "".join(f"{day},{n}\n" for n, day in enumerate(WEEKDAYS) if n != 6)
    panel = open_text(tmp_path, "date,y\n" + rows).panel
    assert (panel.frequency, panel.season, len(panel.values)) == ("B1", 5, 15)
    assert np.flatnonzero(np.isnan(panel.values)).tolist() == [6]
    assert calendar.text_after(panel.start_times[0], 15, "B1") == "2024-01-22"


def test_the_frequency_of_a_model_decides_whether_days_are_weekdays(tmp_path):
    short = open_text(tmp_path, "date,y\n2024-03-01,1\n2024-03-04,2\n", frequency="B1").panel
    assert (short.frequency, len(short.values)) == ("B1", 2)
    some = "date,y\n" + "".join(f"{day},1\n" for day in WEEKDAYS[:8])
    assert open_text(tmp_path, some, frequency="B1").panel.frequency == "B1"
    assert open_text(tmp_path, some).panel.frequency == "S86400"
    every = "date,y\n" + "".join(f"{day},{n}\n" for n, day in enumerate(WEEKDAYS))
    assert open_text(tmp_path, every, frequency="S86400").panel.frequency == "S86400"
    daily = open_text(tmp_path, "date,y\n2024-03-02,1\n2024-03-04,2\n", frequency="B1").panel
    assert daily.frequency != "B1"


def test_the_frequency_in_months_is_that_within_a_series(tmp_path):
    rows = "".join(f"a,{year}-12-31,1\nb,{year}-06-30,2\n" for year in (2020, 2021, 2022))
    panel = open_text(tmp_path, "id,date,y\n" + rows).panel
    assert panel.frequency == "M12" and panel.season == 1 and panel.lengths.tolist() == [3, 3]


@pytest.mark.parametrize(
    "text",
    [
        "date,a,b\n2024-01-01,1,5\n2024-02-01,2,\n2024-03-01,,\n2024-04-01,,\n",
        "a,b\n1,5\n2,\n,\n,\n",
        "id,date,y\na,2024-01-01,1\na,2024-02-01,\nb,2024-01-01,5\nb,2024-02-01,6\nb,2024-03-01,\n",
    ],
)
def test_rows_without_values_at_the_end_are_left_to_forecast(tmp_path, text):
    assert open_text(tmp_path, text).panel.lengths.tolist() == [2, 2]


def test_a_frequency_is_assumed_for_too_few_values_that_fit_it(tmp_path):
    text = "id,date,y\na,2024-01-01,1\nb,2024-04-01,2\n"
    assert open_text(tmp_path, text).panel.frequency == ""
    panel = open_text(tmp_path, text, frequency="M1").panel
    assert panel.frequency == "M1" and panel.season == 12


def test_a_frequency_is_not_assumed_for_few_values_of_another(tmp_path):
    text = "date,a\n2024-01-01,5\n2024-01-02,7\n2024-01-03,9\n"
    assert open_text(tmp_path, text, frequency="M1").panel.frequency == "S86400"
    hours = "date,a\n2024-01-01 00:00,5\n2024-01-01 01:00,7\n"
    assert open_text(tmp_path, hours, frequency="S86400").panel.frequency == "S3600"
