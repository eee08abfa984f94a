"""The matrix products around a loop over time, each of all steps at once, and those within it.

Shapes: B batch, T steps, F features, U units, K columns of the cell.
"""

import keras
import tensorflow as tf

from nlp_rnn.layers.cells import Cell, Tensor
from nlp_rnn.layers.recurrence import Fixed, Inputs


def with_product(inputs: Inputs) -> Inputs:
    """With W x + b for x, and without W and b."""
    return inputs._replace(x=input_product(inputs, inputs.x), kernel=None, bias=None)


def pre_activations(cell: Cell, inputs: Inputs, wx: Tensor, h: Tensor) -> tuple[Tensor, ...]:
    """What the cell's equation takes, from W x + b and h, [..., K] and [..., U]: (z,), or (wx, uh)."""
    if not cell.recurrent:
        return (wx,)
    uh = _product(h, inputs.recurrent_kernel, inputs.recurrent_bias)
    return (wx + uh,) if cell.additive else (wx, uh)


def input_product(inputs: Inputs, x: Tensor) -> Tensor:
    """W x + b of every step, [..., K], from x, [..., F]; x itself where there is no W."""
    return x if inputs.kernel is None else _product(x, inputs.kernel, inputs.bias)


def _product(x, kernel, bias):
    """x [..., N] times kernel [N, K], plus the bias."""
    flat = tf.matmul(_flat(x), kernel)
    flat = flat if bias is None else flat + bias
    return flat if len(x.shape) == 2 else tf.reshape(flat, _shape_like(x, kernel.shape[-1]))


def _shape_like(x, last):
    """The shape of `x` with another last axis, static where it is known."""
    shape = tf.shape(x)
    return [*(known or shape[n] for n, known in enumerate(x.shape[:-1])), last]


def _flat(x):
    return x if len(x.shape) == 2 else tf.reshape(x, [-1, x.shape[-1]])


def input_gradients(inputs: Inputs, d_pre: tuple[Tensor, ...]) -> Inputs:
    """The gradients for x, [T, B, F], and the biases, from those for the pre-activations, [T, B, K] each.

    Each is in the place of what it is for; there are no kernels, and the rest is as it was.
    """
    d_wx, d_uh = _flat(d_pre[0]), _flat(d_pre[-1])
    found = {"x": d_pre[0], "kernel": None, "recurrent_kernel": None}
    if inputs.kernel is not None:
        d_x = tf.matmul(d_wx, inputs.kernel, transpose_b=True)
        found["x"] = tf.reshape(d_x, _shape_like(d_pre[0], inputs.x.shape[-1]))
    if inputs.bias is not None:
        found["bias"] = tf.reduce_sum(d_wx, 0)
    if inputs.recurrent_bias is not None:
        found["recurrent_bias"] = tf.reduce_sum(d_uh, 0)
    return inputs._replace(**found)


def kernel_gradients(
    inputs: Inputs, fixed: Fixed, x: Tensor, h: Tensor, d_pre: tuple[Tensor, ...]
) -> dict[str, Tensor]:
    """The gradients for the kernels that there are, one matrix product each.

    Not to be compiled: XLA takes up to twice as long for a product with the left matrix transposed.

    Args:
        inputs: whose kernels; its x, which may have the batch first, is not read.
        fixed: the tensors without a gradient.
        x: [T, B, F].
        h: the outputs before every step, [T, B, U].
        d_pre: the gradients for the pre-activations, [T, B, K] each.
    """
    found = {}
    if inputs.kernel is not None:
        found["kernel"] = tf.matmul(_flat(x), _flat(d_pre[0]), transpose_a=True)
    if inputs.recurrent_kernel is not None:
        h = _flat(h if fixed.drop is None else h * fixed.drop)
        found["recurrent_kernel"] = tf.matmul(h, _flat(d_pre[-1]), transpose_a=True)
    return found


def few(x: Tensor, layer: keras.layers.Dense) -> Tensor:
    """As `layer(x)`, for one of a few units with a bias and without an activation, x [..., F] float32.

    TensorFlow takes three times as long for the kernel's gradient, [F, N], as for the same one transposed, [N, F].
    """

    @tf.custom_gradient
    def product(flat, kernel):
        def gradient(d):
            d_kernel = tf.transpose(tf.matmul(d, flat, transpose_a=True))
            return tf.matmul(d, kernel, transpose_b=True), d_kernel

        return tf.matmul(flat, kernel), gradient

    told = product(_flat(x), layer.kernel.value) + layer.bias.value
    return tf.reshape(told, _shape_like(x, layer.units))
