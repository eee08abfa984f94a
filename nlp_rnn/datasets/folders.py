"""Folders of texts with one sub-folder per class, and folders of splits, which are sub-folders or tables."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.lines import read_lines
from nlp_rnn.datasets.tables import Row, Table, is_table, open_table

SPLIT_NAMES = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip


def open_folder(path: Path) -> dict[str, Table]:
    """The tables by split; one named "all" where the folder has no splits.

    Raises:
        InputError: there is neither one sub-folder per class nor a train split, or a split occurs twice.
    """
    children = sorted(child for child in path.iterdir() if not child.name.startswith("."))
    folders = _by_split((SPLIT_NAMES.get(child.name.lower()), child) for child in children if child.is_dir())
    if "train" in folders:
        return {split: _class_folders(folder) for split, folder in folders.items()}
    tables = _by_split((split_of(child), child) for child in children)
    if "train" in tables:
        return {split: open_table(file) for split, file in tables.items()}
    return {"all": _class_folders(path)}


def _by_split(named: Iterable[tuple[str | None, Path]]) -> dict[str, Path]:
    paths: dict[str, Path] = {}
    for split, path in named:
        if split in paths:
            raise InputError(f"{path.parent} has two {split} splits: {paths[split].name} and {path.name}; keep one")
        if split:
            paths[split] = path
    return paths


def split_of(path: Path) -> str | None:
    """The split that a file is named after; None for any other file."""
    return SPLIT_NAMES.get(path.name.split(".")[0].lower()) if path.is_file() and is_table(path) else None


def _class_folders(path: Path) -> Table:
    """A table of text and label over PATH/LABEL/*, without hidden files."""
    folders = sorted(f for f in path.iterdir() if f.is_dir() and not f.name.startswith("."))
    if not folders:
        raise InputError(
            f"{path} has no sub-folders: put the texts of each class into a sub-folder named after it, or give a table"
        )

    def rows() -> Iterator[Row]:
        for folder in folders:
            files = (f for f in folder.rglob("*") if f.is_file() and not is_hidden(f.relative_to(folder)))
            for file in sorted(files):
                yield str(file), {"text": "".join(read_lines(file)), "label": folder.name}

    size = sum(1 for folder in folders for _ in folder.rglob("*"))
    return Table(str(path), ("text", "label"), rows, size=size)


def is_hidden(path: Path) -> bool:
    """Whether a relative path leads to a hidden file, or through a hidden folder."""
    return any(part.startswith(".") for part in path.parts)
