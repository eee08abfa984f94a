"""Every way a scan can be run, forced: against `keras.layers`, and against autodiff of the equation step by step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import layers
from nlp_rnn.layers import GRU, LSTM, RNN, Bidirectional, cells, scan
from nlp_rnn.layers.recurrence import Fixed, Inputs, Recurrence
from nlp_rnn.layers.scan import Way
from nlp_rnn.layers.side_by_side import usable_cores
from tests.conformance import LEFT, RIGHT, B, F, T, U, normal

WAYS = {
    "plain": Way(False, False),
    "plain forward": Way(False, True),
    "compiled": Way(True, True),
    "in parts": Way(True, True, parts=2),
    "in stretches": Way(True, True, stretch=4),
    "in parts and stretches": Way(True, True, parts=2, stretch=4),
    "plain forward in stretches": Way(False, True, stretch=4),
    "input product inside": Way(True, True, parts=2, inside=True),
    "native": Way(False, False, parts=2, native=True),
}
LSTM_RUN = Recurrence(cells.LSTM)
PAIRS = [  # compiling takes seconds: every cell and every mask, but not each with each
    (LSTM, "LSTM", None),
    (LSTM, "LSTM", RIGHT),
    (LSTM, "LSTM", LEFT),
    (RNN, "SimpleRNN", LEFT),
    (GRU, "GRU", RIGHT),
]


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request, monkeypatch):
    monkeypatch.setattr(scan, "choose", lambda *_: request.param)
    return request.param


def outputs_and_gradients(layer, x, mask, states, training):
    """The outputs, and the gradients for x, the states and the weights; in a graph of unknown batch and length."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, F])])
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch([x, *states])
            outputs = layer(x, initial_state=states, mask=mask, training=training)
            loss = sum(tf.reduce_sum(tf.sin(y) * (n + 1)) for n, y in enumerate(outputs))
        return outputs, tape.gradient(loss, [x, *states, *[w.value for w in layer.trainable_weights]])

    return run(x)


@pytest.mark.parametrize("ours, theirs, mask", PAIRS, ids=["LSTM", "LSTM right", "LSTM left", "RNN", "GRU"])
def test_every_way_equals_keras(way, ours, theirs, mask):
    arguments = {"return_sequences": True, "return_state": True}
    a = keras.layers.Bidirectional(getattr(keras.layers, theirs)(U, **arguments))
    b = Bidirectional(ours(U, **arguments))
    for layer in (a, b):
        layer.build((B, T, F))
    b.set_weights(a.get_weights())
    x, mask = tf.constant(normal(B, T, F)), None if mask is None else tf.constant(mask)
    states = [tf.constant(normal(B, U, seed=n)) for n in range(b.states)]
    (y1, g1), (y2, g2) = (outputs_and_gradients(layer, x, mask, states, True) for layer in (a, b))
    for expected, got in zip(y1, y2, strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)
    for expected, got in zip(g1, g2, strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4)


