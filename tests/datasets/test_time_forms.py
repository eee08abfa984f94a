"""Times as people and programs write them: what they mean, and how the next one is written."""

import calendar
import datetime as dt

import numpy as np
import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.months import MONTHS, SPELLINGS
from tests.forecasting.tables import open_text

MONTHLY = [(2020 + n // 12, n % 12 + 1) for n in range(24)]


def panel_of(folder, times, header="date;v"):
    return open_text(folder, header + "\n" + "".join(f"{time};{n}\n" for n, time in enumerate(times))).panel


def following(panel):
    return panel.time_text.after(panel.start_times[0], int(panel.lengths[0]), panel.frequency)


def test_no_name_means_two_months():
    for spellings in SPELLINGS.values():
        for names in spellings:
            assert len(names) == 12 and [MONTHS[name] for name in names] == list(range(1, 13))
    english = [name.lower() for name in calendar.month_name[1:]]
    assert list(SPELLINGS["en"][0]) == english and SPELLINGS["en"][1] == tuple(name[:3] for name in english)


@pytest.mark.parametrize("language", SPELLINGS)
@pytest.mark.parametrize(
    "form", ["{name} {year}", "{Name}-{short}", "{year} {name}", "1. {Name} {year}", "{name}. {year}"]
)
def test_months_in_every_language(tmp_path, language, form):
    def written(name, year):
        return form.format(name=name, Name=name.title(), year=year, short=year % 100)

    for names in SPELLINGS[language]:
        panel = panel_of(tmp_path, [written(names[month - 1], year) for year, month in MONTHLY])
        assert panel.frequency == "M1" and str(panel.start_times[0]) == "2020-01-01T00:00:00"
        january = "januar" if names[0].endswith("nner") else names[0]  # as in Germany where Austria may differ
        assert following(panel) == written(january, 2022)


@pytest.mark.parametrize(
    ("texts", "start", "frequency", "after"),
    [
        ([f"{2015 + n // 4}-T{n % 4 + 1}" for n in range(9)], "2015-01-01", "M3", "2017-T2"),
        ([f"T{n % 4 + 1} {2015 + n // 4}" for n in range(9)], "2015-01-01", "M3", "T2 2017"),
        ([f"{n % 4 + 1}T{2015 + n // 4}" for n in range(9)], "2015-01-01", "M3", "2T2017"),
        ([f"{2015 + n // 2}H{n % 2 + 1}" for n in range(9)], "2015-01-01", "M6", "2019H2"),
        ([f"{2015 + n // 2}-S{n % 2 + 1}" for n in range(1, 9)], "2015-07-01", "M6", "2019-S2"),
        ([f"S{n % 2 + 1} {2015 + n // 2}" for n in range(9)], "2015-01-01", "M6", "S2 2019"),
        ([f"2020-{n:03d}" for n in range(50, 70)], "2020-02-19", "S86400", "2020-070"),
        ([f"2020-{n:03d}" for n in range(359, 367)], "2020-12-24", "S86400", "2021-001"),
        ([f"{n}{'er' * (n == 1)} mars 2020" for n in range(1, 9)], "2020-03-01", "S86400", "9 mars 2020"),
        ([f"{n} de março de 2020" for n in range(1, 32)], "2020-03-01", "S86400", "1 de abril de 2020"),
        ([f"{n}. März 2020" for n in range(1, 32)], "2020-03-01", "S86400", "1. April 2020"),
        ([f"{n:02d}-dic-20" for n in range(1, 32)], "2020-12-01", "S86400", "01-ene-21"),
    ],
)  # fmt: skip
def test_a_form_is_read_and_continued(tmp_path, texts, start, frequency, after):
    panel = panel_of(tmp_path, texts)
    assert str(panel.start_times[0])[:10] == start and panel.frequency == frequency
    assert following(panel) == after and panel.lengths.tolist() == [len(texts)]


def test_the_day_of_a_year_is_that_of_the_standard_library(tmp_path):
    days = [dt.date(2023, 12, 20) + dt.timedelta(n) for n in range(40)]
    panel = panel_of(tmp_path, [f"{day:%Y-%j}" for day in days])
    assert str(panel.start_times[0])[:10] == "2023-12-20" and panel.lengths.tolist() == [40]
    with pytest.raises(InputError, match="'2021-366'"):
        panel_of(tmp_path, [*(f"2021-{n:03d}" for n in range(355, 366)), "2021-366"])


def test_a_column_of_two_languages_is_refused(tmp_path):
    with pytest.raises(InputError, match="which is not a time like the others|which is not read as a time"):
        panel_of(tmp_path, ["janvier 2020", "February 2020", "März 2020", "aprile 2020"])


@pytest.mark.parametrize(
    ("text", "value"), [("12,34,567", 1234567), ("1,23,456.50", 123456.5), ("₹ 12,34,56,789", 123456789)]
)
def test_indian_groups_of_digits(tmp_path, text, value):
    panel = open_text(tmp_path, f'date,v\n2024-01-01,"{text}"\n2024-01-02,"1,234"\n2024-01-03,12\n').panel
    np.testing.assert_array_equal(panel.series(0), [value, 1234, 12])


def test_groups_of_two_kinds_are_refused(tmp_path):
    with pytest.raises(InputError, match="contradict each other: write all numbers with the same"):
        open_text(tmp_path, 'date,v\n2024-01-01,"12,34,567"\n2024-01-02,"1,234,567"\n')


def test_numbers_of_invoices_are_not_taken_for_days(tmp_path):
    rows = "".join(f"2020-{n:03d};{n}\n" for n in range(1, 9))
    with pytest.raises(InputError, match="does the column 'invoice' hold times or values[?] Give --time-column"):
        open_text(tmp_path, "invoice;v\n" + rows)
    assert open_text(tmp_path, "invoice;v\n" + rows, time_column="none").panel.start_times is None
    dated = "".join(f"2020-01-0{n};2020-{n + 4:03d};{n}\n" for n in range(1, 9))
    dataset = open_text(tmp_path, "date;invoice;v\n" + dated)
    assert dataset.notes[0] == "time: date; values: v; left out: invoice (words)"
