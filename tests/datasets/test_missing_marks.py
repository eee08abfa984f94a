"""Numbers that mark missing values: refused or named, and prices and counts are left alone."""

import numpy as np
import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.missing_marks import check_missing_marks
from tests.forecasting.tables import open_text


def checked(values):
    check_missing_marks(np.array(values, float), lambda row: f"line {row + 2}", "v")


@pytest.mark.parametrize("mark", [-99, -999, -9999, -99.9, -999999])
def test_a_repeated_negative_run_of_nines_among_positive_values_is_refused(mark):
    with pytest.raises(InputError, match=f"line 3, column 'v': {mark} occurs 2 times, far below .* leave their cells"):
        checked([5, mark, 7, mark, 20_000])


def test_one_far_below_values_of_both_signs_is_refused():
    with pytest.raises(InputError, match="-9999 occurs 3 times"):
        checked([-20, -9999, 35, -9999, 12, -9999])


@pytest.mark.parametrize(
    "values",
    [
        [-999, 5, 7],  # once
        [-999, -999, -500, 800],  # among others of its size
        [-9, -9, 3, 8],  # a short run may be a difference
        [-1000, -1000, 3, 8],  # no nines
        [-999, -999],  # nothing else
        [np.nan, np.nan],
    ],
)
def test_other_negative_values_are_values(values, capsys):
    checked(values)
    assert not capsys.readouterr().err


def test_a_positive_run_of_nines_far_above_is_named(capsys):
    checked([1, 9999, 30, 9999])
    assert "line 3, column 'v': 9999 occurs 2 times, far above all other values; if" in capsys.readouterr().err
    checked([199, 999, 499, 999, 99, 99, 1999])
    assert not capsys.readouterr().err, "prices"


def test_the_table_is_refused_in_every_layout(tmp_path):
    days = [f"2024-01-0{n}" for n in range(1, 6)]
    values = [3, -999, 4, -999, 6]
    wide = "date,rain\n" + "".join(f"{day},{value}\n" for day, value in zip(days, values, strict=True))
    by_row = "id," + ",".join(days) + "\na," + ",".join(map(str, values)) + "\nb,1,2,3,4,5\n"
    for text, where in ((wide, "line 3, column 'rain'"), (by_row, "line 2, column '2024-01-01 to 2024-01-05'")):
        with pytest.raises(InputError, match=f"{where}: -999 occurs 2 times"):
            open_text(tmp_path, text)
