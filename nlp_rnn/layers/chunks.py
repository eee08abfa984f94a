"""Scan sequences of any length in chunks of a fixed number of steps, so that one compiled program serves them all.

The last chunk is padded, and its program is passed the number of steps that are not padding. The programs compute only
the product with U. W x, and the products for the weight gradients, are computed chunk by chunk between the programs,
for the steps that are not padding, while the results of a program are still in the cache. What is saved for the
backward pass stays a list of chunks, and is never copied into one tensor.

Shapes: B batch, T time steps, N chunks of S steps, U units. The functions take and return tensors with the batch first;
within them time comes first.
"""

from collections.abc import Callable

import tensorflow as tf

from nlp_rnn.layers.cells import State, Tensor
from nlp_rnn.layers.loops import all_pre_activations
from nlp_rnn.layers.products import apply_input_product, input_gradients, kernel_gradients
from nlp_rnn.layers.scan_types import (
    Masks,
    Saved,
    ScanInputs,
    ScanSpec,
    inputs_time_first,
    masks_time_first,
    present,
    swap_batch_and_time,
)


def forward_chunks(
    program: Callable, spec: ScanSpec, inputs: ScanInputs, masks: Masks, chunk_steps: int | Tensor, save: bool
) -> tuple[State, State, Saved]:
    """Run all chunks.

    Args:
        program: a `loops.forward_loop`.
        spec, inputs, masks, save: as for `loops.forward`.
        chunk_steps: S; if it is a tensor, a program is compiled for each value that occurs.

    Returns:
        As `loops.forward`, but what is saved are `TensorArray`s of N tensors, [S, B, K] or [S + 1, B, U].
    """
    inputs, masks = inputs_time_first(inputs), masks_time_first(masks)
    steps, count = _sizes(inputs.x, chunk_steps)

    def run(number, state):
        unpadded = apply_input_product(inputs._replace(x=_slice(inputs.x, number, chunk_steps), initial=state))
        chunk = unpadded._replace(x=_pad(unpadded.x, chunk_steps))
        chunk_masks = _slice_masks(masks, number, chunk_steps)
        states, state, pre = program(chunk, chunk_masks, _valid_steps(number, steps, chunk_steps), save)
        sequences = tuple(s[1 : tf.shape(unpadded.x)[0] + 1] for s in states[: spec.num_sequences])
        saved = Saved(all_pre_activations(spec.cell, chunk.x, pre), states) if save else Saved((), ())
        return (sequences, saved), state

    def body(number, state, arrays):
        results, state = run(number, state)
        return number + 1, state, _write(arrays, number, results)

    results, state = run(tf.constant(0), inputs.initial)
    arrays = _write((_arrays(results[0], count, ragged=True), _arrays(results[1], count)), 0, results)
    loop = (tf.constant(1), tuple(state), arrays)
    _, final, (sequences, saved) = tf.while_loop(lambda n, *_: n < count, body, loop, maximum_iterations=count)
    return tuple(swap_batch_and_time(s.concat()) for s in sequences), final, saved


def backward_chunks(
    program: Callable,
    inputs: ScanInputs,
    masks: Masks,
    chunk_steps: int | Tensor,
    saved: Saved,
    d_sequences: State,
    d_final: State,
) -> ScanInputs:
    """Return the gradients for all inputs.

    Args:
        program: a `loops.backward_loop`.
        inputs, masks, chunk_steps: as for `forward_chunks`.
        saved: what `forward_chunks` saved.
        d_sequences: the gradients for the sequences, [B, T, U].
        d_final: the gradients for the final states, [B, U].
    """
    inputs, masks = inputs_time_first(inputs), masks_time_first(masks)
    d_sequences = tuple(swap_batch_and_time(d) for d in d_sequences)
    steps, count = _sizes(inputs.x, chunk_steps)
    without_kernel = inputs._replace(kernel=None, bias=None)

    def body(number, d_state, d_weights, d_x):
        chunk_saved = tf.nest.map_structure(lambda array: array.read(number), saved)
        d_chunk = tuple(_pad(_slice(d, number, chunk_steps), chunk_steps) for d in d_sequences)
        chunk_masks, valid = _slice_masks(masks, number, chunk_steps), _valid_steps(number, steps, chunk_steps)
        chunk = without_kernel._replace(x=chunk_saved.pre[0])
        d_state, d_cell, d_pre = program(chunk, chunk_masks, valid, chunk_saved, d_chunk, d_state)
        d_pre, h = tuple(d[:valid] for d in d_pre), chunk_saved.states[0][:valid]
        gradients = input_gradients(inputs, d_pre)
        kernels = kernel_gradients(inputs, masks, _slice(inputs.x, number, chunk_steps), h, d_pre)
        d_chunk_weights = _weights(gradients._replace(cell=d_cell, **kernels))
        d_weights = tf.nest.map_structure(tf.add, d_weights, d_chunk_weights)
        return number - 1, d_state, d_weights, d_x.write(number, gradients.x)

    zeros = tf.nest.map_structure(tf.zeros_like, _weights(inputs))
    loop = (count - 1, tuple(d_final), zeros, _arrays(inputs.x, count, ragged=True))
    _, d_initial, d_weights, d_x = tf.while_loop(lambda n, *_: n >= 0, body, loop, maximum_iterations=count)
    return inputs._replace(x=swap_batch_and_time(d_x.concat()), initial=d_initial, **d_weights)


def _weights(inputs):
    """The weights that exist, by name."""
    return {name: value for name, value in present(inputs).items() if name not in ("x", "initial")}


def _sizes(x, chunk_steps):
    """T and N."""
    steps = tf.shape(x)[0]
    return steps, (steps + chunk_steps - 1) // chunk_steps


def _valid_steps(number, steps, chunk_steps):
    """How many steps of a chunk are not padding."""
    return tf.minimum(chunk_steps, steps - number * chunk_steps)


def _slice(sequence, number, chunk_steps):
    """The steps of a chunk, without padding."""
    return sequence[number * chunk_steps : (number + 1) * chunk_steps]


def _pad(chunk, chunk_steps):
    """The chunk, padded to S steps."""
    padded = tf.pad(chunk, [[0, chunk_steps - tf.shape(chunk)[0]], [0, 0], [0, 0]])
    return tf.ensure_shape(padded, [None, *chunk.shape[1:]])


def _slice_masks(masks, number, chunk_steps):
    """The masks of a chunk, padded to S steps."""
    padding, update = tf.nest.map_structure(
        lambda mask: None if mask is None else _pad(_slice(mask, number, chunk_steps), chunk_steps),
        (masks.padding, masks.update),
    )
    return masks._replace(padding=padding, update=update)


def _arrays(tensors, count, ragged=False):
    """Empty arrays of `count` tensors like each of these; of any number of steps if `ragged`."""

    def array_of(like):
        shape = [None, *like.shape[1:]] if ragged else like.shape
        return tf.TensorArray(like.dtype, count, infer_shape=not ragged, element_shape=shape)

    return tf.nest.map_structure(array_of, tensors)


def _write(arrays, number, values):
    return tf.nest.map_structure(lambda array, value: array.write(number, value), arrays, values)
