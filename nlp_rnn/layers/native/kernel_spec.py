"""What a compiled program is specialised for, and the order in which it keeps the columns of its cell.

The pre-activations W x and U h of a column often matter only through their sum: always in an additive cell, and for the
two gates of a GRU but not its candidate. Such columns are shared: their sum is accumulated in one register, and has one
gradient.
"""

import functools
from typing import NamedTuple

from nlp_rnn.layers.cells import Cell
from nlp_rnn.layers.native.tracing import Column, require_trace, resolve

COLUMN_TILES = (4, 2, 1)  # vectors processed together where any number would do; the largest first


class KernelSpec(NamedTuple):
    """What a compiled program is specialised for.

    Attributes:
        cell: the cell whose equation is compiled.
        num_sequences: of how many states the value at every step is returned; at least 1 if it saves.
        lanes: float32 lanes of a vector register.
        row_tile: batch rows processed together, a power of 2.
        masked: whether there is a padding mask.
        dropout: whether there is a dropout mask on h.
        saves: whether the forward kernel saves what the backward kernel needs; without, there is no such kernel.
    """

    cell: Cell
    num_sequences: int
    lanes: int
    row_tile: int
    masked: bool
    dropout: bool
    saves: bool = True

    @property
    def saved(self) -> list[Column]:
        """The columns saved for the backward pass, without h, which is in the returned sequence."""
        traced = require_trace(self.cell)
        return [column for column in traced.saved if column.key != traced.states[0].key]

    @property
    def row_tiles(self) -> tuple[int, ...]:
        """Tile sizes for the rows, from `row_tile` down to 1; the smaller ones process the remainder."""
        return tuple(2**n for n in reversed(range(self.row_tile.bit_length())))

    @property
    def order(self) -> "ColumnOrder":
        """The order of the cell's columns."""
        return column_order(self.cell)


class ColumnOrder(NamedTuple):
    """The columns of a cell by number: those of W x alone, those shared, and those of U h alone; G' in all.

    A row of gradients for the pre-activations has this order, so that the gradients for W x are contiguous, and so are
    those for U h.
    """

    x_only: tuple[int, ...]
    shared: tuple[int, ...]
    h_only: tuple[int, ...]

    @property
    def x(self) -> tuple[int, ...]:
        """The columns of W."""
        return self.x_only + self.shared

    @property
    def h(self) -> tuple[int, ...]:
        """The columns of U."""
        return self.shared + self.h_only

    @property
    def num_columns(self) -> int:
        """G'."""
        return len(self.x_only + self.shared + self.h_only)


@functools.lru_cache
def column_order(cell: Cell) -> ColumnOrder:
    """Order the columns of a cell that `tracing.trace` supports."""
    columns = tuple(range(cell.columns))
    if not cell.recurrent:
        return ColumnOrder(columns, (), ())
    if cell.additive:
        return ColumnOrder((), columns, ())
    d_wx, d_uh = require_trace(cell).d_pre
    shared = tuple(n for n in columns if resolve(d_wx[n]).key == resolve(d_uh[n]).key)
    separate = tuple(n for n in columns if n not in shared)
    return ColumnOrder(separate, shared, separate)
