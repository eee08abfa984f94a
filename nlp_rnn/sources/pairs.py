"""Pairs of texts, a source and its target: tables with two columns of text, or two text files line by line."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from nlp_rnn.checks import CallError, InputError
from nlp_rnn.sources import Example, Source, open_tables
from nlp_rnn.sources.tables import Row, Table, count_lines, lines

ROLES = ("source", "target")
USUAL = {
    "source": ("source", "src", "input", "from", "en", "english", "word", "question"),
    "target": ("target", "tgt", "output", "to", "translation", "pronunciation", "answer"),
}
CODES = (  # of languages, as columns are often named
    " ar bg bn ca cs cy da de el en eo es et eu fa fi fr ga gl he hi hr hu hy id is it ja ka kk km kn ko lt lv mk ml "
    "mr ms mt my nb ne nl nn no pa pl ps pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi xh yo zh zu "
)


@dataclass(frozen=True)
class Pairs(Source):
    """Pairs in splits: of an `Example`, the text is the source and the label the target. See `Source`.

    Attributes:
        skipped: by split as it was given, how many pairs lacked a side when it was last read through.
    """

    skipped: dict[str, int] = field(default_factory=dict)

    def read(self, given: str) -> Iterator[Example]:
        """All pairs of a split as it was given, or of "all"; those that lack a side are left out and counted."""
        skipped = 0
        for place, values in self.tables[given].rows():
            source, target = (_text(place, column, values.get(column)) for column in self.columns)
            if source and target:
                yield Example(source, target, place, given)
            else:
                skipped += 1
        self.skipped[given] = skipped


def open_pairs(data: str, source_column: str | None = None, target_column: str | None = None, seed: int = 0) -> Pairs:
    """Open pairs of texts.

    Args:
        data: as for `open_source`; a .tsv file may lack the line with names. Or two text files with a comma between,
            "corpus.en,corpus.fr", whose lines belong together.
        source_column, target_column: names of columns; guessed where None.
        seed: for the splits that are not given: a source is in one of them only.

    Raises:
        CallError: no such set, file or column.
        InputError: the data are broken; says where.
    """
    aligned = [Path(name) for name in data.split(",")]
    if len(aligned) == 2 and all(path.is_file() for path in aligned):
        if source_column or target_column:
            raise CallError(f"{data}: two text files have no columns; leave out the options that name them")
        return Pairs(data, {"all": _aligned(data, *aligned)}, ROLES, seed)
    missing = [path for path in aligned if not path.is_file()]
    if len(aligned) == 2 and len(missing) == 1 and not Path(data).exists():
        raise CallError(f"{missing[0]}: no such file, which is to hold the other side of {data}")
    asked = {source_column, target_column}
    given = open_tables(data)
    tables = {split: _named(table, asked) for split, table in given.items()}
    columns, notes = _columns(next(iter(tables.values())), (source_column, target_column))
    if tables != given:
        notes.append("the first line is read as a pair; if it names columns, say --source-column and --target-column")
    for table in tables.values():
        missing = [column for column in columns if column not in table.columns]
        if missing:
            raise InputError(f"{table.name} has no column '{missing[0]}', which another split has")
    return Pairs(data, tables, columns, seed, notes)


def _aligned(name, source, target):
    counts = [count_lines(path) for path in (source, target)]
    if None not in counts and counts[0] != counts[1]:
        raise InputError(
            f"{source} has {counts[0]:,} lines and {target} has {counts[1]:,}: line by line they must belong together"
        )

    def rows() -> Iterator[Row]:
        for number, pair in enumerate(zip_longest(lines(source), lines(target)), 1):
            if None in pair:
                short = (source, target)[pair.index(None)]
                raise InputError(f"{short} ends before line {number}: line by line the two files must belong together")
            yield f"{source} and {target}, line {number}", dict(zip(ROLES, pair, strict=True))

    return Table(name, ROLES, rows, ROLES, counts[0])


def _named(table, asked):
    """A table whose first line is a pair like all others, as in many .tsv files, gets names for its columns.

    Args:
        asked: the columns that are asked for: the first line names columns if it has one of them.
    """
    if asked & {*table.columns}:
        return table
    if not table.name.removesuffix(".gz").endswith(".tsv") or len(table.columns) < 2:
        return table
    known = {name for names in USUAL.values() for name in names}
    named = known & {column.lower().strip() for column in table.columns}
    if named or all(f" {name.lower().partition('-')[0]} " in CODES for name in table.columns[:2]):
        return table
    names = (*ROLES, *(f"column {number}" for number in range(3, len(table.columns) + 1)))

    def rows() -> Iterator[Row]:
        yield f"{table.name}, line 1", dict(zip(names, table.header, strict=True))
        for place, values in table.rows():
            yield place, dict(zip(names, values.values(), strict=True))

    return Table(table.name, names, rows, ROLES, table.size)


def _columns(table, asked):
    """The columns of source and target, and what was guessed."""
    available = ", ".join(table.columns)
    for role, column in zip(ROLES, asked, strict=True):
        if column is not None and column not in table.columns:
            raise CallError(f"{table.name} has no column '{column}' for the {role}; it has: {available}")
    if asked[0] is not None and asked[0] == asked[1]:
        raise CallError(f"{table.name}: '{asked[0]}' cannot be both the source and the target")
    columns = _guessed(table, list(asked))
    if columns == table.preferred or None not in asked:
        return columns, []
    return columns, [f"{role} column: {column}" for role, column in zip(ROLES, columns, strict=True)]


def _guessed(table, columns):
    """The columns asked for, and where None was asked: those that the table declares, usual names, or the only one."""
    if len(table.columns) == 1:
        raise CallError(f"{table.name} has one column; a source and a target are needed")
    lowered = {column.lower().strip(): column for column in reversed(table.columns)}
    usual = [next((lowered[name] for name in USUAL[role] if name in lowered), None) for role in ROLES]
    for number, guess in enumerate(table.preferred or usual):
        if columns[number] is None and guess not in columns:
            columns[number] = guess
    for number in range(2):
        rest = [column for column in table.columns if column not in columns]
        if columns[number] is None and len(rest) != 1 and len(table.columns) != 2:
            raise CallError(
                f"{table.name}: which columns hold the source and the target? Say --source-column and "
                f"--target-column, each one of: {', '.join(table.columns)}"
            )
        columns[number] = columns[number] or rest[0]
    return tuple(columns)


def _text(place, column, value):
    if value is not None and not isinstance(value, str):
        raise InputError(f"{place}: column '{column}' holds {type(value).__name__}, not text")
    return (value or "").encode("utf-8", errors="replace").decode().strip()
