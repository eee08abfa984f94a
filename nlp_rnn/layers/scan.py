"""A cell run over time, with a gradient of its own: chooses how, cuts the work, and hands it to who runs it.

A step of a recurrent network is many small operations, and TensorFlow takes longer to start each than to compute it. So
most of what is trained runs in machine code (`native`), written for this processor from the cell's equation. What that
does not take (cells with weights of their own, zoneout, large kernels, few rows, one step, other types than float32, a
GPU) is run by `loops.py`, compiled with XLA. So is, outside of training, what has a known shape. Three cuts make that
fit any input:

- the batch is cut into parts, one for each core: their loops are independent, and a core works through its own steps
  without waiting for another at every one of them, which costs more than a small step itself;
- where the number of steps is not known, a loop over stretches of `STRETCH` steps calls one compiled program, so that
  texts of all lengths share it, and a batch of unknown size is filled up to a multiple of a few rows;
- anything else, such as a served model whose batches may have any shape, runs the same loops uncompiled.

Shapes: B batch, T time steps, U units, K columns of the cell.
"""

import functools
from typing import NamedTuple

import tensorflow as tf

from nlp_rnn.layers import loops
from nlp_rnn.layers.cells import State, Tensor
from nlp_rnn.layers.native.differentiable import native_scan, runs
from nlp_rnn.layers.native.kernels import FEWEST_ROWS
from nlp_rnn.layers.products import input_product, kernel_gradients, pre_activations
from nlp_rnn.layers.recurrence import Fixed, Inputs, Recurrence, present, steps_of
from nlp_rnn.layers.side_by_side import LEAST, running, usable_cores
from nlp_rnn.layers.stretches import backward_stretches, forward_stretches
from nlp_rnn.memory import keep_freed

keep_freed()

STRETCH = 64
SHORT = 16  # steps; sequences of up to so many would mostly be padding in a stretch of 64
LARGE_KERNEL = 2**19  # entries of W or U: from here on, the cores share its products better than each reads all of it
NARROW_INPUT = 262144  # entries of W; up to here it stays in the cache that a core has for itself
HUGE_KERNEL = 2**21  # entries of U; from here, TensorFlow's own product of a few rows with U is faster than XLA's


class Way(NamedTuple):
    """How a scan is run.

    Attributes:
        forward, backward: whether this loop is compiled with XLA.
        parts: into how many parts the batch is cut.
        stretch: steps that one program takes at a time, at most: see `_stretch`; None for all of them.
        inside: whether the input product is made step by step in the forward loop.
        native: whether it is run by `native` instead; of all else, `parts` alone matters then.
    """

    forward: bool
    backward: bool
    parts: int = 1
    stretch: int | Tensor | None = None
    inside: bool = False
    native: bool = False


