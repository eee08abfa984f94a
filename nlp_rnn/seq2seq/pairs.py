"""Pairs of texts, a source and its target: tables with two columns of text, or two text files line by line."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.catalogue import open_tables
from nlp_rnn.datasets.lines import count_lines, encodable, read_lines
from nlp_rnn.datasets.names import words_of
from nlp_rnn.datasets.numbers import is_number
from nlp_rnn.datasets.roles import Wanted, find_roles
from nlp_rnn.datasets.split_columns import NO_COLUMN, open_splits
from nlp_rnn.datasets.splits import Example, TextDataset, check_columns
from nlp_rnn.datasets.tables import Row, Table
from nlp_rnn.datasets.text_roles import SOURCE_NAMES
from nlp_rnn.progress import say

ROLES = ("source", "target")
NAMED_ROWS = 5  # rows without a source or a target that messages name; the rest are counted
COMMON_NAMES = {
    "source": SOURCE_NAMES,
    "target": ("target", "tgt", "output", "to", "translation", "pronunciation", "answer"),
}
LANGUAGE_CODES = (  # common names of columns
    " ar bg bn ca cs cy da de el en eo es et eu fa fi fr ga gl he hi hr hu hy id is it ja ka kk km kn ko lt lv mk ml "
    "mr ms mt my nb ne nl nn no pa pl ps pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi xh yo zh zu "
)


@dataclass(frozen=True)
class PairDataset(TextDataset):
    """Pairs in splits: the text of an `Example` is the source, its label the target. See `TextDataset`.

    Attributes:
        skipped: number of pairs without a source or a target, by split of the files, once that was read to its end;
            the first of them are named on standard error.
    """

    skipped: dict[str, int] = field(default_factory=dict)

    def read(self, given: str) -> Iterator[Example]:
        """All pairs of a split of the files, or of "all"; those without a source or a target are left out."""
        skipped, named = 0, []
        for place, values in self.tables[given].rows():
            source, target = (_text(place, column, values.get(column)) for column in self.columns)
            if source and target:
                yield Example(source, target, place, self.split_of(given, place, values))
                continue
            skipped += 1
            if len(named) < NAMED_ROWS:
                named.append(f"{place}: {_missing_sides(source, target)}; the pair is left out")
        if given not in self.skipped:  # the first time
            _say_skipped(named, skipped)
        self.skipped[given] = skipped


def open_pairs(
    data: str,
    source_column: str | None = None,
    target_column: str | None = None,
    seed: int = 0,
    split_column: str | None = None,
) -> PairDataset:
    """Open pairs of texts.

    Args:
        data: as for `open_text_dataset`; the first line of a .tsv file may be a pair. Or two text files with a comma
            between their names, "corpus.en,corpus.fr", whose n-th lines form a pair.
        source_column, target_column: names of columns; None to detect them by common names.
        seed: the seed of the hash that assigns missing splits; all pairs with the same source are in one split.
        split_column: the column that names the split of each row; None to detect it; "none" if there is none.

    Raises:
        UsageError: no such data set, file or column.
        InputError: the data are broken; the message says where.
    """
    aligned = [Path(name) for name in data.split(",")]
    if len(aligned) == 2 and all(path.is_file() for path in aligned):
        if source_column or target_column or split_column not in (None, NO_COLUMN):
            raise UsageError(f"{data}: two text files have no columns; leave out the options that name them")
        return PairDataset(data, {"all": _aligned(data, *aligned)}, ROLES, seed)
    missing = [path for path in aligned if not path.is_file()]
    if len(aligned) == 2 and len(missing) == 1 and not Path(data).exists():
        raise UsageError(f"{missing[0]}: no such file; it should hold the other side of {data}")
    tables, notes = _tables(data, {source_column, target_column})
    requested = (source_column, target_column)
    split_columns, sizes, on_splits = open_splits(tables, [c for c in requested if c], split_column)
    roles = _roles(
        tables.get("train") or next(iter(tables.values())), requested, {column.name for column in split_columns}
    )
    check_columns(tables, roles.columns)
    notes = [*roles.notes, *notes, *on_splits]
    return PairDataset(data, tables, roles.columns, seed, notes, split_columns, sizes)


def _tables(data, requested):
    """The tables by split, and notes on what was guessed."""
    as_read = open_tables(data)
    tables = {split: _with_header(table, requested) for split, table in as_read.items()}
    notes = []
    if tables != as_read:
        notes.append("the first line is read as a pair; if it names columns, give --source-column and --target-column")
    return tables, notes


def _aligned(name, source, target):
    counts = [count_lines(path) for path in (source, target)]
    if None not in counts and counts[0] != counts[1]:
        raise InputError(
            f"{source} has {counts[0]:,} lines and {target} has {counts[1]:,}: the n-th lines of both must be a pair"
        )

    def rows() -> Iterator[Row]:
        for number, pair in enumerate(zip_longest(read_lines(source), read_lines(target)), 1):
            if None in pair:
                short = (source, target)[pair.index(None)]
                raise InputError(f"{short} ends before line {number}: the n-th lines of both must be a pair")
            yield f"{source} and {target}, line {number}", dict(zip(ROLES, pair, strict=True))

    return Table(name, ROLES, rows, ROLES, counts[0])


def _with_header(table, requested):
    """Name the columns of a .tsv file without a header; other tables do not change.

    Args:
        requested: requested names of columns; a first line with one of them is a header.
    """
    if requested & {*table.columns}:
        return table
    if not table.name.removesuffix(".gz").endswith(".tsv") or len(table.columns) < 2:
        return table
    common = {name for names in COMMON_NAMES.values() for name in names} - set(LANGUAGE_CODES.split())
    known = common | set(LANGUAGE_CODES.split())
    named = [name for name in table.columns if " " not in name.strip() and known & set(words_of(name))]
    if len(named) > 1 or common & {name.lower().strip() for name in table.columns}:
        return table
    texts = [n for n, field in enumerate(table.header) if not is_number(field)]
    if len(texts) < len(ROLES):
        return table
    roles = {texts[0]: ROLES[0], texts[1]: ROLES[1]}
    names = tuple(roles.get(n, f"column {n + 1}") for n in range(len(table.columns)))

    def rows() -> Iterator[Row]:
        yield f"{table.name}, line 1", dict(zip(names, table.header, strict=True))
        for place, values in table.rows():
            yield place, dict(zip(names, values.values(), strict=True))

    return Table(table.name, names, rows, ROLES, table.size)


def _roles(table, requested, taken):
    """The columns of source and target, none of those taken."""
    if requested[0] is not None and requested[0] == requested[1]:
        raise UsageError(f"{table.name}: '{requested[0]}' cannot be both the source and the target")
    if len(table.columns) == 1:
        raise UsageError(f"{table.name} has one column; a source and a target are needed")
    return find_roles(table, Wanted(dict(zip(ROLES, requested, strict=True)), COMMON_NAMES, taken))


def _missing_sides(source, target):
    sides = [side for side, text in zip(ROLES, (source, target), strict=True) if not text]
    return f"no {' and no '.join(sides)}"


def _say_skipped(named, skipped):
    for line in named:
        say(line)
    if skipped > len(named):
        say(f"{skipped - len(named):,} more pairs without a source or a target are left out")


def _text(place, column, value):
    if value is not None and not isinstance(value, str):
        raise InputError(f"{place}: column '{column}' holds {type(value).__name__}, not text")
    return encodable(value or "").strip()
