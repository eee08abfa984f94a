"""Find a recipe by name or path, load it, and read its settings from the command line."""

import ast
import dataclasses
import io
import shutil
import tokenize
import typing
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from nlp_rnn import shipped
from nlp_rnn.checks import CallError, InputError, nearest

PARTS = ("Config", "load_data", "build_model", "train")
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def find(name: str) -> Path:
    """The file of a recipe: one that ships, by name, or any other, by path.

    Raises:
        CallError: there is no such recipe; suggests the nearest.
    """
    known = shipped.recipes()
    if name in known:
        return known[name]
    if name.endswith(".py") and Path(name).is_file():
        return Path(name)
    raise CallError(
        f"no recipe '{name}'.{nearest(name, known)} There are: {', '.join(known)}; or name a file that ends in .py"
    )


def summary(path: Path) -> str:
    """The first line of a recipe's docstring, read without running it."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def summary_of_data(builder: Path) -> str:
    """The first line of the README beside a data set's builder."""
    return (builder.parent / "README.md").read_text(encoding="utf-8").partition("\n")[0]


def settings(path: Path) -> list[tuple[str, str]]:
    """What `--set` can change in a recipe, read without running it.

    Returns:
        A pair a setting: its name and default as `--set` takes them, such as "units=64", and the comment beside it,
        "" where there is none.

    Raises:
        InputError: the file is not Python; says the line.
    """
    text = path.read_text(encoding="utf-8")
    try:
        classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name == "Config"]
    except SyntaxError as error:
        raise InputError(f"{path}, line {error.lineno}: {error.msg}") from None
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    fields = [node for part in classes for node in part.body if isinstance(node, ast.AnnAssign)]
    return [(f"{field.target.id}={_default(text, field)}", comments.get(field.end_lineno, "")) for field in fields]


def _default(text, field):
    value = field.value
    return value.value if isinstance(value, ast.Constant) else ast.get_source_segment(text, value) if value else ""


def load(name: str) -> ModuleType:
    """Run a recipe's file and return it.

    Raises:
        CallError: there is no such recipe, or the file is no recipe.
        InputError: the file is not Python; says the line.
    """
    path = find(name)
    try:
        recipe = shipped.load_module(path, "nlp_rnn_recipe_")
    except SyntaxError as error:
        raise InputError(f"{error.filename}, line {error.lineno}: {error.msg}") from None
    missing = [part for part in PARTS if not hasattr(recipe, part)]
    if missing:
        raise CallError(f"{path} is no recipe: it lacks {', '.join(missing)}; begin with 'nlp-rnn copy sentiment FILE'")
    return recipe


def copy(name: str, destination: Path) -> None:
    """Hand out a recipe's file to edit.

    Raises:
        CallError: there is no such recipe, the file exists, or it is not named .py.
    """
    path = find(name)
    if destination.suffix != ".py":
        raise CallError(f"{destination}: a recipe's file name ends in .py")
    if destination.exists():
        raise CallError(f"{destination} exists already; choose another name")
    if not destination.parent.is_dir():
        raise CallError(f"{destination.parent}: no such folder")
    shutil.copyfile(path, destination)


def config_of(recipe: ModuleType, settings: dict) -> object:
    """A recipe's config with the settings of a run, which may be from another version; the rest is default.

    Raises:
        CallError: the recipe does not take them any more.
    """
    known = {field.name for field in dataclasses.fields(recipe.Config)}
    try:
        return recipe.Config(**{name: value for name, value in settings.items() if name in known})
    except ValueError as error:
        raise CallError(f"{error}: the recipe does not take the settings of this run") from None


def with_settings(config: object, assignments: Iterable[str]) -> object:
    """A recipe's config with KEY=VALUE strings applied, each value read as its field's type.

    Raises:
        CallError: a key is unknown, or a value is of the wrong type or out of range.
    """
    types = typing.get_type_hints(type(config))
    changes = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise CallError(f"--set {assignment}: write KEY=VALUE")
        if key not in types:
            raise CallError(
                f"--set {assignment}: no setting '{key}'.{nearest(key, types)} There are: {', '.join(types)}"
            )
        changes[key] = _read(key, types[key], text)
    try:
        return dataclasses.replace(config, **changes)
    except ValueError as error:
        raise CallError(f"--set: {error}") from None


def _read(key, wanted, text):
    try:
        return _TRUTHS[text.lower()] if wanted is bool else wanted(text)
    except (ValueError, KeyError):
        raise CallError(f"--set {key}={text}: {key} is of type {wanted.__name__}") from None