def test_a_gradient_that_was_not_announced_is_the_same(way):
    layer, x = LSTM(U, return_sequences=True, return_state=True), tf.constant(normal(B, T, F))
    layer.build(x.shape)
    states = [tf.constant(normal(B, U, seed=n)) for n in range(2)]
    _, expected = outputs_and_gradients(layer, x, RIGHT, states, True)
    _, got = outputs_and_gradients(layer, x, RIGHT, states, False)
    for a, b in zip(expected, got, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


def unrolled(run, inputs, fixed, training, reverse):
    """The same by one step after the other, for autodiff."""
    state, found = inputs.initial, []
    wx = inputs.x if inputs.kernel is None else tf.tensordot(inputs.x, inputs.kernel, 1) + inputs.bias
    for t in reversed(range(T)) if reverse else range(T):
        pre = (wx[:, t],)
        if run.cell.recurrent:
            uh = (state[0] * fixed.drop) @ inputs.recurrent_kernel
            uh = uh if inputs.recurrent_bias is None else uh + inputs.recurrent_bias
            pre = (wx[:, t] + uh,) if run.cell.additive else (wx[:, t], uh)
        new, _ = run.cell.step(*pre, state, *inputs.cell)
        new = [tf.where(u[:, t], n, s) for u, n, s in zip(fixed.update, new, state, strict=True)]
        state = tuple(tf.where(fixed.mask[:, t, None], n, s) for n, s in zip(new, state, strict=True))
        found.append(state[0])
    found = found[::-1] if reverse else found
    return (tf.stack(found, 1),), state


KINDS = {
    "LSTM": lambda: layers.LSTM(U),
    "GRU": lambda: layers.GRU(U),
    "PeepholeLSTM": lambda: layers.PeepholeLSTM(U),
    "CoupledLSTM": lambda: layers.CoupledLSTM(U),
    "ProjectedLSTM": lambda: layers.ProjectedLSTM(U, 3),
    "LayerNormLSTM": lambda: layers.LayerNormLSTM(U),
    "MinGRU": lambda: layers.MinGRU(U),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reverse", [False, True])
def test_every_cell_has_the_gradient_of_autodiff(kind, reverse, monkeypatch):
    """With padding, variational dropout and zoneout at once."""
    layer = KINDS[kind]()
    layer.build((B, T, F))
    layer.set_weights([normal(*w.shape, seed=n) for n, w in enumerate(layer.get_weights())])
    initial = tuple(tf.constant(normal(B, size, seed=n)) for n, size in enumerate(layer.state_sizes))
    inputs = layer._inputs(tf.constant(normal(B, T, F)), initial)
    drop = tf.constant(normal(B, layer.state_sizes[0], seed=3))
    update = tuple(tf.constant(normal(B, T, size, seed=4 + n) > -1) for n, size in enumerate(layer.state_sizes))
    run, fixed = Recurrence(layer.cell), Fixed(tf.constant(RIGHT), drop, update)
    expected = gradients(unrolled, run, inputs, fixed, reverse)
    one_stretch = Way(True, True, parts=2, stretch=T + 2)
    for way in (WAYS["plain"], WAYS["in parts and stretches"], WAYS["input product inside"], one_stretch):
        monkeypatch.setattr(scan, "choose", lambda *_, way=way: way)
        for a, b in zip(expected, gradients(scan.scan, run, inputs, fixed, reverse), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4, err_msg=str(way))


def gradients(scanned, run, inputs, fixed, reverse):
    watched = {name: value for name, value in inputs._asdict().items() if value is not None}

    @tf.function
    def compute(watched):
        with tf.GradientTape() as tape:
            tape.watch(watched)
            sequences, final = scanned(run, Inputs(**watched), fixed, True, reverse)
            loss = tf.reduce_sum(tf.sin(sequences[0])) + sum(tf.reduce_sum(tf.cos(s)) for s in final)
        return tf.nest.flatten(tape.gradient(loss, watched))

    return compute(watched)


@pytest.mark.parametrize("reverse", [False, True])
def test_short_and_long_sequences_share_a_layer(reverse):
    layer = LSTM(U, return_sequences=True, return_state=True, go_backwards=reverse)
    layer.build((None, None, F))
    weights = [w.value for w in layer.trainable_weights]

    def found(x, mask):
        with tf.GradientTape() as tape:
            sequence, *states = layer(x, mask=mask, training=True)
            loss = tf.reduce_sum(tf.sin(sequence)) + sum(tf.reduce_sum(tf.cos(s)) for s in states)
        return sequence, *states, *tape.gradient(loss, weights)

    anything = [tf.TensorSpec([None, None, F]), tf.TensorSpec([None, None], tf.bool)]
    graph = tf.function(found, input_signature=anything)
    for steps in (1, scan.SHORT, scan.SHORT + 1, scan.STRETCH + 3, 2 * scan.STRETCH):
        x, mask = tf.constant(normal(B, steps, F)), tf.sequence_mask([steps, max(1, steps - 3), 1, 0], steps)
        for got, expected in zip(graph(x, mask), found(x, mask), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("steps", "stretch"), [(1, 16), (16, 16), (17, 64), (300, 64)])
def test_short_sequences_take_short_stretches(steps, stretch):
    assert int(scan._stretch(scan.STRETCH, tf.zeros((1, steps, 1)))) == stretch
    assert scan._stretch(None, tf.zeros((1, steps, 1))) is None


def test_chooses_by_shape():
    known, unknown = ([batch, steps, F] for batch, steps in ((32, 10), (None, None)))
    one = Inputs(tf.zeros((1, 1, F)), (), recurrent_kernel=tf.zeros((8, 32)))
    assert scan.choose(LSTM_RUN, one, Fixed(), True) == Way(False, False), "eagerly, nothing is compiled"

    def chosen(shape, units, training=True, beside=1, cell=cells.PEEPHOLE_LSTM, kernel=None):
        found = []

        @tf.function(input_signature=[tf.TensorSpec(shape)])
        def graph(x):
            inputs = Inputs(x, (), kernel=kernel, recurrent_kernel=tf.zeros((units, 4 * units)))
            found.append(scan.choose(Recurrence(cell), inputs, Fixed(), training, beside))

        graph.get_concrete_function()
        return found[0]

    cores, narrow = usable_cores(), tf.zeros((F, 256))
    parts, halves = max(1, min(cores, 4)), max(1, min(cores // 2, 4))
    assert chosen(unknown, 64, training=False) == Way(False, False), "what is served has no compiled operation"
    assert chosen(unknown, 64) == Way(True, True, parts, scan.STRETCH)
    assert chosen(unknown, 64, beside=2) == Way(True, True, halves, scan.STRETCH)
    assert chosen(known, 64, training=False) == Way(True, True, parts)
    assert chosen(known, 64, training=False, kernel=narrow) == Way(True, True, parts, inside=True)
    assert chosen(known, 512) == Way(True, True)
    assert chosen(known, 1024) == Way(False, True)
    for shape in (known, unknown):
        assert chosen(shape, 64, cell=cells.LSTM, kernel=narrow) == Way(False, False, cores, native=True)
        assert chosen(shape, 64, False, cell=cells.LSTM, kernel=narrow).native is False, "what is served is portable"
    assert chosen([8, 10, F], 64, cell=cells.LSTM, kernel=narrow).native is False, "few rows are faster with XLA"
    assert chosen([32, 1, F], 64, cell=cells.LSTM, kernel=narrow).native is False, "one step is one product"
    assert chosen(known, 64, cell=cells.LSTM, kernel=tf.zeros((4096, 256))).native is False, "a wide input"
    assert chosen(known, 512, cell=cells.LSTM, kernel=tf.zeros((F, 2048))) == Way(True, True)
