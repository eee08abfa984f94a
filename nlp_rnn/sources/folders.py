"""Folders of texts: one sub-folder a class; and folders of splits, either as sub-folders or as tables."""

from collections.abc import Iterator
from pathlib import Path

from nlp_rnn.checks import InputError
from nlp_rnn.sources.tables import Row, Table, is_table, lines, open_table

SPLIT_NAMES = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip


def open_folder(path: Path) -> dict[str, Table]:
    """Tables by split; a folder without splits is one table named "all".

    Raises:
        InputError: there is neither a sub-folder a class nor a train split.
    """
    children = sorted(child for child in path.iterdir() if not child.name.startswith("."))
    folders = [child for child in children if child.is_dir()]
    splits = _by_split((SPLIT_NAMES.get(folder.name.lower()), folder) for folder in folders)
    if "train" in splits:
        return {split: _classes(folder) for split, folder in splits.items()}
    tables = _by_split((split_of(child), child) for child in children)
    if "train" in tables:
        return {split: open_table(file) for split, file in tables.items()}
    return {"all": _classes(path)}


def _by_split(named):
    found = {}
    for split, path in named:
        if split in found:
            raise InputError(f"{path.parent} has two {split} splits: {found[split].name} and {path.name}; keep one")
        if split:
            found[split] = path
    return found


def split_of(path: Path) -> str | None:
    """The split that a table is named after; None for any other file."""
    return SPLIT_NAMES.get(path.name.split(".")[0].lower()) if path.is_file() and is_table(path) else None


def _classes(path: Path) -> Table:
    """A table of text and label over PATH/LABEL/*; hidden files are passed over."""
    folders = sorted(f for f in path.iterdir() if f.is_dir() and not f.name.startswith("."))
    if not folders:
        raise InputError(
            f"{path} has no sub-folders: put the texts of each class into a sub-folder named after it, "
            "or name a table file"
        )

    def rows() -> Iterator[Row]:
        for folder in folders:
            files = (f for f in folder.rglob("*") if f.is_file() and not is_hidden(f.relative_to(folder)))
            for file in sorted(files):
                yield str(file), {"text": "".join(lines(file)), "label": folder.name}

    size = sum(1 for folder in folders for _ in folder.rglob("*"))
    return Table(str(path), ("text", "label"), rows, size=size)


def is_hidden(path: Path) -> bool:
    """Whether a relative path leads to a hidden file, or through a hidden folder."""
    return any(part.startswith(".") for part in path.parts)
