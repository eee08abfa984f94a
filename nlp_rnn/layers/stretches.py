"""Sequences of any length, taken in stretches of a fixed number of steps, so that one compiled program serves all.

The last stretch is filled up with padding, and its program told how many of its steps count. Of the products only the
one with U is made in the programs. W x, and all that makes the weights' gradients, is made at once for all stretches;
where there is but one, of the steps alone that are there: most of it may be padding.

Shapes: B batch, T time steps, N stretches of S steps, U units; time comes first here.
"""

from collections.abc import Callable

import tensorflow as tf

from nlp_rnn.layers.cells import State
from nlp_rnn.layers.loops import all_pre, array
from nlp_rnn.layers.products import input_gradients, kernel_gradients, with_product
from nlp_rnn.layers.recurrence import Fixed, Inputs, Recurrence, Saved, swapped, time_first


def forward_stretches(
    program: Callable, run: Recurrence, inputs: Inputs, fixed: Fixed, stretch: int, save: bool
) -> tuple[State, State, Saved]:
    """Run all stretches with `program`, a `loops.forward_loop`; as `loops.forward`, what is saved being [N, ...]."""
    x, steps, count, _ = _made(swapped(inputs.x), stretch)
    inputs = with_product(inputs._replace(x=x))
    pieces, of_stretch = _cut(inputs.x, stretch), _cut_fixed(time_first(fixed), stretch)

    def call(number, state):
        piece = inputs._replace(x=pieces[number], initial=state)
        states, state, made = program(piece, of_stretch(number), _counting(number, steps, stretch), save)
        return Saved(made, states), state

    saved, state = call(tf.constant(0), inputs.initial)
    found = tf.nest.flatten(saved)
    arrays = [array(f, count).write(0, f) for f in found]

    def turn(number, state, arrays):
        saved, state = call(number, state)
        return number + 1, state, [a.write(number, f) for a, f in zip(arrays, tf.nest.flatten(saved), strict=True)]

    loop = (tf.constant(1), tuple(state), arrays)
    _, final, arrays = tf.while_loop(lambda n, *_: n < count, turn, loop, maximum_iterations=count)
    saved = tf.nest.pack_sequence_as(saved, [a.stack() for a in arrays])
    sequences = tuple(swapped(_uncut(s[:, 1:], steps)) for s in saved.states[: run.sequences])
    return sequences, final, saved._replace(pre=all_pre(run.cell, pieces, saved.pre)) if save else Saved((), ())


def backward_stretches(
    program: Callable,
    inputs: Inputs,
    fixed: Fixed,
    stretch: int,
    saved: Saved,
    upstream: State,
    d_state: State,
) -> Inputs:
    """The gradients for all inputs with `program`, a `loops.backward_loop`, from what `forward_stretches` saved."""
    x, steps, count, made = _made(swapped(inputs.x), stretch)
    inputs, fixed = inputs._replace(x=x), time_first(fixed)
    of_stretch, bare = _cut_fixed(fixed, stretch), inputs._replace(kernel=None, bias=None)
    upstream = tuple(_cut(swapped(d), stretch) for d in upstream)

    def turn(number, d_state, d_cell, arrays):
        kept, up = tf.nest.map_structure(lambda s: s[number], (saved, upstream))
        counting = _counting(number, steps, stretch)
        piece = bare._replace(x=kept.pre[0])
        d_state, d_more, d_pre = program(piece, of_stretch(number), counting, kept, up, d_state)
        d_cell = tuple(a + b for a, b in zip(d_cell, d_more, strict=True))
        return number - 1, d_state, d_cell, [a.write(number, d) for a, d in zip(arrays, d_pre, strict=True)]

    loop = (count - 1, tuple(d_state), tuple(tf.zeros_like(w) for w in inputs.cell))
    loop = (*loop, [array(p[0], count) for p in saved.pre])
    loop = tf.while_loop(lambda n, *_: n >= 0, turn, loop, maximum_iterations=count)
    d_pre = tuple(_uncut(a.stack(), made) for a in loop[3])
    h, found = _uncut(saved.states[0][:, :-1], made), input_gradients(inputs, d_pre)
    kernels = kernel_gradients(inputs, fixed, inputs.x, h, d_pre)
    return found._replace(x=found.x[:, :steps], initial=loop[1], cell=loop[2], **kernels)


def _counting(number, steps, stretch):
    """How many steps of a stretch, by its number, are no padding."""
    return tf.minimum(stretch, steps - number * stretch)


def _made(x, stretch):
    """x [T, B, F] with the steps of which the products are made; T, N, and how many those steps are.

    Of several stretches x is filled up, since W x is wider; of one alone W x is, and no product is made of padding.
    """
    steps, count = _steps(x, stretch)
    made = tf.where(count > 1, count * stretch, steps)
    return tf.pad(x, [[0, made - steps], [0, 0], [0, 0]]), steps, count, made


def _steps(x, stretch):
    """T and N."""
    steps = tf.shape(x)[0]
    return steps, (steps + stretch - 1) // stretch


def _cut(sequence, stretch):
    """[T, B, U] as [N, S, B, U]."""
    steps, count = _steps(sequence, stretch)
    padded = tf.pad(sequence, [[0, count * stretch - steps], [0, 0], [0, 0]])
    pieces = tf.reshape(padded, [count, stretch, tf.shape(sequence)[1], sequence.shape[-1]])
    return tf.ensure_shape(pieces, [None, stretch, *sequence.shape[1:]])


def _uncut(pieces, steps):
    """What the stretches gave, [N, S, B, U], as [T, B, U]."""
    count, stretch, batch, _ = tf.unstack(tf.shape(pieces))
    return tf.reshape(pieces, [count * stretch, batch, pieces.shape[-1]])[:steps]


def _cut_fixed(fixed, stretch):
    """A function that gives what is fixed for one stretch, by its number."""
    mask = None if fixed.mask is None else _cut(fixed.mask, stretch)
    update = None if fixed.update is None else [_cut(u, stretch) for u in fixed.update]

    def of_stretch(number):
        of_mask = None if mask is None else mask[number]
        return fixed._replace(mask=of_mask, update=None if update is None else tuple(u[number] for u in update))

    return of_stretch
