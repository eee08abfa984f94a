"""Run a cell over time, with a gradient of its own: split the work, and hand it to a loop.

`strategy.py` says which loop runs a scan, and why.

Shapes: B batch, T time steps, U units, K columns of the cell.
"""

import functools

import tensorflow as tf

from nlp_rnn.graph import with_gradient
from nlp_rnn.layers import loops, native
from nlp_rnn.layers.cells import State, Tensor
from nlp_rnn.layers.chunks import backward_chunks, forward_chunks
from nlp_rnn.layers.native import MIN_ROWS_PER_PART
from nlp_rnn.layers.padding import pad_batch, pad_no_steps, remove_added_step
from nlp_rnn.layers.products import input_product, kernel_gradients, pre_activations
from nlp_rnn.layers.scan_types import Masks, ScanInputs, ScanSpec, num_steps, present
from nlp_rnn.layers.strategy import SHORT_CHUNK_STEPS, choose_strategy, portable_strategy


def scan(
    spec: ScanSpec,
    inputs: ScanInputs,
    masks: Masks,
    training: bool = False,
    reverse: bool = False,
    concurrent: int = 1,
) -> tuple[State, State]:
    """Run a cell over time.

    Args:
        spec: the cell, and which sequences are returned.
        inputs: the tensors that have a gradient.
        masks: the tensors that have none.
        training: save what the gradient needs. Otherwise a gradient recomputes it.
        reverse: run from the last step to the first.
        concurrent: how many such scans, including this one, run at the same time and share the cores; within
            `batch_split.split_batch`, how many of the same split.

    Returns:
        The values at every step of the first `spec.num_sequences` states, [B, T, U] each, in the order of the input;
        and all final states, [B, U] each; with no steps, the initial ones.
    """
    inputs = _share_batch_size(inputs)
    strategy = choose_strategy(spec, inputs, masks, training, concurrent)
    if strategy.native and training:
        return native.run(spec, inputs, masks, reverse, strategy.parts, True)
    if strategy.native:
        return _native_inference(spec, inputs, masks, reverse, strategy.parts)
    return _portable_scan(spec, inputs, masks, training, reverse, strategy)


def _native_inference(spec, inputs, masks, reverse, parts):
    """As `scan` for `training=False`, in machine code that saves nothing; a gradient runs the loops of TensorFlow."""

    @with_gradient
    def differentiable(*flat):
        inputs = _unflatten(tf.nest.pack_sequence_as(structure, list(flat)))

        def gradient(*upstream):
            with tf.GradientTape() as tape:
                tape.watch(flat)
                watched = _unflatten(tf.nest.pack_sequence_as(structure, list(flat)))
                states = _portable_scan(spec, watched, masks, True, reverse, portable_strategy(watched, True))
            return tape.gradient(tf.nest.flatten(states), flat, list(upstream))

        return tuple(tf.nest.flatten(native.run(spec, inputs, masks, reverse, parts, False))), gradient

    structure = present(inputs)
    states = differentiable(*tf.nest.flatten(structure))
    return tuple(states[: spec.num_sequences]), tuple(states[spec.num_sequences :])


def _portable_scan(spec, inputs, masks, training, reverse, strategy):
    """As `scan`, in the loops of TensorFlow."""
    if inputs.x.shape[1]:
        return _scan_steps(spec, inputs, masks, training, reverse, strategy)
    states = _scan_steps(spec, *pad_no_steps(inputs, masks), training, reverse, strategy)
    return remove_added_step(inputs, *states)


def _scan_steps(spec, inputs, masks, training, reverse, strategy):
    """As `scan`, for at least one step."""
    batch = tf.shape(inputs.x)[0]
    padded = strategy.compile_backward and inputs.x.shape[0] is None
    if padded:
        inputs, masks = pad_batch(inputs, masks, strategy.parts * MIN_ROWS_PER_PART)
    if reverse:
        inputs, masks = inputs._replace(x=_reverse(inputs.x)), _reverse_masks(masks)
    strategy = strategy._replace(chunk_steps=_chunk_steps(strategy.chunk_steps, inputs.x))
    states = _differentiable(spec, strategy, inputs, masks, training)
    states = [s[:batch] for s in states] if padded else states
    sequences = tuple(_reverse(s) if reverse else s for s in states[: spec.num_sequences])
    return sequences, tuple(states[spec.num_sequences :])


def _chunk_steps(longest, x):
    """The steps of a chunk, given those of x, [B, T, ...].

    A tensor: with a branch for each case, everything would be traced twice.
    """
    if longest is None or longest <= SHORT_CHUNK_STEPS:
        return longest
    return tf.where(tf.shape(x)[1] <= SHORT_CHUNK_STEPS, SHORT_CHUNK_STEPS, longest)


def _differentiable(spec, strategy, inputs, masks, training):
    """The sequences, followed by the final states, with a gradient of its own."""
    compiled = strategy.compile_forward, strategy.compile_backward
    forward, backward = _programs(spec, *compiled, strategy.product_in_loop, strategy.chunk_steps is None)

    @with_gradient
    def differentiable(*flat):
        unflattened = _unflatten(tf.nest.pack_sequence_as(structure, list(flat)))
        sequences, final, saved = _forward(forward, spec, strategy, unflattened, masks, training)

        def gradient(*upstream):
            needed = saved if training else _forward(forward, spec, strategy, unflattened, masks, True)[2]
            d_sequences, d_final = upstream[: spec.num_sequences], upstream[spec.num_sequences :]
            gradients = _backward(backward, strategy, unflattened, masks, needed, d_sequences, d_final)
            return tf.nest.flatten(present(gradients))

        return (*sequences, *final), gradient

    structure = present(inputs)
    return differentiable(*tf.nest.flatten(structure))


