"""What a program is made for, and how the columns of its cell are put in order.

W x and U h of a column often matter only through their sum: always where the cell is additive, and of a GRU for its two
gates, not for its candidate. Such columns are shared: their sum is made in one register, and has one gradient.
"""

import functools
from typing import NamedTuple

from nlp_rnn.layers.cells import Cell
from nlp_rnn.layers.native.equations import Column, computed, equation

ACROSS = (4, 2, 1)  # vectors that are worked on at a time, where that is free to choose


class Kind(NamedTuple):
    """What a program is made for.

    Attributes:
        cell: whose equation there is.
        sequences: of how many states every step is wanted, one at least.
        lanes: the floats of a vector.
        tall: how many rows are worked on at a time, a power of 2.
        masked, dropped: whether there are a mask, and factors on h.
    """

    cell: Cell
    sequences: int
    lanes: int
    tall: int
    masked: bool
    dropped: bool

    @property
    def kept(self) -> list[Column]:
        """The columns that are kept for the way back, beside h, which is in the sequences."""
        h = equation(self.cell).states[0]
        return [column for column in equation(self.cell).kept if column.key != h.key]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many rows are worked on at a time, the largest number first, then of what is left."""
        return tuple(2**n for n in reversed(range(self.tall.bit_length())))

    @property
    def order(self) -> "Order":
        """How its columns are put in order."""
        return order(self.cell)


class Order(NamedTuple):
    """The columns of a cell, by number: those of W x alone, the shared, and those of U h alone; G' in all.

    In this order the gradients for pre-activations stand in a row, so that those that W x has, and those that U h has,
    are next to each other.
    """

    of_x: tuple[int, ...]
    shared: tuple[int, ...]
    of_h: tuple[int, ...]

    @property
    def x(self) -> tuple[int, ...]:
        """The columns of W."""
        return self.of_x + self.shared

    @property
    def h(self) -> tuple[int, ...]:
        """The columns of U."""
        return self.shared + self.of_h

    @property
    def count(self) -> int:
        """G'."""
        return len(self.of_x + self.shared + self.of_h)


@functools.lru_cache
def order(cell: Cell) -> Order:
    """The order of the columns of a cell that `equation` can read."""
    every = tuple(range(cell.columns))
    if not cell.recurrent:
        return Order(every, (), ())
    if cell.additive:
        return Order((), every, ())
    of_x, of_h = equation(cell).d_pre
    shared = tuple(n for n in every if computed(of_x[n]).key == computed(of_h[n]).key)
    own = tuple(n for n in every if n not in shared)
    return Order(own, shared, own)
