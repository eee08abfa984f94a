"""Columns of a table that name the split of each row: `split` with train and test, or `is_valid` with booleans."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import NamedTuple

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.columns import NO_COLUMN
from nlp_rnn.datasets.folders import SPLIT_NAMES
from nlp_rnn.datasets.tables import Table

HEAD = 1000  # rows by which a column is recognised; all rows are checked afterwards
NUMBERS = {"0": "train", "1": "validation", "2": "test"}  # as in Ludwig
TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
FLAGS = {
    **dict.fromkeys(("isvalid", "isvalidation", "isval", "isdev"), "validation"),
    **dict.fromkeys(("istest", "istesting"), "test"),
}
TRAIN_FLAGS = ("istrain", "istraining", "train")  # what is not true is held out
OTHER_FLAGS = ("test", "holdout", "isholdout", "valid")  # if all values are truths
DECLARED = (
    "split",
    "datasetsplit",
    "datasplit",
    "splitname",
    "partition",
    "mluse",
    "splitset",
    *FLAGS,
)  # must name splits
USUAL = ("subset", "fold", "set", "dataset", "phase", "usage")  # may mean something else
UNDECIDED = {"eval", "evaluation", "holdout", "heldout", "unassigned"}  # a split, but which one?


class SplitColumn(NamedTuple):
    """A column that names splits.

    Attributes:
        name: of the column.
        meaning: the split by its value, as `written` returns it.
    """

    name: str
    meaning: Mapping[str, str]

    def split_of(self, place: str, values: Mapping[str, object]) -> str:
        """The split of a row.

        Raises:
            InputError: the value names no split; says which are understood.
        """
        value = written(values.get(self.name))
        if value not in self.meaning:
            shown = f"holds '{values.get(self.name)}', which names no split" if value else "is empty"
            understood = dict.fromkeys(name for name in self.meaning if name in SPLIT_NAMES.values()) or self.meaning
            raise InputError(
                f"{place}: column '{self.name}' {shown}: write {', '.join(understood)}, or ignore the column with "
                f"--split-column {NO_COLUMN}"
            )
        return self.meaning[value]


def written(value: object) -> str:
    """A value in lower case; a whole number without its decimals, as tables with gaps write it.

    Examples:
        >>> written(" Train "), written(True), written(2.0), written("1.0"), written(None)
        ('train', 'true', '2', '1', '')
    """
    text = "" if value is None else str(value).strip().lower()
    return "" if text == "nan" else re.sub(r"^(\d+)\.0+$", r"\1", text)


def find_split_columns(table: Table, taken: Collection[str], requested: str | None) -> tuple[SplitColumn, ...]:
    """The columns that name the split of each row: the requested one, or those recognised by name and values.

    Args:
        table: the table.
        taken: columns that have another role.
        requested: the name of a column; None to detect it; "none" if there is none.

    Raises:
        UsageError: there is no such column.
        InputError: a column is named like one of splits, and some of its values name none.
    """
    if requested is not None and requested in table.columns:
        return (SplitColumn(requested, _meaning(requested, numbers=True)),)
    if requested not in (None, NO_COLUMN):
        raise UsageError(f"{table.name} has no column '{requested}'; it has: {', '.join(table.columns)}")
    free = [column for column in table.columns if column not in taken]
    if requested == NO_COLUMN or table.preferred or not free:
        return ()
    head = list(islice(table.rows(), HEAD))
    return tuple(column for name in free if (column := _recognised(name, head)))


def left_out(table: Table, taken: Collection[str], used: Iterable[SplitColumn]) -> list[str]:
    """Columns that are named like one of splits and are not used, such as folds of a cross-validation."""
    used_names = {column.name for column in used}
    return [c for c in table.columns if c not in taken and c not in used_names and _key(c) in (*DECLARED, *USUAL)]


def count_splits(table: Table, columns: tuple[SplitColumn, ...]) -> Counter[str]:
    """The number of rows of each split; reads the whole table.

    Raises:
        InputError: a value names no split, or two columns disagree; says where.
    """
    return Counter(split_of_row(columns, *row) for row in table.rows())


def split_of_row(columns: tuple[SplitColumn, ...], place: str, values: Mapping[str, object]) -> str:
    """The split that columns give to a row: "train" only if all say so.

    Raises:
        InputError: a value names no split, or two columns name different ones.
    """
    splits = {column.split_of(place, values) for column in columns} - {"train"}
    if len(splits) > 1:
        names = " and ".join(column.name for column in columns)
        raise InputError(
            f"{place}: columns {names} name two splits, {' and '.join(sorted(splits))}: name the right one with "
            "--split-column"
        )
    return splits.pop() if splits else "train"


def _key(name):
    """A name without case, spaces and punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _meaning(name, numbers):
    """What the values of a column mean."""
    key = _key(name)
    if key in TRAIN_FLAGS:
        return {value: "train" if truth else "test" for value, truth in TRUTHS.items()}
    if key in FLAGS or key in OTHER_FLAGS:
        held_out = FLAGS.get(key, "validation" if key == "valid" else "test")
        return {value: held_out if truth else "train" for value, truth in TRUTHS.items()}
    return {**SPLIT_NAMES, **(NUMBERS if numbers else {})}


