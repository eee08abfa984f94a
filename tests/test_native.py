"""The loops in machine code: against autodiff of the equation step by step, for every processor and every size."""

import ctypes
import itertools

import numpy as np
import pytest
import tensorflow as tf
from llvmlite import ir

from nlp_rnn import layers
from nlp_rnn.layers import cells, scan
from nlp_rnn.layers.native import compiling, differentiable, kernels, operation
from nlp_rnn.layers.native.emitter import FLOAT, INT, Emitter, number
from nlp_rnn.layers.native.equations import equation
from nlp_rnn.layers.native.kinds import order
from nlp_rnn.layers.recurrence import Fixed, Inputs, Recurrence
from tests.conformance import normal

KINDS = ("RNN", "LSTM", "GRU", "CoupledLSTM", "MinGRU")
PROCESSORS = {"AVX-512": (16, 32), "AVX": (8, 16), "NEON": (4, 32)}
NATIVE = scan.Way(False, False, parts=2, native=True)


@pytest.fixture(params=PROCESSORS.values(), ids=PROCESSORS)
def any_processor(request, monkeypatch):
    monkeypatch.setattr(differentiable, "processor", lambda: request.param)


def problem(kind, batch, steps, features, units, masked, dropped):
    layer = getattr(layers, kind)(units)
    layer.build((batch, steps, features))
    layer.set_weights([normal(*w.shape, seed=n) / 2 for n, w in enumerate(layer.get_weights())])
    initial = tuple(tf.constant(normal(batch, units, seed=n)) for n in range(layer.states))
    inputs = layer._inputs(tf.constant(normal(batch, steps, features)), initial)
    mask = tf.constant(normal(batch, steps, seed=7) > -0.5) if masked else None
    drop = tf.constant(normal(batch, units, seed=8)) if dropped and layer.cell.recurrent else None
    return layer.cell, inputs, Fixed(mask, drop)


def unrolled(run, inputs, fixed, training, reverse):
    """The same by one step after the other."""
    state, steps = inputs.initial, range(inputs.x.shape[1])
    found = {}
    for t in reversed(steps) if reverse else steps:
        pre = (inputs.x[:, t] @ inputs.kernel + inputs.bias,)
        if run.cell.recurrent:
            uh = (state[0] if fixed.drop is None else state[0] * fixed.drop) @ inputs.recurrent_kernel
            uh = uh if inputs.recurrent_bias is None else uh + inputs.recurrent_bias
            pre = (pre[0] + uh,) if run.cell.additive else (*pre, uh)
        new, _ = run.cell.step(*pre, state)
        if fixed.mask is not None:
            new = tuple(tf.where(fixed.mask[:, t, None], n, s) for n, s in zip(new, state, strict=True))
        state = found[t] = new
    return tuple(tf.stack([found[t][n] for t in steps], 1) for n in range(run.sequences)), state


def results(scanned, run, inputs, fixed, reverse):
    """States and gradients, flat."""
    watched = {name: value for name, value in inputs._asdict().items() if value is not None}
    with tf.GradientTape() as tape:
        tape.watch(watched)
        sequences, final = scanned(run, Inputs(**watched), fixed, True, reverse)
        loss = sum(tf.reduce_sum(tf.sin(s) * (n + 1)) for n, s in enumerate((*sequences, *final)))
    return tf.nest.flatten((sequences, final, tape.gradient(loss, watched)))


def require_equal(run, inputs, fixed, reverse, monkeypatch):
    monkeypatch.setattr(scan, "choose", lambda *_: NATIVE)
    pairs = zip(*(results(f, run, inputs, fixed, reverse) for f in (unrolled, scan.scan)), strict=True)
    for expected, got in pairs:
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_every_cell_on_every_processor(kind, any_processor, monkeypatch):
    for masked, dropped, reverse in itertools.product((False, True), repeat=3):
        cell, inputs, fixed = problem(kind, 19, 5, 3, 22, masked, dropped)
        require_equal(Recurrence(cell), inputs, fixed, reverse, monkeypatch)


