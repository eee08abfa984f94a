"""Old names, accepted until version 0.4 with a one-line warning each."""

import functools
import importlib
import importlib.abc
import importlib.machinery
import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

from nlp_rnn.former_names import MODULES, NAMES
from nlp_rnn.progress import say

REMOVED_IN = "0.4"
# Settings of recipes: current name, former name. A user's recipe that still declares the former one keeps it.
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
FORMER_OPTIONS = {  # by command
    "predict": {"--beam": "--beam-width", "--no-repeat": "--no-repeat-ngram-size"},
    "generate": {"--penalty": "--repetition-penalty"},
}
FORMER_VALUES = {("model", "paths"): "sample_paths"}
_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])
FUNCTIONS = ("cli.main", "text.chunks")  # modules with the name of a function of version 0.1, which they hold now
_warned: set[str] = set()


def warn_renamed(old: str, new: str) -> None:
    """Print once that an option or a setting has a new name."""
    if old not in _warned:
        _warned.add(old)
        say(f"{old} is now {new}; the old name will be removed in version {REMOVED_IN}")


def warn_python(old: str, new: str, stacklevel: int = 3) -> None:
    """Warn someone who writes Python that a name has changed."""
    text = f"{old} is now {new}; the old name will be removed in nlp-rnn {REMOVED_IN}"
    warnings.warn(text, FutureWarning, stacklevel=stacklevel)


def renamed(module: str, name: str, stacklevel: int = 3) -> Any:
    """The object that was called `name` in `module` before version 0.2.

    Args:
        module, name: the former names.
        stacklevel: of the warning; 3 for the caller of this function.

    Raises:
        AttributeError: there was no such name.
    """
    home = None if name.startswith("__") else _home(module.removeprefix("nlp_rnn."), name)
    if home is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    where, now = home
    found = getattr(importlib.import_module(f"nlp_rnn.{where}"), now)
    # Of an adapter, the first line of its documentation names what replaces it.
    adapter = getattr(found, "__module__", "") == "nlp_rnn.former_api"
    successor = str(found.__doc__).partition("\n")[0].rstrip(".") if adapter else f"nlp_rnn.{where}.{now}"
    warn_python(f"{module}.{name}", successor, stacklevel=stacklevel)
    return found


def _home(module, name):
    """The current module and the current name of a name in a former module; None where there was no such name."""
    if (module, name) in NAMES:
        return NAMES[module, name]
    found = []
    for where in MODULES.get(module, ()):
        names = vars(importlib.import_module(f"nlp_rnn.{where}"))
        if name in names:
            found.append((getattr(names[name], "__module__", "") != f"nlp_rnn.{where}", where))
    return (min(found)[1], name) if found else None  # where it is defined, before where it is only imported


class _FormerModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules by the names that they had before version 0.2, and adds former names to those that have not moved.

    It comes before the finders of files, since an empty folder, which pip may leave behind, is a module to these.
    """

    def find_spec(self, fullname, path=None, target=None):
        name = fullname.removeprefix("nlp_rnn.")
        if name == fullname or name not in {*FUNCTIONS, *MODULES, *(module for module, _ in NAMES)}:
            return None
        if _is_module(name):
            return _with_former_names(importlib.machinery.PathFinder.find_spec(fullname, path, target))
        if name not in MODULES:
            return None
        package = any(other.startswith(f"{name}.") for other in MODULES)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=package)

    def create_module(self, spec):
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Import the current modules as well, as a module of version 0.1 did: it registers their classes with Keras."""
        for home in MODULES[module.__name__.removeprefix("nlp_rnn.")]:
            importlib.import_module(f"nlp_rnn.{home}")
        module.__getattr__ = functools.partial(renamed, module.__name__)


class _Function(ModuleType):
    """A module that can be called: `from nlp_rnn.cli import main` gave a function before version 0.2."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = self.__name__.rpartition(".")[2]
        warn_python(self.__name__, f"{self.__name__}.{name}")
        return getattr(self, name)(*args, **kwargs)


def _is_module(name):
    """Whether a module of this name, without "nlp_rnn.", exists today."""
    path = Path(__file__).parent.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _with_former_names(spec):
    """The spec of a module that finds its former names once it is loaded; None if there is no such module."""
    if spec is None or spec.loader is None:
        return spec
    execute = spec.loader.exec_module

    def exec_module(module):
        execute(module)
        vars(module).setdefault("__getattr__", functools.partial(renamed, module.__name__))
        if module.__name__.removeprefix("nlp_rnn.") in FUNCTIONS:
            module.__class__ = _Function

    spec.loader.exec_module = exec_module
    return spec


def install() -> None:
    """Make the former names of modules importable; modules that exist take precedence."""
    if not any(isinstance(finder, _FormerModules) for finder in sys.meta_path):
        sys.meta_path.insert(0, _FormerModules())


def renamed_arguments(former: Mapping[str, str]) -> Callable[[_Decorated], _Decorated]:
    """A decorator that accepts keyword arguments under their former names, with a warning.

    Args:
        former: the current name by the former one.

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
    """A Keras config, possibly written by an older version, with the current names; for `from_config`."""
    return {former.get(name, name): value for name, value in config.items()}