def _reverse(sequence):
    return tf.reverse(sequence, [1])


def _reverse_masks(masks):
    padding = None if masks.padding is None else _reverse(masks.padding)
    return masks._replace(padding=padding, update=None if masks.update is None else tuple(map(_reverse, masks.update)))


def _share_batch_size(inputs):
    """Give all tensors the batch size that is known of any: shapes must not change within a loop."""
    known = [t.shape[0] for t in (inputs.x, *inputs.initial) if t.shape[0] is not None]
    if not known:
        return inputs
    initial = tuple(tf.ensure_shape(s, [known[0], s.shape[1]]) for s in inputs.initial)
    return inputs._replace(x=tf.ensure_shape(inputs.x, [known[0], *inputs.x.shape[1:]]), initial=initial)


def _unflatten(structure):
    return ScanInputs(**{**structure, "initial": tuple(structure["initial"]), "cell": tuple(structure["cell"])})


@functools.lru_cache(maxsize=256)
def _programs(spec, compile_forward, compile_backward, product_in_loop, whole):
    """The forward and the backward loop, one function each, which all parts, chunks and layers of equal shapes share.

    Args:
        whole: whether they run over whole sequences, or over a chunk.
    """

    def forward(inputs, masks, steps, save):
        if whole:
            return loops.forward(spec, inputs, masks, steps, save, product_in_loop)
        return loops.forward_loop(spec, inputs, masks, steps, save)

    def backward(inputs, masks, steps, saved, d_sequences, d_final):
        loop = loops.backward if whole else loops.backward_loop
        return loop(spec, inputs, masks, steps, saved, d_sequences, d_final)

    return _compile(forward, compile_forward), _compile(backward, compile_backward)


def _compile(loop, enabled):
    return tf.function(loop, autograph=False, jit_compile=True) if enabled else loop


def _forward(program, spec, strategy, inputs, masks, save):
    results = []
    for part, part_masks in zip(_split_inputs(inputs, strategy.parts), _split(masks, strategy.parts), strict=True):
        if strategy.chunk_steps is None:
            results.append(program(part, part_masks, num_steps(part.x), save))
        else:
            results.append(forward_chunks(program, spec, part, part_masks, strategy.chunk_steps, save))
    sequences, final, saved = zip(*results, strict=True)
    return _concat(sequences), _concat(final), saved


def _backward(program, strategy, inputs, masks, saved, d_sequences, d_final):
    results, parts = [], strategy.parts
    split = [_split_inputs(inputs, parts)]
    split += [_split(tensors, parts) for tensors in (masks, tuple(d_sequences), tuple(d_final))]
    for part, part_masks, d_sequence, d_state, part_saved in zip(*split, saved, strict=True):
        if strategy.chunk_steps is None:
            steps = num_steps(part.x)
            gradients, x, d_pre = program(part, part_masks, steps, part_saved, d_sequence, d_state)
            kernels = kernel_gradients(part, part_masks, x, part_saved.states[0][:-1], d_pre)
            results.append(gradients._replace(**kernels))
        else:
            chunk = strategy.chunk_steps
            results.append(backward_chunks(program, part, part_masks, chunk, part_saved, d_sequence, d_state))
    summed = tf.nest.map_structure(_sum, *(r._replace(x=None, initial=None) for r in results))
    return summed._replace(x=_concat([r.x for r in results]), initial=_concat([r.initial for r in results]))


def _sum(*gradients):
    """The sum over the parts of the gradients for one weight; None if the layer has no such weight."""
    return gradients[0] if len(gradients) == 1 or gradients[0] is None else tf.add_n(gradients)


def _split_inputs(inputs, parts):
    """The inputs of each part: its rows of x and of the initial states, and all weights."""
    if parts == 1:
        return [inputs]
    split = zip(_split(inputs.x, parts), _split(inputs.initial, parts), strict=True)
    return [inputs._replace(x=x, initial=initial) for x, initial in split]


def _split(tensors, parts):
    """Tensors with a batch axis, split into parts."""
    if parts == 1:
        return [tensors]
    return [tf.nest.map_structure(lambda t, n=n: _rows(t, n, parts), tensors) for n in range(parts)]


def _rows(tensor: Tensor | None, number: int, parts: int) -> Tensor | None:
    """The rows of part `number` of a tensor, [B, ...]; the sizes of the parts differ by at most one."""
    if tensor is None:
        return None
    batch = tensor.shape[0] or tf.shape(tensor)[0]
    return tensor[number * batch // parts : (number + 1) * batch // parts]


def _concat(parts):
    return tf.nest.map_structure(lambda *p: p[0] if len(p) == 1 else tf.concat(p, 0), *parts)


def gate_activations(
    spec: ScanSpec, inputs: ScanInputs, masks: Masks, sequences: State, reverse: bool = False
) -> dict[str, Tensor]:
    """Return the gate activations of every step, [B, T, U] each, in the order of the input.

    Args:
        spec, inputs, masks, reverse: as for `scan`.
        sequences: the values of all states at every step, as `scan` returns them.
    """

    def before(initial, sequence):
        parts = [sequence[:, 1:], initial[:, None]] if reverse else [initial[:, None], sequence[:, :-1]]
        return tf.concat(parts, 1)

    states = tuple(before(s0, s) for s0, s in zip(inputs.initial, sequences, strict=True))
    h = states[0] if masks.dropout is None else states[0] * masks.dropout[:, None]
    pre = pre_activations(spec.cell, inputs, input_product(inputs, inputs.x), h)
    _, activations = spec.cell.step(*pre, states, *inputs.cell)
    return activations
