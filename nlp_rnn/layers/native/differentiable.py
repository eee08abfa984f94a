"""The loops as a TensorFlow operation that has a gradient.

It runs in this process: what is served in another, or compiled with XLA as a whole, cannot hold it.

Shapes: B batch, T time steps, F features, U units, W of them when filled up to whole vectors, C columns of the cell.
"""

import tensorflow as tf
from tensorflow.python.ops import control_flow_util  # nothing public says whether XLA compiles a graph as a whole

from nlp_rnn.layers.cells import State, Tensor
from nlp_rnn.layers.native import kernels, operation
from nlp_rnn.layers.native.compiling import processor
from nlp_rnn.layers.native.equations import equation
from nlp_rnn.layers.native.foreign import available
from nlp_rnn.layers.native.kinds import Kind
from nlp_rnn.layers.recurrence import Fixed, Inputs, Recurrence, present


def runs(run: Recurrence, inputs: Inputs, fixed: Fixed) -> bool:
    """Whether there can be a program for these, and this graph can hold it."""
    plain = inputs.kernel is not None and fixed.update is None and not inputs.cell
    if not plain or control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()):
        return False
    floats = all(tensor.dtype == tf.float32 for tensor in tf.nest.flatten(present(inputs)))
    return floats and inputs.kernel.shape[0] > 0 and available() and equation(run.cell) is not None


