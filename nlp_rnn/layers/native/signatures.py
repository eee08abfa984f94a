"""The inputs and outputs of the two kernels: their names, order and shapes.

Shapes: B batch, T time steps, F features, U units, whole vectors; C columns of a kernel, K columns saved; X features
whose gradient is computed, F or 0; O options of a call.
"""

from nlp_rnn.layers.native.kernel_spec import KernelSpec

OPTIONS = ("max_parts", "reverse", "input_gradient", "unpadded_units")
WEIGHTS = {"kernel": "FC", "bias": "C", "recurrent_kernel": "UC", "recurrent_bias": "C"}
Shapes = dict[str, str]


def weight_shapes(spec: KernelSpec) -> Shapes:
    """The shapes of the weights, by name; a layer without biases passes zeros."""
    return {name: shape for name, shape in WEIGHTS.items() if spec.cell.recurrent or not name.startswith("recurrent")}


def forward_inputs(spec: KernelSpec) -> Shapes:
    """The shapes of the forward kernel's inputs, by name, in order."""
    shapes = {"options": "O", "x": "BTF", **{f"initial_{n}": "BU" for n in range(spec.cell.states)}}
    shapes |= {"mask": "BT"} if spec.masked else {}
    return shapes | ({"dropout_mask": "BU"} if spec.dropout else {}) | weight_shapes(spec)


def forward_outputs(spec: KernelSpec) -> Shapes:
    """The shapes of the forward kernel's outputs, by name, in order."""
    sequences = {f"sequence_{n}": "BTU" for n in range(spec.num_sequences)}
    states = {f"state_{n}": "BU" for n in range(spec.cell.states)}
    return sequences | states | ({"saved": "TBKU"} if spec.saves else {})


def backward_inputs(spec: KernelSpec) -> Shapes:
    """The same of the backward kernel: the inputs and results of the forward kernel, and the gradients for those."""
    gradients = {f"d_state_{n}": "BU" for n in range(spec.cell.states)}
    gradients |= {f"d_sequence_{n}": "BTU" for n in range(spec.num_sequences)}
    return {**forward_inputs(spec), "saved": "TBKU", "h": "BTU", **gradients}


def backward_outputs(spec: KernelSpec) -> Shapes:
    """The same of the gradients that the backward kernel computes, by the names of the inputs they are for."""
    return {"x": "BTX", **{f"initial_{n}": "BU" for n in range(spec.cell.states)}, **weight_shapes(spec)}
