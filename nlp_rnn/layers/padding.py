"""Padding: add it to the inputs of a scan where its loops need it, and set outputs at padding to zero.

Shapes: B batch, T time steps, F features, U units.
"""

import tensorflow as tf

from nlp_rnn.layers.cells import State, Tensor
from nlp_rnn.layers.scan_types import Masks, RecurrentOutput, ScanInputs


def pad_batch(inputs: ScanInputs, masks: Masks, rows: int | Tensor) -> tuple[ScanInputs, Masks]:
    """Pad the batch with zeros to a multiple of `rows`, so that batches of many sizes share one compiled program."""

    def pad(tensor):
        return None if tensor is None else _pad(tensor, 0, -tf.shape(tensor)[0] % rows)

    inputs = inputs._replace(x=pad(inputs.x), initial=tf.nest.map_structure(pad, inputs.initial))
    return inputs, tf.nest.map_structure(pad, masks)


def pad_no_steps(inputs: ScanInputs, masks: Masks) -> tuple[ScanInputs, Masks]:
    """Pad sequences of zero steps to one step, since the loops run at least one; leave other sequences unchanged."""

    def pad(tensor):
        if tensor is None:
            return None
        missing = tf.cast(tf.equal(tf.shape(tensor)[1], 0), tf.int32)
        known = [tensor.shape[0], 1 if tensor.shape[1] == 0 else None, *tensor.shape[2:]]
        return tf.ensure_shape(_pad(tensor, 1, missing), known)

    update = None if masks.update is None else tuple(pad(mask) for mask in masks.update)
    return inputs._replace(x=pad(inputs.x)), masks._replace(padding=pad(masks.padding), update=update)


def remove_added_step(inputs: ScanInputs, sequences: State, final_states: State) -> tuple[State, State]:
    """Return the sequences and the final states of a scan without the step that `pad_no_steps` may have added.

    Args:
        inputs: the inputs before padding.
        sequences, final_states: [B, T, U] and [B, U] each.
    """
    steps = tf.shape(inputs.x)[1]
    final = (tf.where(steps > 0, after, before) for after, before in zip(final_states, inputs.initial, strict=True))
    return tuple(sequence[:, :steps] for sequence in sequences), tuple(final)


def zero_at_padding(result: RecurrentOutput, padding: Tensor, reverse: bool) -> RecurrentOutput:
    """Set the output to zero at padding; the last output too, if the step that runs last is padding."""
    runs_last = padding[:, :1] if reverse else padding[:, -1:]
    last = tf.where(tf.reduce_all(runs_last, 1, keepdims=True), result.last, tf.zeros_like(result.last))
    if result.sequence is None:
        return result._replace(last=last)
    zeros = tf.zeros_like(result.sequence)
    return result._replace(last=last, sequence=tf.where(padding[..., None], result.sequence, zeros))


def zero_before_first_step(
    sequence: Tensor | None, last: Tensor, padding: Tensor, reverse: bool
) -> tuple[Tensor | None, Tensor]:
    """Set the output to zero before the first step that is not padding, as Keras does despite an initial state."""
    valid = tf.cast(padding, tf.int32)
    if sequence is not None:
        started = tf.cumsum(valid, 1, reverse=reverse) > 0
        sequence = tf.where(started[..., None], sequence, tf.zeros_like(sequence))
    any_valid = tf.reduce_any(padding, 1, keepdims=True)
    return sequence, tf.where(any_valid, last, tf.zeros_like(last))


def _pad(tensor, axis, missing):
    """The tensor with `missing` zeros added at the end of an axis."""
    return tf.pad(tensor, [[0, missing if n == axis else 0] for n in range(len(tensor.shape))])
