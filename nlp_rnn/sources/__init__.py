"""Open any source of labelled texts as splits of examples: a named set, tfds:NAME, a file or a folder.

Nothing is held in memory: a split is read anew each time it is walked through.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from nlp_rnn import shipped
from nlp_rnn.checks import CallError, InputError, nearest
from nlp_rnn.sources.catalogue import open_shipped, open_tfds
from nlp_rnn.sources.folders import open_folder
from nlp_rnn.sources.lineage import is_among
from nlp_rnn.sources.tables import Table, count_lines, decoded, lines, open_table

__all__ = ["Example", "Source", "Table", "count_lines", "decoded", "lines", "open_source", "open_tables"]

USUAL_NAMES = {
    "text": ("text", "review", "sentence", "content", "question", "comment", "body", "message", "tweet", "title"),
    "label": ("label", "class", "category", "sentiment", "target", "y", "polarity", "rating", "stars"),
}  # fmt: skip
SHARES = {"test": 0.1, "validation": 0.1}  # of a set that comes without these splits


class Example(NamedTuple):
    """A text, its label, and where it stands, for messages: "reviews.csv, line 7".

    `ends` is False where the text goes on in the next example.
    """

    text: str
    label: str
    place: str
    split: str = ""
    ends: bool = True


@dataclass(frozen=True)
class Source:
    """Labelled texts in splits.

    Attributes:
        name: what the user called it.
        tables: the tables that were given, by split; "all" where the set has no splits.
        columns: the column of each table that is the text, and the one that is the label, if labels are wanted.
        seed: decides, with the text, who goes into a split that was not given.
        notes: what was guessed, for the user to see.
    """

    name: str
    tables: dict[str, Table]
    columns: tuple[str, ...]
    seed: int = 0
    notes: list[str] = field(default_factory=list)

    def walk(self) -> Iterator[Example]:
        """All examples, each with its split, every table read once."""
        for given in self.tables:
            for example in self.read(given):
                drawn = given in ("all", "train") and _drawn(example.text, self._shares(), self.seed)
                yield example._replace(split=drawn or given)

    def stream(self, split: str) -> Iterator[Example]:
        """The examples of "train", "validation" or "test"; a split that was not given is drawn from the rest."""
        if self._as_given(split):
            return self.read(split)
        return (e for e in self.read(self._whole()) if _drawn(e.text, self._shares(), self.seed) == split)

    def size(self, split: str | None = None) -> float | None:
        """About how many examples there are, or a split has, for showing progress; None where nobody knows."""
        if split is None:
            sizes = [table.size for table in self.tables.values()]
            return None if None in sizes else sum(sizes)
        if self._as_given(split):
            return self.tables[split].size
        rows, shares = self.tables[self._whole()].size, self._shares()
        return rows and rows * shares.get(split, 1 - sum(shares.values()))

    def read(self, given: str) -> Iterator[Example]:
        """All examples of a split as it was given, or of "all"."""
        for place, values in self.tables[given].rows():
            yield Example(*_text_and_label(place, values, self.columns), place, given)

    def held_out(self, trained_on: Sequence[str]) -> Iterator[Example]:
        """What to evaluate on: the test split; all of a set without splits, unless it is among what was trained on."""
        return self.read("all") if self.is_whole(trained_on) else self.stream("test")

    def is_whole(self, trained_on: Sequence[str]) -> bool:
        """Whether all of this set may be evaluated on: it has no splits, and is not among what was trained on."""
        return "all" in self.tables and not is_among(self.name, trained_on)

    def _shares(self):
        """What has to be drawn: the splits that were not given."""
        return {name: share for name, share in SHARES.items() if name not in self.tables}

    def _as_given(self, split):
        return split in self.tables and (split != "train" or not self._shares())

    def _whole(self):
        return "train" if "train" in self.tables else "all"


def open_source(
    data: str, text_column: str | None = None, label_column: str | None = None, seed: int = 0, labelled: bool = True
) -> Source:
    """Open texts, labelled or not.

    Args:
        data: the name of a set that ships (NAME or NAME/CONFIG), "tfds:NAME[/CONFIG]", or a path: .csv, .tsv,
            .jsonl (these also .gz), .parquet, a folder with a sub-folder a class, or a folder of splits.
        text_column, label_column: names of columns; guessed where None.
        seed: for the splits that are not given.
        labelled: whether there must be a label.

    Raises:
        CallError: no such set, file or column.
        InputError: the data are broken; says where.
    """
    tables = open_tables(data)
    asked = {"text": text_column, "label": label_column} if labelled else {"text": text_column}
    table = next(iter(tables.values()))
    columns = tuple(_column(table, role, asked) for role in asked)
    guessed = {} if table.preferred or len(table.columns) == 1 else dict(zip(asked, columns, strict=True))
    notes = [f"{role} column: {column}" for role, column in guessed.items() if asked[role] is None]
    return Source(data, tables, columns, seed, notes)


def open_tables(data: str) -> dict[str, Table]:
    """The tables of a data set by split, or one named "all"."""
    if data.startswith("tfds:"):
        return open_tfds(data.removeprefix("tfds:"))
    path = Path(data)
    if path.is_dir():
        return open_folder(path)
    if path.exists():
        return {"all": open_table(path)}
    if data.partition("/")[0] in shipped.data_sets():
        return open_shipped(data)
    names = list(shipped.data_sets())
    raise CallError(
        f"{data}: no such file or folder, and no data set of that name ({', '.join(names)}).{nearest(data, names)}"
    )


def _column(table, role, asked):
    """The column for a role: the one asked for, declared by the table, usually so named, or the only other."""
    available = ", ".join(table.columns)
    if asked[role] is not None:
        if asked[role] not in table.columns:
            raise CallError(f"{table.name} has no column '{asked[role]}'; it has: {available}")
        return asked[role]
    if table.preferred:
        return table.preferred[list(asked).index(role)]
    lowered = {column.lower().strip(): column for column in reversed(table.columns)}
    usual = [lowered[name] for name in USUAL_NAMES[role] if name in lowered]
    taken = [column for other, column in asked.items() if other != role]
    free = [column for column in usual if column not in taken]
    if free:
        return free[0]
    if len(table.columns) == 1 and any(mark in available for mark in ";\t|"):
        mark = next(mark for mark in ";\t|" if mark in available)
        raise CallError(f"{table.name}: its columns seem to be separated by {mark!r}: save it with commas")
    raise CallError(
        f"{table.name}: which column is the {role}? Say --{role}-column with one of: {available} "
        "(the first line names them)"
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
    return _writable(text or ""), _writable(str(label).strip())


def _writable(text):
    """The text with '?' for what UTF-8 cannot hold: half a surrogate pair, as JSON may bring it."""
    return text.encode("utf-8", errors="replace").decode()


def _drawn(text, shares, seed):
    """The split that a text's seeded hash falls into: copies of a text never straddle."""
    spaced = " ".join(text.lower().split())
    digest = hashlib.blake2b(f"{seed}:{spaced}".encode(errors="replace"), digest_size=8).digest()
    point, upper = int.from_bytes(digest, "big") / 2**64, 0.0
    for split, share in shares.items():
        upper += share
        if point < upper:
            return split
    return "train"
