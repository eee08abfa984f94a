"""The roles of the columns of any table, of texts, pairs, tags or series: every column is looked at, and decided."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

from nlp_rnn.datasets.tables import Table
from nlp_rnn.datasets.text_roles import TextRoles, text_roles

if TYPE_CHECKING:
    from nlp_rnn.datasets.frames import Frame
    from nlp_rnn.datasets.series_roles import SeriesRoles


@dataclass(frozen=True)
class Wanted:
    """The roles to fill.

    Attributes:
        named: the columns that the user named, by role; None to detect one. The roles are "text" and "label", "source"
            and "target", or "sentence", "token" and "tag"; of a table of series, "series", "value" and "time", several
            columns with commas between them.
        common: common names of columns by role, in texts, pairs and tags.
        taken: columns that have another role.
    """

    named: Mapping[str, str | None]
    common: Mapping[str, Sequence[str]] = field(default_factory=dict)
    taken: Collection[str] = ()


@overload
def find_roles(table: Table, wanted: Wanted) -> TextRoles: ...
@overload
def find_roles(table: "Frame", wanted: Wanted) -> "SeriesRoles": ...
def find_roles(table: "Table | Frame", wanted: Wanted) -> "TextRoles | SeriesRoles":
    """The role of each column: as the user named it, by its name, or by its content if only one column fits a role.

    Args:
        table: rows of texts, or a whole table of series in memory.
        wanted: the roles to fill.

    Raises:
        UsageError: a named column is missing, or it is not clear which column has a role; the message names the option
            that decides.
        InputError: the table is broken.
    """
    if isinstance(table, Table):
        return text_roles(table, wanted.named, wanted.common, wanted.taken)
    from nlp_rnn.datasets.series_roles import series_roles

    return series_roles(table, wanted.named, wanted.taken)
