"""Numbers in a table: which marks separate decimals and thousands, and their values."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.calendar import Place

if TYPE_CHECKING:
    import pandas as pd

MISSING = frozenset((
    "", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "null", "NULL", "None", "<NA>", ".", "-", "--", "–", "?",
    "..", ":", r"\N", "(null)", "#VALUE!", "#DIV/0!", "unavailable", "unknown", "missing"
))  # fmt: skip
LARGEST = 1e18
_SPACES = " \u00a0\u202f\u2009"
_SIGNS = re.compile(r"^([-+(]?)\s*(?:R\$|[$€£¥₹])\s*|\s*(?:[$€£¥₹%]|EUR|USD|GBP|CHF|kr|zł)$")
_NOT_PLAIN = re.compile(rf"[,.'’{_SPACES}]")


class Marks(NamedTuple):
    """How numbers are written.

    Attributes:
        decimal: the mark before decimals.
        thousands: the marks between thousands; empty for none.
        group: the number of digits between two of these marks, before the last three: 2 in India.
    """

    decimal: str
    thousands: str
    group: int = 3

    @property
    def pattern(self) -> str:
        """A regular expression that matches these numbers."""
        decimal = re.escape(self.decimal)
        plain = rf"\d+(?:{decimal}\d*)?(?:e[-+]?\d+)?|{decimal}\d+(?:e[-+]?\d+)?"
        if self.thousands:
            mark, more = re.escape(self.thousands), self.group - 1
            grouped = rf"[1-9]\d{{0,{more}}}(?:[{mark}]\d{{{self.group}}})*[{mark}]\d{{3}}(?:{decimal}\d*)?"
            return rf"[-+]?(?:{grouped}|{plain})"
        return rf"[-+]?(?:{plain})"

    def fits(self, text: str) -> bool:
        """Whether a text is a number in these marks."""
        return re.fullmatch(self.pattern, text, re.IGNORECASE) is not None

    def plain(self, text: str) -> str:
        """A number as Python writes it."""
        for mark in self.thousands:
            text = text.replace(mark, "")
        return text.replace(self.decimal, ".")


POINT, COMMA = Marks(".", ""), Marks(",", "")
READINGS = (
    *(POINT, COMMA, Marks(".", ","), Marks(",", "."), Marks(".", _SPACES), Marks(",", _SPACES), Marks(".", "'’")),
    Marks(".", ",", 2),
)


def bare(text: str) -> str:
    """A text without the signs around a number: currencies, percent, the parentheses of negative numbers.

    Examples:
        >>> bare("$ 1,070.50"), bare("(12)"), bare("−3 %")
        ('1,070.50', '-12', '-3')
    """
    text = _SIGNS.sub(lambda found: found[1] or "", text.strip()).replace("\u2212", "-")
    if text.startswith("(") and text.endswith(")"):
        return f"-{text[1:-1]}"
    return f"-{text[:-1]}" if text.endswith("-") and text[:1].isdigit() else text


def is_number(text: str) -> bool:
    """Whether a text may be a number, in any marks."""
    text = bare(text)
    return any(marks.fits(text) for marks in READINGS)


def readings(texts: Iterable[str], among: Sequence[Marks] = READINGS) -> list[Marks]:
    """The marks that suit all texts that may be numbers; one of those that give the same numbers."""
    marked = {bare(text) for text in texts if _NOT_PLAIN.search(text)}
    numbers = [text for text in marked if any(marks.fits(text) for marks in among)]
    fitting = [marks for marks in among if all(marks.fits(text) for text in numbers)]
    distinct: dict[tuple, Marks] = {}
    for marks in fitting:
        distinct.setdefault(tuple(float(marks.plain(text)) for text in numbers), marks)
    return list(distinct.values())


def find_marks(columns: Mapping[str, Sequence[str]], separator: str, name: str, decimal: str | None) -> Marks:
    """The marks of a table, from all cells that are not plain.

    Args:
        columns: the distinct texts of each column that may hold numbers.
        separator: what separates the columns; empty if the file is not delimited text.
        name: the name of the file, for messages.
        decimal: the decimal mark that the user named.

    Raises:
        InputError: two readings fit, or none does; the message names a number.
    """
    among = [marks for marks in READINGS if decimal in (None, marks.decimal)]
    cells = [text for texts in columns.values() for text in texts]
    fitting = readings(cells, among)
    if len(fitting) == 1 or not cells:
        return fitting[0] if fitting else POINT
    if not fitting:
        return _refuse_contradiction(columns, among, name)
    if separator == "," and POINT in fitting and not any("," in text for text in cells):
        return POINT  # a decimal comma would separate columns
    unclear = {marks: next(bare(text) for text in cells if _NOT_PLAIN.search(text)) for marks in fitting}
    example = next(iter(unclear.values()))
    values = " or ".join(f"{float(marks.plain(example)):g}" for marks in fitting[:2])
    raise InputError(
        f"{name}: is '{example}' {values}? No number shows which mark is decimal: give --decimal-mark '.' or ','"
    )


def _refuse_contradiction(columns, among, name):
    """Refuse a table for which no marks suit all columns; the message names two that contradict each other.

    Raises:
        InputError: always.
    """
    first = {}
    for column, texts in columns.items():
        for marks in readings(texts, among)[:1]:
            example = next((bare(text) for text in texts if _NOT_PLAIN.search(text)), "")
            first.setdefault(marks.decimal, f"'{example}' in column '{column}'")
    both = " and ".join(first.values()) if len(first) > 1 else "numbers that contradict each other"
    raise InputError(f"{name} holds {both}: write all numbers with the same decimal mark")


def to_numbers(column: "pd.Series", marks: Marks, place: Place, name: str) -> np.ndarray:
    """A column as float64, NaN where a value is missing.

    Args:
        column: numbers, or texts that hold them.
        marks: how they are written.
        place: returns the place of a row, for messages.
        name: the name of the column.

    Raises:
        InputError: a value is not a number, or not finite; the message says where.
    """
    import pandas as pd

    if column.dtype.kind in "iufb":
        numbers, broken = column.to_numpy(float, na_value=np.nan), np.zeros(len(column), bool)
    else:
        codes, texts = pd.factorize(column.astype(str).where(column.notna().to_numpy()))
        values = np.array([*(_number(str(text), marks) for text in texts), np.nan])  # codes are -1 where missing
        _check_percent(texts, values, codes, place, name)
        absent = np.array([*(str(text).strip() in MISSING for text in texts), True])
        numbers, broken = values[codes], (np.isnan(values) & ~absent)[codes]
    for wrong, what in (
        (broken, "not a number"),
        (np.isinf(numbers), "not finite"),
        (np.abs(numbers) > LARGEST, "too large"),
    ):
        if wrong.any():
            row = int(wrong.argmax())
            value = str(column.iloc[row])[:40]
            raise InputError(f"{place(row)}, column '{name}': '{value}' is {what}; leave missing values empty")
    return numbers


def _check_percent(texts, values, codes, place, name):
    """Check that all numbers of a column have a percent sign, or none: 50 % next to 0.5 is ambiguous.

    Raises:
        InputError: some have one.
    """
    percent = np.array([*(str(text).strip().endswith("%") for text in texts), False])
    if percent.any() and (~percent & ~np.isnan(values)).any():
        row = int(percent[codes].argmax())
        raise InputError(
            f"{place(row)}, column '{name}': '{texts[codes[row]]}' has a percent sign, and other numbers have none: "
            "write all of them alike"
        )


def _number(text, marks):
    """The value of a text; NaN if it is not a number."""
    text = bare(text)
    if marks.fits(text):
        return float(marks.plain(text))
    return float(text) if re.fullmatch(r"[-+]?inf(inity)?", text, re.IGNORECASE) else np.nan
