"""What each column of a table is, and the one line that says so."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nlp_rnn.checks import UsageError


@dataclass(kw_only=True)
class Roles(ABC):
    """The roles of the columns of a table; a class of its own for each kind of table.

    Attributes:
        left_out: why other columns are not used.
    """

    left_out: dict[str, str] = field(default_factory=dict)

    @abstractmethod
    def parts(self) -> Mapping[str, str]:
        """The names of columns by role; an empty role stands for a sentence of its own."""

    def account(self) -> str:
        """The role of each column, in one line."""
        left_out = ", ".join(f"{quoted(name)} ({why})" for name, why in self.left_out.items())
        parts = {**self.parts(), "left out": left_out}
        return "; ".join(f"{role}: {names}" if role else names for role, names in parts.items() if names)


def quoted(column: str) -> str:
    """The name of a column for messages, also if it is empty."""
    return column or "''"


def check_column(table: str, column: str, columns: Iterable[str], role: str) -> None:
    """Check that a table has a column that the user named for a role.

    Raises:
        UsageError: it has not; the message lists those that it has.
    """
    if column not in columns:
        listed = ", ".join(map(quoted, columns))
        raise UsageError(f"{table} has no column '{column}' for the {role}; it has: {listed}")
