"""Settings of a recipe: fields of a dataclass that declare their range, their choices and their help.

    @dataclass(frozen=True, kw_only=True)
    class Config(Settings):
        units: int = setting(64, "units of each direction", positive_int)
        cell: str = setting("lstm", "recurrent cell", choices=("lstm", "gru", "rnn"))

A subclass that changes only the default, `units: int = 128`, keeps the rest. Imports no TensorFlow: the help is quick.
"""

import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nlp_rnn.checks import (
    UsageError,
    above_zero,
    at_least_zero,
    fraction,
    nearest,
    not_negative,
    one_of,
    positive_int,
    random_seed,
)
from nlp_rnn.deprecation import FORMER_SETTINGS, FORMER_VALUES, warn_renamed

RANGES = {
    positive_int: "1 or above",
    not_negative: "0 or above",
    random_seed: "0 or above",
    fraction: "from 0 to below 1",
    above_zero: "above 0",
    at_least_zero: "0 or above",
}
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
Check = Callable[[str, Any], object]


def setting(default: Any, help: str, check: Check | None = None, choices: Iterable[str] = ()) -> Any:
    """A field of a recipe's `Config`.

    Args:
        default: the default value.
        help: a description, for `nlp-rnn run RECIPE --help`.
        check: raises a ValueError for a value out of range; one of `RANGES` is described in the help as well.
        choices: the allowed values of a string.
    """
    return dataclasses.field(default=default, metadata={"help": help, "check": check, "choices": tuple(choices)})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Base class of a recipe's `Config`: a dataclass whose fields are checked when an instance is created.

    Raises:
        ValueError: a field is out of its range; the message names it.

    Examples:
        >>> @dataclasses.dataclass(frozen=True, kw_only=True)
        ... class Config(Settings):
        ...     units: int = setting(64, "units of each direction", positive_int)
        >>> Config(units=0)
        Traceback (most recent call last):
        ValueError: units must be a positive int, got 0
        >>> describe(Config)
        [('units=64', 'units of each direction (1 or above)')]
    """

    def __post_init__(self):
        check(self)


def check(config: Any) -> None:
    """Check every field of a config against what it declares.

    Raises:
        ValueError: a field is out of its range.
    """
    for field in dataclasses.fields(config):
        declared, value = declaration(type(config), field.name), getattr(config, field.name)
        if declared.get("choices"):
            one_of(field.name, value, declared["choices"])
        if declared.get("check"):
            declared["check"](field.name, value)


def declaration(config_class: type, name: str) -> Mapping[str, Any]:
    """What a field declares: its help, check and choices; those of the base class if it changes only the default."""
    for base in config_class.__mro__:
        field = base.__dict__.get("__dataclass_fields__", {}).get(name)
        if field is not None and field.metadata:
            return field.metadata
    return {}


def describe(config_class: type) -> list[tuple[str, str]]:
    """The settings for `--help`, each as a pair such as ("units=64", "units of each direction (1 or above)").

    Those that the class itself declares come first, then those that it shares with other recipes.
    """
    own = inspect.get_annotations(config_class)
    fields = sorted(dataclasses.fields(config_class), key=lambda field: field.name not in own)
    return [(f"{field.name}={_written(field)}", _help(declaration(config_class, field.name))) for field in fields]


def _written(field):
    return "" if field.default is dataclasses.MISSING else field.default


def _help(declared):
    limits = RANGES.get(declared.get("check"), "") or ", ".join(declared.get("choices", ()))
    return declared.get("help", "") + (f" ({limits})" if limits else "")


def from_run(config_class: type, settings: Mapping[str, Any]) -> Any:
    """A config with the settings of a run, which may be from another version; the others have their defaults.

    Raises:
        UsageError: the recipe does not accept them any more.
    """
    known = {field.name for field in dataclasses.fields(config_class)}
    values = {name: value for name, value in former_names(_renamed(settings)).items() if name in known}
    values = {name: _current_value(config_class, name, value) for name, value in values.items()}
    try:
        return config_class(**values)
    except ValueError as error:
        raise UsageError(f"{error}: the recipe does not accept the settings of this run") from None


def current_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their current names and with current values; those of older versions keep their old names too."""
    return {name: current_value(name, value) for name, value in _renamed(settings).items()}


def former_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their names of version 0.1 as well, for recipes that still declare these."""
    return {**{old: settings[name] for name, old in FORMER_SETTINGS.items() if name in settings}, **settings}


def current_value(name: str, value: Any) -> Any:
    """The value of a setting as it is called now."""
    return FORMER_VALUES.get((name, value), value) if isinstance(value, str) else value


def _renamed(settings):
    named = dict(settings)
    for name, former in FORMER_SETTINGS.items():
        if former in settings and name not in settings:
            named[name] = settings[former]
    return named


def _current_value(config_class, name, value):
    """`current_value` for a recipe that declares it; a recipe that declares the old one keeps that."""
    now = current_value(name, value)
    return now if now in declaration(config_class, name).get("choices", ()) else value


def with_assignments(config: Any, assignments: Iterable[str]) -> Any:
    """A config with KEY=VALUE strings applied, each value read as its field's type.

    Raises:
        UsageError: a key is unknown or given under two names, or a value is of the wrong type or out of range.
    """
    types = typing.get_type_hints(type(config))
    changes: dict[str, Any] = {}
    given: dict[str, str] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise UsageError(f"--set {assignment}: write KEY=VALUE")
        name = _current_name(key, types)
        if given.setdefault(name, key) != key:
            raise UsageError(f"--set {given[name]} and --set {key} are the same setting: give {name} alone")
        changes[name] = _value(type(config), name, types[name], text)
    try:
        return dataclasses.replace(config, **changes)
    except ValueError as error:
        raise UsageError(f"--set: {error}") from None


def _current_name(key, types):
    if key in types:
        return key
    for name, former in FORMER_SETTINGS.items():
        if former == key and name in types:
            warn_renamed(f"--set {key}", f"--set {name}")
            return name
    raise UsageError(f"--set {key}: no setting '{key}'.{nearest(key, types)} There are: {', '.join(types)}")


def _value(config_class, name, wanted, text):
    current = _current_value(config_class, name, text)
    if current != text:
        warn_renamed(f"--set {name}={text}", f"--set {name}={current}")
    try:
        return _TRUTHS[current.lower()] if wanted is bool else wanted(current)
    except (ValueError, KeyError):
        raise UsageError(f"--set {name}={text}: {name} is of type {wanted.__name__}") from None
