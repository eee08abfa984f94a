"""The loops in machine code: against autodiff of the equation step by step, for every processor and every size."""

import ctypes
import gc
import itertools
import os
import subprocess
import sys
import threading
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from llvmlite import ir

from nlp_rnn import layers
from nlp_rnn.layers import cells, scan
from nlp_rnn.layers.native import compiling, differentiable, kernels, operation
from nlp_rnn.layers.native.differentiable import native_scan
from nlp_rnn.layers.native.emitter import FLOAT, INT, Emitter, number
from nlp_rnn.layers.native.equations import equation
from nlp_rnn.layers.native.kinds import Kind, order
from nlp_rnn.layers.native.loop import NUMBERS
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


def test_two_models_may_train_at_once(monkeypatch):
    monkeypatch.setattr(scan, "choose", lambda *_: NATIVE)
    problems = [problem("GRU", 32 + n, 40 - n, 8 + n, 16 + n, masked=False, dropped=False) for n in range(4)]
    alone = [results(scan.scan, Recurrence(cell), *given, False) for cell, *given in problems]
    found = {}

    def train(n):
        cell, inputs, fixed = problems[n]
        for _ in range(10):
            found[n] = results(scan.scan, Recurrence(cell), inputs, fixed, False)

    threads = [threading.Thread(target=train, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(4):
        for expected, got in zip(alone[n], found[n], strict=True):
            np.testing.assert_array_equal(got, expected)


def test_threads_are_started_once():
    for _ in range(3):
        layers.GRU(8)(tf.constant(normal(32, 4, 3)), training=True)
    started = [thread for thread in threading.enumerate() if thread.name == "nlp-rnn"]
    assert len(started) == os.cpu_count() - 1
    assert all(thread.daemon for thread in started), "the end of a process waits for none"


def test_the_parts_of_a_batch_are_not_too_small(monkeypatch):
    jobs = []

    def share(task, first, count, length):
        jobs.append(np.ctypeslib.as_array((ctypes.c_int64 * (count * length)).from_address(first)).reshape(count, -1))
        jobs[-1] = jobs[-1][:, : len(NUMBERS)].copy()
        for n in range(count):
            ctypes.CFUNCTYPE(None, ctypes.c_int64)(task)(first + 8 * n * length)

    called = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)(share)
    monkeypatch.setattr(kernels, "share", lambda: ctypes.cast(called, ctypes.c_void_p).value)
    monkeypatch.setattr(differentiable.operation, "program", operation._program.__wrapped__)
    monkeypatch.setattr(scan, "choose", lambda *_: NATIVE._replace(parts=4))
    operation.program(Kind(cells.GRU, 1, 16, 4, False, False))
    for rows, wanted in {1: 1, 15: 1, 16: 2, 31: 3, 32: 4, 99: 4}.items():
        cell, inputs, fixed = problem("GRU", rows, 3, 2, 16, masked=False, dropped=False)
        results(scan.scan, Recurrence(cell), inputs, fixed, False)
        for found in jobs[-2:]:
            assert len(found) == wanted
            assert found[0, 0] == 0
            assert found[-1, 1] == rows
            np.testing.assert_array_equal(found[1:, 0], found[:-1, 1])


AFTER_A_FORK = """
import ctypes, os
from llvmlite import ir
from nlp_rnn.layers.native import compiling, loop, pool
module = ir.Module()
function = ir.Function(module, ir.FunctionType(ir.VoidType(), [loop.JOB]), "double")
builder = ir.IRBuilder(function.append_basic_block())
place = function.args[0]
builder.store(builder.add(builder.load(place), builder.load(place)), place)
builder.ret_void()
engine = compiling.compiled(module)
task = engine.get_function_address("double")
share = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(pool.share())
def doubled():
    jobs = (ctypes.c_int64 * 9)(*range(9))
    share(task, jobs, 3, 3)
    return list(jobs) == [0, 1, 2, 6, 4, 5, 12, 7, 8]
assert all(doubled() for _ in range(1000))
child = os.fork()
if not child:
    os._exit(0 if doubled() else 1)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_jobs_are_done_once_and_without_threads_in_a_copy_of_the_process():
    subprocess.run([sys.executable, "-W", "ignore", "-c", AFTER_A_FORK], check=True, timeout=120)


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


WRONG = {
    "kernel": lambda i, f: (i._replace(x=tf.zeros((9, 4, 2))), f),
    "mask": lambda i, f: (i, f._replace(mask=f.mask[:1])),
    "drop": lambda i, f: (i, f._replace(drop=f.drop[:, :2])),
    "initial_0": lambda i, f: (i._replace(initial=(i.initial[0][:3], i.initial[1])), f),
    "initial_1": lambda i, f: (i._replace(initial=(i.initial[0], i.initial[1][:, :2])), f),
    "recurrent_kernel": lambda i, f: (i._replace(recurrent_kernel=i.recurrent_kernel[:3]), f),
}


@pytest.mark.parametrize("name", WRONG)
def test_refuses_arrays_that_it_would_read_beyond(name, monkeypatch):
    cell, inputs, fixed = problem("LSTM", 9, 4, 3, 8, masked=True, dropped=True)
    monkeypatch.setattr(scan, "choose", lambda *_: NATIVE)
    monkeypatch.setattr(scan, "_of_one_batch", lambda inputs: inputs)  # as where no size is known
    inputs, fixed = WRONG[name](inputs, fixed)
    with pytest.raises(ValueError, match=rf"^{name} must be \[.*\], as the other tensors of a recurrent layer, got \["):
        scan.scan(Recurrence(cell), inputs, fixed, True)


@pytest.mark.parametrize("name", WRONG)
def test_refuses_them_where_sizes_are_known_only_when_it_runs(name):
    _, inputs, fixed = problem("LSTM", 9, 4, 3, 16, masked=True, dropped=True)
    kind = Kind(cells.LSTM, 1, *compiling.processor(), True, True)
    taken, made = kernels.taken_forward(kind), kernels.made_forward(kind)
    named = {"options": tf.constant([2, 0, 1, 16], tf.int64), **differentiable._named(*WRONG[name](inputs, fixed))}
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"{name} must be \[[BTFUC, ]*\] of the sizes"):
        operation.run(operation.program(kind).forward, len(made), [named[name] for name in taken])


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


def test_no_gradient_is_made_for_an_input_that_has_no_use_for_it(monkeypatch):
    layer, x, told = layers.LSTM(8), tf.constant(normal(32, 4, 3)), []
    layer.build(x.shape)
    real = operation.run

    def run(number, outputs, tensors):
        told.append(int(tf.get_static_value(tensors[0])[2]))
        return real(number, outputs, tensors)

    monkeypatch.setattr(operation, "run", run)

    def gradients(x, of_x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x if of_x else tf.ensure_shape(tf.stop_gradient(x), [32, 4, 3]), training=True))
        return tape.gradient(loss, [w.value for w in layer.trainable_weights])

    with_it, without = (tf.function(gradients)(x, of_x) for of_x in (True, False))
    assert told == [1, 1, 0, 0]
    for expected, got in zip(with_it, without, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_slices_of_a_gradient_are_taken():
    layer, x = layers.GRU(8), tf.constant(normal(32, 4, 3))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.gather(layer(x, training=True), [1, 3]))
    found = tape.gradient(loss, x).numpy()
    assert [bool(np.abs(row).sum()) for row in found[:5]] == [False, True, False, True, False]


def test_what_xla_compiles_as_a_whole_holds_no_call_to_python():
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


def test_a_graph_is_freed_though_the_machine_code_is_kept():
    cell, inputs, fixed = problem("GRU", 32, 4, 3, 16, masked=False, dropped=False)

    named = {"options": tf.constant([2, 0, 1, 16], tf.int64), **differentiable._named(inputs, fixed)}
    kind = Kind(cell, 1, *compiling.processor(), False, False)
    taken, made = kernels.taken_forward(kind), kernels.made_forward(kind)

    @tf.function
    def scanned(x):
        return differentiable._run(operation.program(kind).forward, {**named, "x": x}, taken, made)

    function = scanned.get_concrete_function(tf.TensorSpec((32, 4, 3)))
    assert any(node.op == operation.NAME for node in function.graph.as_graph_def().node)
    graph = weakref.ref(function.graph)
    del function, scanned
    gc.collect()
    assert graph() is None


def test_another_process_refuses_what_it_has_no_machine_code_for():
    number = operation.program(Kind(cells.RNN, 1, *compiling.processor(), False, False)).forward
    with pytest.raises(tf.errors.InvalidArgumentError, match="runs only in the process that called it"):
        operation.run(number ^ 2**40, 1, [tf.zeros([1])])


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


def test_a_model_trains_with_them_and_is_served_without(tmp_path, monkeypatch):
    model = keras.Sequential([keras.Input((None, 3)), layers.Bidirectional(layers.GRU(8)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = normal(32, 7, 3)
    model.fit(x, normal(32, 1), verbose=0)
    called = []
    monkeypatch.setattr(scan, "native_scan", lambda *given: called.append(given) or native_scan(*given))
    model.make_train_function(force=True)
    model.fit(x, normal(32, 1), verbose=0)
    assert [given[3:] for given in called[:2]] == [(way, max(1, scan._cores() // 2)) for way in (False, True)]
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_allclose(served.serve(x), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    names = {node.op for node in served.signatures["serving_default"].graph.as_graph_def().node}
    assert operation.NAME not in names