def native_scan(run: Recurrence, inputs: Inputs, fixed: Fixed, reverse: bool, parts: int) -> tuple[State, State]:
    """As `layers.scan.scan`, in at most so many parts of the batch.

    Raises:
        NotImplementedError: when a gradient is taken of its gradient.
        ValueError: a tensor is not of the batch, the steps or the units of the others; where that is known only when
            it runs, it is TensorFlow's InvalidArgumentError.
    """
    lanes, registers = processor()
    kind = Kind(run.cell, max(1, run.sequences), lanes, registers // 8, fixed.mask is not None, fixed.drop is not None)
    taken = {name: shape for name, shape in kernels.taken_forward(kind).items() if name != "options"}
    fixed = fixed._replace(mask=_of_rank(fixed.mask, 2), drop=_of_rank(fixed.drop, 2))
    units = inputs.initial[0].shape[-1]
    wide = -(-units // lanes) * lanes
    if wide != units:
        _check(_named(inputs, fixed), taken)
        inputs, fixed = _filled(inputs, fixed, run.cell.columns, units, wide)
    sequences, final = _scan(kind, inputs, fixed, [parts, reverse, run.input_gradient, units])
    sequences = sequences[: run.sequences]
    if wide != units:
        sequences, final = tf.nest.map_structure(lambda state: state[..., :units], (sequences, final))
    return sequences, final


def _scan(kind, inputs, fixed, options):
    """The sequences and the final states, of whole vectors of units."""
    program, given = operation.program(kind), present(inputs)  # compiled now, while the model is being built
    told, options = options[kernels.OPTIONS.index("told")], tf.constant(options, tf.int64)

    @tf.custom_gradient
    def differentiable(*flat):
        whole = Inputs(**tf.nest.pack_sequence_as(given, list(flat)))
        named = {"options": options, **_named(whole, fixed)}
        *states, kept = _run(program.forward, named, kernels.taken_forward(kind), kernels.made_forward(kind))

        def gradient(*upstream):
            upstream = [tf.convert_to_tensor(d) for d in upstream]  # of `tf.gather` it may be slices
            gradients = {f"d_sequence_{n}": d for n, d in enumerate(upstream[: kind.sequences])}
            gradients |= {f"d_state_{n}": d for n, d in enumerate(upstream[kind.sequences :])}
            found = _gradients(kind, program, {**named, **gradients, "kept": kept, "h": states[0]}, told)
            return _in_order(given, found if told else {**found, "x": None})

        return tuple(states), gradient

    states = differentiable(*tf.nest.flatten(given))
    return tuple(states[: kind.sequences]), tuple(states[kind.sequences :])


def _gradients(kind, program, named, told):
    """By name. TensorFlow would take what they depend on for constants, without a word, in gradients of them."""
    names = kernels.taken_backward(kind)

    def refuse(*_):
        raise NotImplementedError(
            "the gradient of a recurrent layer has no gradient in training; call the layer with training=False"
        )

    @tf.custom_gradient
    def found(*tensors):
        made = kernels.made_backward(kind)
        return tuple(_run(program.backward, dict(zip(names, tensors, strict=True)), names, made, told)), refuse

    return dict(zip(kernels.made_backward(kind), found(*(named[name] for name in names)), strict=True))


def _run(program, named, taken, made, told=True):
    """What a program makes, of known shapes where they are known."""
    sizes = _check(named, taken)
    sizes["X"] = sizes.get("F") if told else 0
    found = operation.run(program, len(made), [named[name] for name in taken])
    for tensor, shape in zip(found, made.values(), strict=True):
        tensor.set_shape([sizes.get(letter) for letter in shape])
    return found


def _named(inputs, fixed):
    """What the kernels take, by its name there; zeros where a layer has no bias."""
    states = {f"initial_{n}": state for n, state in enumerate(inputs.initial)}
    named = {"x": inputs.x, **states, "mask": fixed.mask, "drop": fixed.drop}
    named |= {name: getattr(inputs, name) for name in kernels.WEIGHTS}
    for name in ("bias", "recurrent_bias"):
        if named[name] is None:
            named[name] = tf.zeros(inputs.kernel.shape[-1:])
    return {name: tensor for name, tensor in named.items() if tensor is not None}


def _of_rank(tensor, rank):
    """A tensor whose rank is known before it runs."""
    if tensor is None or tensor.shape.rank is not None:
        return tensor
    return tf.ensure_shape(tensor, [None] * rank)


def _check(named, shapes):
    """What the letters of shapes stand for, where it is known.

    Raises:
        ValueError: a tensor has another type or rank, or another size than one before it.
    """
    sizes = {}
    for name, shape in shapes.items():
        got, kind = named[name].shape, {"mask": tf.bool, "options": tf.int64}.get(name, tf.float32)
        if named[name].dtype != kind:
            raise ValueError(f"{name} must be of {kind.name}, got {named[name].dtype.name}")
        wanted = [sizes.get(letter) for letter in shape]
        if not got.is_compatible_with(wanted):
            raise ValueError(f"{name} must be {wanted}, as the other tensors of a recurrent layer, got {list(got)}")
        sizes |= {letter: size for letter, size in zip(shape, got, strict=True) if size is not None}
    return sizes


def _in_order(given, found):
    """Gradients by name, in the order of the flattened inputs; None for an x that is not told its own."""
    initial = tuple(found[f"initial_{n}"] for n in range(len(given["initial"])))
    found = {**found, "initial": initial, "cell": ()}
    return tf.nest.flatten({name: found[name] for name in given})


def _filled(inputs, fixed, columns, units, wide):
    """The units filled up to whole vectors, with weights of 0: what the others make of them is 0 too."""

    def fill(tensor: Tensor | None, *axes: int) -> Tensor | None:
        if tensor is None:
            return None
        return tf.pad(tensor, [[0, wide - units if axis in axes else 0] for axis in range(tensor.shape.rank)])

    def fill_columns(tensor: Tensor | None, *axes: int) -> Tensor | None:
        if tensor is None:
            return None
        before = tensor.shape[:-1]
        filled = fill(tf.reshape(tensor, [*before, columns, units]), tensor.shape.rank, *axes)
        return tf.reshape(filled, [*filled.shape[:-2], columns * wide])

    filled = inputs._replace(
        kernel=fill_columns(inputs.kernel),
        bias=fill_columns(inputs.bias),
        recurrent_kernel=fill_columns(inputs.recurrent_kernel, 0),
        recurrent_bias=fill_columns(inputs.recurrent_bias),
        initial=tuple(fill(state, 1) for state in inputs.initial),
    )
    return filled, fixed._replace(drop=fill(fixed.drop, 1))
