"""Labelled texts in splits, from one table or one for each split.

Texts are streamed: each pass over a split reads the files again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Self

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.hash_sets import HashSet
from nlp_rnn.datasets.hashing import split_by_seeded_hash, text_hash
from nlp_rnn.datasets.lineage import HeldOut, Lineage
from nlp_rnn.datasets.lines import encodable
from nlp_rnn.datasets.roles import Wanted, find_roles
from nlp_rnn.datasets.split_columns import SplitColumn, open_splits, split_of_row
from nlp_rnn.datasets.tables import Table
from nlp_rnn.datasets.text_roles import TEXT_NAMES
from nlp_rnn.progress import track

COMMON_NAMES = {
    "text": TEXT_NAMES,
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
        split_columns: columns that name the split of each row.
        split_sizes: the number of rows that these columns give to each split.
    """

    common_names: ClassVar[Mapping[str, Sequence[str]]] = COMMON_NAMES  # of columns, by role

    name: str
    tables: dict[str, Table]
    columns: tuple[str, ...]
    seed: int = 0
    notes: list[str] = field(default_factory=list)
    split_columns: tuple[SplitColumn, ...] = ()
    split_sizes: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        name: str,
        tables: dict[str, Table],
        requested: Mapping[str, str | None],
        seed: int,
        split_column: str | None = None,
    ) -> Self:
        """The texts of tables by split.

        Args:
            name: as the user gave it.
            tables: the tables by split; one named "all" where the data have no splits.
            requested: the names of columns by role, such as "text" and "label"; None to detect one by common names.
            seed: the seed of the hash that assigns missing splits.
            split_column: the column that names the split of each row; None to detect it; "none" if there is none.

        Raises:
            UsageError: there is no such column.
            InputError: a value of the column of splits names none.
        """
        taken = [column for column in requested.values() if column]
        split_columns, sizes, more = open_splits(tables, taken, split_column)
        names = {column.name for column in split_columns}
        roles = find_roles(
            tables.get("train") or next(iter(tables.values())), Wanted(requested, cls.common_names, names)
        )
        check_columns(tables, roles.columns)
        return cls(name, tables, roles.columns, seed, [*roles.notes, *more], split_columns, sizes)

    def walk(self) -> Iterator[Example]:
        """All examples, each with its split; every table is read once."""
        return self._walk(self.tables)

    def stream(self, split: str) -> Iterator[Example]:
        """The examples of "train", "validation" or "test"."""
        if self._is_given(split):
            return self.read(split)
        named = [given for given in self.tables if given in (split, "train", "all")]
        return (example for example in self._walk(named) if example.split == split)

    def size(self, split: str | None = None) -> float | None:
        """The approximate number of examples, in all or in a split, to show progress; None if unknown."""
        if split is None:
            sizes = [table.size for table in self.tables.values() if table.size is not None]
            return sum(sizes) if len(sizes) == len(self.tables) else None
        if self._is_given(split):
            return self.tables[split].size
        if self.split_sizes.get(split, 0) and split != "train":
            return self.split_sizes[split]
        rows, missing = self.split_sizes.get("train") or self.tables[self._divided()].size, self._missing()
        return rows and rows * missing.get(split, 1 - sum(missing.values()))

    def read(self, given: str) -> Iterator[Example]:
        """All examples of a table, named by its split or "all"; columns that name splits decide as well."""
        for place, values in self.tables[given].rows():
            yield Example(*_text_and_label(place, values, self.columns), place, self.split_of(given, place, values))

    def split_of(self, given: str, place: str, values: Mapping[str, object]) -> str:
        """The split of a row by its table, and by the columns that name splits; "all" where neither says."""
        if given not in ("all", "train") or not self.split_columns:
            return given
        return split_of_row(self.split_columns, place, values)

    def _walk(self, names):
        """The examples of some tables, each with its split."""
        missing = self._missing()
        for name in names:
            for example in self.read(name):
                divided = example.split in ("all", "train")
                split = split_by_seeded_hash(example.text, missing, self.seed) if divided else example.split
                yield example._replace(split=split)

    def held_out(self, lineage: Lineage, own: bool = False, also: Lineage | None = None) -> HeldOut[Example]:
        """The examples that a run may be evaluated on: of the test split if there are splits, else of all.

        Args:
            lineage: what the run was trained on; these texts are left out.
            own: the run is being trained on these data, so they have splits.
            also: what is trained on after these data, whose test split is what is evaluated on.
        """
        own = own or also is not None or lineage.knows(self.name)
        whole = "all" in self.tables and not self.split_columns and not own
        read = (lambda: self.read("all")) if whole else (lambda: self.stream("test"))

        def hashes():
            return (text_hash(example.text) for example in read())

        known = [one.trained_on(hashes) for one in (lineage, also) if one is not None]
        return HeldOut(read, lambda example: any(knows(text_hash(example.text)) for knows in known), whole)

    def lineage(self) -> Lineage:
        """What a run that is trained on these data has seen: all texts outside the test split."""
        walked = track(self.walk(), "recording what was trained on", self.size())
        return Lineage(HashSet.of(text_hash(example.text) for example in walked if example.split != "test"))

    def _missing(self):
        """The missing splits and their fractions."""
        given = {*self.tables, *(split for split, size in self.split_sizes.items() if size)}
        return {name: share for name, share in SHARES.items() if name not in given}

    def _is_given(self, split):
        """Whether a table is exactly this split."""
        return split in self.tables and not self.split_columns and (split != "train" or not self._missing())

    def _divided(self):
        """The name of the table that the missing splits are taken from."""
        return "train" if "train" in self.tables else "all"


def check_columns(tables: Mapping[str, Table], columns: Sequence[str]) -> None:
    """Check that the table of each split has some columns.

    Raises:
        InputError: one has not.
    """
    for table in tables.values():
        missing = next((column for column in columns if column not in table.columns), None)
        if missing is not None:
            raise InputError(
                f"{table.name} has no column '{missing}', which another split has: add it, or leave it out"
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
    return encodable(text or ""), encodable(str(label).strip())