@pytest.mark.parametrize(
    "sizes", [(1, 1, 1, 1), (3, 70, 2, 5), (17, 2, 18, 16), (9, 4, 1, 40), (64, 3, 33, 130)], ids=str
)
def test_every_size(sizes, monkeypatch):
    cell, inputs, fixed = problem("GRU", *sizes, masked=True, dropped=False)
    require_equal(Recurrence(cell), inputs, fixed, False, monkeypatch)


def test_much_that_is_kept_is_found_again(monkeypatch):
    monkeypatch.setattr(kernels, "MUCH", 1)
    operation._program.cache_clear()
    cell, inputs, fixed = problem("LSTM", 19, 5, 3, 22, masked=True, dropped=True)
    require_equal(Recurrence(cell), inputs, fixed, False, monkeypatch)
    operation._program.cache_clear()


@pytest.mark.parametrize("sequences", [0, 1, 2])
def test_sequences_of_as_many_states_as_are_wanted(sequences, monkeypatch):
    cell, inputs, fixed = problem("LSTM", 5, 4, 3, 8, masked=True, dropped=True)
    require_equal(Recurrence(cell, sequences), inputs, fixed, True, monkeypatch)


@pytest.mark.parametrize("sizes", [(0, 4, 3, 8), (4, 0, 3, 8)], ids=["no rows", "no steps"])
def test_nothing_to_run_over(sizes, monkeypatch):
    cell, inputs, fixed = problem("LSTM", *sizes, masked=True, dropped=False)
    monkeypatch.setattr(scan, "choose", lambda *_: NATIVE)
    run = Recurrence(cell)
    (sequence, h, c, *gradients) = results(scan.scan, run, inputs, fixed, False)
    assert sequence.shape == (*sizes[:2], 8)
    np.testing.assert_array_equal(h, inputs.initial[0])
    np.testing.assert_array_equal(c, inputs.initial[1])
    assert all(np.isfinite(g).all() for g in gradients)


def test_what_is_not_a_number_stays_in_its_row(monkeypatch):
    cell, inputs, fixed = problem("LSTM", 9, 4, 3, 8, masked=False, dropped=False)
    x = inputs.x.numpy()
    x[2, 1] = np.nan
    monkeypatch.setattr(scan, "choose", lambda *_: NATIVE)
    sequence, _, _, *gradients = results(scan.scan, Recurrence(cell), inputs._replace(x=tf.constant(x)), fixed, False)
    for rows in (sequence.numpy(), *(g.numpy() for g in gradients if len(g) == 9)):
        lost = np.isnan(rows.reshape(9, -1)).any(1)
        assert lost.tolist() == [n == 2 for n in range(9)]
    assert np.isfinite(sequence[2, 0]).all()
    assert np.isnan(sequence[2, 1:]).all()


def test_an_infinite_input_saturates(monkeypatch):
    cell, inputs, fixed = problem("GRU", 9, 4, 3, 5, masked=False, dropped=False)
    x = inputs.x.numpy()
    x[2, 1, 0] = np.inf
    inputs = inputs._replace(x=tf.constant(x))
    monkeypatch.setattr(scan, "choose", lambda *_: NATIVE)
    (expected,), _ = unrolled(Recurrence(cell), inputs, fixed, True, False)
    (got,), _ = scan.scan(Recurrence(cell), inputs, fixed, True)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    assert np.isfinite(got).all()


def test_says_that_a_gradient_has_no_gradient():
    layer, x = layers.GRU(8), tf.constant(normal(32, 4, 3))

    def penalty(training):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = tf.reduce_sum(layer(x, training=training) ** 2)
            found = tf.reduce_sum(inner.gradient(loss, x) ** 2)
        return outer.gradient(found, x)

    with pytest.raises(NotImplementedError, match="call the layer with training=False"):
        penalty(True)
    assert np.isfinite(penalty(False)).all()


