"""Matrix products of a scan: those of all steps at once, around the loop, and those of one step, within it.

Shapes: B batch, T time steps, F features, U units, K columns of the cell.
"""

import keras
import tensorflow as tf

from nlp_rnn.graph import with_gradient
from nlp_rnn.layers.cells import Cell, Tensor
from nlp_rnn.layers.scan_types import Masks, ScanInputs


def apply_input_product(inputs: ScanInputs) -> ScanInputs:
    """Return the inputs with W x + b in the place of x, and without W and b."""
    return inputs._replace(x=input_product(inputs, inputs.x), kernel=None, bias=None)


def pre_activations(cell: Cell, inputs: ScanInputs, wx: Tensor, h: Tensor) -> tuple[Tensor, ...]:
    """Return what the cell's equation takes.

    Args:
        cell: the cell.
        inputs: has the recurrent kernel and its bias.
        wx: W x + b, [..., K].
        h: [..., U].

    Returns:
        (z,) if the cell is additive, else (wx, uh); [..., K] each.
    """
    if not cell.recurrent:
        return (wx,)
    uh = _product(h, inputs.recurrent_kernel, inputs.recurrent_bias)
    return (wx + uh,) if cell.additive else (wx, uh)


def input_product(inputs: ScanInputs, x: Tensor) -> Tensor:
    """Return W x + b, [..., K], of x, [..., F]; x itself if there is no W."""
    return x if inputs.kernel is None else _product(x, inputs.kernel, inputs.bias)


def _product(x, kernel, bias):
    """x [..., N] times kernel [N, K], plus the bias."""
    flat = tf.matmul(_flatten(x), kernel)
    flat = flat if bias is None else flat + bias
    return flat if len(x.shape) == 2 else tf.reshape(flat, _shape_with_last(x, kernel.shape[-1]))


def _shape_with_last(x, last):
    """The shape of `x` with another last axis, static where it is known."""
    shape = tf.shape(x)
    return [*(size or shape[n] for n, size in enumerate(x.shape[:-1])), last]


def _flatten(x):
    return x if len(x.shape) == 2 else tf.reshape(x, [-1, x.shape[-1]])


def input_gradients(inputs: ScanInputs, d_pre: tuple[Tensor, ...]) -> ScanInputs:
    """Return the gradients for x, [T, B, F], and the biases.

    Args:
        inputs: those of the scan.
        d_pre: the gradients for the pre-activations, [T, B, K] each.

    Returns:
        `inputs`, with x and the biases replaced by their gradients and the kernels by None.
    """
    d_wx, d_uh = _flatten(d_pre[0]), _flatten(d_pre[-1])
    gradients = {"x": d_pre[0], "kernel": None, "recurrent_kernel": None}
    if inputs.kernel is not None:
        d_x = tf.matmul(d_wx, inputs.kernel, transpose_b=True)
        gradients["x"] = tf.reshape(d_x, _shape_with_last(d_pre[0], inputs.x.shape[-1]))
    if inputs.bias is not None:
        gradients["bias"] = tf.reduce_sum(d_wx, 0)
    if inputs.recurrent_bias is not None:
        gradients["recurrent_bias"] = tf.reduce_sum(d_uh, 0)
    return inputs._replace(**gradients)


def kernel_gradients(
    inputs: ScanInputs, masks: Masks, x: Tensor, h: Tensor, d_pre: tuple[Tensor, ...]
) -> dict[str, Tensor]:
    """Return the gradients for the kernels that exist, by name, as one matrix product each.

    Not to be compiled with XLA, which takes up to twice as long for a product whose left matrix is transposed.

    Args:
        inputs: has the kernels; its x is not read.
        masks: those of the scan.
        x: [T, B, F].
        h: the outputs before every step, [T, B, U].
        d_pre: the gradients for the pre-activations, [T, B, K] each.
    """
    gradients = {}
    if inputs.kernel is not None:
        gradients["kernel"] = tf.matmul(_flatten(x), _flatten(d_pre[0]), transpose_a=True)
    if inputs.recurrent_kernel is not None:
        h = _flatten(h if masks.dropout is None else h * masks.dropout)
        gradients["recurrent_kernel"] = tf.matmul(h, _flatten(d_pre[-1]), transpose_a=True)
    return gradients


def narrow_dense(x: Tensor, layer: keras.layers.Dense) -> Tensor:
    """Apply a dense layer of few units, with a faster gradient.

    TensorFlow takes three times as long for the kernel's gradient, [F, N], as for its transpose, [N, F].

    Args:
        x: [..., F] float32.
        layer: has a bias and no activation.

    Returns:
        As `layer(x)`, [..., N].
    """

    @with_gradient
    def product(flat, kernel):
        def gradient(d):
            d_kernel = tf.transpose(tf.matmul(d, flat, transpose_a=True))
            return tf.matmul(d, kernel, transpose_b=True), d_kernel

        return tf.matmul(flat, kernel), gradient

    flat = product(_flatten(x), layer.kernel.value) + layer.bias.value
    return tf.reshape(flat, _shape_with_last(x, layer.units))
