"""Checks of arguments, and the two errors that a user of the command line may see.

A `ValueError` is for someone who writes Python against the library. `InputError` and `UsageError` are for someone who
types a command: the command line prints them as one line and exits without a traceback.
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from numbers import Real
from typing import Any, TypeGuard


class InputError(Exception):
    """The input is unusable: a broken file, a missing label, a full disk. Exit code 1."""

    exit_code = 1


class UsageError(InputError):
    """The command line is wrong: an unknown name, a file that does not exist. Exit code 2."""

    exit_code = 2


def positive_int(name: str, value: object) -> int:
    """Return `value` if it is an int above 0.

    Examples:
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
    """Return `value` as a float if it is in [0, 1), such as a dropout rate or the fraction of a split."""
    if not _is_number(value) or not 0 <= value < 1:
        raise ValueError(f"{name} must be a number from 0 up to, not including, 1, got {value!r}")
    return float(value)


def not_negative(name: str, value: object) -> int:
    """Return `value` if it is an int of 0 or above."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} must be an int of 0 or above, got {value!r}")
    return value


def random_seed(name: str, value: object) -> int:
    """Return `value` if it is an int from 0 to 2**32 - 1, which every random generator accepts."""
    seed = not_negative(name, value)
    if seed >= 2**32:
        raise ValueError(f"{name} must be below 2**32, got {value}")
    return seed


def above_zero(name: str, value: object) -> float:
    """Return `value` as a float if it is a finite number above 0."""
    if not _is_number(value) or not 0 < value < float("inf"):
        raise ValueError(f"{name} must be a number above 0, got {value!r}")
    return float(value)


def at_least_zero(name: str, value: object) -> float:
    """Return `value` as a float if it is a finite number of 0 or above."""
    if not _is_number(value) or not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be a number of 0 or above, got {value!r}")
    return float(value)


def one_of(name: str, value: object, choices: Iterable[str]) -> str:
    """Return `value` if it is among `choices`."""
    choices = tuple(choices)
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    return value


def checked_arguments(arguments: Mapping[str, Any], **checks: Callable[[str, Any], Any]) -> dict[str, Any]:
    """The arguments of a constructor that have a check, as the checks return them; the others are left out.

    Args:
        arguments: `locals()`, at the top of the constructor.
        checks: by the name of the argument, a function of its name and value.

    Examples:
        >>> def make(units, cell, extra=None):
        ...     return checked_arguments(locals(), units=positive_int, cell=choice(("lstm", "gru")))
        >>> make(3, "gru")
        {'units': 3, 'cell': 'gru'}
        >>> make(3, "cnn")
        Traceback (most recent call last):
        ValueError: cell must be one of lstm, gru, got 'cnn'
    """
    return {name: check(name, arguments[name]) for name, check in checks.items()}


def choice(choices: Iterable[str]) -> Callable[[str, Any], str]:
    """The check that a value is among `choices`; see `one_of`."""
    return partial(one_of, choices=tuple(choices))


def unchecked(name: str, value: Any) -> Any:
    """Return `value`: what it may be is checked elsewhere."""
    return value


def flag(name: str, value: object) -> bool:
    """Return whether `value` is true."""
    return bool(value)


def _is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number; a bool is not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def nearest(name: str, choices: Iterable[str]) -> str:
    """Return ' Did you mean X?' with the choice closest to `name`; an empty string if none is close.

    Examples:
        >>> nearest("sentimnt", ["sentiment", "translation"])
        ' Did you mean sentiment?'
    """
    close = get_close_matches(name, list(choices), n=1)
    return f" Did you mean {close[0]}?" if close else ""
