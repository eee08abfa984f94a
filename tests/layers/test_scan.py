"""Every strategy of a scan, forced: compared with `keras.layers`, and with autodiff of the equation step by step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import layers
from nlp_rnn.graph import in_process, served_only
from nlp_rnn.layers import GRU, LSTM, RNN, Bidirectional, cells, scan
from nlp_rnn.layers.batch_split import usable_cores
from nlp_rnn.layers.scan_types import Masks, ScanInputs, ScanSpec
from nlp_rnn.layers.strategy import CHUNK_STEPS, SHORT_CHUNK_STEPS, ScanStrategy, choose_strategy
from tests.conformance import LEFT, RIGHT, B, F, T, U, normal

STRATEGIES = {
    "uncompiled": ScanStrategy(False, False),
    "backward compiled": ScanStrategy(False, True),
    "compiled": ScanStrategy(True, True),
    "parts": ScanStrategy(True, True, parts=2),
    "chunks": ScanStrategy(True, True, chunk_steps=4),
    "parts and chunks": ScanStrategy(True, True, parts=2, chunk_steps=4),
    "chunks, backward compiled": ScanStrategy(False, True, chunk_steps=4),
    "input product in the loop": ScanStrategy(True, True, parts=2, product_in_loop=True),
    "native": ScanStrategy(False, False, parts=2, native=True),
}
thorough = pytest.mark.thorough
LSTM_SPEC = ScanSpec(cells.LSTM)
PAIRS = {  # compiling takes seconds: every cell and every mask, but not all combinations
    "LSTM": (LSTM, "LSTM", None),
    "LSTM, padding right": (LSTM, "LSTM", RIGHT),
    "LSTM, padding left": (LSTM, "LSTM", LEFT),
    "RNN, padding left": (RNN, "SimpleRNN", LEFT),
    "GRU, padding right": (GRU, "GRU", RIGHT),
}
EVERYDAY = {"LSTM, padding left"}  # the other combinations are for `make test-thorough`


@pytest.fixture(params=STRATEGIES.values(), ids=STRATEGIES)
def strategy(request, force_strategy, native_runs):
    force_strategy(request.param)
    yield request.param
    assert bool(native_runs) == request.param.native


def some_of(everyday):
    """The strategies as cases: those of the given names in everyday runs, all of them in `make test-thorough`."""
    marks = {name: () if name in everyday else thorough for name in STRATEGIES}
    return [pytest.param(strategy, id=name, marks=marks[name]) for name, strategy in STRATEGIES.items()]


def outputs_and_gradients(layer, x, mask, states, training):
    """The outputs, and the gradients for x, the states and the weights, in a graph of unknown batch and length."""

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None, F])])
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch([x, *states])
            outputs = layer(x, initial_state=states, mask=mask, training=training)
            loss = sum(tf.reduce_sum(tf.sin(y) * (n + 1)) for n, y in enumerate(outputs))
        return outputs, tape.gradient(loss, [x, *states, *[w.value for w in layer.trainable_weights]])

    return run(x)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "theirs", "mask"),
    [pytest.param(*pair, id=name, marks=[] if name in EVERYDAY else thorough) for name, pair in PAIRS.items()],
)
def test_every_strategy_matches_keras(strategy, ours, theirs, mask):
    arguments = {"return_sequences": True, "return_state": True}
    a = keras.layers.Bidirectional(getattr(keras.layers, theirs)(U, **arguments))
    b = Bidirectional(ours(U, **arguments))
    for layer in (a, b):
        layer.build((B, T, F))
    b.set_weights(a.get_weights())
    x, mask = tf.constant(normal(B, T, F)), None if mask is None else tf.constant(mask)
    states = [tf.constant(normal(B, U, seed=n)) for n in range(b.num_states)]
    (y1, g1), (y2, g2) = (outputs_and_gradients(layer, x, mask, states, True) for layer in (a, b))
    for expected, got in zip(y1, y2, strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)
    for expected, got in zip(g1, g2, strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", some_of(("uncompiled", "parts and chunks", "native")), indirect=True)
def test_gradients_are_the_same_with_training_false(strategy):
    """What the gradient needs is then recomputed instead of saved."""
    layer, x = LSTM(U, return_sequences=True, return_state=True), tf.constant(normal(B, T, F))
    layer.build(x.shape)
    states = [tf.constant(normal(B, U, seed=n)) for n in range(2)]
    _, expected = outputs_and_gradients(layer, x, RIGHT, states, True)
    _, got = outputs_and_gradients(layer, x, RIGHT, states, False)
    for a, b in zip(expected, got, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


def unrolled(spec, inputs, masks, training, reverse):
    """The same scan unrolled step by step, for autodiff."""
    state, sequence = inputs.initial, []
    wx = inputs.x if inputs.kernel is None else tf.tensordot(inputs.x, inputs.kernel, 1) + inputs.bias
    for t in reversed(range(T)) if reverse else range(T):
        pre = (wx[:, t],)
        if spec.cell.recurrent:
            uh = (state[0] * masks.dropout) @ inputs.recurrent_kernel
            uh = uh if inputs.recurrent_bias is None else uh + inputs.recurrent_bias
            pre = (wx[:, t] + uh,) if spec.cell.additive else (wx[:, t], uh)
        new, _ = spec.cell.step(*pre, state, *inputs.cell)
        new = [tf.where(u[:, t], n, s) for u, n, s in zip(masks.update, new, state, strict=True)]
        state = tuple(tf.where(masks.padding[:, t, None], n, s) for n, s in zip(new, state, strict=True))
        sequence.append(state[0])
    sequence = sequence[::-1] if reverse else sequence
    return (tf.stack(sequence, 1),), state


LAYERS = {
    "LSTM": lambda: layers.LSTM(U),
    "GRU": lambda: layers.GRU(U),
    "PeepholeLSTM": lambda: layers.PeepholeLSTM(U),
    "CoupledLSTM": lambda: layers.CoupledLSTM(U),
    "ProjectedLSTM": lambda: layers.ProjectedLSTM(U, 3),
    "LayerNormLSTM": lambda: layers.LayerNormLSTM(U),
    "MinGRU": lambda: layers.MinGRU(U),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name if name == "LSTM" else pytest.param(name, marks=thorough) for name in LAYERS])
@pytest.mark.parametrize("reverse", [pytest.param(False, marks=thorough), True])
def test_every_cell_has_the_gradient_of_autodiff(name, reverse, force_strategy):
    """With padding, variational dropout and zoneout at once."""
    layer = LAYERS[name]()
    layer.build((B, T, F))
    layer.set_weights([normal(*w.shape, seed=n) for n, w in enumerate(layer.get_weights())])
    initial = tuple(tf.constant(normal(B, size, seed=n)) for n, size in enumerate(layer.state_sizes))
    inputs = layer._scan_inputs(tf.constant(normal(B, T, F)), initial)
    dropout = tf.constant(normal(B, layer.state_sizes[0], seed=3))
    update = tuple(tf.constant(normal(B, T, size, seed=4 + n) > -1) for n, size in enumerate(layer.state_sizes))
    spec, masks = ScanSpec(layer.cell), Masks(tf.constant(RIGHT), dropout, update)
    expected = gradients(unrolled, spec, inputs, masks, reverse)
    one_chunk = ScanStrategy(True, True, parts=2, chunk_steps=T + 2)
    names = ("uncompiled", "parts and chunks", "input product in the loop")
    for strategy in (*(STRATEGIES[name] for name in names), one_chunk):
        force_strategy(strategy)
        for a, b in zip(expected, gradients(scan.scan, spec, inputs, masks, reverse), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4, err_msg=str(strategy))


def gradients(scan_function, spec, inputs, masks, reverse):
    watched = {name: value for name, value in inputs._asdict().items() if value is not None}

    @tf.function(autograph=False)
    def compute(watched):
        with tf.GradientTape() as tape:
            tape.watch(watched)
            sequences, final = scan_function(spec, ScanInputs(**watched), masks, True, reverse)
            loss = tf.reduce_sum(tf.sin(sequences[0])) + sum(tf.reduce_sum(tf.cos(s)) for s in final)
        return tf.nest.flatten(tape.gradient(loss, watched))

    return compute(watched)


@pytest.mark.slow
@pytest.mark.parametrize("reverse", [pytest.param(False, marks=thorough), True])
@pytest.mark.parametrize(("kind", "native"), [(LSTM, True), (layers.PeepholeLSTM, False)])
def test_sequences_of_all_lengths_share_a_graph(kind, native, reverse, native_runs):
    """With an LSTM in machine code; with a peephole LSTM, which that does not support, in chunks."""
    layer = kind(U, return_sequences=True, return_state=True, go_backwards=reverse)
    layer.build((None, None, F))
    weights = [w.value for w in layer.trainable_weights]

    def run(x, mask):
        with tf.GradientTape() as tape:
            sequence, *states = layer(x, mask=mask, training=True)
            loss = tf.reduce_sum(tf.sin(sequence)) + sum(tf.reduce_sum(tf.cos(s)) for s in states)
        return sequence, *states, *tape.gradient(loss, weights)

    signature = [tf.TensorSpec([None, None, F]), tf.TensorSpec([None, None], tf.bool)]
    graph = tf.function(run, autograph=False, input_signature=signature)
    graph.get_concrete_function()
    assert bool(native_runs) == native
    for steps in (1, SHORT_CHUNK_STEPS, SHORT_CHUNK_STEPS + 1, CHUNK_STEPS + 3, 2 * CHUNK_STEPS):
        x, mask = tf.constant(normal(B, steps, F)), tf.sequence_mask([steps, max(1, steps - 3), 1, 0], steps)
        for got, expected in zip(graph(x, mask), run(x, mask), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("steps", "chunk_steps"), [(1, 16), (16, 16), (17, 64), (300, 64)])
def test_short_sequences_run_in_short_chunks(steps, chunk_steps):
    assert int(scan._chunk_steps(CHUNK_STEPS, tf.zeros((1, steps, 1)))) == chunk_steps
    assert scan._chunk_steps(None, tf.zeros((1, steps, 1))) is None


KNOWN, UNKNOWN = [32, 10, F], [None, None, F]
NARROW = tf.zeros((F, 256))


def chosen(shape, units, training=True, concurrent=1, cell=cells.PEEPHOLE_LSTM, kernel=None):
    """The strategy chosen in a graph for an input of this shape."""
    strategies = []

    @tf.function(autograph=False, input_signature=[tf.TensorSpec(shape)])
    def graph(x):
        inputs = ScanInputs(x, (), kernel=kernel, recurrent_kernel=tf.zeros((units, 4 * units)))
        strategies.append(choose_strategy(ScanSpec(cell), inputs, Masks(), training, concurrent))

    graph.get_concrete_function()
    return strategies[0]


def test_chooses_a_strategy_by_shape():
    one = ScanInputs(tf.zeros((1, 1, F)), (), recurrent_kernel=tf.zeros((8, 32)))
    eager = choose_strategy(LSTM_SPEC, one, Masks(), True)
    assert eager == ScanStrategy(False, False), "eager execution compiles nothing"
    cores = usable_cores()
    parts, parts_of_two = max(1, min(cores, 4)), max(1, min(cores // 2, 4))
    served = chosen(UNKNOWN, 64, training=False)
    assert served == ScanStrategy(False, False), "a served model contains no compiled operation"
    assert chosen(UNKNOWN, 64) == ScanStrategy(True, True, parts, CHUNK_STEPS)
    assert chosen(UNKNOWN, 64, concurrent=2) == ScanStrategy(True, True, parts_of_two, CHUNK_STEPS)
    assert chosen(KNOWN, 64, training=False) == ScanStrategy(True, True, parts)
    assert chosen(KNOWN, 64, training=False, kernel=NARROW) == ScanStrategy(True, True, parts, product_in_loop=True)
    assert chosen(KNOWN, 512) == ScanStrategy(True, True)
    assert chosen(KNOWN, 1024) == ScanStrategy(False, True)


@pytest.mark.parametrize("shape", [KNOWN, UNKNOWN], ids=["known", "unknown"])
def test_training_is_native_and_inference_is_where_no_graph_is_saved(shape):
    native = ScanStrategy(False, False, usable_cores(), native=True)
    assert chosen(shape, 64, cell=cells.LSTM, kernel=NARROW) == native
    assert chosen(shape, 64, False, cell=cells.LSTM, kernel=NARROW).native is False
    with in_process():
        assert chosen(shape, 64, False, cell=cells.LSTM, kernel=NARROW) == native
        with served_only():
            assert chosen(shape, 64, False, cell=cells.LSTM, kernel=NARROW).native is False


def test_xla_runs_what_it_runs_faster():
    assert chosen([8, 10, F], 64, cell=cells.LSTM, kernel=NARROW).native is False, "few rows"
    with in_process():
        assert chosen([1, 10, F], 64, False, cell=cells.LSTM, kernel=NARROW).native is True, "few rows in inference"
    assert chosen([32, 1, F], 64, cell=cells.LSTM, kernel=NARROW).native is False, "a single step"
    assert chosen(KNOWN, 64, cell=cells.LSTM, kernel=tf.zeros((4096, 256))).native is False, "a wide input"
    wide = chosen(KNOWN, 512, cell=cells.LSTM, kernel=tf.zeros((F, 2048)))
    assert wide == ScanStrategy(True, True), "a large recurrent kernel"
