"""Argument checks, each worded once, and the two errors that a user of the tool may see.

A `ValueError` is for someone who writes Python against the library. `InputError` and `CallError` are for someone who
types a command: the command line prints them as one line and leaves without a traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Real


class InputError(Exception):
    """What was given cannot be used: a broken file, a missing label, a full disk. Exit code 1."""

    exit_code = 1


class CallError(InputError):
    """The call itself is wrong: a name that does not exist, a file that is not there. Exit code 2."""

    exit_code = 2


def positive_int(name: str, value: object) -> int:
    """Return `value` if it is an int above 0.

    Example:
        >>> positive_int("units", 3)
        3
        >>> positive_int("units", -1)
        Traceback (most recent call last):
        ValueError: units must be a positive int, got -1
    """
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError(f"{name} must be a positive int, got {value!r}")
    return value


def fraction(name: str, value: object) -> float:
    """Return `value` as a float if it lies in [0, 1); dropout rates and shares of a split."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value < 1:
        raise ValueError(f"{name} must be a number from 0 up to, not including, 1, got {value!r}")
    return float(value)


def not_negative(name: str, value: object) -> int:
    """Return `value` if it is an int of 0 or above."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} must be an int of 0 or above, got {value!r}")
    return value


def random_seed(name: str, value: object) -> int:
    """Return `value` if it is an int from 0 to 2**32 - 1, which every random generator takes."""
    if not_negative(name, value) >= 2**32:
        raise ValueError(f"{name} must be below 2**32, got {value}")
    return value


def above_zero(name: str, value: object) -> float:
    """Return `value` as a float if it is a finite number above 0."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < float("inf"):
        raise ValueError(f"{name} must be a number above 0, got {value!r}")
    return float(value)


def at_least_zero(name: str, value: object) -> float:
    """Return `value` as a float if it is a finite number of 0 or above."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be a number of 0 or above, got {value!r}")
    return float(value)


def one_of(name: str, value: object, choices: Iterable[str]) -> str:
    """Return `value` if it is among `choices`."""
    choices = tuple(choices)
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    return value


def nearest(name: str, choices: Iterable[str]) -> str:
    """Return ' Did you mean X?' for the choice closest to `name`, or an empty string.

    Example:
        >>> nearest("sentimnt", ["sentiment", "translation"])
        ' Did you mean sentiment?'
    """
    close = get_close_matches(name, list(choices), n=1)
    return f" Did you mean {close[0]}?" if close else ""


BLANK = "___"  # where a word is missing
LENGTH, TEMPERATURE = 100, 0.8  # of generated text, where nothing else is said
# What may be asked of generated text, by numbers or by scalars of a graph: whether one fits, and what would.
GENERATED = {
    "length": (lambda n: (n >= 1) & (n <= 1_000_000), "from 1 to 1,000,000"),
    "temperature": (lambda t: (t >= 0) & (t <= 100), "from 0 to 100 (0 takes the most probable token)"),
    "top_k": (lambda k: (k >= 0) & (k <= 2**31 - 1), "from 0 to 2**31 - 1 (0 for all tokens)"),
    "top_p": (lambda p: (p > 0) & (p <= 1), "above 0 and up to 1"),
    "min_p": (lambda p: (p >= 0) & (p <= 1), "from 0 to 1"),
    "penalty": (lambda p: (p > 0) & (p <= 100), "above 0 and up to 100 (1 for none)"),
    "seed": (lambda n: (n >= 0) & (n <= 2**31 - 1), "from 0 to 2**31 - 1"),
}
