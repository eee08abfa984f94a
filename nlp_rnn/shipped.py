"""Where the recipes and data sets that ship are: beside the package in a checkout, inside it when installed."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """The shipped folder "tasks" or "data"."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def recipes() -> dict[str, Path]:
    """The recipes that ship: their file by name."""
    return {path.stem: path for path in sorted(folder("tasks").glob("*.py"))}


def data_sets() -> dict[str, Path]:
    """The data sets that ship: their builder's file by name."""
    suffix = "_dataset_builder"
    files = sorted(folder("data").glob(f"*/*{suffix}.py"))
    return {path.stem.removesuffix(suffix): path for path in files}


def load_module(path: Path, prefix: str = "") -> ModuleType:
    """Run a Python file as a module of its own, named by its file with a prefix."""
    spec = importlib.util.spec_from_file_location(f"{prefix}{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module
