"""The native loops as a differentiable TensorFlow operation.

They run only in this process: a graph that is served elsewhere, or compiled with XLA as a whole, cannot contain them.

Shapes: B batch, T time steps, F features, U units, W units padded to whole vectors, C columns of the cell.
"""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from nlp_rnn.graph import with_gradient
from nlp_rnn.layers.cells import State, Tensor
from nlp_rnn.layers.native import operation
from nlp_rnn.layers.native.compiler import vector_registers
from nlp_rnn.layers.native.kernel_spec import KernelSpec
from nlp_rnn.layers.native.self_check import checked_program
from nlp_rnn.layers.native.signatures import (
    OPTIONS,
    WEIGHTS,
    Shapes,
    backward_inputs,
    backward_outputs,
    forward_inputs,
    forward_outputs,
)
from nlp_rnn.layers.scan_types import Masks, ScanInputs, ScanSpec, present


def compile_kernels(spec: ScanSpec, masks: Masks, differentiable: bool) -> None:
    """Compile and check the kernels of a scan, for arguments that `support.supports` accepts."""
    checked_program(_kernel_spec(spec, masks, differentiable))


def _kernel_spec(spec, masks, differentiable):
    lanes, registers = vector_registers()
    num_sequences = max(1, spec.num_sequences) if differentiable else spec.num_sequences
    masked, dropout = masks.padding is not None, masks.dropout is not None
    return KernelSpec(spec.cell, num_sequences, lanes, registers // 8, masked, dropout, differentiable)


def native_scan(
    spec: ScanSpec, inputs: ScanInputs, masks: Masks, reverse: bool, max_parts: int, differentiable: bool = True
) -> tuple[State, State]:
    """As `layers.scan.scan`, for arguments that `support.supports` accepts.

    Args:
        spec, inputs, masks, reverse: as for `layers.scan.scan`.
        max_parts: into how many parts the batch is split at most.
        differentiable: save what the gradient needs; without, there is none.

    Raises:
        NotImplementedError: a second derivative is taken.
        ValueError: a tensor disagrees with the others in B, T, F or U; if that shows only when the graph runs,
            TensorFlow raises InvalidArgumentError.
    """
    kernel_spec = _kernel_spec(spec, masks, differentiable)
    lanes = kernel_spec.lanes
    masks = masks._replace(padding=_with_rank(masks.padding, 2), dropout=_with_rank(masks.dropout, 2))
    units = inputs.initial[0].shape[-1]
    padded_units = -(-units // lanes) * lanes
    if padded_units != units:
        shapes = {name: shape for name, shape in forward_inputs(kernel_spec).items() if name != "options"}
        _check_shapes(_by_name(inputs, masks), shapes)
        inputs, masks = _pad_units(inputs, masks, spec.cell.columns, units, padded_units)
    sequences, final_states = _scan(kernel_spec, inputs, masks, [max_parts, reverse, spec.input_gradient, units])
    sequences = sequences[: spec.num_sequences]
    if padded_units != units:
        unpad = lambda state: state[..., :units]  # noqa: E731
        sequences, final_states = tf.nest.map_structure(unpad, (sequences, final_states))
    return sequences, final_states


def _scan(spec, inputs, masks, options):
    """The sequences and the final states, for units that fill whole vectors."""
    program, flat_inputs = checked_program(spec), present(inputs)  # compiles now, while the model is being built
    input_gradient, options = options[OPTIONS.index("input_gradient")], tf.constant(options, tf.int64)
    if not spec.saves:
        named = {"options": options, **_by_name(inputs, masks)}
        states = _run(program.forward, named, forward_inputs(spec), forward_outputs(spec))
        return tuple(states[: spec.num_sequences]), tuple(states[spec.num_sequences :])

    @with_gradient
    def differentiable(*flat):
        unflattened = ScanInputs(**tf.nest.pack_sequence_as(flat_inputs, list(flat)))
        named = {"options": options, **_by_name(unflattened, masks)}
        *states, saved = _run(program.forward, named, forward_inputs(spec), forward_outputs(spec))

        def gradient(*upstream):
            upstream = [tf.convert_to_tensor(d) for d in upstream]  # `tf.gather` gives IndexedSlices
            gradients = {f"d_sequence_{n}": d for n, d in enumerate(upstream[: spec.num_sequences])}
            gradients |= {f"d_state_{n}": d for n, d in enumerate(upstream[spec.num_sequences :])}
            tensors = {**named, **gradients, "saved": saved, "h": states[0]}
            result = _gradients(spec, program, tensors, input_gradient)
            return _in_input_order(flat_inputs, result if input_gradient else {**result, "x": None})

        return tuple(states), gradient

    states = differentiable(*tf.nest.flatten(flat_inputs))
    return tuple(states[: spec.num_sequences]), tuple(states[spec.num_sequences :])


def _gradients(spec, program, named, input_gradient):
    """The gradients by name.

    They refuse to be differentiated: TensorFlow would silently treat what they depend on as constant.
    """
    names, shapes = backward_inputs(spec), backward_outputs(spec)

    def refuse(*_):
        raise NotImplementedError(
            "a recurrent layer called with training=True has no second derivative; call it with training=False"
        )

    @with_gradient
    def gradients(*tensors):
        tensors = dict(zip(names, tensors, strict=True))
        return tuple(_run(program.backward, tensors, names, shapes, input_gradient)), refuse

    return dict(zip(shapes, gradients(*(named[name] for name in names)), strict=True))


def _run(program_number, named, inputs, outputs, input_gradient=True):
    """Run a kernel; its outputs get the static shapes that are known."""
    sizes = _check_shapes(named, inputs)
    sizes["X"] = sizes.get("F") if input_gradient else 0
    tensors = operation.run(program_number, len(outputs), [named[name] for name in inputs])
    for tensor, shape in zip(tensors, outputs.values(), strict=True):
        tensor.set_shape([sizes.get(letter) for letter in shape])
    return tensors


def _by_name(inputs: ScanInputs, masks: Masks) -> dict[str, Tensor]:
    """The kernels' input tensors by name; zeros for a missing bias."""
    states = {f"initial_{n}": state for n, state in enumerate(inputs.initial)}
    named = {"x": inputs.x, **states, "mask": masks.padding, "dropout_mask": masks.dropout}
    named |= {name: getattr(inputs, name) for name in WEIGHTS}
    for name in ("bias", "recurrent_bias"):
        if named[name] is None:
            named[name] = tf.zeros(named["kernel"].shape[-1:])
    return {name: tensor for name, tensor in named.items() if tensor is not None}


def _with_rank(tensor, rank):
    """The tensor with a static rank, which the kernels rely on."""
    if tensor is None or tensor.shape.rank is not None:
        return tensor
    return tf.ensure_shape(tensor, [None] * rank)


def _check_shapes(named: Mapping[str, Tensor], shapes: Shapes) -> dict[str, int | None]:
    """Return the size of each letter that is known statically.

    Raises:
        ValueError: a tensor has another type or rank, or disagrees with the sizes of the tensors before it.
    """
    sizes = {}
    for name, shape in shapes.items():
        got, dtype = named[name].shape, {"mask": tf.bool, "options": tf.int64}.get(name, tf.float32)
        if named[name].dtype != dtype:
            raise ValueError(f"{name} must be of {dtype.name}, got {named[name].dtype.name}")
        expected = [sizes.get(letter) for letter in shape]
        if not got.is_compatible_with(expected):
            raise ValueError(
                f"{name} must have shape {expected}, in agreement with the other tensors of a recurrent layer, "
                f"got {list(got)}"
            )
        sizes |= {letter: size for letter, size in zip(shape, got, strict=True) if size is not None}
    return sizes


def _in_input_order(inputs: Mapping, gradients: Mapping[str, Tensor | None]) -> Sequence[Tensor | None]:
    """Gradients by name in the order of the flattened inputs; None for an x that needs none."""
    initial = tuple(gradients[f"initial_{n}"] for n in range(len(inputs["initial"])))
    gradients = {**gradients, "initial": initial, "cell": ()}
    return tf.nest.flatten({name: gradients[name] for name in inputs})


def _pad_units(inputs, masks, columns, units, padded_units):
    """Pad the units to whole vectors, with zero weights: the padding then adds nothing to any other unit."""

    def pad(tensor: Tensor, *axes: int) -> Tensor:
        return tf.pad(tensor, [[0, padded_units - units if axis in axes else 0] for axis in range(tensor.shape.rank)])

    def pad_columns(tensor: Tensor | None, *axes: int) -> Tensor | None:
        if tensor is None:
            return None
        by_column = tf.reshape(tensor, [*tensor.shape[:-1], columns, units])
        padded = pad(by_column, tensor.shape.rank, *axes)
        return tf.reshape(padded, [*padded.shape[:-2], columns * padded_units])

    padded = inputs._replace(
        kernel=pad_columns(inputs.kernel),
        bias=pad_columns(inputs.bias),
        recurrent_kernel=pad_columns(inputs.recurrent_kernel, 0),
        recurrent_bias=pad_columns(inputs.recurrent_bias),
        initial=tuple(pad(state, 1) for state in inputs.initial),
    )
    return padded, masks._replace(dropout=None if masks.dropout is None else pad(masks.dropout, 1))
