"""Every kernel is compared with the equation that it was made from, on a few numbers, before it is used.

So a processor, an LLVM or a TensorFlow that computes something else is noticed here, and not in somebody's results. It
takes some milliseconds.
"""

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from nlp_rnn.layers.native import operation
from nlp_rnn.layers.native.kernel_spec import KernelSpec
from nlp_rnn.layers.native.operation import run
from nlp_rnn.layers.native.signatures import (
    OPTIONS,
    Shapes,
    backward_inputs,
    backward_outputs,
    forward_inputs,
    forward_outputs,
)

BATCH, STEPS, FEATURES = 3, 2, 3  # so that a tile of rows is not full
TOLERANCE = 1e-4  # of values around 1
Named = dict[str, tf.Tensor]


@functools.cache
def checked_program(spec: KernelSpec) -> operation.Program:
    """Compile the kernels of a spec at the first call, and check them.

    Raises:
        RuntimeError: they do not compute what the equation says.
    """
    program = operation.program(spec)
    with ThreadPoolExecutor(1) as pool:  # a new thread builds no graph, and records no gradient
        pool.submit(_check, spec, program).result()
    return program


def _check(spec, program):
    given = _arguments(spec)
    with tf.device("CPU:0"), tf.GradientTape() as tape:
        tape.watch({name: value for name, value in given.items() if value.dtype == tf.float32})
        expected = _equation(spec, given)
        factors = {name: _random(value.shape, seed=len(name)) for name, value in expected.items()}
        loss = tf.add_n([tf.reduce_sum(value * factors[name]) for name, value in expected.items()])
    got = _run(program.forward, forward_inputs(spec), forward_outputs(spec), given)
    _compare(spec, got, expected)
    if program.backward is None:
        return
    upstream = {f"d_{name}": factor for name, factor in factors.items()}
    tensors = {**given, **upstream, "saved": got["saved"], "h": got["sequence_0"]}
    gradients = _run(program.backward, backward_inputs(spec), backward_outputs(spec), tensors)
    wanted = tape.gradient(loss, {name: given[name] for name in gradients}, unconnected_gradients="zero")
    _compare(spec, gradients, wanted)


def _random(shape, seed):
    return tf.constant(np.random.default_rng(seed).uniform(-1, 1, shape), tf.float32)


def _arguments(spec) -> Named:
    """Random inputs of the forward kernel, by name."""
    units = spec.lanes
    sizes = {"B": BATCH, "T": STEPS, "F": FEATURES, "U": units, "C": spec.cell.columns * units}
    shapes = {name: [sizes[letter] for letter in shape] for name, shape in forward_inputs(spec).items() if shape != "O"}
    given = {name: _random(shape, seed) for seed, (name, shape) in enumerate(shapes.items())}
    if spec.masked:
        given["mask"] = given["mask"] > -0.5
    options = {"max_parts": 1, "reverse": 0, "input_gradient": 1, "unpadded_units": units}
    return {**given, "options": tf.constant([options[name] for name in OPTIONS], tf.int64)}


def _equation(spec, given: Named) -> Named:
    """What the forward kernel has to return, without what it saves: the equation, step by step."""
    state = tuple(given[f"initial_{n}"] for n in range(spec.cell.states))
    sequences: list[list[tf.Tensor]] = [[] for _ in range(spec.num_sequences)]
    for t in range(STEPS):
        pre = [given["x"][:, t] @ given["kernel"] + given["bias"]]
        if spec.cell.recurrent:
            h = state[0] * given["dropout_mask"] if spec.dropout else state[0]
            uh = h @ given["recurrent_kernel"] + given["recurrent_bias"]
            pre = [pre[0] + uh] if spec.cell.additive else [*pre, uh]
        new, _ = spec.cell.step(*pre, state)
        if spec.masked:
            new = tuple(tf.where(given["mask"][:, t, None], n, s) for n, s in zip(new, state, strict=True))
        state = new
        for sequence, one in zip(sequences, state, strict=False):
            sequence.append(one)
    results = {f"sequence_{n}": tf.stack(sequence, 1) for n, sequence in enumerate(sequences)}
    return results | {f"state_{n}": one for n, one in enumerate(state)}


def _run(number, inputs: Shapes, outputs: Shapes, named: Named) -> Named:
    return dict(zip(outputs, run(number, len(outputs), [named[name] for name in inputs]), strict=True))


def _compare(spec, got: Named, expected: Named) -> None:
    for name, value in expected.items():
        scale = max(1.0, float(tf.reduce_max(tf.abs(value))))
        difference = float(tf.reduce_max(tf.abs(got[name] - value)))
        if not difference <= TOLERANCE * scale:
            raise RuntimeError(f"the machine code of {spec.cell.step.__name__} is wrong on this machine: {name}")
