"""The loops over time, forward and backward, for one stretch of steps: what `scan.py` compiles or runs as it is.

Autodiff of a while loop stores every intermediate of every step and adds up the weight gradient step by step. Here the
forward loop keeps only the pre-activations and the states. The backward loop differentiates only the cell, and the
weight gradients are ONE matrix product each, after it.

Shapes: B batch, T steps of the stretch, F features, U units, K columns of the cell. In `forward` and `backward` the
batch comes first, as in Keras; in the loops themselves time does, so that a step is one contiguous block.
"""

from typing import NamedTuple

import tensorflow as tf

from nlp_rnn.layers.cells import Cell, State, Tensor

LARGE_KERNEL = 2**19  # entries of U: from here on, how its products read it matters more than how soon they start


class Recurrence(NamedTuple):
    """What a loop must know beside its tensors.

    Attributes:
        cell: one of `cells.py`.
        sequences: of how many states, in their order, every step is returned: 1 for h alone.
    """

    cell: Cell
    sequences: int = 1


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
    """What the backward loop needs of the forward loop.

    Attributes:
        pre: the pre-activations of every step, [T, B, K], one or two: what the cell's equation takes.
        states: the states, [T + 1, B, U], the initial ones first.
    """

    pre: tuple[Tensor, ...]
    states: State


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


def with_product(inputs: Inputs) -> Inputs:
    """With W x + b for x, and without W and b."""
    return inputs._replace(x=input_product(inputs, inputs.x), kernel=None, bias=None)


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
) -> Inputs:
    """The gradients for all inputs but None, from those for the sequences [B, T, U] and the final states [B, U]."""
    inputs, fixed, upstream = time_first(inputs), time_first(fixed), tuple(swapped(d) for d in upstream)
    d_initial, d_cell, d_pre = backward_loop(run, inputs, fixed, steps, saved, upstream, d_state)
    found = weight_gradients(inputs, fixed, saved.states[0][:-1], d_pre)
    return found._replace(initial=d_initial, cell=d_cell)


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
    through_kernel = _transposed_product(inputs.recurrent_kernel)

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
            through = through_kernel(d_pre[-1])
            through = through if fixed.drop is None else through * fixed.drop
            d_before = (d_before[0] + through, *d_before[1:])
        arrays = tuple(a.write(t, d) for a, d in zip(arrays, d_pre, strict=True))
        return t - 1, d_before, d_cell, arrays

    loop = (steps - 1, tuple(d_state), tuple(tf.zeros_like(w) for w in inputs.cell), arrays)
    loop = tf.while_loop(lambda t, *_: t >= 0, turn, loop)
    _, d_initial, d_cell, arrays = loop
    return d_initial, d_cell, tuple(a.stack() for a in arrays)


def _transposed_product(kernel):
    """The product with U transposed, of rows [B, K]."""
    # Transposed once, a small U makes the products of all steps faster; of a large one, this order of reading it does.
    if kernel is not None and kernel.shape.num_elements() < LARGE_KERNEL:
        transposed = tf.transpose(kernel)
        return lambda d: tf.matmul(d, transposed)
    return lambda d: tf.matmul(d, kernel, transpose_b=True)


def weight_gradients(inputs: Inputs, fixed: Fixed, h: Tensor, d_pre: tuple[Tensor, ...]) -> Inputs:
    """The gradients for x, [B, T, F], and for the weights around the loop, one matrix product each.

    Args:
        inputs: x being [T, B, F]; gradients stand in the place of what they are for, and the rest as it was.
        fixed: the tensors without a gradient.
        h: the outputs before every step, [T, B, U].
        d_pre: the gradients for the pre-activations, [T, B, K] each.
    """
    d_wx, d_uh = _flat(d_pre[0]), _flat(d_pre[-1])
    found = {"x": swapped(d_pre[0])}
    if inputs.kernel is not None:
        d_x = tf.matmul(d_wx, inputs.kernel, transpose_b=True)
        found["x"] = swapped(tf.reshape(d_x, _shape_like(d_pre[0], inputs.x.shape[-1])))
        found["kernel"] = tf.matmul(_flat(inputs.x), d_wx, transpose_a=True)
    if inputs.bias is not None:
        found["bias"] = tf.reduce_sum(d_wx, 0)
    if inputs.recurrent_kernel is not None:
        h = _flat(h if fixed.drop is None else h * fixed.drop)
        found["recurrent_kernel"] = tf.matmul(h, d_uh, transpose_a=True)
    if inputs.recurrent_bias is not None:
        found["recurrent_bias"] = tf.reduce_sum(d_uh, 0)
    return inputs._replace(**found)


def _advance(run, weights, fixed, pre, state, t):
    """The state after step `t`: the cell's, or the old one where a unit or the whole row stands still."""
    new, _ = run.cell.step(*pre, state, *weights)
    if fixed.update is not None:
        new = tuple(tf.where(u[t], n, s) for u, n, s in zip(fixed.update, new, state, strict=True))
    if fixed.mask is not None:
        new = tuple(tf.where(fixed.mask[t], n, s) for n, s in zip(new, state, strict=True))
    return new


def pre_activations(cell: Cell, inputs: Inputs, wx: Tensor, h: Tensor) -> tuple[Tensor, ...]:
    """What the cell's equation takes, from W x + b and h, [..., K] and [..., U]: (z,), or (wx, uh)."""
    if not cell.recurrent:
        return (wx,)
    uh = _product(h, inputs.recurrent_kernel, inputs.recurrent_bias)
    return (wx + uh,) if cell.additive else (wx, uh)


def input_product(inputs: Inputs, x: Tensor) -> Tensor:
    """W x + b of every step, [..., K], from x, [..., F]; x itself where there is no W."""
    return x if inputs.kernel is None else _product(x, inputs.kernel, inputs.bias)


def _product(x, kernel, bias):
    """x [..., N] times kernel [N, K], plus the bias."""
    flat = tf.matmul(_flat(x), kernel)
    flat = flat if bias is None else flat + bias
    return flat if len(x.shape) == 2 else tf.reshape(flat, _shape_like(x, kernel.shape[-1]))


def _shape_like(x, last):
    """The shape of `x` with another last axis, static where it is known."""
    shape = tf.shape(x)
    return [*(known or shape[n] for n, known in enumerate(x.shape[:-1])), last]


def _flat(x):
    return x if len(x.shape) == 2 else tf.reshape(x, [-1, x.shape[-1]])


def steps_of(x: Tensor) -> int | Tensor:
    """T of [B, T, ...], as a number where it is known."""
    return x.shape[1] or tf.shape(x)[1]


def array(like: Tensor, length: int | Tensor) -> tf.TensorArray:
    """An empty array of `length` tensors like this one."""
    return tf.TensorArray(like.dtype, length, element_shape=like.shape)


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
