"""The recurrent layers compared with `keras.layers` of the same weights, and with NumPy loops."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.layers import GRU, LSTM, RNN, Bidirectional, LayerNormLSTM, MinGRU, Zoneout
from tests.conformance import LEFT, RIGHT, B, F, T, U, normal

PAIRS = [(RNN, keras.layers.SimpleRNN), (LSTM, keras.layers.LSTM), (GRU, keras.layers.GRU)]
MASKS = {"no mask": None, "right": RIGHT, "left": LEFT}


def outputs_and_gradients(layer, x, mask, initial_state):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = layer(x, initial_state=initial_state, mask=None if mask is None else tf.constant(mask))
        loss = sum(tf.reduce_sum(tf.sin(y) * (n + 1)) for n, y in enumerate(outputs))
    return outputs, tape.gradient(loss, [x, *[w.value for w in layer.trainable_weights]])


@pytest.mark.parametrize("ours, theirs", PAIRS)
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("state_given", [False, True])
def test_matches_keras(ours, theirs, mask, bidirectional, sequences, state_given):
    layers = [kind(U, return_sequences=sequences, return_state=True) for kind in (theirs, ours)]
    if bidirectional:
        layers = [keras.layers.Bidirectional(layers[0]), Bidirectional(layers[1])]
    for layer in layers:
        layer.build((B, T, F))
    layers[1].set_weights(layers[0].get_weights())
    states = (2 if ours is LSTM else 1) * (1 + bidirectional)
    start = [tf.constant(normal(B, U, seed=n)) for n in range(states)] if state_given else None
    (y1, g1), (y2, g2) = (outputs_and_gradients(layer, normal(B, T, F), mask, start) for layer in layers)
    for expected, got in zip(y1, y2, strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)
    for expected, got in zip(g1, g2, strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("ours, theirs", PAIRS)
@pytest.mark.parametrize("backwards", [False, True])
def test_training_in_machine_code_matches_keras(ours, theirs, backwards, native_runs):
    """With as many rows as the native loop needs, and padding, in a graph of unknown batch and length."""
    options = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
    layers = [kind(U, **options) for kind in (theirs, ours)]
    for layer in layers:
        layer.build((None, None, F))
    layers[1].set_weights(layers[0].get_weights())
    mask = tf.sequence_mask(np.arange(40) % (T + 1), T)

    def gradients(layer, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x, mask=mask, training=True)
            loss = sum(tf.reduce_sum(tf.sin(y)) for y in outputs)
        return outputs, tape.gradient(loss, [x, *[w.value for w in layer.trainable_weights]])

    x = tf.constant(normal(40, T, F))
    expected = gradients(layers[0], x)
    assert not native_runs
    graph = tf.function(lambda x: gradients(layers[1], x), input_signature=[tf.TensorSpec([None, None, F])])
    got = graph(x)
    assert len(native_runs) == 2, "one kernel forward and one backward"
    for a, b in zip(tf.nest.flatten(expected), tf.nest.flatten(got), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_weights_can_be_copied_to_keras_and_have_the_same_initial_bias(ours, theirs):
    a, b = ours(U), theirs(U)
    for layer in (a, b):
        layer.build((B, T, F))
    np.testing.assert_array_equal(a.get_weights()[2], b.get_weights()[2])  # one at the forget gate
    b.set_weights(a.get_weights())
    np.testing.assert_allclose(b(normal(B, T, F)), a(normal(B, T, F)), rtol=0, atol=1e-5)
    assert [w.name for w in a.weights] == ["kernel", "recurrent_kernel", "bias"]


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_go_backwards_matches_keras(ours, theirs):
    a, b = (kind(U, return_sequences=True, go_backwards=True) for kind in (ours, theirs))
    b.build((B, T, F))
    a.build((B, T, F))
    a.set_weights(b.get_weights())
    for mask in (None, tf.constant(RIGHT)):
        np.testing.assert_allclose(a(normal(B, T, F), mask=mask), b(normal(B, T, F), mask=mask), rtol=0, atol=1e-5)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def numpy_lstm(x, W, Uh, b):
    """The equations of the papers step by step, with all gates."""
    h = c = np.zeros((x.shape[0], Uh.shape[0]))
    gates = {name: [] for name in "ifgo"}
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W + h @ Uh + b, 4, -1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        for name, gate in zip("ifgo", (i, f, g, o), strict=True):
            gates[name].append(gate)
    return h, {name: np.stack(values, 1) for name, values in gates.items()}


def numpy_gru(x, W, Uh, b):
    h = np.zeros((x.shape[0], Uh.shape[0]))
    gates = {name: [] for name in "zrg"}
    for t in range(x.shape[1]):
        (xz, xr, xg), (hz, hr, hg) = np.split(x[:, t] @ W + b[0], 3, -1), np.split(h @ Uh + b[1], 3, -1)
        z, r = sigmoid(xz + hz), sigmoid(xr + hr)
        g = np.tanh(xg + r * hg)
        h = z * h + (1 - z) * g
        for name, gate in zip("zrg", (z, r, g), strict=True):
            gates[name].append(gate)
    return h, {name: np.stack(values, 1) for name, values in gates.items()}


@pytest.mark.parametrize("layer, oracle", [(LSTM, numpy_lstm), (GRU, numpy_gru)])
def test_matches_numpy_and_returns_its_gates(layer, oracle):
    x, ours = normal(B, T, F), layer(U, return_gates=True)
    last, gates = ours(x)
    expected, expected_gates = oracle(x, *ours.get_weights())
    np.testing.assert_allclose(last, expected, rtol=0, atol=1e-5)
    assert set(gates) == set(expected_gates)
    for name, gate in gates.items():
        np.testing.assert_allclose(gate, expected_gates[name], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_passing_the_final_states_on_continues_the_sequence(kind):
    layer, x = kind(U, return_sequences=True, return_state=True), normal(B, T, F)
    whole, *end = layer(x)
    first, *middle = layer(x[:, :2])
    second, *end_of_second = layer(x[:, 2:], initial_state=middle)
    np.testing.assert_allclose(tf.concat([first, second], 1), whole, rtol=0, atol=1e-5)
    for a, b in zip(end, end_of_second, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [pytest.param(RNN, marks=pytest.mark.thorough), LSTM, GRU])
@pytest.mark.parametrize("argument", ["dropout", "recurrent_dropout"])
def test_dropout_acts_in_training_only_and_is_sampled_at_every_call(kind, argument):
    keras.utils.set_random_seed(0)
    layer, x = kind(U, **{argument: 0.5}), normal(1, T, F)
    np.testing.assert_array_equal(layer(x, training=False), layer(x))
    samples = np.concatenate([layer(x, training=True) for _ in range(50)])
    assert samples.std(0).min() > 0.001


def test_dropout_keeps_the_mean():
    keras.utils.set_random_seed(0)
    layer = RNN(U, dropout=0.5)
    factors = layer._dropout_mask((20_000, 3), 0.5).numpy()
    assert set(np.unique(factors)) == {0.0, 2.0}
    assert abs(factors.mean() - 1) < 0.02


def test_variational_dropout_is_the_same_at_every_step():
    """A unit that is dropped at every step has no gradient in the recurrent kernel."""
    keras.utils.set_random_seed(0)
    layer = RNN(8, recurrent_dropout=0.5, return_sequences=True)
    with tf.GradientTape() as tape:
        y = layer(normal(1, T, F), training=True)
        loss = tf.reduce_sum(y)
    rows = tape.gradient(loss, layer.recurrent_kernel.value).numpy()
    dropped = np.all(rows == 0, axis=1)
    assert 0 < dropped.sum() < 8


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
@pytest.mark.parametrize(("rows", "native"), [(B, False), (32, True)])
def test_the_gradient_with_recurrent_dropout_matches_finite_differences(kind, rows, native, native_runs):
    """Along a random direction."""
    keras.utils.set_random_seed(0)
    layer, x = kind(U, recurrent_dropout=0.5), tf.constant(normal(rows, T, F))
    layer(x)
    native_runs.clear()  # inference is in machine code anyway

    def loss():
        layer.seed_generator.state.assign([3, 4])
        return tf.reduce_sum(tf.sin(layer(x, training=True)))

    with tf.GradientTape() as tape:
        value = loss()
    assert bool(native_runs) == native
    kernel = layer.recurrent_kernel
    gradient, direction = tape.gradient(value, kernel.value).numpy(), normal(*kernel.shape, seed=5)
    losses = []
    for step in (1e-2, -1e-2):
        kernel.assign_add(step * direction)
        losses.append(float(loss()))
        kernel.assign_add(-step * direction)
    np.testing.assert_allclose((losses[0] - losses[1]) / 2e-2, (gradient * direction).sum(), rtol=2e-2)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float64"])
def test_trains_in_other_precisions(policy):
    keras.utils.set_random_seed(0)
    layers = [Bidirectional(LSTM(8, return_sequences=True, dtype=policy)), Zoneout(GRU(8, dtype=policy), 0.1)]
    model = keras.Sequential([*layers, keras.layers.Dense(1, dtype="float32")])
    model.compile(keras.optimizers.Adam(0.02), "mse", jit_compile=False)
    x = normal(64, T, F)
    target = x.sum((1, 2), keepdims=True)[:, 0] / 4
    losses = model.fit(x, target, epochs=15, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


def test_uses_the_mask_of_an_embedding_in_a_keras_model():
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(10, 4, mask_zero=True)(inputs)
    model = keras.Model(inputs, Bidirectional(LSTM(U))(x))
    ids = np.array([[3, 4, 0, 0]])
    np.testing.assert_allclose(model(ids), model(ids[:, :2]), rtol=0, atol=1e-6)


def test_keras_does_not_compile_the_whole_model():
    """XLA cannot compile the loop over chunks; Keras would make it try on a GPU."""
    model = keras.Sequential([keras.Input((None, F)), Bidirectional(LSTM(2))])
    with pytest.warns(UserWarning, match="Proceeding with `jit_compile=False`"):
        model.compile("sgd", "mse", jit_compile=True)
        model.fit(normal(2, 70, F), normal(2, 4), verbose=0)


@pytest.mark.parametrize("units", [0, -1, 2.5, True, None])
@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_refuses_units_that_are_not_a_positive_int(kind, units):
    with pytest.raises(ValueError, match="units must be a positive int, got"):
        kind(units)


def test_refuses_wrong_arguments():
    with pytest.raises(ValueError, match="dropout must be a number from 0"):
        LSTM(3, dropout=1.0)
    with pytest.raises(ValueError, match="must have 2 tensors, got 1"):
        LSTM(3)(normal(B, T, F), initial_state=[tf.zeros((B, 3))])
    with pytest.raises(ValueError, match="return_gates must be False: RNN has no gates"):
        RNN(3, return_gates=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", [*(pytest.param(kind, marks=pytest.mark.thorough) for kind in (RNN, GRU, MinGRU)), LSTM, LayerNormLSTM]
)
@pytest.mark.parametrize("training", [False, True])
def test_sequences_of_no_steps_give_the_initial_states(kind, training):
    """Eagerly, and in graphs of known and unknown length."""
    layer = kind(U, return_sequences=True, return_state=True)
    layer.build((B, T, F))
    start = [tf.constant(normal(B, U, seed=n)) for n in range(layer.num_states)]

    def call(x):
        with tf.GradientTape() as tape:
            sequence, *states = layer(x, initial_state=start, training=training)
            loss = tf.add_n([tf.reduce_sum(state) for state in states])
        return sequence, states, tape.gradient(loss, [w.value for w in layer.trainable_weights])

    unknown = tf.function(call, input_signature=[tf.TensorSpec([None, None, F])])
    for run in (call, tf.function(call), unknown):
        sequence, states, gradients = run(tf.zeros((B, 0, F)))
        assert sequence.shape == (B, 0, U)
        for got, expected in zip(states, start, strict=True):
            np.testing.assert_array_equal(got, expected)
        assert not any(np.any(gradient) for gradient in gradients)
    steps, _, gradients = unknown(normal(B, T, F))
    assert steps.shape == (B, T, U) and any(np.any(gradient) for gradient in gradients)


def test_no_steps_with_masks_gates_and_wrappers():
    x, mask = tf.zeros((B, 0, F)), tf.zeros((B, 0), tf.bool)
    last, gates = GRU(U, return_gates=True, go_backwards=True, zero_output_for_mask=True)(x, mask=mask)
    assert not np.any(last) and gates["z"].shape == (B, 0, U)
    assert Bidirectional(LSTM(U, return_sequences=True))(x, mask=mask).shape == (B, 0, 2 * U)
    assert not np.any(Zoneout(LSTM(U), 0.1)(x, training=True))
