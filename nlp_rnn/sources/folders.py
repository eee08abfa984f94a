"""Folders of texts: one sub-folder a class; and folders of splits, either as sub-folders or as tables."""

from collections.abc import Iterator
from pathlib import Path

from nlp_rnn.checks import InputError
from nlp_rnn.sources.tables import READERS, Row, Table, lines, open_table

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
    splits = {SPLIT_NAMES[f.name.lower()]: f for f in folders if f.name.lower() in SPLIT_NAMES}
    if "train" in splits:
        return {split: _classes(folder) for split, folder in splits.items()}
    tables = {SPLIT_NAMES[c.name.split(".")[0].lower()]: c for c in children if _is_split_table(c)}
    if "train" in tables:
        return {split: open_table(file) for split, file in tables.items()}
    return {"all": _classes(path)}


def _is_split_table(path):
    ending = path.name.removesuffix(".gz")
    return path.is_file() and path.name.split(".")[0].lower() in SPLIT_NAMES and ending.endswith(tuple(READERS))


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
            for file in sorted(f for f in folder.rglob("*") if f.is_file() and f.name[0] != "."):
                yield str(file), {"text": "".join(lines(file)), "label": folder.name}

    size = sum(1 for folder in folders for _ in folder.rglob("*"))
    return Table(str(path), ("text", "label"), rows, size=size)
