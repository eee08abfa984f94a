"""Find a recipe by name or path, load it, and read its summary."""

import ast
import dataclasses
import functools
import operator
import shutil
import sys
from pathlib import Path
from types import ModuleType

from nlp_rnn import resources, task
from nlp_rnn.checks import InputError, UsageError, nearest
from nlp_rnn.deprecation import FORMER_SETTINGS, FORMER_VALUES, warn_renamed
from nlp_rnn.settings import Settings, former_names
from nlp_rnn.task import Task
from nlp_rnn.training.settings import TrainingSettings

PARTS = ("Config", "load_data", "build_model", "train")
LIGHT = ("dataclasses", "typing", "nlp_rnn.settings", "nlp_rnn.checks")  # modules that `Config` may import from


def find(name: str) -> Path:
    """The file of a recipe: one that ships, by name, or any other, by path.

    Raises:
        UsageError: there is no such recipe; the message suggests the nearest.
    """
    known = resources.recipes()
    if name in known:
        return known[name]
    if name.endswith(".py") and Path(name).is_file():
        return Path(name)
    raise UsageError(
        f"no recipe '{name}'.{nearest(name, known)} There are: {', '.join(known)}; or name a file that ends in .py"
    )


def summary(path: Path) -> str:
    """The first line of a recipe's docstring, read without running it."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def summary_of_data(builder: Path) -> str:
    """The first line of the README next to a data set's builder."""
    return (builder.parent / "README.md").read_text(encoding="utf-8").partition("\n")[0]


def config_class(path: Path) -> type:
    """The `Config` of a recipe, created without running the rest of its file, which imports TensorFlow, where possible.

    Raises:
        InputError: the file is not valid Python; the message names the line.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise InputError(f"{path}, line {error.lineno}: {error.msg}") from None
    module = ModuleType(f"nlp_rnn_settings_{path.stem}")
    sys.modules[module.__name__] = module  # dataclasses look themselves up there
    light = ast.Module([node for node in tree.body if _is_light(node)], [])
    try:
        exec(compile(light, str(path), "exec"), vars(module))
        return module.Config
    except (NameError, AttributeError):
        return load(str(path)).Config


def _is_light(node):
    """Whether a statement is the class `Config` or something it may need: a constant, an import without TensorFlow."""
    if isinstance(node, ast.ImportFrom):
        return node.module in LIGHT or str(node.module).endswith(".settings")
    if isinstance(node, ast.Assign):
        return isinstance(node.value, ast.Constant | ast.Tuple)
    return isinstance(node, ast.ClassDef) and node.name == "Config"


def task_of(recipe: ModuleType) -> Task:
    """The task of a recipe, which it names as `TASK`.

    Raises:
        UsageError: it names none, or one that does not exist.
    """
    if not hasattr(recipe, "TASK"):
        if issubclass(recipe.Config, Settings):
            raise UsageError(f"{recipe.__file__}: the recipe names no task: add TASK, one of {', '.join(task.TASKS)}")
        return _former_task(recipe)
    if recipe.TASK not in task.TASKS:
        raise UsageError(f"{recipe.__file__}: there is no task '{recipe.TASK}', only {', '.join(task.TASKS)}")
    return task.get(recipe.TASK)


def _former_task(recipe):
    """The task of a recipe of version 0.1, which had TAKES instead of TASK."""
    found = task.task_named(getattr(recipe, "TAKES", "labels"))
    warn_renamed(f"{recipe.__file__}: a recipe for {found.takes}", f'a recipe with TASK = "{found.kind}"')
    return found


def _with_current_names(config_class):
    """Let the settings of a recipe of version 0.1 be read by their new names; new settings have their default."""
    own = {field.name for field in dataclasses.fields(config_class)}
    for field in dataclasses.fields(TrainingSettings):
        if not hasattr(config_class, field.name):
            setattr(config_class, field.name, field.default)
    for name, former in FORMER_SETTINGS.items():
        if former in own and name not in own:
            setattr(config_class, name, property(operator.attrgetter(former)))


def _with_former_values(config_class):
    """Let a config of version 0.1 be created from current values of settings; it keeps the former ones."""
    former = {(name, current): value for (name, value), current in FORMER_VALUES.items()}
    create = config_class.__init__

    @functools.wraps(create)
    def create_from_current(self, *args, **kwargs):
        create(self, *args, **{name: former.get((name, value), value) for name, value in kwargs.items()})

    config_class.__init__ = create_from_current


def _with_former_start(train):
    """Let a recipe of version 0.1 read the settings of the run to start from by their former names."""

    @functools.wraps(train)
    def train_from(config, source, job):
        if job.start is not None:
            # A run records only settings that have an effect on it.
            known = {**dataclasses.asdict(config), **former_names(job.start.settings)}
            start = dataclasses.replace(job.start, settings=known)
            job = dataclasses.replace(job, start=start)
        return train(config, source, job)

    return train_from


def load(name: str) -> ModuleType:
    """Run a recipe's file and return it.

    Raises:
        UsageError: there is no such recipe, or the file is not a recipe.
        InputError: the file is not valid Python; the message names the line.
    """
    path = find(name)
    try:
        recipe = resources.load_module(path, "nlp_rnn_recipe_")
    except SyntaxError as error:
        raise InputError(f"{error.filename}, line {error.lineno}: {error.msg}") from None
    missing = [part for part in PARTS if not hasattr(recipe, part)]
    if missing:
        raise UsageError(
            f"{path} is not a recipe: it lacks {', '.join(missing)}; start from 'nlp-rnn copy sentiment FILE'"
        )
    if not issubclass(recipe.Config, Settings):
        _with_current_names(recipe.Config)
        if not hasattr(recipe, "TASK"):
            _with_former_values(recipe.Config)
            vars(recipe)["train"] = _with_former_start(recipe.train)
    return recipe


def source_files(name: str) -> dict[str, Path]:
    """The files that decide what a recipe does, by name: its own, and modules next to it or here that it imports.

    The library itself is not among them: its version stands for it.
    """
    recipe, here = find(name), Path()
    files, waiting = {}, [recipe]
    while waiting:
        path = waiting.pop()
        if files.setdefault(_name_of(path, recipe.parent), path) is path:
            imported = _imported(path) - {"nlp_rnn", "tasks"}
            waiting += [
                file for name in imported for folder in (recipe.parent, here) for file in _module(folder / name)
            ]
    return files


def _name_of(path, folder):
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def _module(path):
    """The files of a module or package; none if there is no such module."""
    if path.is_dir():
        return sorted(path.rglob("*.py"))
    return [file] if (file := path.with_suffix(".py")).is_file() else []


def _imported(path):
    """The first parts of the names of all modules that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in names}


def copy(name: str, destination: Path) -> None:
    """Copy a recipe's file, to be edited.

    Raises:
        UsageError: there is no such recipe, or the destination exists or does not end in .py.
    """
    path = find(name)
    if destination.suffix != ".py":
        raise UsageError(f"{destination}: a recipe's file name ends in .py")
    if destination.exists():
        raise UsageError(f"{destination} exists already; choose another name")
    if not destination.parent.is_dir():
        raise UsageError(f"{destination.parent}: no such folder")
    shutil.copyfile(path, destination)
