"""Columns that count steps instead of holding times: as numbers, 1, 2, 3, or as words, d_1, d_2, d_3."""

import re
from collections.abc import Collection, Mapping
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.columns import NO_COLUMN
from nlp_rnn.datasets.frames import Frame
from nlp_rnn.datasets.kinds import NUMBER, WORD, excel_days
from nlp_rnn.datasets.names import COUNTER_WORDS, ID_WORDS, USUAL_NAMES, names_times, usual_column, words_of
from nlp_rnn.datasets.points import NUMBERED

if TYPE_CHECKING:
    import pandas as pd

FEW = 3  # distinct words from which on they may count steps
STEP_NAMES = frozenset(("d", "t", "step", "steps", "w"))
MOSTLY = 0.8  # minimum fraction of the gaps between steps that are 1


def step_numbers(column: "pd.Series") -> np.ndarray | None:
    """The numbers of steps, int64; None if a cell is not a whole number, or not one prefix followed by one.

    Examples:
        >>> import pandas as pd
        >>> step_numbers(pd.Series(["d_1", "d_2", "d_10"])), step_numbers(pd.Series(["d_1", "e_2"]))
        (array([ 1,  2, 10]), None)
    """
    import pandas as pd

    if column.dtype.kind in "iu":
        return column.to_numpy(np.int64)
    codes, words = pd.factorize(column)
    found = [NUMBERED.fullmatch(str(word).strip()) for word in words]
    if (codes < 0).any() or any(one is None for one in found):
        return None
    parts = [(one[1], int(one[2])) for one in found if one]
    return np.array([number for _, number in parts])[codes] if len({prefix for prefix, _ in parts}) == 1 else None


def counting_column(frame: Frame, time: tuple[str, ...], kinds: Mapping[str, str]) -> str | None:
    """A column named like times, or by the user, that counts steps instead."""
    column = time[0] if time else usual_column([c for c in kinds if kinds[c] == NUMBER], "time")
    if column is not None and kinds.get(column) == WORD:
        return column if step_numbers(frame.table[column]) is not None else None
    if column is None or kinds.get(column) != NUMBER or frame.table[column].dtype.kind not in "iu":
        return None
    return None if excel_days(frame.table[column], column) else column


def counting_words(frame: Frame, kinds: Mapping[str, str], given: Collection[str]) -> str | None:
    """A column of words such as d_1, d_2, d_10 that count the steps of a table without times.

    Args:
        frame: the table.
        kinds: what each column holds.
        given: the columns that the user named for another role.

    Raises:
        UsageError: several columns may, or one numbers its rows in a way that is not understood.
    """
    words = [c for c in kinds if kinds[c] == WORD and c not in given and not _names_things(c)]
    words = [c for c in words if frame.table[c].nunique() >= FEW]
    found = [c for c in words if _counts(frame, step_numbers(frame.table[c]), c)]
    named = [c for c in found if names_times(c) or c.lower() in STEP_NAMES]
    if len(found) > 1 and len(named) != 1:
        raise UsageError(
            f"{frame.path}: {' and '.join(found)} both count: name the column of the series with --series-column"
        )
    for column in words if not found else ():
        _check_shape(frame, column)
    return next(iter(named or found), None)


def _names_things(column):
    """Whether a name says that a column identifies things or rows."""
    return bool(set(words_of(column)) & (ID_WORDS | COUNTER_WORDS) or column.lower() in USUAL_NAMES["series"])


def _counts(frame, numbers, column):
    """Whether numbers mostly go up by one: those of the whole table, or those that the rows of several series share."""
    if numbers is None:
        return False
    steps = np.unique(numbers)
    times = np.bincount(np.unique(numbers, return_inverse=True)[1])
    others = len(frame.table.columns) > 2 and (times > 1).any()
    return (np.diff(steps) == 1).mean() >= MOSTLY and (others or (times == 1).all())


def _check_shape(frame, column):
    """Check that words do not count in two numbers, such as w1d1, w1d2.

    Raises:
        UsageError: they do.
    """
    texts = [str(text) for text in frame.table[column].dropna().unique()]
    shapes = [re.sub(r"\d+", "1", text) for text in texts]
    if len(list(groupby(shapes))) == 1 and len(re.findall(r"\d+", shapes[0])) == 2 and " " not in shapes[0].strip():
        raise UsageError(
            f"{frame.path}: does the column '{column}', with '{texts[0]}', count steps? Number them, as in d_1, d_2, "
            f"or give --time-column {NO_COLUMN} if the rows are in order"
        )
