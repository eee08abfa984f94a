"""What a cell run over time is made of, by name: the cell, its weights and inputs, and what is kept of its steps.

Shapes: B batch, T steps, F features, U units, K columns of the cell.
"""

from typing import NamedTuple

import tensorflow as tf

from nlp_rnn.layers.cells import Cell, State, Tensor


class Recurrence(NamedTuple):
    """What a loop must know beside its tensors.

    Attributes:
        cell: one of `cells.py`.
        sequences: of how many states, in their order, every step is returned: 1 for h alone.
        input_gradient: whether anybody asks for the gradient for x; where nobody does, it may be None.
    """

    cell: Cell
    sequences: int = 1
    input_gradient: bool = True


class Inputs(NamedTuple):
    """The tensors that have a gradient. None where the layer has no such weight.

    Attributes:
        x: [B, T, F]; W x + b itself, [B, T, K], where `kernel` is None.
        initial: the states before the first step, [B, U] each.
        kernel, bias: W [F, K] and b [K].
        recurrent_kernel, recurrent_bias: U [U, K] and the bias of U h [K].
        cell: further weights of the cell, in the order in which its equation takes them.
    """

    x: Tensor
    initial: State
    kernel: Tensor | None = None
    bias: Tensor | None = None
    recurrent_kernel: Tensor | None = None
    recurrent_bias: Tensor | None = None
    cell: tuple[Tensor, ...] = ()


class Fixed(NamedTuple):
    """The tensors without a gradient, or None.

    Attributes:
        mask: [B, T] bool, False where a step is padding and the state stands still.
        drop: [B, U] factors on h before the recurrent product, the same at every step (variational dropout,
            Gal & Ghahramani, 2016).
        update: for each state, [B, T, U] bool, False where a unit keeps its value (zoneout).
    """

    mask: Tensor | None = None
    drop: Tensor | None = None
    update: tuple[Tensor, ...] | None = None


class Saved(NamedTuple):
    """What the backward loop needs of the forward loop; of stretches, lists of these, one a stretch.

    Attributes:
        pre: the pre-activations of every step, [T, B, K], one or two: what the cell's equation takes.
        states: the states, [T + 1, B, U], the initial ones first.
    """

    pre: tuple[Tensor, ...]
    states: State


def present(inputs: Inputs) -> dict[str, Tensor | tuple[Tensor, ...]]:
    """The inputs that are not None, by name: what TensorFlow can differentiate."""
    return {name: value for name, value in inputs._asdict().items() if value is not None}


def steps_of(x: Tensor) -> int | Tensor:
    """T of [B, T, ...], as a number where it is known."""
    return x.shape[1] or tf.shape(x)[1]


def swapped(x: Tensor) -> Tensor:
    """[B, T, ...] as [T, B, ...], and the other way round."""
    return tf.transpose(x, (1, 0, 2))


def time_first(tensors: Inputs | Fixed) -> Inputs | Fixed:
    """With [T, B, ...] where [B, T, ...] is, and a mask of [T, B, 1]."""
    if isinstance(tensors, Inputs):
        return tensors._replace(x=swapped(tensors.x))
    mask = None if tensors.mask is None else swapped(tensors.mask[..., None])
    update = None if tensors.update is None else tuple(swapped(u) for u in tensors.update)
    return tensors._replace(mask=mask, update=update)
