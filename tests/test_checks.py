"""Checks of arguments."""

import math

import pytest

from nlp_rnn import checks
from nlp_rnn.checks import InputError, UsageError

INTS, NUMBERS = [0, -1, 2.5, True, None, "3"], [-0.1, True, None, "1", math.nan, math.inf]


@pytest.mark.parametrize(
    "check, good, bad, message",
    [
        (checks.positive_int, [1, 10**9], INTS, "x must be a positive int, got "),
        (checks.not_negative, [0, 7], INTS[1:], "x must be an int of 0 or above, got "),
        (checks.random_seed, [0, 2**32 - 1], INTS[1:], "x must be an int of 0 or above, got "),
        (checks.random_seed, [], [2**32], r"x must be below 2\*\*32, got 4294967296"),
        (checks.fraction, [0, 0.5, 0.999], [1, *NUMBERS], "x must be a number from 0 up to, not including, 1, got "),
        (checks.above_zero, [1, 1e-9], [0, *NUMBERS], "x must be a number above 0, got "),
        (checks.at_least_zero, [0, 2.5], NUMBERS, "x must be a number of 0 or above, got "),
    ],
)
def test_values_in_range_are_returned_and_others_refused(check, good, bad, message):
    for value in good:
        assert check("x", value) == value
    for value in bad:
        with pytest.raises(ValueError, match=message):
            check("x", value)


def test_choices():
    assert checks.one_of("cell", "gru", iter(["lstm", "gru"])) == "gru"
    with pytest.raises(ValueError, match="cell must be one of lstm, gru, got 'rnn'"):
        checks.one_of("cell", "rnn", ["lstm", "gru"])


def test_only_a_close_name_is_suggested():
    assert checks.nearest("unit", ["units", "layers"]) == " Did you mean units?"
    assert checks.nearest("nothing", ["units", "layers"]) == "" == checks.nearest("x", [])


def test_exit_codes_of_the_errors():
    assert (InputError.exit_code, UsageError.exit_code) == (1, 2) and issubclass(UsageError, InputError)
