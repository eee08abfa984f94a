"""The forward and the backward loop over time in TensorFlow operations; `scan.py` runs them, compiled or not.

Automatic differentiation of a while loop stores every intermediate result of every step and accumulates the weight
gradients step by step. Here the forward loop saves only the pre-activations and the states. The backward loop
differentiates only the cell, and each weight gradient is one matrix product after it (`products.py`).

Shapes: B batch, T time steps, F features, U units, K columns of the cell. `forward` and `backward` take tensors with
the batch first, as in Keras. Within the loops time comes first, so that a step is contiguous in memory; so it does in
what is saved and in what `products.kernel_gradients` takes.
"""

import tensorflow as tf

from nlp_rnn.layers.cells import Cell, State, Tensor
from nlp_rnn.layers.products import apply_input_product, input_gradients, input_product, pre_activations
from nlp_rnn.layers.scan_types import (
    Masks,
    Saved,
    ScanInputs,
    ScanSpec,
    inputs_time_first,
    masks_time_first,
    swap_batch_and_time,
)


def forward(
    spec: ScanSpec, inputs: ScanInputs, masks: Masks, steps: Tensor, save: bool, product_in_loop: bool = False
) -> tuple[State, State, Saved]:
    """Run the first `steps` of T steps.

    Args:
        spec, inputs, masks: what to run.
        steps: how many steps to run.
        save: whether to save what `backward` needs.
        product_in_loop: compute W x step by step in the loop, so that it is never in memory for all steps.

    Returns:
        The values of the first `spec.num_sequences` states at every step, [B, T, U]; the final states, [B, U]; and
        what `backward` needs, empty unless `save`.
    """
    inputs = inputs_time_first(inputs)
    inputs = inputs if product_in_loop else apply_input_product(inputs)
    states, final_states, pre = forward_loop(spec, inputs, masks_time_first(masks), steps, save)
    sequences = tuple(swap_batch_and_time(s[1:]) for s in states[: spec.num_sequences])
    saved = Saved(all_pre_activations(spec.cell, inputs.x, pre), states) if save else Saved((), ())
    return sequences, final_states, saved


