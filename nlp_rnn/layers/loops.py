"""The loops over time, forward and backward, for one stretch of steps: what `scan.py` compiles or runs as it is.

Autodiff of a while loop stores every intermediate of every step and adds up the weight gradient step by step. Here the
forward loop keeps only the pre-activations and the states. The backward loop differentiates only the cell, and the
weight gradients are ONE matrix product each, after it (`products.py`).

Shapes: B batch, T steps of the stretch, F features, U units, K columns of the cell. What `forward` and `backward` take
has the batch first, as in Keras; in the loops time comes first, so that a step is one contiguous block, and so it does
in what is kept and in what `products.kernel_gradients` is given.
"""

import tensorflow as tf

from nlp_rnn.layers.cells import Cell, State, Tensor
from nlp_rnn.layers.products import input_gradients, input_product, pre_activations, with_product
from nlp_rnn.layers.recurrence import Fixed, Inputs, Recurrence, Saved, swapped, time_first


def forward(
    run: Recurrence, inputs: Inputs, fixed: Fixed, steps: Tensor, save: bool, inside: bool = False
) -> tuple[State, State, Saved]:
    """Run the first `steps` of T steps.

    With `inside`, W x is made step by step in the loop, and never in memory for all steps.

    Returns:
        The states after every step, [B, T, U], of the first `run.sequences` states; the final states, [B, U]; and
        what `backward` needs, empty unless `save`.
    """
    inputs = time_first(inputs)
    inputs = inputs if inside else with_product(inputs)
    states, state, made = forward_loop(run, inputs, time_first(fixed), steps, save)
    sequences = tuple(swapped(s[1:]) for s in states[: run.sequences])
    return sequences, state, Saved(all_pre(run.cell, inputs.x, made), states) if save else Saved((), ())


