"""Old names, understood until version 0.4 with one line of warning each."""

import functools
import importlib
import importlib.abc
import importlib.machinery
import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, TypeVar, cast

from nlp_rnn.former_names import MODULES, NAMES
from nlp_rnn.progress import say

REMOVED_IN = "0.4"
# Settings of recipes: today's name, and the one before. A recipe of a user's own that still has the old one keeps it.
FORMER_SETTINGS = {
    "token_level": "unit",
    "source_token_level": "source_unit",
    "target_token_level": "target_unit",
    "min_count": "least_count",
    "context_length": "known",
    "batch_size": "batch",
    "max_batch_tokens": "batch_tokens",
    "global_clipnorm": "clip",
    "finetuning_learning_rate": "finetuning_rate",
    "layerwise_decay": "rate_decay",
    "unfreeze_interval": "unfreeze",
    "softmax_samples": "samples",
    "activation_regularization": "activation",
    "temporal_activation_regularization": "slowness",
    "reset_states": "reset",
    "sequence_length": "steps",
    "steps_per_epoch": "steps",
    "chrono_steps": "memory",
    "compare_cells": "compare",
    "label_smoothing": "smoothing",
    "scheduled_sampling": "sampling",
    "beam_width": "beam",
    "centering_window": "recent",
    "bigram_buckets": "bigrams",
    "classical_baselines": "classical",
}
FORMER_OPTIONS = {
    "--beam": "--beam-width",
    "--no-repeat": "--no-repeat-ngram-size",
    "--penalty": "--repetition-penalty",
}
FORMER_VALUES = {("model", "paths"): "sample_paths"}
_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])
_warned: set[str] = set()


def warn_renamed(old: str, new: str) -> None:
    """Say once that an option or a setting has a new name."""
    if old not in _warned:
        _warned.add(old)
        say(f"{old} is now {new}; the old name goes in version {REMOVED_IN}")


def warn_python(old: str, new: str, stacklevel: int = 3) -> None:
    """Warn someone who writes Python that a name has changed."""
    text = f"{old} is now {new}; the old name goes in nlp-rnn {REMOVED_IN}"
    warnings.warn(text, FutureWarning, stacklevel=stacklevel)


def renamed(module: str, name: str, stacklevel: int = 3) -> Any:
    """What was called `name` in `module` before version 0.2.

    Args:
        module, name: as they were.
        stacklevel: of the warning; 3 for the caller of this function.

    Raises:
        AttributeError: there never was such a name.
    """
    home = None if name.startswith("__") else _home(module.removeprefix("nlp_rnn."), name)
    if home is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    where, now = home
    warn_python(f"{module}.{name}", f"nlp_rnn.{where}.{now}", stacklevel=stacklevel)
    return getattr(importlib.import_module(f"nlp_rnn.{where}"), now)


def _home(module, name):
    """The module where a name of an old module is now, and what it is called there; None for no such name."""
    if (module, name) in NAMES:
        return NAMES[module, name]
    found = []
    for where in MODULES.get(module, ()):
        names = vars(importlib.import_module(f"nlp_rnn.{where}"))
        if name in names:
            found.append((getattr(names[name], "__module__", "") != f"nlp_rnn.{where}", where))
    return (min(found)[1], name) if found else None  # where it is defined, before where it is only imported


class _FormerModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules by the names that they had before version 0.2."""

    def find_spec(self, fullname, path=None, target=None):
        name = fullname.removeprefix("nlp_rnn.")
        if name == fullname or name not in MODULES:
            return None
        package = any(other.startswith(f"{name}.") for other in MODULES)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=package)

    def create_module(self, spec):
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__getattr__ = functools.partial(renamed, module.__name__)


def install() -> None:
    """Make the old names of modules importable; those that exist under their name are found before."""
    if not any(isinstance(finder, _FormerModules) for finder in sys.meta_path):
        sys.meta_path.append(_FormerModules())


def renamed_arguments(former: Mapping[str, str]) -> Callable[[_Decorated], _Decorated]:
    """A decorator: keyword arguments are understood under the names that they had before, with a warning.

    Args:
        former: today's name by the old one.

    Examples:
        >>> @renamed_arguments({"known": "context_length"})
        ... def window(context_length):
        ...     return context_length
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     window(known=3)
        3
    """

    def decorate(function: _Decorated) -> _Decorated:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for old, new in former.items():
                if old in kwargs:
                    if new in kwargs:
                        raise TypeError(f"{new} and {old} are the same argument: give {new} alone")
                    warn_python(f"the argument {old}", new)
                    kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        decorated = cast(Any, call)  # of the same type as `function`, with an attribute that functions do not declare
        decorated.__signature__ = inspect.signature(function)
        return decorated

    return decorate


def current_arguments(config: Mapping[str, Any], former: Mapping[str, str]) -> dict[str, Any]:
    """A Keras config, which an older version may have written, by today's names; for `from_config`."""
    return {former.get(name, name): value for name, value in config.items()}
