"""Clock times in a column of their own, next to one of days."""

import datetime as dt

import pytest

from nlp_rnn.checks import InputError
from tests.forecasting.tables import open_text

DAYS = [dt.date(2024, 3, 4) + dt.timedelta(n) for n in range(6)]


def table(header, rows):
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


@pytest.mark.parametrize("name", ["HHMM", "time", "Hour"])
@pytest.mark.parametrize("form", ["{}", "{:04d}"])
def test_hours_and_minutes_in_one_number(tmp_path, name, form):
    clocks = [100 * hour + minute for hour in range(24) for minute in (0, 30)]
    rows = [(day, form.format(clock), n) for day in DAYS for n, clock in enumerate(clocks)]
    dataset = open_text(tmp_path, table(f"date,{name},v", rows))
    panel = dataset.panel
    assert panel.frequency == "S1800" and panel.season == 48 and panel.lengths.tolist() == [6 * 48]
    assert dataset.notes[0] == f"time: date + {name}; values: v"
    assert panel.time_text.after(panel.start_times[0], 6 * 48 + 1, panel.frequency) == "2024-03-10 00:30"


def test_they_may_look_like_years(tmp_path):
    rows = [(day, clock, clock) for day in DAYS for clock in range(1000, 2000, 100)]
    panel = open_text(tmp_path, table("date,time,v", rows)).panel
    assert str(panel.start_times[0]) == "2024-03-04T10:00:00" and panel.lengths.tolist() == [60]


def test_midnight_may_be_the_end_of_a_day(tmp_path):
    rows = [(day, clock, n) for day in DAYS for n, clock in enumerate(range(100, 2500, 100))]
    panel = open_text(tmp_path, table("date,hour,v", rows)).panel
    assert str(panel.start_times[0]) == "2024-03-04T01:00:00" and panel.frequency == "S3600"


def test_other_numbers_next_to_days_are_values(tmp_path):
    rows = [(day, run, 17 * n % 7) for day in DAYS[:3] for n, run in enumerate((131, 142, 207))]
    with pytest.raises(InputError, match="the time 2024-03-04 occurs twice"):
        open_text(tmp_path, table("date,time,v", rows))


@pytest.mark.parametrize("name", ["SettlementPeriod", "settlement period", "SP", "period"])
def test_settlement_periods_are_half_hours(tmp_path, name, capsys):
    rows = [(day, period, period) for day in DAYS for period in range(1, 49)]
    panel = open_text(tmp_path, table(f"date,{name},mw", rows[:-10])).panel
    assert panel.frequency == "S1800" and panel.lengths.tolist() == [6 * 48 - 10]
    assert str(panel.start_times[0]) == "2024-03-04T00:00:00"
    assert f"column '{name}' numbers the half-hours of a day: 1 begins at 00:00" in capsys.readouterr().err


@pytest.mark.parametrize(("last", "line"), [(46, 50), (50, 50)])
def test_days_on_which_the_clock_is_changed_are_refused(tmp_path, last, line):
    rows = [(day, n, n) for day in DAYS for n in range(1, (last if day == DAYS[1] else 48) + 1)]
    with pytest.raises(
        InputError, match=f"line {line}: column 'SP' ends at {last} on this day, as when clocks change: write times"
    ):
        open_text(tmp_path, table("date,SP,v", rows))
