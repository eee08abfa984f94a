"""The loop over time, and its gradient arranged by hand: any cell of `cells.py` trains fast with it.

Autodiff of a while loop stores every intermediate of every step and adds up the weight gradient step by step. Here the
forward loop keeps only the states. The backward pass recomputes the recurrent pre-activations of all steps in ONE
matrix product, differentiates only the element-wise cell inside its loop, and forms the weight gradient in ONE matrix
product after it.

Shapes: T time steps, B batch, U units, K gate columns (4U for the LSTM, 3U for the GRU, U for the RNN). Time comes
first, so that a step is one contiguous block.
"""

from typing import NamedTuple

import tensorflow as tf

from nlp_rnn.layers.cells import Cell, State, Tensor


class Recurrence(NamedTuple):
    """What stays the same over all steps of a scan.

    Attributes:
        cell: one of `cells.py`; element-wise. `state[0]` is what the recurrent kernel multiplies.
        mask: [T, B, 1] bool, False where a step is padding and the state stands still; or None.
        drop: [B, U] factors on h before the recurrent product, the same at every step (variational dropout,
            Gal & Ghahramani, 2016); or None.
        reverse: run from the last step to the first.
    """

    cell: Cell
    mask: Tensor | None = None
    drop: Tensor | None = None
    reverse: bool = False


def scan(
    recurrence: Recurrence,
    wx: Tensor,
    recurrent_kernel: Tensor,
    recurrent_bias: Tensor | None,
    initial_state: State,
) -> State:
    """Return the states after every step, a tuple of [T, B, U], in the order of the input.

    Args:
        recurrence: the cell, and how to run it.
        wx: x @ kernel + bias of all steps, [T, B, K].
        recurrent_kernel: [U, K].
        recurrent_bias: [K], or None.
        initial_state: tuple of [B, U].
    """

    @tf.custom_gradient
    def run(wx, initial, kernel, *bias):
        states = _forward(recurrence, wx, initial, kernel, *bias)

        def gradient(*upstream):
            return _backward(recurrence, (wx, initial, kernel, *bias), states, upstream)

        return states, gradient

    bias = () if recurrent_bias is None else (recurrent_bias,)
    return run(wx, initial_state, recurrent_kernel, *bias)


def states_before(recurrence: Recurrence, initial: State, states: State) -> State:
    """The states that each step started from, a tuple of [T, B, U]."""
    if recurrence.reverse:
        return tuple(tf.concat([s[1:], s0[None]], 0) for s0, s in zip(initial, states, strict=True))
    return tuple(tf.concat([s0[None], s[:-1]], 0) for s0, s in zip(initial, states, strict=True))


def gates(recurrence: Recurrence, wx: Tensor, kernel: Tensor, bias: Tensor | None, before: State) -> dict[str, Tensor]:
    """The gate activations of every step, [T, B, U] each, from the states that the steps started from."""
    h = before[0] if recurrence.drop is None else before[0] * recurrence.drop
    uh = tf.reshape(_product(tf.reshape(h, [-1, kernel.shape[0]]), kernel, bias), tf.shape(wx))
    _, activations = recurrence.cell(wx, uh, before)
    return activations


def _product(h, kernel, bias=None):
    """U h + b for rows [N, U]."""
    uh = tf.matmul(h, kernel)
    return uh if bias is None else uh + bias


def _advance(recurrence, wx, uh, state, t):
    """The state after step `t`: the cell's, or the old one where the step is padding."""
    new, _ = recurrence.cell(wx, uh, state)
    if recurrence.mask is None:
        return new
    return tuple(tf.where(recurrence.mask[t], n, s) for n, s in zip(new, state, strict=True))


def _order(recurrence, steps):
    """The first step, the step's direction and the loop's condition, for the forward pass."""
    if recurrence.reverse:
        return steps - 1, -1, lambda t, *_: t >= 0
    return tf.constant(0), 1, lambda t, *_: t < steps


def _forward(recurrence, wx, initial, kernel, bias=None):
    steps = tf.shape(wx)[0]
    arrays = tuple(tf.TensorArray(s.dtype, steps, element_shape=s.shape) for s in initial)
    first, direction, unfinished = _order(recurrence, steps)

    def body(t, state, arrays):
        h = state[0] if recurrence.drop is None else state[0] * recurrence.drop
        uh = _product(h, kernel, bias)
        state = _advance(recurrence, wx[t], uh, state, t)
        return t + direction, state, tuple(a.write(t, s) for a, s in zip(arrays, state, strict=True))

    loop = (first, tuple(initial), arrays)
    *_, arrays = tf.while_loop(unfinished, body, loop, maximum_iterations=steps)
    return tuple(a.stack() for a in arrays)


def _backward(recurrence, inputs, states, upstream):
    """The gradients for the inputs: wx, the initial states, the kernel and, where there is one, the bias."""
    wx, initial, kernel, *bias = inputs
    steps, batch = tf.unstack(tf.shape(wx)[:2])
    units, columns = kernel.shape
    before = states_before(recurrence, initial, states)
    h = before[0] if recurrence.drop is None else before[0] * recurrence.drop
    flat_h = tf.reshape(h, [-1, units])
    uh = tf.reshape(_product(flat_h, kernel, *bias), [steps, batch, columns])
    at_end = tuple(tf.zeros_like(s) for s in initial)
    d_initial, d_wx, d_uh = _backward_loop(recurrence, (wx, uh, before), kernel, upstream, at_end)
    flat_d = tf.reshape(d_uh, [-1, columns])
    d_bias = [tf.reduce_sum(flat_d, 0) for _ in bias]
    return d_wx, d_initial, tf.matmul(flat_h, flat_d, transpose_a=True), *d_bias


def _backward_loop(recurrence, of_steps, kernel, upstream, d_state):
    """Gradients for the initial states [B, U], for wx and for uh [T, B, K]."""
    wx, uh, before = of_steps
    steps = tf.shape(wx)[0]
    backward = recurrence._replace(reverse=not recurrence.reverse)
    first, direction, unfinished = _order(backward, steps)

    def body(t, d_state, d_wx, d_uh):
        d_state = tuple(d + up[t] for d, up in zip(d_state, upstream, strict=True))
        inputs = wx[t], uh[t], tuple(s[t] for s in before)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            state = _advance(recurrence, *inputs, t)
        dx, dh, d_before = tape.gradient(state, inputs, output_gradients=d_state, unconnected_gradients="zero")
        through_kernel = tf.matmul(dh, kernel, transpose_b=True)
        if recurrence.drop is not None:
            through_kernel *= recurrence.drop
        d_before = (d_before[0] + through_kernel, *d_before[1:])
        return t + direction, d_before, d_wx.write(t, dx), d_uh.write(t, dh)

    arrays = [tf.TensorArray(wx.dtype, steps, element_shape=wx.shape[1:]) for _ in range(2)]
    loop = (first, d_state, *arrays)
    _, d_initial, d_wx, d_uh = tf.while_loop(unfinished, body, loop, maximum_iterations=steps)
    return d_initial, d_wx.stack(), d_uh.stack()
