"""Parts of times in columns of their own, such as a year and a quarter, written back as they were."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from nlp_rnn.datasets.months import SPELLINGS, name_like

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = re.compile(r"(\D*)(\d+)(.*)")


class PartText(NamedTuple):
    """How a part of times is written in a column of its own.

    Attributes:
        column: the name of the column.
        part: what it holds: "year", "quarter", "month", "week", "day", "hour" or "minute".
        example: one of its texts: of the names of months the longest.
        padded: whether numbers below 10 have a 0 in front.
        language: of the names of months.
    """

    column: str
    part: str
    example: str
    padded: bool = False
    language: str = "en"

    def text(self, time: datetime, iso_year: bool) -> str:
        """The part of a time; the year of an ISO week on request.

        Examples:
            >>> PartText("Qtr", "quarter", "Q1").text(datetime(2024, 7, 1), False)
            'Q3'
        """
        found = _NUMBER.fullmatch(self.example)
        if found is None:
            name = name_like(time.month, self.example.lower().rstrip("."), self.language)
            return name.upper() if self.example.isupper() else name if self.example.islower() else name.capitalize()
        year, week, _ = time.isocalendar()
        number = {
            "year": year if iso_year else time.year,
            "quarter": (time.month + 2) // 3,
            "week": week,
        }.get(self.part) or getattr(time, self.part)
        return f"{found[1]}{number:0{2 if self.padded else 1}d}{found[3]}"


def part_texts(columns: "Mapping[str, tuple[str, pd.Series]]") -> tuple[PartText, ...]:
    """How the parts of times are written; none where hours run from 1 to 24, which are written as times instead.

    Args:
        columns: the name of the column and its texts by part.
    """
    parts = []
    for part, (column, texts) in columns.items():
        distinct = [str(text) for text in texts.unique()]
        found = [_NUMBER.fullmatch(text) for text in distinct]
        padded = any(one and one[2].startswith("0") and len(one[2]) == 2 for one in found)
        if part == "hour" and any(one and int(one[2]) == 24 for one in found):
            return ()
        parts.append(PartText(column, part, max(distinct, key=len), padded, _language(distinct)))
    return tuple(parts)


def _language(texts):
    """The first language in which all texts are names of months; English for numbers."""
    names = {text.lower().rstrip(".") for text in texts}
    known = {language: {name for names in some for name in names} for language, some in SPELLINGS.items()}
    return next((language for language, some in known.items() if names <= some), "en")
