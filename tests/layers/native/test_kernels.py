"""The native kernels compared with autodiff of the equation step by step, for every vector width and all sizes."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import layers
from nlp_rnn.layers import scan
from nlp_rnn.layers.native import differentiable, kernels, operation
from nlp_rnn.layers.scan_types import Masks, ScanInputs, ScanSpec
from nlp_rnn.layers.strategy import ScanStrategy
from tests.conformance import normal

LAYERS = ("RNN", "LSTM", "CoupledLSTM", "MinGRU")
VECTOR_REGISTERS = {"AVX-512": (16, 32), "AVX": (8, 16), "NEON": (4, 32)}  # their lanes, and their number
NATIVE = ScanStrategy(False, False, parts=2, native=True)


@pytest.fixture(params=VECTOR_REGISTERS.values(), ids=VECTOR_REGISTERS)
def vector_registers(request, monkeypatch):
    monkeypatch.setattr(differentiable, "vector_registers", lambda: request.param)


def problem(name, batch, steps, features, units, masked, dropout):
    """The cell, the inputs and the masks of a random scan."""
    layer = getattr(layers, name)(units)
    layer.build((batch, steps, features))
    layer.set_weights([normal(*w.shape, seed=n) / 2 for n, w in enumerate(layer.get_weights())])
    initial = tuple(tf.constant(normal(batch, units, seed=n)) for n in range(layer.num_states))
    inputs = layer._scan_inputs(tf.constant(normal(batch, steps, features)), initial)
    mask = tf.constant(normal(batch, steps, seed=7) > -0.5) if masked else None
    factors = tf.constant(normal(batch, units, seed=8)) if dropout and layer.cell.recurrent else None
    return layer.cell, inputs, Masks(mask, factors)


def unrolled(spec, inputs, masks, training, reverse):
    """The same scan unrolled step by step, for autodiff."""
    state, steps = inputs.initial, range(inputs.x.shape[1])
    values = {}
    for t in reversed(steps) if reverse else steps:
        pre = (inputs.x[:, t] @ inputs.kernel + inputs.bias,)
        if spec.cell.recurrent:
            uh = (state[0] if masks.dropout is None else state[0] * masks.dropout) @ inputs.recurrent_kernel
            uh = uh if inputs.recurrent_bias is None else uh + inputs.recurrent_bias
            pre = (pre[0] + uh,) if spec.cell.additive else (*pre, uh)
        new, _ = spec.cell.step(*pre, state)
        if masks.padding is not None:
            new = tuple(tf.where(masks.padding[:, t, None], n, s) for n, s in zip(new, state, strict=True))
        state = values[t] = new
    return tuple(tf.stack([values[t][n] for t in steps], 1) for n in range(spec.num_sequences)), state


def results(scan_function, spec, inputs, masks, reverse):
    """The sequences, the final states and the gradients, flat."""
    watched = {name: value for name, value in inputs._asdict().items() if value is not None}
    with tf.GradientTape() as tape:
        tape.watch(watched)
        sequences, final = scan_function(spec, ScanInputs(**watched), masks, True, reverse)
        loss = sum(tf.reduce_sum(tf.sin(s) * (n + 1)) for n, s in enumerate((*sequences, *final)))
    return tf.nest.flatten((sequences, final, tape.gradient(loss, watched)))


@pytest.fixture
def check_native(force_strategy, native_runs):
    """A function that compares a scan in machine code with autodiff."""
    force_strategy(NATIVE)

    def check(spec, inputs, masks, reverse):
        expected = results(unrolled, spec, inputs, masks, reverse)
        native_runs.clear()
        got = results(scan.scan, spec, inputs, masks, reverse)
        assert len(native_runs) == 2, "one kernel forward and one backward"
        for a, b in zip(expected, got, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-4)

    return check


@pytest.mark.slow
@pytest.mark.parametrize("name", ["GRU", *(pytest.param(name, marks=pytest.mark.thorough) for name in LAYERS)])
@pytest.mark.usefixtures("vector_registers")
def test_every_cell_with_every_vector_width(name, check_native):
    for masked, dropout, reverse in itertools.product((False, True), repeat=3):
        cell, inputs, masks = problem(name, 19, 5, 3, 22, masked, dropout)
        check_native(ScanSpec(cell), inputs, masks, reverse)


@pytest.mark.parametrize(
    "sizes", [(1, 1, 1, 1), (3, 70, 2, 5), (17, 2, 18, 16), (9, 4, 1, 40), (64, 3, 33, 130)], ids=str
)
def test_all_sizes(sizes, check_native):
    cell, inputs, masks = problem("GRU", *sizes, masked=True, dropout=False)
    check_native(ScanSpec(cell), inputs, masks, False)


@pytest.mark.slow
def test_values_stored_past_the_caches_are_read_back(monkeypatch, check_native):
    monkeypatch.setattr(kernels, "NONTEMPORAL_SIZE", 1)
    operation._program.cache_clear()
    cell, inputs, masks = problem("LSTM", 19, 5, 3, 22, masked=True, dropout=True)
    check_native(ScanSpec(cell), inputs, masks, False)
    operation._program.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize("num_sequences", [0, 1, 2])
def test_returns_the_sequences_of_the_first_states(num_sequences, check_native):
    cell, inputs, masks = problem("LSTM", 5, 4, 3, 8, masked=True, dropout=True)
    check_native(ScanSpec(cell, num_sequences), inputs, masks, True)


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(0, 4, 3, 8), (4, 0, 3, 8)], ids=["no rows", "no steps"])
def test_empty_inputs(sizes, force_strategy, native_runs):
    cell, inputs, masks = problem("LSTM", *sizes, masked=True, dropout=False)
    force_strategy(NATIVE)
    sequence, h, c, *gradients = results(scan.scan, ScanSpec(cell), inputs, masks, False)
    assert native_runs
    assert sequence.shape == (*sizes[:2], 8)
    np.testing.assert_array_equal(h, inputs.initial[0])
    np.testing.assert_array_equal(c, inputs.initial[1])
    assert all(np.isfinite(g).all() for g in gradients)


@pytest.mark.slow
def test_nan_stays_in_its_row(force_strategy, native_runs):
    cell, inputs, masks = problem("LSTM", 9, 4, 3, 8, masked=False, dropout=False)
    x = inputs.x.numpy()
    x[2, 1] = np.nan
    force_strategy(NATIVE)
    sequence, _, _, *gradients = results(scan.scan, ScanSpec(cell), inputs._replace(x=tf.constant(x)), masks, False)
    assert native_runs
    for rows in (sequence.numpy(), *(g.numpy() for g in gradients if len(g) == 9)):
        has_nan = np.isnan(rows.reshape(9, -1)).any(1)
        assert has_nan.tolist() == [n == 2 for n in range(9)]
    assert np.isfinite(sequence[2, 0]).all()
    assert np.isnan(sequence[2, 1:]).all()


def test_an_infinite_input_saturates(force_strategy, native_runs):
    cell, inputs, masks = problem("GRU", 9, 4, 3, 5, masked=False, dropout=False)
    x = inputs.x.numpy()
    x[2, 1, 0] = np.inf
    inputs = inputs._replace(x=tf.constant(x))
    force_strategy(NATIVE)
    (expected,), _ = unrolled(ScanSpec(cell), inputs, masks, True, False)
    (got,), _ = scan.scan(ScanSpec(cell), inputs, masks, True)
    assert native_runs
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    assert np.isfinite(got).all()