def _recognised(name, head):
    """The column, if its name or its values say that it names splits; None otherwise."""
    key = _key(name)
    column = SplitColumn(name, _meaning(name, numbers=key in DECLARED))
    values = {written(row.get(name)) for _, row in head}
    known = values & set(column.meaning)
    doubtful = values <= {*column.meaning, *UNDECIDED} or key in USUAL
    if key in DECLARED or (known and doubtful) or (key in USUAL and values & UNDECIDED):
        if values <= set(NUMBERS) and key not in (*FLAGS, *TRAIN_FLAGS, *OTHER_FLAGS):
            _check_numbers(name, head)
        for place, row in head:
            column.split_of(place, row)
        return column
    return None


def _check_numbers(name, head):
    """Check that numbers name splits as in Ludwig: most rows are of split 0, for training.

    Raises:
        InputError: they are not.
    """
    counts = Counter(written(row.get(name)) for _, row in head)
    if counts["0"] < max(counts.values()) and head:
        raise InputError(
            f"{head[0][0]}: column '{name}' holds numbers, and 0, for training, is not the most frequent: write train, "
            f"validation and test, or ignore the column with --split-column {NO_COLUMN}"
        )


def open_splits(
    tables: Mapping[str, Table], taken: Collection[str], requested: str | None
) -> tuple[tuple[SplitColumn, ...], Counter[str], list[str]]:
    """The columns that name splits, the rows that they give to each split, and notes for the user.

    Args:
        tables: the tables by split; only one named "all" or "train" can be divided by a column.
        taken: columns that have another role.
        requested: as for `find_split_columns`.

    Raises:
        UsageError: there is no such column.
        InputError: a value names no split; says where.
    """
    table = tables.get("all") or tables.get("train")
    if table is None:
        return (), Counter(), []
    columns = find_split_columns(table, taken, requested)
    ignored = [] if requested else left_out(table, taken, columns)
    notes = [f"column '{name}' names no splits: left out; --split-column {name} uses it" for name in ignored]
    if not columns:
        return (), Counter(), notes
    counts = count_splits(table, columns)
    shown = ", ".join(f"{split} {counts[split]:,}" for split in ("train", "validation", "test") if counts[split])
    assigned = [split for split in ("validation", "test") if not counts[split] and split not in tables]
    rest = f"; {' and '.join(assigned)} taken from train" if assigned and counts["train"] else ""
    return columns, counts, [f"split column: {', '.join(c.name for c in columns)} ({shown}{rest})", *notes]
