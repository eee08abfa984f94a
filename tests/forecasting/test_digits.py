"""Decimals of values, and numbers rounded to them: against decimal numbers as they are written."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp_rnn.forecasting.digits import decimals_of, rounded, text_of

WRITTEN = st.decimals(-(10**9), 10**9, places=None, allow_nan=False).map(lambda number: round(number, 6))


@given(st.lists(WRITTEN, min_size=1, max_size=5))
def test_values_are_written_as_they_were_given(written):
    values = np.array([float(number) for number in written])
    decimals = decimals_of(values)
    assert decimals == max(max(0, -Decimal(number).normalize().as_tuple().exponent) for number in written)
    assert [rounded(value, decimals) for value in values] == values.tolist()
    assert [float(text_of(value)) for value in values] == values.tolist()


@pytest.mark.parametrize(
    ("values", "decimals"), [([], 0), ([np.nan, np.inf], 0), ([1e18, 2.0], 0), ([1e9 + 0.1, 0.25], 2), ([1 / 3], 16)]
)
def test_decimals_end_where_float64_does(values, decimals):
    assert decimals_of(np.array(values)) in (decimals - 1, decimals)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (-1e-9, "-1e-09"), (1234567890.5, "1234567890"), (np.nan, "nan")]
)
def test_integers_have_no_decimal_point(value, text):
    assert text_of(rounded(value, 0)) == text
