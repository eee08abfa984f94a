"""The recipes and data sets that ship with the package: next to it in a checkout, inside it when installed."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """The path of the folder "tasks" or "data"."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def recipes() -> dict[str, Path]:
    """The files of the recipes, by name."""
    return {path.stem: path for path in sorted(folder("tasks").glob("*.py"))}


def data_sets() -> dict[str, Path]:
    """The files of the builders of the data sets, by name of the data set."""
    suffix = "_dataset_builder"
    files = sorted(folder("data").glob(f"*/*{suffix}.py"))
    return {path.stem.removesuffix(suffix): path for path in files}


def load_module(path: Path, prefix: str = "") -> ModuleType:
    """Import a Python file as a module.

    Args:
        path: the file.
        prefix: prepended to the file's name to form the module's name.

    Raises:
        ImportError: it is not a Python file.
    """
    spec = importlib.util.spec_from_file_location(f"{prefix}{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # `dataclasses` looks a class up in its module
    spec.loader.exec_module(module)
    return module
