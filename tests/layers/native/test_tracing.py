"""The equations of the cells, traced for compilation."""

import pytest
import tensorflow as tf

from nlp_rnn.layers import cells
from nlp_rnn.layers.native.kernel_spec import column_order
from nlp_rnn.layers.native.tracing import trace


@pytest.mark.parametrize(
    "step",
    [
        lambda z, state: ((tf.nn.relu(z),), {}),
        lambda z, state: ((tf.split(z, 2, -1)[0],), {}),
        lambda z, state: (state, {}),
    ],
    ids=["unsupported operation", "needs several units", "no gradient reaches z"],
)
def test_does_not_trace_what_cannot_be_compiled(step):
    assert trace(cells.Cell(step, 1, ())) is None


@pytest.mark.parametrize("cell", [cells.RNN, cells.LSTM, cells.GRU, cells.COUPLED_LSTM, cells.MIN_GRU])
def test_traces_the_cells_without_weights(cell):
    assert trace(cell) is not None


def test_columns_that_matter_only_through_their_sum_are_shared():
    assert column_order(cells.GRU) == ((2,), (0, 1), (2,))
    assert column_order(cells.LSTM) == ((), (0, 1, 2, 3), ())
    assert column_order(cells.MIN_GRU) == ((0, 1), (), ())


def test_saves_what_the_gradient_reads():
    assert len(trace(cells.LSTM).saved) == 6  # four gates, tanh(c), and c before the step
    assert len(trace(cells.GRU).saved) == 5  # z, r, the candidate, its part of U h, and h before the step
    assert len(trace(cells.RNN).saved) == 1
