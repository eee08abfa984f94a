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
from nlp_rnn.progress import say

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


SCRATCH, FINETUNING = "training from scratch", "fine-tuning"  # the only kind of run that a setting has an effect on


def setting(
    default: Any,
    help: str,
    check: Check | None = None,
    choices: Iterable[str] = (),
    *,
    only: str = "",
    instead: str = "",
    needs: Mapping[str, Check | tuple[Any, ...]] | None = None,
) -> Any:
    """A field of a recipe's `Config`.

    Args:
        default: the default value.
        help: a description, for `nlp-rnn run RECIPE --help`.
        check: raises a ValueError for a value out of range; one of `RANGES` is described in the help as well.
        choices: the allowed values of a string.
        only: it has an effect only on this kind of run, `SCRATCH` or `FINETUNING`; see `in_effect`.
        instead: the setting that replaces it on other runs.
        needs: other settings without which it has no effect, with the check that they must pass or their choices.
    """
    declared = {"help": help, "check": check, "choices": tuple(choices)}
    return dataclasses.field(
        default=default, metadata={**declared, "only": only, "instead": instead, "needs": needs or {}}
    )


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


def in_effect(config: Any, given: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The settings of a config that have an effect on a run, by name: what the run records.

    Settings for fine-tuning are among them on every run, since fine-tuning the run takes them over.

    Args:
        config: the settings, a dataclass.
        given: those that were given with `--set`.
        kind: the kind of run, `SCRATCH` or `FINETUNING`.

    Raises:
        UsageError: a given one has no effect, or the run uses another value.

    Examples:
        >>> @dataclasses.dataclass(frozen=True, kw_only=True)
        ... class Config(Settings):
        ...     rate: float = setting(0.1, "learning rate", only=SCRATCH, instead="slow_rate")
        ...     slow_rate: float = setting(0.01, "learning rate of fine-tuning", only=FINETUNING)
        >>> in_effect(Config(), {}, FINETUNING)
        {'slow_rate': 0.01}
        >>> in_effect(Config(rate=0.2), {"rate": 0.2}, FINETUNING)
        Traceback (most recent call last):
        nlp_rnn.checks.UsageError: --set rate=0.2: rate has no effect on fine-tuning; set slow_rate instead
    """
    used = {}
    for name, value in dataclasses.asdict(config).items():
        declared, text = declaration(type(config), name), f"--set {name}={given.get(name)}"
        why = _without_effect(declared, config, kind)
        if name in given:
            if why and declared["only"] != FINETUNING:
                raise UsageError(f"{text}: {name} has no effect {why}")
            if why:
                say(f"{text}: {name} has no effect {why}; the run keeps it for fine-tuning")
            elif given[name] != value and given[name] not in (0, "auto"):
                raise UsageError(f"{text}: {name} is {value} on this run; leave it out")
        if not why or declared["only"] == FINETUNING:
            used[name] = value
    return used


def _without_effect(declared, config, kind):
    """Why a setting has no effect, empty if it has one."""
    if declared.get("only") and declared["only"] != kind:
        return f"on {kind}" + (f"; set {declared['instead']} instead" if declared["instead"] else "")
    for name, wanted in declared.get("needs", {}).items():
        if not _passes(wanted, name, getattr(config, name)):
            values = " or ".join(map(str, wanted)) if isinstance(wanted, tuple) else RANGES.get(wanted, "another value")
            return f"with {name}={getattr(config, name)}; it needs {name} {values}"
    return ""


def _passes(wanted, name, value):
    if isinstance(wanted, tuple):
        return value in wanted
    try:
        wanted(name, value)
    except ValueError:
        return False
    return True


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
    """A config with KEY=VALUE strings applied; raises as `assigned` and `changed`."""
    return changed(config, assigned(type(config), assignments))


def changed(config: Any, values: Mapping[str, Any]) -> Any:
    """A config with other values, as given with `--set`.

    Raises:
        UsageError: a value is out of range.
    """
    try:
        return dataclasses.replace(config, **values)
    except ValueError as error:
        raise UsageError(f"--set: {error}") from None


def assigned(config_class: type, assignments: Iterable[str]) -> dict[str, Any]:
    """The values of KEY=VALUE strings by the names of the settings, each read as its field's type.

    Raises:
        UsageError: a key is unknown or given under two names, or a value is of the wrong type.
    """
    types = typing.get_type_hints(config_class)
    changes: dict[str, Any] = {}
    given: dict[str, str] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise UsageError(f"--set {assignment}: write KEY=VALUE")
        name = _current_name(key, types)
        if given.setdefault(name, key) != key:
            raise UsageError(f"--set {given[name]} and --set {key} are the same setting: give {name} alone")
        changes[name] = _value(config_class, name, types[name], text)
    return changes


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
