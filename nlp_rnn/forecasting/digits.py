"""Numbers of forecasts, rounded to as many digits as the values of their series have."""

import numpy as np

SIGNIFICANT = 7  # minimum number of digits: a forecast of integers may lie between them
EXACT = 2**53  # integers up to here are exact in float64
ROUNDING = 2e-15  # a difference up to this fraction of the values, some units in their last place, is a rounding error


def decimals_of(values: np.ndarray) -> int:
    """The number of decimal places that all values are given with, as far as float64 holds them.

    Args:
        values: any shape; NaN where one is missing.

    Examples:
        >>> decimals_of(np.array([1000006.912, 5.0, np.nan])), decimals_of(np.array([1e9]))
        (3, 0)
    """
    values = values[np.isfinite(values)]
    decimals = 0
    while len(values) and decimals < 17:
        # Beyond the digits that float64 holds, further places are not significant.
        values = values[(np.round(values, decimals) != values) & (np.abs(values) < EXACT / 10.0**decimals)]
        decimals += bool(len(values))
    return decimals


def rounded(value: float, decimals: int) -> float:
    """A number with this many decimal places, but at least seven significant digits.

    Examples:
        >>> rounded(1234567890.123, 0), rounded(1000006.91234, 3), rounded(1 / 3, 0)
        (1234567890.0, 1000006.912, 0.3333333)
    """
    whole = int(np.floor(np.log10(abs(value)))) + 1 if np.isfinite(value) and value else 0
    return float(f"{value:.{max(SIGNIFICANT, whole + decimals)}g}")


def text_of(value: float) -> str:
    """A number in the fewest digits that identify it, an integer without a decimal point.

    Examples:
        >>> text_of(1234567890.0), text_of(0.5)
        ('1234567890', '0.5')
    """
    return repr(float(value)).removesuffix(".0")
