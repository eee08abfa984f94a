"""RNN, LSTM and GRU: drop-in replacements for `keras.layers.SimpleRNN`, `LSTM` and `GRU`.

Weights have the names, shapes and gate order of `keras.layers`, so `set_weights(other.get_weights())` copies them in
either direction. Masks are explicit: [B, T] bool, False at padding, which may be on the left, on the right or
everywhere.

Called with `training=True`, most layers run machine code of this process (`native`), which has two limits: no other
process can load a SavedModel with such a call, and the call has no second derivative. Calls with `training=False` have
neither limit: they run in machine code only where their graph is not saved (`nlp_rnn.graph.stays_in_process`).

Shapes: B batch, T time steps, F input features, U units.
"""

import keras
import tensorflow as tf

from nlp_rnn.layers import cells
from nlp_rnn.layers.base import Recurrent
from nlp_rnn.layers.options import Named, keyword_arguments


@keras.saving.register_keras_serializable("nlp_rnn")
class RNN(Recurrent):
    """Simple recurrent network, h = tanh(W x + U h + b) (Elman, 1990). See `Recurrent` for the arguments.

    Examples:
        >>> RNN(units=4)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 4])
    """

    cell = cells.RNN

    def __init__(
        self,
        units: int,
        activation: Named = "tanh",
        use_bias: bool = True,
        kernel_initializer: Named = "glorot_uniform",
        recurrent_initializer: Named = "orthogonal",
        bias_initializer: Named = "zeros",
        kernel_regularizer: Named = None,
        recurrent_regularizer: Named = None,
        bias_regularizer: Named = None,
        activity_regularizer: Named = None,
        kernel_constraint: Named = None,
        recurrent_constraint: Named = None,
        bias_constraint: Named = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**keyword_arguments(locals()))


@keras.saving.register_keras_serializable("nlp_rnn")
class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber, 1997). See `Recurrent` for the arguments.

    Its states are h and the memory c. The forget gate's bias starts at one, so that a new cell remembers (Jozefowicz et
    al., 2015); with `unit_forget_bias=False`, `bias_initializer` sets it too.

    Examples:
        >>> outputs, h, c = LSTM(4, return_sequences=True, return_state=True)(tf.ones((2, 3, 5)))
        >>> outputs.shape, c.shape
        (TensorShape([2, 3, 4]), TensorShape([2, 4]))
        >>> _, gates = LSTM(4, return_gates=True)(tf.ones((2, 3, 5)))
        >>> sorted(gates), gates["f"].shape
        (['f', 'g', 'i', 'o'], TensorShape([2, 3, 4]))
    """

    cell = cells.LSTM

    def __init__(
        self,
        units: int,
        activation: Named = "tanh",
        recurrent_activation: Named = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Named = "glorot_uniform",
        recurrent_initializer: Named = "orthogonal",
        bias_initializer: Named = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Named = None,
        recurrent_regularizer: Named = None,
        bias_regularizer: Named = None,
        activity_regularizer: Named = None,
        kernel_constraint: Named = None,
        recurrent_constraint: Named = None,
        bias_constraint: Named = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: bool | str = "auto",
        **kwargs,
    ):
        arguments = keyword_arguments(locals())
        self.unit_forget_bias = bool(arguments.pop("unit_forget_bias"))
        super().__init__(**arguments)

    def _initial_bias(self, shape, dtype=None):
        if not self.unit_forget_bias:
            return super()._initial_bias(shape, dtype)
        u, initial = self.units, super()._initial_bias
        return tf.concat([initial((u,), dtype), tf.ones(u, dtype), initial((2 * u,), dtype)], 0)

    def get_config(self):
        return {**super().get_config(), "unit_forget_bias": self.unit_forget_bias}


@keras.saving.register_keras_serializable("nlp_rnn")
class GRU(Recurrent):
    """Gated recurrent unit (Cho et al., 2014). See `Recurrent` for the arguments.

    The reset gate applies after the recurrent product, as in cuDNN; with `reset_after=False`, before it, as in the
    first version of the paper. That is slower, and `recurrent_dropout` must then be 0.

    Examples:
        >>> GRU(units=4, return_sequences=True)(tf.ones((2, 3, 5))).shape
        TensorShape([2, 3, 4])
    """

    cell = cells.GRU

    def __init__(
        self,
        units: int,
        activation: Named = "tanh",
        recurrent_activation: Named = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Named = "glorot_uniform",
        recurrent_initializer: Named = "orthogonal",
        bias_initializer: Named = "zeros",
        kernel_regularizer: Named = None,
        recurrent_regularizer: Named = None,
        bias_regularizer: Named = None,
        activity_regularizer: Named = None,
        kernel_constraint: Named = None,
        recurrent_constraint: Named = None,
        bias_constraint: Named = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: bool | str = "auto",
        **kwargs,
    ):
        arguments = keyword_arguments(locals())
        self.reset_after = bool(arguments.pop("reset_after"))
        if not self.reset_after:
            self.cell = cells.GRU_RESET_BEFORE
        super().__init__(**arguments)

    def _bias_shape(self):
        return (2, 3 * self.units) if self.reset_after else super()._bias_shape()

    def _biases(self):
        if self.bias is None or not self.reset_after:
            return super()._biases()
        bias = tf.convert_to_tensor(self.bias)
        return bias[0], bias[1]

    def _scan_inputs(self, sequences, initial):
        inputs = super()._scan_inputs(sequences, initial)
        if self.reset_after:
            return inputs
        gates, candidate = tf.split(inputs.recurrent_kernel, [2 * self.units, self.units], axis=-1)
        return inputs._replace(recurrent_kernel=gates, cell=(candidate,))

    def get_config(self):
        return {**super().get_config(), "reset_after": self.reset_after}


CELLS = {"lstm": LSTM, "gru": GRU, "rnn": RNN}  # by the values of a recipe's setting `cell`