def test_slices_of_a_gradient_are_taken():
    layer, x = layers.GRU(8), tf.constant(normal(32, 4, 3))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.gather(layer(x, training=True), [1, 3]))
    found = tape.gradient(loss, x).numpy()
    assert [bool(np.abs(row).sum()) for row in found[:5]] == [False, True, False, True, False]


def test_what_xla_compiles_as_a_whole_is_left_to_it():
    layer = layers.LSTM(8)
    layer.build((32, 4, 3))

    @tf.function(jit_compile=True)
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x, training=True))
        return tape.gradient(loss, [w.value for w in layer.trainable_weights])

    x = tf.constant(normal(32, 4, 3))
    for compiled, native in zip(step(x), step.python_function(x), strict=True):
        np.testing.assert_allclose(compiled, native, rtol=1e-4, atol=1e-4)


def test_cells_that_are_more_than_an_equation_are_left_to_xla():
    for layer in (layers.PeepholeLSTM(4), layers.ProjectedLSTM(4, 2)):
        layer.build((2, 3, 2))
        initial = tuple(tf.zeros((2, size)) for size in layer.state_sizes)
        assert not differentiable.runs(Recurrence(layer.cell), layer._inputs(tf.zeros((2, 3, 2)), initial), Fixed())
    assert equation(cells.Cell(lambda z, state: ((tf.nn.relu(z),), {}), 1, ())) is None
    assert equation(cells.Cell(lambda z, state: ((tf.split(z, 2, -1)[0],), {}), 1, ())) is None
    assert equation(cells.Cell(lambda z, state: (state, {}), 1, ())) is None, "no gradient reaches z"
    assert equation(cells.GRU) is not None
    cell, inputs, fixed = problem("GRU", 2, 3, 2, 4, masked=True, dropped=True)
    run = Recurrence(cell)
    assert differentiable.runs(run, inputs, fixed)
    assert not differentiable.runs(run, inputs, fixed._replace(update=(fixed.mask,)))
    assert not differentiable.runs(run, inputs._replace(kernel=None), fixed)
    assert not differentiable.runs(run, inputs._replace(x=tf.cast(inputs.x, tf.float64)), fixed)


def test_the_columns_whose_sum_alone_matters_are_found():
    assert order(cells.GRU) == ((2,), (0, 1), (2,))
    assert order(cells.LSTM) == ((), (0, 1, 2, 3), ())
    assert order(cells.MIN_GRU) == ((0, 1), (), ())


def test_what_is_kept_is_what_the_gradient_reads():
    assert len(equation(cells.LSTM).kept) == 6  # four gates, tanh(c), and c before the step
    assert len(equation(cells.GRU).kept) == 5  # z, r, the candidate, its part of U h, and h before the step
    assert len(equation(cells.RNN).kept) == 1


def test_tanh_and_sigmoid_are_those_of_numpy():
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT, *[FLOAT.as_pointer()] * 3]), "both")
    e = Emitter(function, 4)
    count, x, tanh, sigmoid = function.args
    with e.loop(number(0), count, 4) as at:
        for array, of in ((tanh, e.tanh), (sigmoid, e.sigmoid)):
            e.store(of(e.load(x, at)), array, at)
    e.builder.ret_void()
    engine = compiling.compiled(module)
    values = np.concatenate([np.linspace(-12, 12, 4001), [np.inf, -np.inf, np.nan]]).astype("float32")
    found = np.zeros((2, len(values)), np.float32)
    call = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * 3)
    call(engine.get_function_address("both"))(len(values), *(a.ctypes.data for a in (values, *found)))
    np.testing.assert_allclose(found[0], np.tanh(values), rtol=5e-7, atol=3e-7)
    np.testing.assert_allclose(found[1], 1 / (1 + np.exp(-values.astype("float64"))), rtol=0, atol=3e-7)
    assert abs(found[0][:-1]).max() <= 1
