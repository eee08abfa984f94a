"""The roles of the columns of a table of texts, pairs or tagged tokens, from their names and their content."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, pairwise

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.account import Roles, check_column, quoted
from nlp_rnn.datasets.names import column_named
from nlp_rnn.datasets.tables import Table

TEXT_NAMES = ("text", "review", "sentence", "content", "question", "comment", "body", "message", "tweet", "title")
SOURCE_NAMES = ("source", "src", "input", "from", "en", "english", "word", "question")
TAG_NAMES = {  # of tables with a token in each row
    "sentence": ("sentence", "sentence #", "sentence_id", "sentence id", "sent_id", "sent", "sentence number"),
    "token": ("token", "tokens", "word", "words", "form"),
    "tag": ("tag", "tags", "ner", "ner_tag", "ner_tags", "label", "entity", "upos", "pos"),
}
SAMPLE = 200  # rows that decide what a column holds
FEW_WORDS = 3  # average number of words per value from which a column holds texts
RECURRING = 0.5  # maximum fraction of distinct values in a column of labels


@dataclass(kw_only=True)
class TextRoles(Roles):
    """What each column of a table of texts is.

    Attributes:
        by_role: the column of each role.
        guessed: whether there is anything to say: a column was detected, and another could have been.
    """

    by_role: dict[str, str]
    guessed: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that have a role, in the order of the roles."""
        return tuple(self.by_role.values())

    def parts(self) -> dict[str, str]:
        """The column of each role."""
        return self.by_role

    @property
    def notes(self) -> list[str]:
        """What was guessed, for the user to see."""
        return [self.account()] if self.guessed else []


def text_roles(
    table: Table, requested: Mapping[str, str | None], common: Mapping[str, Sequence[str]], taken: Collection[str] = ()
) -> TextRoles:
    """The column of each role.

    Args:
        table: the table.
        requested: the columns that the user named, by role; None to detect one.
        common: common names of columns by role.
        taken: columns that have another role.

    Raises:
        UsageError: a named column is missing, or it is not clear which column has a role; the message names the option
            that decides.
    """
    for role, column in requested.items():
        if column is not None:
            check_column(table.name, column, table.columns, role)
    roles = dict(requested)
    if table.preferred:
        roles = {role: roles[role] or table.preferred[n] for n, role in enumerate(roles)}
        return TextRoles(by_role={role: column for role, column in roles.items() if column}, guessed=False)
    free = [column for column in table.columns if column not in taken]
    _fill_by_name(roles, free, common)
    left_out = _left_out(table, {*taken, *filter(None, roles.values())}, "sentence" in roles)
    free = [column for column in free if column not in left_out]
    _fill_by_content(table, roles, free)
    columns = {role: column for role, column in roles.items() if column}
    missing = next((role for role in roles if role not in columns), None)
    if missing:
        raise UsageError(
            f"{table.name}: which column holds the {missing}? Give --{missing}-column, one of: "
            f"{', '.join(map(quoted, table.columns))} (from the first line)"
        )
    left_out |= {column: "not used" for column in free if column not in columns.values()}
    guessed = None in requested.values() and len(table.columns) > 1
    return TextRoles(by_role=columns, left_out=left_out, guessed=guessed)


def _left_out(table, taken, tagged):
    """The columns that hold neither texts nor labels: row numbers, and columns without values.

    Args:
        tagged: the rows are tokens, whose sentences may be numbered.
    """
    why = {}
    for column, values in _sampled(table).items():
        if column in taken:
            continue
        if not any(str(value).strip() for value in values if value is not None):
            why[column] = "empty"
        elif tagged and _number_sentences(values):
            continue
        elif _are_row_numbers(values) or (not column and all(str(value).isdigit() for value in values)):
            why[column] = "row number"
    return why


def _sampled(table):
    """The first values of each column."""
    rows = [values for _, values in islice(table.rows(), SAMPLE)]
    return {column: [row.get(column) for row in rows] for column in table.columns}


def _are_row_numbers(values):
    """Whether whole numbers go up by one from row to row."""
    texts = [str(value) for value in values]
    return len(texts) > 2 and all(t.isdigit() for t in texts) and all(int(b) - int(a) == 1 for a, b in pairwise(texts))


def _fill_by_name(roles, free, common):
    """Fill the roles whose columns have common names."""
    for role in roles:
        if roles[role] is None:
            roles[role] = column_named([column for column in free if column not in roles.values()], common[role])


def _fill_by_content(table, roles, free):
    """Fill the other roles if only one column can have them; of two columns left, the first is the source."""
    rest = [column for column in free if column not in roles.values()]
    unknown = [role for role, column in roles.items() if column is None]
    if not unknown:
        return
    if unknown == ["text"] and len(roles) == 1 and len(rest) == 1:
        _check_only_name(table, rest[0])
        roles["text"] = rest[0]
        return
    if "source" in roles:
        if len(rest) == len(unknown):
            roles |= dict(zip(unknown, rest, strict=True))
        return
    values = _sampled(table)
    _check_header(table, values, rest)
    for role, suits in SUITS.items():
        suitable = [column for column in rest if column not in roles.values() and suits(values[column])]
        if role in unknown and len(suitable) == 1:
            roles[role] = suitable[0]


def _check_only_name(table, column):
    """Check that the name of the only column is not the first text.

    Raises:
        UsageError: it has several words.
    """
    if table.header is not None and len(column.split()) > FEW_WORDS:
        raise UsageError(
            f"{table.name}, line 1 holds a text: write the name of the column, such as text, in a line above"
        )


def _check_header(table, values, rest):
    """Check that the first line does not hold a row: a text as a name, or a value that recurs below its own name.

    Raises:
        UsageError: it does.
    """
    if table.header is None:
        return
    texts = [column for column in rest if _are_texts(values[column]) and len(column.split()) > FEW_WORDS]
    labels = [column for column in rest if values[column].count(column) > 1]
    if texts and labels:
        raise UsageError(
            f"{table.name}, line 1 holds values: write the names of the columns, such as text and label, in a line "
            "above them"
        )


def _are_texts(values):
    words = [len(value.split()) for value in values if isinstance(value, str)]
    return len(words) > len(values) / 2 and sum(words) >= FEW_WORDS * len(words)


def _are_labels(values):
    if any(isinstance(value, list | dict) for value in values) or _are_texts(values):
        return False
    return len({str(value) for value in values}) <= RECURRING * len(values)


def _number_sentences(values):
    """Whether each sentence has a number of its own on all of its rows, or on the first, as in Sentence: 1."""
    given = [str(value) for value in values if value is not None and str(value).strip()]
    runs = [value for value, _ in groupby(given)]
    numbered = bool(given) and all(re.search(r"\d", value) for value in given)
    return numbered and len(set(runs)) == len(runs) < len(values)


def _are_tags(values):
    """Whether a few short words recur, some with letters."""
    texts = [value for value in values if isinstance(value, str)]
    short = len(texts) == len(values) and not any(" " in text.strip() for text in texts)
    return short and _are_labels(values) and any(text.isupper() for text in texts)


def _are_tokens(values):
    """Whether most values are single words, and more than a few distinct ones."""
    texts = [value for value in values if isinstance(value, str) and " " not in value.strip()]
    return 2 * len(texts) > len(values) and not _are_tags(values) and not _number_sentences(values)


SUITS = {
    "text": _are_texts,
    "label": _are_labels,
    "sentence": _number_sentences,
    "tag": _are_tags,
    "token": _are_tokens,
}
