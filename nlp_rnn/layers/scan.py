"""A cell run over time, with a gradient of its own: chooses how, cuts the work, and hands it to `loops.py`.

What is trained is compiled with XLA, and so is what has a known shape: a step of a recurrent network is many small
operations, and TensorFlow takes longer to start each than to compute it. Three cuts make that fit any input:

- the batch is cut into parts, one for each core: their loops are independent, and a core works through its own steps
  without waiting for another at every one of them, which costs more than a small step itself;
- where the number of steps is not known, a loop over stretches of `STRETCH` steps calls one compiled program, so that
  texts of all lengths share it;
- anything else, such as a served model whose batches may have any shape, runs the same loops uncompiled.

Shapes: B batch, T time steps, U units, K columns of the cell.
"""

import os
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from nlp_rnn.layers import loops
from nlp_rnn.layers.cells import State, Tensor
from nlp_rnn.layers.loops import Fixed, Inputs, Recurrence
from nlp_rnn.layers.stretches import backward_stretches, forward_stretches

STRETCH = 64
FEWEST_ROWS = 8  # of a part: with fewer, its matrix products no longer fill a core
LARGE_KERNEL = 2**19  # entries of U; from here, cores share one product better than each reads the whole kernel alone
HUGE_KERNEL = 2**21  # from here, TensorFlow's own product of a few rows with U is faster than XLA's


class Way(NamedTuple):
    """How a scan is run.

    Attributes:
        forward, backward: whether this loop is compiled with XLA.
        parts: into how many parts the batch is cut.
        stretch: steps that one program takes at a time; None for all of them.
    """

    forward: bool
    backward: bool
    parts: int = 1
    stretch: int | None = None


def choose(inputs: Inputs, training: bool) -> Way:
    """The fastest way for tensors of this shape, on this machine, as was measured (benchmarks/README.md)."""
    batch, steps, _ = inputs.x.shape
    if tf.executing_eagerly() or not (training or None not in (batch, steps)):
        return Way(False, False)
    kernel = inputs.recurrent_kernel
    entries = 0 if kernel is None else kernel.shape.num_elements()
    rows = 32 if batch is None else batch
    parts = 1 if entries >= LARGE_KERNEL or tf.config.list_logical_devices("GPU") else _cores()
    parts = max(1, min(parts, rows // FEWEST_ROWS))
    return Way(entries < HUGE_KERNEL, True, parts, STRETCH if steps is None else None)


def _cores():
    return tf.config.threading.get_intra_op_parallelism_threads() or os.cpu_count() or 1


def scan(run: Recurrence, inputs: Inputs, fixed: Fixed, training: bool = False) -> tuple[State, State]:
    """Return the states after every step and after the last.

    Args:
        run: the cell, its direction, and of how many states every step is wanted.
        inputs: the tensors that have a gradient.
        fixed: those that have none.
        training: a gradient will be asked for; what it needs is kept. Without, it is made again where it is asked for.

    Returns:
        A tuple of [B, T, U], of the first `run.sequences` states, in the order of the input; and a tuple of [B, U], of
        all states.
    """
    inputs = _of_one_batch(inputs)
    way = choose(inputs, training)
    forward, backward = _programs(run, way)

    @tf.custom_gradient
    def differentiable(*flat):
        inputs_ = tf.nest.pack_sequence_as(present, list(flat))
        whole = _whole(inputs_)
        sequences, final, saved = _forward(forward, way, run, whole, fixed, training)

        def gradient(*upstream):
            kept = saved if training else _forward(forward, way, run, whole, fixed, True)[2]
            d_sequences, d_final = upstream[: run.sequences], upstream[run.sequences :]
            found = _backward(backward, way, run, whole, fixed, kept, d_sequences, d_final)
            return tf.nest.flatten(_present(found))

        return (*sequences, *final), gradient

    present = _present(inputs)
    states = differentiable(*tf.nest.flatten(present))
    return tuple(states[: run.sequences]), tuple(states[run.sequences :])


def _of_one_batch(inputs):
    """The size of the batch known of all tensors that have one, or of none: a loop's shapes may not change."""
    known = [t.shape[0] for t in (inputs.x, *inputs.initial) if t.shape[0] is not None]
    if not known:
        return inputs
    initial = tuple(tf.ensure_shape(s, [known[0], s.shape[1]]) for s in inputs.initial)
    return inputs._replace(x=tf.ensure_shape(inputs.x, [known[0], *inputs.x.shape[1:]]), initial=initial)


def _present(inputs):
    """The inputs that are not None, by name: what TensorFlow can differentiate."""
    return {name: value for name, value in inputs._asdict().items() if value is not None}


def _whole(present):
    return Inputs(**{**present, "initial": tuple(present["initial"]), "cell": tuple(present["cell"])})


def _programs(run, way) -> tuple[Callable, Callable]:
    """The two loops, one compiled function each, which all parts and stretches share."""

    def forward(inputs, fixed, steps, save):
        return loops.forward(run, inputs, fixed, steps, save)

    def backward(inputs, fixed, steps, saved, upstream, d_state):
        return loops.backward(run, inputs, fixed, steps, saved, upstream, d_state)

    return _compiled(forward, way.forward), _compiled(backward, way.backward)


def _compiled(loop, wanted):
    return tf.function(loop, autograph=False, jit_compile=True) if wanted else loop


def _forward(program, way, run, inputs, fixed, save):
    results = []
    for part, fixed_part in zip(_cut(inputs, way.parts), _cut(fixed, way.parts), strict=True):
        if way.stretch is None:
            results.append(program(part, fixed_part, _steps(part), save))
        else:
            results.append(forward_stretches(program, run, part, fixed_part, way.stretch, save))
    sequences, final, saved = zip(*results, strict=True)
    return _joined(sequences), _joined(final), saved


def _backward(program, way, run, inputs, fixed, saved, d_sequences, d_final):
    results = []
    cut = (_cut(part, way.parts) for part in (inputs, fixed, tuple(d_sequences), tuple(d_final)))
    for part, fixed_part, upstream, d_state, kept in zip(*cut, saved, strict=True):
        if way.stretch is None:
            results.append(program(part, fixed_part, _steps(part), kept, upstream, d_state))
        else:
            results.append(backward_stretches(program, run, part, fixed_part, way.stretch, kept, upstream, d_state))
    summed = tf.nest.map_structure(_sum, *(r._replace(x=None, initial=None) for r in results))
    return summed._replace(x=_joined([r.x for r in results]), initial=_joined([r.initial for r in results]))


def _sum(*gradients):
    """Of one weight, over the parts; None where the layer has no such weight."""
    return gradients[0] if len(gradients) == 1 or gradients[0] is None else tf.add_n(gradients)


def _steps(inputs):
    return inputs.x.shape[1] or tf.shape(inputs.x)[1]


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


def gates(run: Recurrence, inputs: Inputs, fixed: Fixed, sequences: State) -> dict[str, Tensor]:
    """The gate activations of every step, [B, T, U] each, from the states of every step, in the order of the input."""
    if run.reverse:
        before = tuple(tf.concat([s[:, 1:], s0[:, None]], 1) for s0, s in zip(inputs.initial, sequences, strict=True))
    else:
        before = tuple(tf.concat([s0[:, None], s[:, :-1]], 1) for s0, s in zip(inputs.initial, sequences, strict=True))
    h = before[0] if fixed.drop is None else before[0] * fixed.drop[:, None]
    pre = loops.pre_activations(run.cell, inputs, loops.input_product(inputs, inputs.x), h)
    _, activations = run.cell.step(*pre, before, *inputs.cell)
    return activations
