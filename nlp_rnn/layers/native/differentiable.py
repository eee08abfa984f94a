"""The loops as TensorFlow operations that have a gradient.

They call back into this process: what is served in another, or compiled with XLA as a whole, cannot hold them.
"""

import functools

import tensorflow as tf
from tensorflow.python.ops import control_flow_util  # nothing public says whether XLA compiles a graph as a whole

from nlp_rnn.layers.cells import State
from nlp_rnn.layers.native.compiling import processor, program
from nlp_rnn.layers.native.equations import equation
from nlp_rnn.layers.native.kinds import Kind
from nlp_rnn.layers.native.running import WEIGHTS, run_backward, run_forward
from nlp_rnn.layers.recurrence import Fixed, Inputs, Recurrence, present


def runs(run: Recurrence, inputs: Inputs, fixed: Fixed) -> bool:
    """Whether there can be a program for these, and this graph can hold it."""
    plain = inputs.kernel is not None and fixed.update is None and not inputs.cell
    if not plain or control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()):
        return False
    floats = all(tensor.dtype == tf.float32 for tensor in tf.nest.flatten(present(inputs)))
    return floats and inputs.kernel.shape[0] > 0 and equation(run.cell) is not None


def native_scan(run: Recurrence, inputs: Inputs, fixed: Fixed, reverse: bool, parts: int) -> tuple[State, State]:
    """As `layers.scan.scan`, in at most so many parts of the batch.

    Raises:
        NotImplementedError: when a gradient is taken of its gradient.
        ValueError: a tensor is not of the batch, the steps or the units of the others; in a graph it is TensorFlow's
            InvalidArgumentError.
    """
    lanes, registers = processor()
    kind = Kind(run.cell, max(1, run.sequences), lanes, registers // 8, fixed.mask is not None, fixed.drop is not None)
    program(kind)  # now, while the model is being built
    given, told = present(inputs), _has_use(inputs.x)

    @tf.custom_gradient
    def differentiable(*flat):
        whole = Inputs(**tf.nest.pack_sequence_as(given, list(flat)))
        named = _named(whole, fixed)
        *states, kept = _called(functools.partial(run_forward, kind, reverse, parts), named, _shapes(kind, whole))

        def gradient(*upstream):
            upstream = [tf.convert_to_tensor(d) for d in upstream]  # of `tf.gather` it may be slices
            gradients = {f"d_sequence_{n}": d for n, d in enumerate(upstream[: run.sequences])}
            gradients = gradients or {"d_sequence_0": tf.zeros_like(states[0])}
            gradients |= {f"d_state_{n}": d for n, d in enumerate(upstream[run.sequences :])}
            arguments = {**named, **gradients, "kept": kept, "h": states[0]}
            wanted = {name: tensor.shape for name, tensor in _with_gradient(whole, told).items()}
            function = functools.partial(run_backward, kind, reverse, parts, told)
            found = _once_differentiable(function, arguments, list(wanted.values()))
            return _in_order(given, dict(zip(wanted, found, strict=True)))

        return (*states[: run.sequences], *states[kind.sequences :]), gradient

    states = differentiable(*tf.nest.flatten(given))
    return tuple(states[: run.sequences]), tuple(states[run.sequences :])


def _named(inputs, fixed):
    """What the loops take, by its name there."""
    weights = {name: getattr(inputs, name) for name in WEIGHTS}
    states = {f"initial_{n}": state for n, state in enumerate(inputs.initial)}
    every = {"x": inputs.x, **weights, **states, "mask": fixed.mask, "drop": fixed.drop}
    return {name: tensor for name, tensor in every.items() if tensor is not None}


def _shapes(kind, inputs):
    batch, steps, _ = inputs.x.shape
    units = inputs.initial[0].shape[-1]
    return [[batch, steps, units]] * kind.sequences + [[batch, units]] * kind.cell.states + [None]


def _has_use(x):
    """Whether the gradient for x goes anywhere, as far as the graph says so at once."""
    while tf.is_symbolic_tensor(x) and x.op.type in ("Identity", "EnsureShape"):
        x = x.op.inputs[0]
    return not (tf.is_symbolic_tensor(x) and x.op.type == "StopGradient")


def _with_gradient(inputs, told):
    """The inputs there are, by name, in the order in which `run_backward` gives their gradients."""
    named = _named(inputs, Fixed())
    first = [*(["x"] if told else []), *(f"initial_{n}" for n in range(len(inputs.initial)))]
    return {name: named[name] for name in [*first, *WEIGHTS] if name in named}


def _in_order(given, found):
    """Gradients by name, in the order of the flattened inputs; None where there is none."""
    initial = tuple(found[f"initial_{n}"] for n in range(len(given["initial"])))
    return tf.nest.flatten(
        {name: initial if name == "initial" else found.get(name) for name in given if name != "cell"}
    )


def _once_differentiable(function, named, shapes):
    """As `_called`, of gradients: TensorFlow would take what they depend on for constants, without a word."""

    def refuse(*_):
        raise NotImplementedError(
            "the gradient of a recurrent layer has no gradient in training; call the layer with training=False"
        )

    @tf.custom_gradient
    def called(*tensors):
        return tuple(_called(function, dict(zip(named, tensors, strict=True)), shapes)), refuse

    return called(*named.values())


def _called(function, named, shapes):
    """The results of a function of arrays by name, as tensors of these shapes."""
    names = tuple(named)  # what is called is kept for good: it must not hold the tensors, and with them a graph

    def call(*arrays):
        return function(dict(zip(names, arrays, strict=True)))

    found = tf.numpy_function(call, list(named.values()), [tf.float32] * len(shapes), stateful=False)
    for tensor, shape in zip(found, shapes, strict=True):
        if shape is not None:
            tensor.set_shape(shape)
    return found