def choose(run: Recurrence, inputs: Inputs, fixed: Fixed, training: bool, beside: int = 1) -> Way:
    """The fastest way for tensors of this shape, as was measured (benchmarks/README.md); see `scan`."""
    batch, steps, _ = inputs.x.shape
    beside *= running()
    small = all(_entries(kernel) < LARGE_KERNEL for kernel in (inputs.kernel, inputs.recurrent_kernel))
    worth = small and steps != 1 and (batch is None or batch >= LEAST)
    if training and worth and not tf.config.list_logical_devices("GPU") and runs(run, inputs, fixed):
        return Way(False, False, max(1, usable_cores() // beside), native=True)
    if tf.executing_eagerly() or not (training or None not in (batch, steps)):
        return Way(False, False)
    entries = _entries(inputs.recurrent_kernel)
    rows = 32 if batch is None else batch
    parts = 1 if entries >= LARGE_KERNEL or tf.config.list_logical_devices("GPU") else usable_cores()
    parts = max(1, min(parts // beside if training else parts, rows // FEWEST_ROWS))
    narrow = inputs.kernel is not None and _entries(inputs.kernel) <= NARROW_INPUT
    inside = narrow and entries < HUGE_KERNEL and not training and rows >= FEWEST_ROWS
    return Way(entries < HUGE_KERNEL, True, parts, STRETCH if steps is None else None, inside)


def _entries(kernel):
    return 0 if kernel is None else kernel.shape.num_elements()


def scan(
    run: Recurrence, inputs: Inputs, fixed: Fixed, training: bool = False, reverse: bool = False, beside: int = 1
) -> tuple[State, State]:
    """Return the states after every step and after the last.

    Args:
        run: the cell, and of how many states every step is wanted.
        inputs: the tensors that have a gradient.
        fixed: those that have none.
        training: a gradient will be asked for; what it needs is kept. Without, it is made again where it is asked for.
        reverse: run from the last step to the first.
        beside: how many such scans, this one counted, do not wait for each other and share the cores; in a half of a
            batch (`side_by_side`), those of that half.

    Returns:
        A tuple of [B, T, U], of the first `run.sequences` states, in the order of the input; and a tuple of [B, U], of
        all states.
    """
    inputs = _of_one_batch(inputs)
    way = choose(run, inputs, fixed, training, beside)
    if way.native:
        return native_scan(run, inputs, fixed, reverse, way.parts)
    batch = tf.shape(inputs.x)[0]
    filled = way.backward and inputs.x.shape[0] is None
    if filled:
        inputs, fixed = (_filled(tensors, way.parts * FEWEST_ROWS) for tensors in (inputs, fixed))
    if reverse:
        inputs, fixed = inputs._replace(x=_reversed(inputs.x)), _reversed_steps(fixed)
    way = way._replace(stretch=_stretch(way.stretch, inputs.x))
    states = _differentiable(run, way, inputs, fixed, training)
    states = [s[:batch] for s in states] if filled else states
    sequences = tuple(_reversed(s) if reverse else s for s in states[: run.sequences])
    return sequences, tuple(states[run.sequences :])


def _stretch(longest, x):
    """The steps of a stretch, by the steps of x, [B, T, ...].

    Not known until it runs: with a branch for each, all would be traced twice.
    """
    if longest is None or longest <= SHORT:
        return longest
    return tf.where(tf.shape(x)[1] <= SHORT, SHORT, longest)


def _differentiable(run, way, inputs, fixed, training):
    """The sequences and the final states, one after the other, with a gradient of its own."""
    forward, backward = _programs(run, way.forward, way.backward, way.inside, way.stretch is None)

    @tf.custom_gradient
    def differentiable(*flat):
        whole = _whole(tf.nest.pack_sequence_as(given, list(flat)))
        sequences, final, saved = _forward(forward, run, way, whole, fixed, training)

        def gradient(*upstream):
            kept = saved if training else _forward(forward, run, way, whole, fixed, True)[2]
            d_sequences, d_final = upstream[: run.sequences], upstream[run.sequences :]
            found = _backward(backward, way, whole, fixed, kept, d_sequences, d_final)
            return tf.nest.flatten(present(found))

        return (*sequences, *final), gradient

    given = present(inputs)
    return differentiable(*tf.nest.flatten(given))


def _reversed(sequence):
    return tf.reverse(sequence, [1])


def _reversed_steps(fixed):
    mask = None if fixed.mask is None else _reversed(fixed.mask)
    return fixed._replace(mask=mask, update=None if fixed.update is None else tuple(map(_reversed, fixed.update)))


def _filled(tensors, rows):
    """The batch filled up with rows of zeros to a multiple of `rows`: batches of many sizes then share a program."""
    if isinstance(tensors, Inputs):
        return tensors._replace(x=_filled(tensors.x, rows), initial=_filled(tensors.initial, rows))

    def fill(tensor):
        if tensor is None:
            return None
        more = -tf.shape(tensor)[0] % rows
        return tf.pad(tensor, [[0, more], *[[0, 0]] * (len(tensor.shape) - 1)])

    return tf.nest.map_structure(fill, tensors)


def _of_one_batch(inputs):
    """The size of the batch known of all tensors that have one, or of none: a loop's shapes may not change."""
    known = [t.shape[0] for t in (inputs.x, *inputs.initial) if t.shape[0] is not None]
    if not known:
        return inputs
    initial = tuple(tf.ensure_shape(s, [known[0], s.shape[1]]) for s in inputs.initial)
    return inputs._replace(x=tf.ensure_shape(inputs.x, [known[0], *inputs.x.shape[1:]]), initial=initial)


def _whole(given):
    return Inputs(**{**given, "initial": tuple(given["initial"]), "cell": tuple(given["cell"])})


@functools.lru_cache(maxsize=256)
def _programs(run, forward_compiled, backward_compiled, inside, whole):
    """The two loops, one compiled function each: all parts, stretches and layers of equal shapes share them."""

    def forward(inputs, fixed, steps, save):
        if whole:
            return loops.forward(run, inputs, fixed, steps, save, inside)
        return loops.forward_loop(run, inputs, fixed, steps, save)

    def backward(inputs, fixed, steps, saved, upstream, d_state):
        loop = loops.backward if whole else loops.backward_loop
        return loop(run, inputs, fixed, steps, saved, upstream, d_state)

    return _compiled(forward, forward_compiled), _compiled(backward, backward_compiled)


def _compiled(loop, wanted):
    return tf.function(loop, autograph=False, jit_compile=True) if wanted else loop


def _forward(program, run, way, inputs, fixed, save):
    results = []
    for part, fixed_part in zip(_cut(inputs, way.parts), _cut(fixed, way.parts), strict=True):
        if way.stretch is None:
            results.append(program(part, fixed_part, steps_of(part.x), save))
        else:
            results.append(forward_stretches(program, run, part, fixed_part, way.stretch, save))
    sequences, final, saved = zip(*results, strict=True)
    return _joined(sequences), _joined(final), saved


def _backward(program, way, inputs, fixed, saved, d_sequences, d_final):
    results = []
    cut = (_cut(part, way.parts) for part in (inputs, fixed, tuple(d_sequences), tuple(d_final)))
    for part, fixed_part, upstream, d_state, kept in zip(*cut, saved, strict=True):
        if way.stretch is None:
            found, x, d_pre = program(part, fixed_part, steps_of(part.x), kept, upstream, d_state)
            kernels = kernel_gradients(part, fixed_part, x, kept.states[0][:-1], d_pre)
            results.append(found._replace(**kernels))
        else:
            results.append(backward_stretches(program, part, fixed_part, way.stretch, kept, upstream, d_state))
    summed = tf.nest.map_structure(_sum, *(r._replace(x=None, initial=None) for r in results))
    return summed._replace(x=_joined([r.x for r in results]), initial=_joined([r.initial for r in results]))


def _sum(*gradients):
    """Of one weight, over the parts; None where the layer has no such weight."""
    return gradients[0] if len(gradients) == 1 or gradients[0] is None else tf.add_n(gradients)


def _cut(tensors, parts):
    """The tensors that have a batch axis cut into parts; of `Inputs`, the weights go to all of them."""
    if parts == 1:
        return [tensors]
    if isinstance(tensors, Inputs):
        cut = zip(_cut(tensors.x, parts), _cut(tensors.initial, parts), strict=True)
        return [tensors._replace(x=x, initial=initial) for x, initial in cut]
    return [tf.nest.map_structure(lambda t, n=n: _rows(t, n, parts), tensors) for n in range(parts)]


def _rows(tensor: Tensor | None, number: int, parts: int) -> Tensor | None:
    """Part `number` of a tensor's rows, [B, ...]; the parts differ by one row at most."""
    if tensor is None:
        return None
    batch = tensor.shape[0] or tf.shape(tensor)[0]
    return tensor[number * batch // parts : (number + 1) * batch // parts]


def _joined(parts):
    return tf.nest.map_structure(lambda *p: tf.concat(p, 0) if len(p) > 1 else p[0], *parts)


def gates(run: Recurrence, inputs: Inputs, fixed: Fixed, sequences: State, reverse: bool = False) -> dict[str, Tensor]:
    """The gate activations of every step, [B, T, U] each, from the states of every step, in the order of the input."""

    def before(initial, sequence):
        pieces = [sequence[:, 1:], initial[:, None]] if reverse else [initial[:, None], sequence[:, :-1]]
        return tf.concat(pieces, 1)

    states = tuple(before(s0, s) for s0, s in zip(inputs.initial, sequences, strict=True))
    h = states[0] if fixed.drop is None else states[0] * fixed.drop[:, None]
    pre = pre_activations(run.cell, inputs, input_product(inputs, inputs.x), h)
    _, activations = run.cell.step(*pre, states, *inputs.cell)
    return activations
