"""Pairs of texts, a source and its target: tables with two columns of text, or two text files line by line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.catalogue import SIDES as ROLES
from nlp_rnn.datasets.catalogue import open_tables
from nlp_rnn.datasets.lines import encodable
from nlp_rnn.datasets.names import words_of
from nlp_rnn.datasets.numbers import is_number
from nlp_rnn.datasets.splits import Example, TextDataset
from nlp_rnn.datasets.tables import Row, Table
from nlp_rnn.datasets.text_roles import SOURCE_NAMES
from nlp_rnn.progress import say

WITHOUT_HEADER = "the first line is read as a pair; if it names columns, give --source-column and --target-column"
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

    common_names: ClassVar[Mapping[str, Sequence[str]]] = COMMON_NAMES

    skipped: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        name: str,
        tables: dict[str, Table],
        requested: Mapping[str, str | None],
        seed: int,
        split_column: str | None = None,
    ) -> Self:
        """The pairs of tables by split, as `TextDataset.of`; the first line of a .tsv file may be a pair."""
        headed = {split: _with_header(table, {*requested.values()}) for split, table in tables.items()}
        _check_columns(headed.get("train") or next(iter(headed.values())), requested)
        pairs = super().of(name, headed, requested, seed, split_column)
        if headed != tables:
            pairs.notes.append(WITHOUT_HEADER)
        return pairs

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
    requested = {"source": source_column, "target": target_column}
    return PairDataset.of(data, open_tables(data, pairs=True), requested, seed, split_column)


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


def _check_columns(table, requested):
    """Check that there can be a source and a target.

    Raises:
        UsageError: one column is named for both, or there is no other.
    """
    source, target = requested.values()
    if source is not None and source == target:
        raise UsageError(f"{table.name}: '{source}' cannot be both the source and the target")
    if len(table.columns) == 1:
        raise UsageError(f"{table.name} has one column; a source and a target are needed")


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
