"""Initial biases that decide how long gated cells remember."""

import pytest
import tensorflow as tf

from nlp_rnn.layers import GRU, LSTM, RNN, PeepholeLSTM
from nlp_rnn.layers.gate_biases import chrono_initialize, zero_forget_bias


@pytest.mark.parametrize("kind", [LSTM, GRU, PeepholeLSTM])
def test_chrono_initialization_keeps_a_state_over_many_steps(kind):
    sizes = []
    for max_steps in (1, 1000):
        layer = kind(64)
        layer.build((None, None, 3))
        chrono_initialize(layer, max_steps)
        initial = [tf.ones((1, 64))] * layer.num_states
        result = layer.run(tf.zeros((1, 60, 3)), initial)
        sizes.append(float(tf.reduce_mean(tf.abs(result.final_states[-1]))))
    assert sizes[1] > 2 * sizes[0]


def test_layers_without_a_forget_gate_stay_unchanged():
    layer = RNN(4)
    layer.build((None, None, 3))
    chrono_initialize(layer, 100)
    zero_forget_bias(layer)
    assert not layer.bias.numpy().any()


def test_refuses_steps_that_are_not_a_positive_int():
    with pytest.raises(ValueError, match="max_steps must be a positive int, got 0"):
        chrono_initialize(LSTM(4), 0)


def test_layers_without_a_bias_or_with_another_shape_of_it():
    layers = {name: GRU(4, **{name: False}) for name in ("use_bias", "reset_after")} | {"lstm": LSTM(4, use_bias=False)}
    for layer in layers.values():
        layer.build((None, None, 3))
    with pytest.raises(ValueError, match="use_bias of .* must be True for biases that"):
        chrono_initialize(layers["use_bias"], 100)
    chrono_initialize(layers["reset_after"], 100)
    assert [bool(part.any()) for part in layers["reset_after"].bias.numpy().reshape(3, 4)] == [True, False, False]
    zero_forget_bias(layers["lstm"])  # it has none that could be other than zero
