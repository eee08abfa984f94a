"""The arguments of a scan, a cell run over time, and what its forward pass saves for the backward pass.

Shapes: B batch, T time steps, F features, U units, K columns of the cell.
"""

from typing import NamedTuple

import tensorflow as tf

from nlp_rnn.layers.cells import Cell, State, Tensor


class ScanSpec(NamedTuple):
    """What is not a tensor.

    Attributes:
        cell: a cell of `cells.py`.
        num_sequences: of how many states, in their order, the value at every step is returned; 1 for h alone.
        input_gradient: whether the gradient for x is needed; if not, it may be None.
    """

    cell: Cell
    num_sequences: int = 1
    input_gradient: bool = True


class ScanInputs(NamedTuple):
    """The tensors that have a gradient; None where the layer has no such weight.

    Attributes:
        x: [B, T, F]; if `kernel` is None, it is W x + b itself, [B, T, K].
        initial: the initial states, [B, U] each.
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


class Masks(NamedTuple):
    """The tensors without a gradient, each or None.

    Attributes:
        padding: [B, T] bool, False where a step is padding and the states do not change.
        dropout: [B, U] factors on h before the recurrent product, the same at every step (variational dropout,
            Gal & Ghahramani, 2016).
        update: for each state, [B, T, U] bool, False where a unit keeps its value (zoneout).
    """

    padding: Tensor | None = None
    dropout: Tensor | None = None
    update: tuple[Tensor, ...] | None = None


class Saved(NamedTuple):
    """What the backward loop needs of the forward loop; with chunks, lists of these, one element for each chunk.

    Attributes:
        pre: the pre-activations of every step, [T, B, K], one tensor or two: what the cell's equation takes.
        states: the states, [T + 1, B, U] each, the initial ones first.
    """

    pre: tuple[Tensor, ...]
    states: State


ScanArguments = tuple[ScanSpec, ScanInputs, Masks]


class RecurrentOutput(NamedTuple):
    """The results of a recurrent layer; sequences are in the order of the input.

    Attributes:
        sequence: the output of every step, [B, T, U], or None if it is not returned.
        last: the output of the last step, [B, U].
        final_states: the states after the last step, [B, U] each.
        gates: the gate activations by name, [B, T, U] each, or None.
    """

    sequence: Tensor | None
    last: Tensor
    final_states: tuple[Tensor, ...]
    gates: dict[str, Tensor] | None


def present(inputs: ScanInputs) -> dict[str, Tensor | tuple[Tensor, ...]]:
    """Return the inputs that are not None, by name: a structure that TensorFlow can differentiate."""
    return {name: value for name, value in inputs._asdict().items() if value is not None}


def num_steps(x: Tensor) -> int | Tensor:
    """Return T of [B, T, ...], as an int if it is known statically."""
    return x.shape[1] or tf.shape(x)[1]


def swap_batch_and_time(x: Tensor) -> Tensor:
    """Transpose [B, T, ...] to [T, B, ...], and vice versa."""
    return tf.transpose(x, (1, 0, 2))


def inputs_time_first(inputs: ScanInputs) -> ScanInputs:
    """Return the inputs with x as [T, B, F]."""
    return inputs._replace(x=swap_batch_and_time(inputs.x))


def masks_time_first(masks: Masks) -> Masks:
    """Return the masks with `padding` as [T, B, 1] and `update` as [T, B, U]."""
    padding = None if masks.padding is None else swap_batch_and_time(masks.padding[..., None])
    update = None if masks.update is None else tuple(swap_batch_and_time(u) for u in masks.update)
    return masks._replace(padding=padding, update=update)