def all_pre_activations(cell: Cell, wx: Tensor, pre: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return the pre-activations that the cell's equation takes, from W x + b and those that a loop returned."""
    expected = 2 if cell.recurrent and not cell.additive else 1
    return pre if len(pre) == expected else (wx, *pre)


def forward_loop(
    spec: ScanSpec, inputs: ScanInputs, masks: Masks, steps: Tensor, save: bool
) -> tuple[State, State, tuple[Tensor, ...]]:
    """Run the forward loop as `forward`, for tensors with time first: `x` [T, B, F] and the padding mask [T, B, 1].

    Returns:
        The states before every step and after the last, [T + 1, B, U]: all of them if `save`, else the first
        `spec.num_sequences`; the final states, [B, U]; and, if `save`, the pre-activations of every step, [T, B, K],
        except for W x + b if that was given and is still intact.
    """
    x, product_in_loop = inputs.x, inputs.kernel is not None
    length = x.shape[0] or tf.shape(x)[0]
    source = tensor_array(x[0], length).unstack(x)

    def pre_at(t, state, source):
        h = state[0] if masks.dropout is None else state[0] * masks.dropout
        return pre_activations(spec.cell, inputs, input_product(inputs, source.read(t)), h)

    first = pre_at(0, inputs.initial, source)
    in_place, arrays = _pre_activation_arrays(spec, first, length, product_in_loop) if save else (False, ())
    num_states = len(inputs.initial) if save else spec.num_sequences
    states = tuple(tensor_array(s, length + 1).write(0, s) for s in inputs.initial[:num_states])

    def advance(t, state, pre, states, source, arrays):
        source = source.write(t, *pre) if in_place else source
        arrays = tuple(a.write(t, p) for a, p in zip(arrays, pre[len(pre) - len(arrays) :], strict=True))
        state = _advance(spec, inputs.cell, masks, pre, state, t)
        return state, tuple(a.write(t + 1, s) for a, s in zip(states, state, strict=False)), source, arrays

    def body(t, state, pre, *arrays):
        state, states, source, arrays = advance(t, state, pre, *arrays)
        # Computed here, the next pre-activation is contiguous in memory; indexed by t within the cell, XLA would not
        # vectorise it.
        return t + 1, state, pre_at(t + 1, state, source), states, source, arrays

    loop = (tf.constant(0), tuple(inputs.initial), first, states, source, arrays)
    state, states, source, arrays = advance(*tf.while_loop(lambda t, *_: t < steps - 1, body, loop))
    states, pre = tuple(a.stack() for a in states), tuple(a.stack() for a in arrays)
    return states, state, (source.stack(), *pre) if in_place else pre


def _pre_activation_arrays(spec, pre, length, product_in_loop):
    """Whether pre-activations overwrite W x, step by step, and arrays for those that do not.

    Overwriting saves a second array of that size, which is the largest of all.
    """
    if product_in_loop:
        return False, tuple(tensor_array(p, length) for p in pre)
    return spec.cell.additive and spec.cell.recurrent, tuple(tensor_array(p, length) for p in pre[1:])


def backward(
    spec: ScanSpec,
    inputs: ScanInputs,
    masks: Masks,
    steps: Tensor,
    saved: Saved,
    d_sequences: State,
    d_final: State,
) -> tuple[ScanInputs, Tensor, tuple[Tensor, ...]]:
    """Return the gradients for the inputs, except for the kernels: see `products.kernel_gradients`.

    Args:
        spec, inputs, masks, steps: as for `forward`.
        saved: what `forward` saved.
        d_sequences: the gradients for the sequences, [B, T, U].
        d_final: the gradients for the final states, [B, U].

    Returns:
        The gradients, None for the kernels; x, [T, B, F]; and the gradients for the pre-activations, [T, B, K] each.
    """
    inputs, masks = inputs_time_first(inputs), masks_time_first(masks)
    d_sequences = tuple(swap_batch_and_time(d) for d in d_sequences)
    d_initial, d_cell, d_pre = backward_loop(spec, inputs, masks, steps, saved, d_sequences, d_final)
    gradients = input_gradients(inputs, d_pre)
    gradients = gradients._replace(x=swap_batch_and_time(gradients.x), initial=d_initial, cell=d_cell)
    return gradients, inputs.x, d_pre


def backward_loop(
    spec: ScanSpec,
    inputs: ScanInputs,
    masks: Masks,
    steps: Tensor,
    saved: Saved,
    d_sequences: State,
    d_final: State,
) -> tuple[State, tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Run the backward loop as `backward`, for tensors with time first.

    Returns:
        The gradients for the initial states, [B, U] each; for the cell's weights; and for the pre-activations,
        [T, B, K] each.
    """
    length = saved.states[0].shape[0] or tf.shape(saved.states[0])[0]
    arrays = tuple(tensor_array(p[0], length - 1) for p in saved.pre)
    # Transposed once: a product that has to transpose a matrix takes longer, whatever its size.
    transposed = tf.transpose(inputs.recurrent_kernel) if spec.cell.recurrent else None

    def body(t, d_state, d_cell, arrays):
        d_state = tuple(d + s[t] for d, s in zip(d_state, d_sequences, strict=False)) + d_state[len(d_sequences) :]
        before = tuple(s[t] for s in saved.states)
        sources = (tuple(p[t] for p in saved.pre), before, inputs.cell)
        with tf.GradientTape() as tape:
            tape.watch(sources)
            state = _advance(spec, inputs.cell, masks, sources[0], before, t)
        d_pre, d_before, d_weights = tape.gradient(state, sources, d_state, unconnected_gradients="zero")
        d_cell = tuple(a + b for a, b in zip(d_cell, d_weights, strict=True))
        if spec.cell.recurrent:
            d_h = tf.matmul(d_pre[-1], transposed)
            d_h = d_h if masks.dropout is None else d_h * masks.dropout
            d_before = (d_before[0] + d_h, *d_before[1:])
        arrays = tuple(a.write(t, d) for a, d in zip(arrays, d_pre, strict=True))
        return t - 1, d_before, d_cell, arrays

    loop = (steps - 1, tuple(d_final), tuple(tf.zeros_like(w) for w in inputs.cell), arrays)
    _, d_initial, d_cell, arrays = tf.while_loop(lambda t, *_: t >= 0, body, loop)
    return d_initial, d_cell, tuple(a.stack() for a in arrays)


def _advance(spec, weights, masks, pre, state, t):
    """The state after step `t`: the cell's, or the old one where a unit keeps its value or the step is padding."""
    new, _ = spec.cell.step(*pre, state, *weights)
    if masks.update is not None:
        new = tuple(tf.where(u[t], n, s) for u, n, s in zip(masks.update, new, state, strict=True))
    if masks.padding is not None:
        new = tuple(tf.where(masks.padding[t], n, s) for n, s in zip(new, state, strict=True))
    return new


def tensor_array(like: Tensor, length: int | Tensor) -> tf.TensorArray:
    """Return an empty array of `length` tensors with the dtype and shape of `like`."""
    return tf.TensorArray(like.dtype, length, element_shape=like.shape)
