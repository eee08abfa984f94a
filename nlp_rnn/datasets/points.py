"""Tables with a series in each row: the columns that hold its points, which are named with times or numbered."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from nlp_rnn.datasets.kinds import EMPTY, NUMBER, TIME, WORD
from nlp_rnn.datasets.names import ID_WORDS, words_of
from nlp_rnn.datasets.time_forms import matching

NUMBERED = re.compile(r"(\D*)(\d+)")
MIN_RUN = 3  # columns named with numbers or times, from which on a row is a series


def run_of_points(kinds: Mapping[str, str]) -> list[str]:
    """The trailing columns that hold the points of a series in each row: named with times, or numbered."""
    columns = list(kinds)
    while columns and kinds[columns[-1]] == EMPTY and columns[-1].startswith("column "):
        columns.pop()
    lead = next((n for n in range(len(columns)) if _are_points(columns[n:])), len(columns))
    lead += kinds.get(columns[lead] if lead < len(columns) else "") == WORD  # V1, the names, before V2 and so on
    run, before = columns[lead:], columns[:lead]
    if len(run) < MIN_RUN or any(kinds[column] not in (NUMBER, EMPTY) for column in run):
        return []
    if any(kinds[column] == TIME for column in before):
        return []
    named = any(kinds[column] == WORD or set(words_of(column)) & ID_WORDS for column in before)
    return run if named else []


def _are_points(columns: Sequence[str]) -> bool:
    found = [NUMBERED.fullmatch(column.strip()) for column in columns]
    numbers = sorted(int(one[2]) for one in found if one)
    same = len(numbers) == len(columns) and len({one[1] for one in found if one}) == 1
    if same and all(b - a == 1 for a, b in pairwise(numbers)):
        return True
    return bool(matching([point_name(column) for column in columns]))


def in_order(columns: Sequence[str]) -> list[str]:
    """Numbered columns in the order of their numbers; others as they are."""
    found = [NUMBERED.fullmatch(column.strip()) for column in columns]
    if not all(found):
        return list(columns)
    numbers = {column: int(one[2]) for column, one in zip(columns, found, strict=True) if one}
    return sorted(columns, key=numbers.__getitem__)


def point_name(column: str) -> str:
    """The name of a column of points without what stands in brackets behind it, as in 1990 [YR1990]."""
    return re.sub(r"\s*\[[^\]]*\]$", "", column.strip())
