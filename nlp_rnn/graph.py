"""Functions as TensorFlow graphs: traced quickly, and without gradients where they are only served."""

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

_SERVED_ONLY = contextvars.ContextVar("served_only", default=False)


def traced(
    function: Callable[..., Any], signature: Sequence[tf.TensorSpec] | None = None, **options: Any
) -> tf.types.experimental.PolymorphicFunction:
    """A function as a graph, without AutoGraph: no control flow here is Python's, and conversion takes long.

    Args:
        function: from tensors to tensors, in TensorFlow operations.
        signature: the inputs, for one graph that serves all; None to trace one for every new type of input.
        options: further arguments of `tf.function`.

    Examples:
        >>> traced(lambda x: x + 1)(tf.constant(2)).numpy().item()
        3
    """
    return tf.function(function, input_signature=signature, autograph=False, **options)


def never_empty(texts: tf.Tensor) -> tf.Tensor:
    """A batch of texts, string [B]; one blank text in place of none, since some loops need a row.

    Examples:
        >>> never_empty(tf.constant([], tf.string)).numpy().tolist()
        [b'']
    """
    return tf.pad(texts, [[0, tf.cast(tf.size(texts) == 0, tf.int32)]], constant_values="")


@contextlib.contextmanager
def served_only() -> Iterator[None]:
    """Within it, graphs are traced without gradients of their own, which an export would store and never use."""
    token = _SERVED_ONLY.set(True)
    try:
        yield
    finally:
        _SERVED_ONLY.reset(token)


def with_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `tf.custom_gradient`, whose gradient is left out within `served_only`.

    Args:
        function: from tensors to its outputs and the function of the gradient.

    Examples:
        >>> with_gradient(lambda x: (x * x, lambda upstream: 2 * x * upstream))(tf.constant(3)).numpy().item()
        9
    """
    differentiable = tf.custom_gradient(function)

    @functools.wraps(function)
    def call(*arguments):
        return function(*arguments)[0] if _SERVED_ONLY.get() else differentiable(*arguments)

    return call
