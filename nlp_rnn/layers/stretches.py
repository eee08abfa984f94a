"""Sequences of any length, taken in stretches of a fixed number of steps, so that one compiled program serves all.

The last stretch is filled up with padding, and its program told how many of its steps count.

Shapes: B batch, T time steps, N stretches of S steps, U units.
"""

from collections.abc import Callable

import tensorflow as tf

from nlp_rnn.layers.cells import State
from nlp_rnn.layers.loops import Fixed, Inputs, array


def forward_stretches(
    program: Callable, inputs: Inputs, fixed: Fixed, stretch: int, save: bool
) -> tuple[State, State, tuple]:
    """Run all stretches; as `loops.forward`, what is saved being stacked, [N, ...]."""
    steps, count = _steps(inputs.x, stretch)
    x, of_stretch = _cut(inputs.x, stretch), _cut_fixed(fixed, stretch)

    def call(number, state):
        piece = inputs._replace(x=x[number], initial=state)
        counting = tf.minimum(stretch, steps - number * stretch)
        return program(piece, of_stretch(number), counting, save)

    sequences, state, saved = call(tf.constant(0), inputs.initial)
    found = tf.nest.flatten((sequences, saved))
    arrays = [array(f, count).write(0, f) for f in found]

    def turn(number, state, arrays):
        sequences, state, saved = call(number, state)
        found = tf.nest.flatten((sequences, saved))
        return number + 1, state, [a.write(number, f) for a, f in zip(arrays, found, strict=True)]

    loop = (tf.constant(1), tuple(state), arrays)
    _, final, arrays = tf.while_loop(lambda n, *_: n < count, turn, loop, maximum_iterations=count)
    stacked = [a.stack() for a in arrays]
    whole = tuple(_uncut(s, steps) for s in stacked[: len(sequences)])
    return whole, final, tf.nest.pack_sequence_as(saved, stacked[len(sequences) :])


def backward_stretches(
    program: Callable,
    inputs: Inputs,
    fixed: Fixed,
    stretch: int,
    saved: tuple,
    upstream: State,
    d_state: State,
) -> Inputs:
    """The gradients for all inputs; as `loops.backward`, from what `forward_stretches` saved."""
    steps, count = _steps(inputs.x, stretch)
    x, of_stretch = _cut(inputs.x, stretch), _cut_fixed(fixed, stretch)
    upstream = tuple(_cut(d, stretch) for d in upstream)

    def turn(number, d_state, d_weights, d_x):
        piece = inputs._replace(x=x[number])
        kept = tf.nest.map_structure(lambda s: s[number], saved)
        counting = tf.minimum(stretch, steps - number * stretch)
        up = tuple(d[number] for d in upstream)
        found = program(piece, of_stretch(number), counting, kept, up, d_state)
        d_weights = tf.nest.map_structure(tf.add, d_weights, _weights(found))
        return number - 1, found.initial, d_weights, d_x.write(number, found.x)

    zeros = tf.nest.map_structure(tf.zeros_like, _weights(inputs))
    loop = (count - 1, tuple(d_state), zeros, array(x[0], count))
    loop = tf.while_loop(lambda n, *_: n >= 0, turn, loop, maximum_iterations=count)
    _, d_initial, d_weights, d_x = loop
    return inputs._replace(**d_weights, x=_uncut(d_x.stack(), steps), initial=d_initial)


def _weights(inputs):
    """All but x and the states, by name."""
    return {k: v for k, v in inputs._asdict().items() if k not in ("x", "initial") and v is not None}


def _steps(x, stretch):
    """T and N."""
    steps = tf.shape(x)[1]
    return steps, (steps + stretch - 1) // stretch


def _cut(sequence, stretch):
    """[B, T, U] as [N, B, S, U]."""
    steps, count = _steps(sequence, stretch)
    more, last = count * stretch - steps, sequence.shape[-1]
    padded = tf.pad(sequence, [[0, 0], [0, more], [0, 0]])
    pieces = tf.reshape(padded, [tf.shape(sequence)[0], count, stretch, last])
    return tf.ensure_shape(tf.transpose(pieces, (1, 0, 2, 3)), [None, sequence.shape[0], stretch, last])


def _uncut(pieces, steps):
    """What the stretches gave, [N, B, S, U], as [B, T, U]."""
    count, batch, stretch, _ = tf.unstack(tf.shape(pieces))
    whole = tf.reshape(tf.transpose(pieces, (1, 0, 2, 3)), [batch, count * stretch, pieces.shape[-1]])
    return whole[:, :steps]


def _cut_fixed(fixed, stretch):
    """A function that gives what is fixed for one stretch, by its number."""
    mask = None if fixed.mask is None else _cut(fixed.mask[..., None], stretch)
    update = None if fixed.update is None else [_cut(u, stretch) for u in fixed.update]

    def of_stretch(number):
        of_mask = None if mask is None else mask[number][..., 0]
        return fixed._replace(mask=of_mask, update=None if update is None else tuple(u[number] for u in update))

    return of_stretch
