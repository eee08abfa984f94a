"""Labelled texts in splits, from one table or one for each split.

Texts are streamed: each pass over a split reads the files again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.hashing import split_by_seeded_hash
from nlp_rnn.datasets.lineage import already_seen
from nlp_rnn.datasets.tables import Table

COMMON_NAMES = {
    "text": ("text", "review", "sentence", "content", "question", "comment", "body", "message", "tweet", "title"),
    "label": ("label", "class", "category", "sentiment", "target", "y", "polarity", "rating", "stars"),
}  # fmt: skip
SHARES = {"test": 0.1, "validation": 0.1}  # fractions, for data that come without these splits


class Example(NamedTuple):
    """A text and its label.

    Attributes:
        text: the text.
        label: its label; empty where there are none.
        place: its place for messages, such as "reviews.csv, line 7".
        split: "train", "validation" or "test"; or "all", where its table has no splits.
        ends: False where the text continues in the next example.
    """

    text: str
    label: str
    place: str
    split: str = ""
    ends: bool = True


@dataclass(frozen=True)
class TextDataset:
    """Labelled texts in splits. A missing split is taken from "train" by a hash of the text.

    Attributes:
        name: as the user gave it.
        tables: the tables by split; one named "all" where the data have no splits.
        columns: the names of the columns of the texts and, if there are labels, of the labels.
        seed: decides, with the text, the split of an example.
        notes: what was guessed, for the user to see.
    """

    name: str
    tables: dict[str, Table]
    columns: tuple[str, ...]
    seed: int = 0
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, tables: dict[str, Table], requested: Mapping[str, str | None], seed: int) -> "TextDataset":
        """The texts of tables by split.

        Args:
            name: as the user gave it.
            tables: the tables by split; one named "all" where the data have no splits.
            requested: the names of columns by role, "text" and "label"; None to detect one by common names.
            seed: the seed of the hash that assigns missing splits.

        Raises:
            UsageError: there is no such column.
        """
        table = next(iter(tables.values()))
        columns = tuple(_column(table, role, requested) for role in requested)
        declared = table.preferred or len(table.columns) == 1
        guessed = [] if declared else [role for role, given in requested.items() if given is None]
        notes = [f"{role} column: {column}" for role, column in zip(requested, columns, strict=True) if role in guessed]
        return cls(name, tables, columns, seed, notes)

    def walk(self) -> Iterator[Example]:
        """All examples, each with its split; every table is read once."""
        missing = self._missing()
        for given in self.tables:
            for example in self.read(given):
                divided = given in ("all", "train")
                split = split_by_seeded_hash(example.text, missing, self.seed) if divided else given
                yield example._replace(split=split)

    def stream(self, split: str) -> Iterator[Example]:
        """The examples of "train", "validation" or "test"."""
        missing = self._missing()
        if self._is_given(split):
            return self.read(split)
        whole = self.read(self._divided())
        return (e for e in whole if split_by_seeded_hash(e.text, missing, self.seed) == split)

    def size(self, split: str | None = None) -> float | None:
        """The approximate number of examples, in all or in a split, to show progress; None if unknown."""
        if split is None:
            sizes = [table.size for table in self.tables.values() if table.size is not None]
            return sum(sizes) if len(sizes) == len(self.tables) else None
        if self._is_given(split):
            return self.tables[split].size
        rows, missing = self.tables[self._divided()].size, self._missing()
        return rows and rows * missing.get(split, 1 - sum(missing.values()))

    def read(self, given: str) -> Iterator[Example]:
        """All examples of a table, named by its split or "all"."""
        for place, values in self.tables[given].rows():
            yield Example(*_text_and_label(place, values, self.columns), place, given)

    def held_out(self, trained_on: Sequence[str]) -> Iterator[Example]:
        """The examples that a run may be evaluated on: all if `is_whole`, else the test split.

        Args:
            trained_on: the names of the data that the run was trained on.
        """
        return self.read("all") if self.is_whole(trained_on) else self.stream("test")

    def is_whole(self, trained_on: Sequence[str]) -> bool:
        """Whether a run may be evaluated on all examples: there are no splits, and it was not trained on them."""
        return "all" in self.tables and not already_seen(self.name, trained_on)

    def _missing(self):
        """The missing splits and their fractions."""
        return {name: share for name, share in SHARES.items() if name not in self.tables}

    def _is_given(self, split):
        """Whether a table is exactly this split."""
        return split in self.tables and (split != "train" or not self._missing())

    def _divided(self):
        """The name of the table that the missing splits are taken from."""
        return "train" if "train" in self.tables else "all"


def _column(table: Table, role: str, requested: Mapping[str, str | None]) -> str:
    """The column of a role: the requested one, or else the one that the table declares, or one with a common name."""
    given = requested[role]
    if given is not None:
        if given not in table.columns:
            raise UsageError(f"{table.name} has no column '{given}'; it has: {', '.join(table.columns)}")
        return given
    if table.preferred:
        return table.preferred[list(requested).index(role)]
    taken = [column for other, column in requested.items() if other != role]
    by_name = {column.lower().strip(): column for column in reversed(table.columns)}
    common = (by_name[name] for name in COMMON_NAMES[role] if name in by_name)
    column = next((column for column in common if column not in taken), None)
    if column is None:
        raise _no_column(table, role)
    return column


def _no_column(table, role):
    """The error for a role without a column; detects a file whose columns are not separated by commas."""
    separator = next((mark for mark in ";\t|" if len(table.columns) == 1 and mark in table.columns[0]), None)
    if separator:
        return UsageError(f"{table.name}: the columns seem to be separated by {separator!r}: save it with commas")
    return UsageError(
        f"{table.name}: which column holds the {role}? Give --{role}-column, one of: {', '.join(table.columns)} "
        "(from the first line)"
    )


def _text_and_label(place, values, columns):
    text, *labels = (values.get(column) for column in columns)
    label = labels[0] if labels else ""
    if labels and (label is None or str(label).strip() == ""):
        raise InputError(f"{place}: no label in column '{columns[1]}'; every row needs one")
    if columns[0] not in values:
        raise InputError(f"{place}: no text in column '{columns[0]}'; every row needs one")
    if isinstance(label, list | dict | bytes):
        raise InputError(f"{place}: column '{columns[1]}' holds {type(label).__name__}, not a label")
    if not isinstance(text, str | None):
        raise InputError(f"{place}: column '{columns[0]}' holds {type(text).__name__}, not text")
    return _encodable(text or ""), _encodable(str(label).strip())


def _encodable(text):
    """The text with "?" for what UTF-8 cannot encode: lone surrogates, which JSON may contain."""
    return text.encode("utf-8", errors="replace").decode()
