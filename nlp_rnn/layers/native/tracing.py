"""Trace the equation of a cell and its gradient into scalar operations on one unit.

`cells.py` states each equation once, in TensorFlow. It is traced here with a single unit, so that column n of the
pre-activations is what every unit has in gate n, and TensorFlow derives the gradient. `forward.py` and `backward.py`
then emit both for as many units as a vector register holds.
"""

import functools
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from nlp_rnn.layers.cells import Cell, Tensor


class Column(NamedTuple):
    """One column of a tensor in the traced graph: a scalar that each unit has."""

    tensor: Tensor
    number: int = 0

    @property
    def key(self) -> tuple:
        """A hashable key; equal for equal columns."""
        return self.tensor.ref(), self.number


class TracedCell(NamedTuple):
    """The step of a cell and its gradient, as lists of columns.

    Attributes:
        pre: the pre-activations that the step takes; one list, or two if W x and U h are separate.
        states: the states before the step.
        new_states: the states after it.
        d_new_states: the gradients of the loss for `new_states`, which the backward pass starts from.
        d_pre: the gradients for the pre-activations, lists as in `pre`.
        d_states: the gradients for `states`, except for the part that goes through U; None where there is none.
        saved: the columns that the gradients are computed from and that are costly to recompute.
    """

    pre: list[list[Column]]
    states: list[Column]
    new_states: list[Column]
    d_new_states: list[Column]
    d_pre: list[list[Column]]
    d_states: list[Column | None]
    saved: list[Column]


ACTIVATIONS = ("Tanh", "Sigmoid")  # costly to compute, so their values are saved for the backward pass
SUPPORTED_OPERATIONS = {*ACTIVATIONS, "TanhGrad", "SigmoidGrad", "Mul", "AddV2", "AddN", "Sub", "Neg"}


@functools.lru_cache
def trace(cell: Cell) -> TracedCell | None:
    """Trace a cell whose equation takes no weights.

    Returns:
        The traced cell; None if it uses other operations than `SUPPORTED_OPERATIONS`, or needs more than one unit.
    """
    if not cell.traceable:
        return None
    with tf.Graph().as_default():
        count = 1 if cell.additive or not cell.recurrent else 2
        pre, states = [_placeholder(cell.columns) for _ in range(count)], [_placeholder(1) for _ in range(cell.states)]
        try:
            new_states, _ = cell.step(*pre, tuple(states))
        except ValueError:  # the equation cannot be evaluated for a single unit
            return None
        d_new_states = [_placeholder(1) for _ in new_states]
        gradients = tf.gradients(new_states, [*pre, *states], d_new_states)
    if any(d is None for d in gradients[:count]):
        return None
    return _traced(cell.columns, pre, states, new_states, d_new_states, gradients)


def require_trace(cell: Cell) -> TracedCell:
    """As `trace`.

    Raises:
        ValueError: the cell cannot be traced.
    """
    traced = trace(cell)
    if traced is None:
        raise ValueError(f"the equation of a cell cannot be compiled: {cell.step.__name__}")
    return traced


def _traced(columns, pre, states, new_states, d_new_states, gradients) -> TracedCell | None:
    d_pre = [_columns(d, columns) for d in gradients[: len(pre)]]
    d_states = [None if d is None else Column(d) for d in gradients[len(pre) :]]
    targets = [d for d in [*itertools.chain(*d_pre), *d_states] if d is not None]
    pre, states = [_columns(p, columns) for p in pre], [Column(s) for s in states]
    new_states = [Column(s) for s in new_states]
    if not all(_supported(new_states + targets)):
        return None
    saved = _saved(targets, {leaf.key for leaf in [*itertools.chain(*pre), *states]})
    return TracedCell(pre, states, new_states, [Column(d) for d in d_new_states], d_pre, d_states, saved)


def evaluate(column: Column, values: dict[tuple, Any], operations: Mapping[str, Callable]) -> Any:
    """Compute the value of a column.

    Args:
        column: what to compute.
        values: known values by column key; the value of every column computed on the way is added.
        operations: how to apply each TensorFlow operation, by its name.
    """
    if column.key not in values:
        operation, inputs = _origin(column)
        if operation == "Const":
            values[column.key] = float(tf.get_static_value(column.tensor).reshape(-1)[column.number])
        else:
            inputs = [evaluate(source, values, operations) for source in inputs]
            values[column.key] = operations[operation](*inputs) if operation else inputs[0]
    return values[column.key]


def resolve(column: Column) -> Column:
    """Follow a column back through splits, concatenations and identities to where it was computed."""
    operation, inputs = _origin(column)
    return resolve(inputs[0]) if operation is None else column


def _placeholder(columns):
    return tf.compat.v1.placeholder(tf.float32, [1, columns])


def _columns(tensor, count):
    return [Column(tensor, n) for n in range(count)]


def _origin(column) -> tuple[str | None, list[Column]]:
    """The operation that computes a column, and its input columns; None if it merely copies one of them."""
    operation, number = column.tensor.op, column.number
    inputs = list(operation.inputs)
    if operation.type in ("Split", "SplitV"):
        before = operation.outputs[: column.tensor.value_index]
        source = inputs[1] if operation.type == "Split" else inputs[0]
        return None, [Column(source, number + sum(map(_width, before)))]
    if operation.type == "ConcatV2":
        for part in inputs[:-1]:
            if number < _width(part):
                return None, [Column(part, number)]
            number -= _width(part)
    columns = [Column(t, number if _width(t) > 1 else 0) for t in inputs]
    return (None if operation.type == "Identity" else operation.type), columns


def _width(tensor):
    return tensor.shape.num_elements()


def _supported(columns: Iterable[Column]) -> Iterator[bool]:
    """For every column that these are computed from, whether its operation is supported."""
    seen, pending = set(), list(columns)
    while pending:
        column = pending.pop()
        if column.key not in seen:
            seen.add(column.key)
            operation, inputs = _origin(column)
            yield operation in {*SUPPORTED_OPERATIONS, None, "Const", "Placeholder"}
            pending += inputs


def _saved(targets: Iterable[Column], leaves: Collection[tuple]) -> list[Column]:
    """The leaves and activations that a search back from the gradients stops at, in the order it meets them."""
    saved, seen, pending = [], set(), list(targets)
    while pending:
        column = pending.pop()
        if column.key in seen:
            continue
        seen.add(column.key)
        operation, inputs = _origin(column)
        if column.key in leaves or operation in ACTIVATIONS:
            saved.append(column)
        else:
            pending += inputs
    return saved
