"""Sequences of any length, taken in stretches of one number of steps, so that one compiled program serves all.

The last stretch is filled up with padding, and its program told how many of its steps count. Of the products only the
one with U is made in the programs. W x, and all that makes the weights' gradients, is made stretch by stretch between
them, of the steps alone that are there, while what a program gave is still in the cache; what is kept for the way back
is a list of stretches, and never copied into one.

Shapes: B batch, T time steps, N stretches of S steps, U units. What the functions take and give has the batch first;
within them time comes first.
"""

from collections.abc import Callable

import tensorflow as tf

from nlp_rnn.layers.cells import State, Tensor
from nlp_rnn.layers.loops import all_pre
from nlp_rnn.layers.products import input_gradients, kernel_gradients, with_product
from nlp_rnn.layers.recurrence import Fixed, Inputs, Recurrence, Saved, present, swapped, time_first


def forward_stretches(
    program: Callable, run: Recurrence, inputs: Inputs, fixed: Fixed, stretch: int | Tensor, save: bool
) -> tuple[State, State, Saved]:
    """Run all stretches with `program`, a `loops.forward_loop`; as `loops.forward`, but what is saved are lists.

    `stretch`, S, may be known only when it runs: a program is compiled for each that comes. Each list is a
    `TensorArray` of N tensors, [S, B, K] or [S + 1, B, U].
    """
    inputs, fixed = time_first(inputs), time_first(fixed)
    steps, count = _steps(inputs.x, stretch)

    def call(number, state):
        there = with_product(inputs._replace(x=_piece(inputs.x, number, stretch), initial=state))
        piece = there._replace(x=_filled(there.x, stretch))
        of_stretch = _of_stretch(fixed, number, stretch)
        states, state, made = program(piece, of_stretch, _counting(number, steps, stretch), save)
        sequences = tuple(s[1 : tf.shape(there.x)[0] + 1] for s in states[: run.sequences])
        saved = Saved(all_pre(run.cell, piece.x, made), states) if save else Saved((), ())
        return (sequences, saved), state

    def turn(number, state, arrays):
        found, state = call(number, state)
        return number + 1, state, _written(arrays, number, found)

    found, state = call(tf.constant(0), inputs.initial)
    arrays = _written((_lists(found[0], count, ragged=True), _lists(found[1], count)), 0, found)
    loop = (tf.constant(1), tuple(state), arrays)
    _, final, (sequences, saved) = tf.while_loop(lambda n, *_: n < count, turn, loop, maximum_iterations=count)
    return tuple(swapped(s.concat()) for s in sequences), final, saved


def backward_stretches(
    program: Callable,
    inputs: Inputs,
    fixed: Fixed,
    stretch: int | Tensor,
    saved: Saved,
    upstream: State,
    d_state: State,
) -> Inputs:
    """The gradients for all inputs with `program`, a `loops.backward_loop`, from what `forward_stretches` saved.

    `upstream` are those for the sequences, [B, T, U], and `d_state` those for the final states, [B, U].
    """
    inputs, fixed, upstream = time_first(inputs), time_first(fixed), tuple(swapped(d) for d in upstream)
    steps, count = _steps(inputs.x, stretch)
    bare = inputs._replace(kernel=None, bias=None)

    def turn(number, d_state, d_weights, d_x):
        kept = tf.nest.map_structure(lambda array: array.read(number), saved)
        up = tuple(_filled(_piece(d, number, stretch), stretch) for d in upstream)
        of_stretch, there = _of_stretch(fixed, number, stretch), _counting(number, steps, stretch)
        piece = bare._replace(x=kept.pre[0])
        d_state, d_cell, d_pre = program(piece, of_stretch, there, kept, up, d_state)
        d_pre, h = tuple(d[:there] for d in d_pre), kept.states[0][:there]
        found = input_gradients(inputs, d_pre)
        kernels = kernel_gradients(inputs, fixed, _piece(inputs.x, number, stretch), h, d_pre)
        more = _weights(found._replace(cell=d_cell, **kernels))
        d_weights = tf.nest.map_structure(tf.add, d_weights, more)
        return number - 1, d_state, d_weights, d_x.write(number, found.x)

    none = tf.nest.map_structure(tf.zeros_like, _weights(inputs))
    loop = (count - 1, tuple(d_state), none, _lists(inputs.x, count, ragged=True))
    _, d_initial, d_weights, d_x = tf.while_loop(lambda n, *_: n >= 0, turn, loop, maximum_iterations=count)
    return inputs._replace(x=swapped(d_x.concat()), initial=d_initial, **d_weights)


def _weights(inputs):
    """Those that there are, by name."""
    return {name: value for name, value in present(inputs).items() if name not in ("x", "initial")}


def _steps(x, stretch):
    """T and N."""
    steps = tf.shape(x)[0]
    return steps, (steps + stretch - 1) // stretch


def _counting(number, steps, stretch):
    """How many steps of a stretch, by its number, are no padding."""
    return tf.minimum(stretch, steps - number * stretch)


def _piece(sequence, number, stretch):
    """The steps of one stretch, by its number, that are there."""
    return sequence[number * stretch : (number + 1) * stretch]


def _filled(piece, stretch):
    """Padding after the steps that are there."""
    padded = tf.pad(piece, [[0, stretch - tf.shape(piece)[0]], [0, 0], [0, 0]])
    return tf.ensure_shape(padded, [None, *piece.shape[1:]])


def _of_stretch(fixed, number, stretch):
    """What is fixed, for one stretch."""
    masks = (fixed.mask, fixed.update)
    mask, update = tf.nest.map_structure(
        lambda m: None if m is None else _filled(_piece(m, number, stretch), stretch), masks
    )
    return fixed._replace(mask=mask, update=update)


def _lists(tensors, count, ragged=False):
    """Empty lists of `count` tensors like each of these; with `ragged` of any number of steps."""

    def of(like):
        shape = [None, *like.shape[1:]] if ragged else like.shape
        return tf.TensorArray(like.dtype, count, infer_shape=not ragged, element_shape=shape)

    return tf.nest.map_structure(of, tensors)


def _written(arrays, number, found):
    return tf.nest.map_structure(lambda array, value: array.write(number, value), arrays, found)
