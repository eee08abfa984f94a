"""Functions as TensorFlow graphs: traced quickly, and without gradients where they are only served."""

import contextlib
import contextvars
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

_SERVED_ONLY = contextvars.ContextVar("served_only", default=False)
_IN_PROCESS = contextvars.ContextVar("in_process", default=False)
KERAS_TRAINER = "keras.src.backend.tensorflow.trainer"
KERAS_STEP = "one_step_on_data"  # the function that Keras traces to fit, evaluate and predict, and never saves


def traced(
    function: Callable[..., Any], signature: Sequence[tf.TensorSpec] | None = None, saved: bool = True, **options: Any
) -> tf.types.experimental.PolymorphicFunction:
    """A function as a graph, without AutoGraph: no control flow here is Python's, and conversion takes long.

    Args:
        function: from tensors to tensors, in TensorFlow operations.
        signature: the inputs, for one graph that serves all; None to trace one for every new type of input.
        saved: whether the graph may be saved; if not, it is traced `in_process`.
        options: further arguments of `tf.function`.

    Examples:
        >>> traced(lambda x: x + 1)(tf.constant(2)).numpy().item()
        3
    """
    function = function if saved else in_process()(function)
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


@contextlib.contextmanager
def in_process() -> Iterator[None]:
    """Within it, graphs are traced for this process alone: recurrent layers run in machine code, which no other has.

    A graph that is traced within must not be saved: no other process could load it. For functions that call a model
    again and again, such as a loop of one's own that generates text.

    Examples:
        >>> from nlp_rnn.layers import LSTM
        >>> layer = LSTM(4)
        >>> fast = tf.function(layer)
        >>> with in_process():
        ...     fast(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """
    token = _IN_PROCESS.set(True)
    try:
        yield
    finally:
        _IN_PROCESS.reset(token)


def stays_in_process() -> bool:
    """Whether what is called or traced runs in this process alone and is never saved.

    That is certain in eager execution, within `in_process`, and in the functions with which Keras fits, evaluates and
    predicts. Any other graph may be saved later, which nobody knows when it is traced; nor does `training=False` say.
    """
    if _SERVED_ONLY.get():
        return False
    return tf.executing_eagerly() or _IN_PROCESS.get() or _in_step_of_keras()


def _in_step_of_keras():
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == KERAS_STEP and frame.f_globals.get("__name__") == KERAS_TRAINER:
            return True
        frame = frame.f_back
    return False


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
