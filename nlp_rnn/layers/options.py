"""Arguments of `keras.layers` that all recurrent layers take: activations, initializers, regularizers, constraints.

Keras samples the seed of a random initializer when it creates the object. The default initializers are therefore kept
by name and created together with the weights, so that the same global seed gives the same initial weights.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras

from nlp_rnn.layers.cells import Cell, with_activations

Named = str | dict | Callable | None  # as Keras takes it: a name, a config or an object
DEFAULTS = {
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "kernel_initializer": "glorot_uniform",
    "recurrent_initializer": "orthogonal",
    "bias_initializer": "zeros",
}
WEIGHTS = ("kernel", "recurrent", "bias")
MODULES = {"initializer": keras.initializers, "regularizer": keras.regularizers, "constraint": keras.constraints}


def keyword_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a constructor as keywords for that of its base class.

    Args:
        arguments: `locals()`, at the top of the constructor.
    """
    named = {name: value for name, value in arguments.items() if name not in ("self", "__class__", "kwargs")}
    return {**named, **arguments["kwargs"]}


def layer_arguments(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `keras.layers.Layer` among `kwargs`, without those that would change nothing here.

    Raises:
        ValueError: `time_major` is true.
    """
    if kwargs.get("time_major"):
        raise ValueError("time_major is not supported: transpose the inputs to [batch, time, features]")
    return {name: value for name, value in kwargs.items() if name not in ("implementation", "time_major")}


def weight_options(arguments: Mapping[str, Any], cell: Cell, kind: str) -> dict[str, Any]:
    """Return the initializers, regularizers and constraints among the arguments of a layer, as Keras' objects.

    Raises:
        ValueError: one is unknown to Keras, or is for the recurrent kernel of a cell that has none.
    """
    options = {}
    for name, module in _names():
        value = arguments[name]
        options[name] = value if value == DEFAULTS.get(name) else module.get(value)
        if name.startswith("recurrent") and not cell.recurrent and options[name] != DEFAULTS.get(name):
            raise ValueError(f"{name} must be {DEFAULTS.get(name)!r}: {kind} has no recurrent kernel, got {value!r}")
    return options


def weight_config(layer: Any) -> dict[str, Any]:
    """Return the initializers, regularizers and constraints of a layer for its config."""
    values = {name: (module, getattr(layer, name)) for name, module in _names()}
    return {n: value if isinstance(value, str) else module.serialize(value) for n, (module, value) in values.items()}


def weight_arguments(layer: Any, weight: str) -> dict[str, Any]:
    """Return the arguments of `add_weight` for the "kernel", the "recurrent" kernel or the "bias" of a layer."""
    return {argument: getattr(layer, f"{weight}_{argument}") for argument in MODULES}


def replace_activations(cell: Cell, kind: str, arguments: Mapping[str, Any]) -> tuple[Cell, dict[str, Callable]]:
    """Return the cell with the activation functions among the arguments of a layer, and those that it takes, by name.

    Raises:
        ValueError: a function is unknown to Keras, has weights, or does not occur in the cell's equation.
    """
    functions = {name: _activation(name, arguments[name]) for name in ("activation", "recurrent_activation")}
    others = {name: f for name, f in functions.items() if f is not keras.activations.get(DEFAULTS[name])}
    for name in others.keys() - set(cell.activations):
        got = arguments[name]
        raise ValueError(f"{name} must be {DEFAULTS[name]!r}: the equation of {kind} has no other, got {got!r}")
    taken = {name: functions[name] for name in cell.activations}
    return with_activations(cell, tuple(others.items())) if others else cell, taken


def require_supported(layer: Any, kind: str) -> None:
    """Check that a layer has what its options need.

    Args:
        layer: a recurrent layer with its options set.
        kind: what it is called.

    Raises:
        ValueError: something is missing.
    """
    if layer.return_gates and not layer.cell.gates:
        raise ValueError(f"return_gates must be False: {kind} has no gates")
    if layer.recurrent_dropout and not layer.cell.recurrent:
        raise ValueError(f"recurrent_dropout must be 0: {kind} has no recurrent product")
    if layer.recurrent_dropout and layer.cell.product_in_step:
        raise ValueError(f"recurrent_dropout of {kind} must be 0 with reset_after=False: use reset_after=True")
    if layer.use_cudnn not in ("auto", False):
        raise ValueError(f"use_cudnn must be 'auto' or False: {kind} does not use cuDNN, got {layer.use_cudnn!r}")


def require_same_dtype(wrapper: keras.layers.Layer, layer: keras.layers.Layer) -> None:
    """Check that a wrapper has the dtype policy of the layer that it wraps.

    Raises:
        ValueError: it has another.
    """
    got, expected = wrapper.dtype_policy.name, layer.dtype_policy.name
    if got != expected:
        raise ValueError(f"dtype of {wrapper.name} must be that of the wrapped layer, {expected}, got {got}")


def _names() -> Iterator[tuple[str, Any]]:
    """The name of each argument for a weight, and Keras' module for it."""
    return ((f"{weight}_{argument}", module) for argument, module in MODULES.items() for weight in WEIGHTS)


def _activation(name, value):
    """The function that `value` names or is."""
    if isinstance(value, bool):
        hint = "pass return_sequences and return_state by name"
        raise ValueError(f"{name} must be a name, a function or None, got {value!r}: {hint}")
    function = keras.activations.get(value)
    if isinstance(function, keras.layers.Layer) and (not function.built or function.weights):
        raise ValueError(
            f"{name} must be a function without weights, got {function.name}: call that layer on the output instead"
        )
    return function
