"""Parts of times in columns of their own are written back into such columns."""

import pytest

from tests.forecasting.tables import open_text


def cells_after(folder, header, rows):
    panel = open_text(folder, "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n").panel
    return panel.time_text.cells(panel.start_times[0], int(panel.lengths[0]), panel.frequency)


NEXT_HOUR = {"year": "2024", "month": "2", "day": "1", "hour": "20"}
JULY, APRIL = {"year": "2022", "month": "07"}, {"year": "2020", "month": "APR"}
AUGUST = {"jahr": "2020", "monat": "August"}
MONTHS = [(2020 + n // 12, n % 12 + 1) for n in range(30)]


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        ("Year,Quarter,v", [(2015 + n // 4, n % 4 + 1, n) for n in range(10)], {"Year": "2017", "Quarter": "3"}),
        ("year,qtr,v", [(2015 + n // 4, f"Q{n % 4 + 1}", n) for n in range(10)], {"year": "2017", "qtr": "Q3"}),
        ("year,month,v", [(*month, n) for n, month in enumerate(MONTHS)], {"year": "2022", "month": "7"}),
        ("year,month,v", [(y, f"{m:02d}", m) for y, m in MONTHS], JULY),
        ("jahr,monat,v", [(y, ("Mai", "Juni", "Juli")[m - 5], m) for y, m in MONTHS[4:7]], AUGUST),
        ("month,year,v", [(("JAN", "FEB", "MAR")[m - 1], y, m) for y, m in MONTHS[:3]], APRIL),
        ("year,week,v", [(2020, n, n) for n in range(40, 54)], {"year": "2021", "week": "1"}),
        ("year,month,day,v", [(2024, 2, n, n) for n in range(20, 30)], {"year": "2024", "month": "3", "day": "1"}),
        ("year,month,day,hour,v", [(2024, 2, 1, n, n) for n in range(20)], NEXT_HOUR),
        ("year,month,day,hour,v", [(2024, 2, 1, n, n) for n in range(5, 25)], {"time": "2024-02-02 01:00"}),
        ("date,hour,v", [(f"2024-02-0{d}", n, n) for d in (1, 2) for n in range(24)], {"time": "2024-02-03 00:00"}),
        ("date,v", [(f"{n}.2.2024", n) for n in range(1, 9)], {"time": "9.2.2024"}),
    ],
)  # fmt: skip
def test_the_next_time_in_the_columns_of_the_table(tmp_path, header, rows, expected):
    assert cells_after(tmp_path, header, rows) == expected
