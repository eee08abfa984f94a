"""The equation of a cell, and its gradient, as operations on the numbers of one unit.

`cells.py` says each equation once, in TensorFlow. Here it is traced with one unit, so that column g of what it is given
is what every unit has in gate g, and TensorFlow says the gradient. `forward.py` and `backward.py` then write both for
as many units as a register holds.
"""

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import tensorflow as tf

from nlp_rnn.layers.cells import Cell, Tensor


class Column(NamedTuple):
    """One column of a tensor of the traced graph: a number that each unit has."""

    tensor: Tensor
    number: int = 0

    @property
    def key(self) -> tuple:
        """By which two columns are the same."""
        return self.tensor.ref(), self.number


class Equation(NamedTuple):
    """A cell's step and its gradient; each a list of columns, one for every number that a unit has.

    Attributes:
        pre: the pre-activations that the step takes, one list or two.
        states: the states before it.
        new: the states after it.
        d_new: the gradients for these.
        d_pre: the gradients for the pre-activations, lists as in `pre`.
        d_states: the gradients for the states before, but for what goes through U; None where there is none.
        kept: what the gradients are made of, and is costly to make again.
    """

    pre: list[list[Column]]
    states: list[Column]
    new: list[Column]
    d_new: list[Column]
    d_pre: list[list[Column]]
    d_states: list[Column | None]
    kept: list[Column]


FUNCTIONS = ("Tanh", "Sigmoid")  # what takes longest, and is kept for the way back
COMPUTED = {*FUNCTIONS, "TanhGrad", "SigmoidGrad", "Mul", "AddV2", "AddN", "Sub", "Neg"}


@functools.lru_cache
def equation(cell: Cell) -> Equation | None:
    """The equation of a cell without weights; None where it is made of more than `COMPUTED`, or of several units."""
    with tf.Graph().as_default():
        kinds = 1 if cell.additive or not cell.recurrent else 2
        pre, states = [_given(cell.columns) for _ in range(kinds)], [_given(1) for _ in range(cell.states)]
        try:
            new, _ = cell.step(*pre, tuple(states))
        except ValueError:  # what it does cannot be done with one unit
            return None
        d_new = [_given(1) for _ in new]
        found = tf.gradients(new, [*pre, *states], d_new)
    if any(d is None for d in found[:kinds]):
        return None
    d_pre, d_states = found[:kinds], [None if d is None else Column(d) for d in found[kinds:]]
    columns = [[Column(d, n) for n in range(cell.columns)] for d in d_pre]
    wanted = [d for d in [*itertools.chain(*columns), *d_states] if d is not None]
    leaves = [Column(p, n) for p in pre for n in range(cell.columns)] + [Column(s) for s in states]
    if not all(_is_computed([Column(n) for n in new] + wanted)):
        return None
    kept = _kept(wanted, {leaf.key for leaf in leaves})
    rows = [[Column(p, n) for n in range(cell.columns)] for p in pre]
    made, d_made = [Column(n) for n in new], [Column(d) for d in d_new]
    return Equation(rows, [Column(s) for s in states], made, d_made, columns, d_states, kept)


def value(column: Column, known: dict, arithmetic: dict[str, Callable]):
    """The value of a column from those that are known, by their keys; what is found on the way becomes known."""
    if column.key not in known:
        operation, parts = _origin(column)
        if operation == "Const":
            known[column.key] = float(tf.get_static_value(column.tensor).reshape(-1)[column.number])
        else:
            parts = [value(part, known, arithmetic) for part in parts]
            known[column.key] = arithmetic[operation](*parts) if operation else parts[0]
    return known[column.key]


def computed(column: Column) -> Column:
    """The column that this one is, where it was computed: before it was put beside others or taken from among them."""
    operation, parts = _origin(column)
    return computed(parts[0]) if operation is None else column


def _given(columns):
    return tf.compat.v1.placeholder(tf.float32, [1, columns])


def _origin(column) -> tuple[str | None, list[Column]]:
    """The operation that makes a column and the columns it is made of; None where it is one of them as it is."""
    operation, number = column.tensor.op, column.number
    inputs = list(operation.inputs)
    if operation.type in ("Split", "SplitV"):
        before = operation.outputs[: column.tensor.value_index]
        source = inputs[1] if operation.type == "Split" else inputs[0]
        return None, [Column(source, number + sum(map(_width, before)))]
    if operation.type == "ConcatV2":
        for piece in inputs[:-1]:
            if number < _width(piece):
                return None, [Column(piece, number)]
            number -= _width(piece)
    parts = [Column(t, number if _width(t) > 1 else 0) for t in inputs]
    return (None if operation.type == "Identity" else operation.type), parts


def _width(tensor):
    return tensor.shape.num_elements()


def _is_computed(columns) -> Iterator[bool]:
    """Of every column that these are made of, whether it can be computed."""
    seen, left = set(), list(columns)
    while left:
        column = left.pop()
        if column.key not in seen:
            seen.add(column.key)
            operation, parts = _origin(column)
            yield operation in {*COMPUTED, None, "Const", "Placeholder"}
            left += parts


def _kept(wanted, leaves):
    """The columns at which the way back from the gradients ends, in the order in which they are met."""
    kept, seen, left = [], set(), list(wanted)
    while left:
        column = left.pop()
        if column.key in seen:
            continue
        seen.add(column.key)
        operation, parts = _origin(column)
        if column.key in leaves or operation in FUNCTIONS:
            kept.append(column)
        else:
            left += parts
    return kept