def all_pre(cell: Cell, wx: Tensor, made: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The pre-activations that the cell's equation takes, from W x + b and those that a loop has made."""
    wanted = 2 if cell.recurrent and not cell.additive else 1
    return made if len(made) == wanted else (wx, *made)


def forward_loop(
    run: Recurrence, inputs: Inputs, fixed: Fixed, steps: Tensor, save: bool
) -> tuple[State, State, tuple[Tensor, ...]]:
    """As `forward`, of tensors that have time first, `x` [T, B, F] and the mask [T, B, 1].

    Returns:
        States before every step and after the last, [T + 1, B, U], all with `save`, else the first `run.sequences`;
        the final states, [B, U]; with `save` the pre-activations of every step, [T, B, K], that it was not given.
    """
    x, inside = inputs.x, inputs.kernel is not None
    length = x.shape[0] or tf.shape(x)[0]
    source = array(x[0], length).unstack(x)

    def pre_of(t, state, source):
        h = state[0] if fixed.drop is None else state[0] * fixed.drop
        return pre_activations(run.cell, inputs, input_product(inputs, source.read(t)), h)

    first = pre_of(0, inputs.initial, source)
    in_place, arrays = _kept(run, first, length, inside) if save else (False, ())
    kept = len(inputs.initial) if save else run.sequences
    states = tuple(array(s, length + 1).write(0, s) for s in inputs.initial[:kept])

    def advance(t, state, pre, states, source, arrays):
        source = source.write(t, *pre) if in_place else source
        arrays = tuple(a.write(t, p) for a, p in zip(arrays, pre[len(pre) - len(arrays) :], strict=True))
        state = _advance(run, inputs.cell, fixed, pre, state, t)
        return state, tuple(a.write(t + 1, s) for a, s in zip(states, state, strict=False)), source, arrays

    def turn(t, state, pre, *arrays):
        state, states, source, arrays = advance(t, state, pre, *arrays)
        # Made here, the next pre-activation is a plain block of memory; read by its number in the cell, XLA would not
        # vectorise that.
        return t + 1, state, pre_of(t + 1, state, source), states, source, arrays

    loop = (tf.constant(0), tuple(inputs.initial), first, states, source, arrays)
    state, states, source, arrays = advance(*tf.while_loop(lambda t, *_: t < steps - 1, turn, loop))
    states, found = tuple(a.stack() for a in states), tuple(a.stack() for a in arrays)
    return states, state, (source.stack(), *found) if in_place else found


def _kept(run, pre, length, inside):
    """Whether pre-activations are written over W x, step by step, and arrays for those that are not.

    Over it there is no second array of that size, the largest of all.
    """
    if inside:
        return False, tuple(array(p, length) for p in pre)
    return run.cell.additive and run.cell.recurrent, tuple(array(p, length) for p in pre[1:])


def backward(
    run: Recurrence, inputs: Inputs, fixed: Fixed, steps: Tensor, saved: Saved, upstream: State, d_state: State
) -> tuple[Inputs, Tensor, tuple[Tensor, ...]]:
    """The gradients for all inputs but None, from those for the sequences [B, T, U] and the final states [B, U].

    Those for the kernels are left to `products.kernel_gradients`.

    Returns:
        The gradients; x, [T, B, F]; and the gradients for the pre-activations, [T, B, K] each.
    """
    inputs, fixed, upstream = time_first(inputs), time_first(fixed), tuple(swapped(d) for d in upstream)
    d_initial, d_cell, d_pre = backward_loop(run, inputs, fixed, steps, saved, upstream, d_state)
    found = input_gradients(inputs, d_pre)
    return found._replace(x=swapped(found.x), initial=d_initial, cell=d_cell), inputs.x, d_pre


def backward_loop(
    run: Recurrence, inputs: Inputs, fixed: Fixed, steps: Tensor, saved: Saved, upstream: State, d_state: State
) -> tuple[State, tuple[Tensor, ...], tuple[Tensor, ...]]:
    """As `backward`, of tensors that have time first, for what is within the loop.

    Returns:
        The gradients for the initial states, [B, U] each; for the cell's weights; and for the pre-activations,
        [T, B, K] each.
    """
    length = saved.states[0].shape[0] or tf.shape(saved.states[0])[0]
    arrays = tuple(array(p[0], length - 1) for p in saved.pre)
    # Transposed once: a product with a matrix to be transposed takes longer, whatever its size.
    transposed = tf.transpose(inputs.recurrent_kernel) if run.cell.recurrent else None

    def turn(t, d_state, d_cell, arrays):
        d_state = tuple(d + u[t] for d, u in zip(d_state, upstream, strict=False)) + d_state[len(upstream) :]
        before = tuple(s[t] for s in saved.states)
        taken = (tuple(p[t] for p in saved.pre), before, inputs.cell)
        with tf.GradientTape() as tape:
            tape.watch(taken)
            state = _advance(run, inputs.cell, fixed, taken[0], before, t)
        d_pre, d_before, d_more = tape.gradient(state, taken, d_state, unconnected_gradients="zero")
        d_cell = tuple(a + b for a, b in zip(d_cell, d_more, strict=True))
        if run.cell.recurrent:
            through = tf.matmul(d_pre[-1], transposed)
            through = through if fixed.drop is None else through * fixed.drop
            d_before = (d_before[0] + through, *d_before[1:])
        arrays = tuple(a.write(t, d) for a, d in zip(arrays, d_pre, strict=True))
        return t - 1, d_before, d_cell, arrays

    loop = (steps - 1, tuple(d_state), tuple(tf.zeros_like(w) for w in inputs.cell), arrays)
    loop = tf.while_loop(lambda t, *_: t >= 0, turn, loop)
    _, d_initial, d_cell, arrays = loop
    return d_initial, d_cell, tuple(a.stack() for a in arrays)


def _advance(run, weights, fixed, pre, state, t):
    """The state after step `t`: the cell's, or the old one where a unit or the whole row stands still."""
    new, _ = run.cell.step(*pre, state, *weights)
    if fixed.update is not None:
        new = tuple(tf.where(u[t], n, s) for u, n, s in zip(fixed.update, new, state, strict=True))
    if fixed.mask is not None:
        new = tuple(tf.where(fixed.mask[t], n, s) for n, s in zip(new, state, strict=True))
    return new


def array(like: Tensor, length: int | Tensor) -> tf.TensorArray:
    """An empty array of `length` tensors like this one."""
    return tf.TensorArray(like.dtype, length, element_shape=like.shape)
