"""Every argument of `keras.layers.SimpleRNN`, `LSTM` and `GRU`: equal to Keras with the same weights, or refused."""

import inspect
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.layers import GRU, LSTM, RNN
from tests.conformance import LEFT, RIGHT, B, F, T, U, normal

PAGE = Path(__file__).parents[2] / "docs" / "keras-layers.md"
PAIRS = {"SimpleRNN": (RNN, keras.layers.SimpleRNN), "LSTM": (LSTM, keras.layers.LSTM), "GRU": (GRU, keras.layers.GRU)}


def drawn(seed):
    """An initializer whose values both layers draw alike."""
    return keras.initializers.RandomNormal(seed=seed)


# By argument: the options of which each must give what Keras gives. An argument that Keras adds fails the test below.
EQUAL = {
    "units": [{"units": 3}],
    "activation": [{"activation": name} for name in ("relu", None, "softmax", keras.layers.LeakyReLU(0.2))],
    "recurrent_activation": [{"recurrent_activation": name} for name in ("hard_sigmoid", "softmax", keras.ops.cos)],
    "use_bias": [{"use_bias": False}],
    "kernel_initializer": [{"kernel_initializer": drawn(1)}, {"kernel_initializer": "ones"}],
    "recurrent_initializer": [{"recurrent_initializer": drawn(2)}, {"recurrent_initializer": "identity"}],
    "bias_initializer": [{"bias_initializer": drawn(3)}],
    "unit_forget_bias": [{"unit_forget_bias": False}, {"unit_forget_bias": False, "bias_initializer": drawn(4)}],
    "kernel_regularizer": [{"kernel_regularizer": "l2"}],
    "recurrent_regularizer": [{"recurrent_regularizer": keras.regularizers.L1L2(0.1, 0.2)}],
    "bias_regularizer": [{"bias_regularizer": "l1"}],
    "activity_regularizer": [{"activity_regularizer": "l2", "return_sequences": True}],
    "kernel_constraint": [{"kernel_constraint": "non_neg"}],
    "recurrent_constraint": [{"recurrent_constraint": keras.constraints.MaxNorm(0.5)}],
    "bias_constraint": [{"bias_constraint": "non_neg"}],
    "dropout": [{"dropout": 0.4, "seed": 1}],
    "recurrent_dropout": [{"recurrent_dropout": 0.4, "seed": 1}],
    "seed": [{"seed": 5, "dropout": 0.4}],
    "return_sequences": [{"return_sequences": True}],
    "return_state": [{"return_state": True}],
    "go_backwards": [{"go_backwards": True, "return_sequences": True}],
    "stateful": [{"stateful": True, "return_state": True}, {"stateful": True, "return_sequences": True}],
    "unroll": [{"unroll": True}],
    "reset_after": [
        {"reset_after": False},
        {"reset_after": False, "activation": "relu"},
        {"reset_after": False, "use_bias": False},
    ],
    "use_cudnn": [{"use_cudnn": "auto"}, {"use_cudnn": False}],
    "zero_output_for_mask": [{"zero_output_for_mask": True}, {"zero_output_for_mask": True, "return_sequences": True}],
    "implementation": [{"implementation": 1}],
}
REFUSED = {  # by argument: options that Keras takes, and what is said instead
    "units": ({"units": 0}, "units must be a positive int, got 0"),
    "activation": ({"activation": keras.layers.PReLU()}, "activation must be a function without weights, got p_re_lu"),
    "recurrent_activation": ({"recurrent_activation": True}, "recurrent_activation must be a name, .* by name"),
    "dropout": ({"dropout": 1.0}, "dropout must be a number from 0 up to, not including, 1, got 1.0"),
    "recurrent_dropout": ({"recurrent_dropout": -0.5}, "recurrent_dropout must be a number from 0"),
    "reset_after": (
        {"reset_after": False, "recurrent_dropout": 0.1},
        "recurrent_dropout of GRU must be 0 with reset_a",
    ),
    "use_cudnn": ({"use_cudnn": True}, "use_cudnn must be 'auto' or False: .* does not use cuDNN, got True"),
}
# The number of the weight whose first value an argument decides.
INITIAL = {"kernel_initializer": 0, "recurrent_initializer": 1, "bias_initializer": 2, "unit_forget_bias": 2}
IN_KWARGS = {"SimpleRNN": {"zero_output_for_mask"}, "LSTM": {"zero_output_for_mask", "implementation"}}
IN_KWARGS["GRU"] = IN_KWARGS["LSTM"]


def arguments_of(kind):
    """The arguments of Keras' layer by name, those that its base classes take from its keyword arguments aside."""
    return {n: p for n, p in inspect.signature(kind).parameters.items() if p.kind is not p.VAR_KEYWORD}


def named(name):
    return [*arguments_of(PAIRS[name][1]), *sorted(IN_KWARGS[name])]


CASES = [(name, argument) for name in PAIRS for argument in named(name)]


@pytest.mark.parametrize("name", PAIRS)
def test_arguments_have_the_names_order_and_defaults_of_keras(name):
    ours, theirs = map(arguments_of, PAIRS[name])
    assert {n: p.default for n, p in ours.items()} == {n: p.default for n, p in theirs.items()}
    assert list(ours) == list(theirs)
    calls = [list(inspect.signature(kind.call).parameters) for kind in PAIRS[name]]
    assert calls[0] == calls[1]


def test_every_argument_is_tested_and_documented():
    everything = {argument for name in PAIRS for argument in named(name)}
    assert everything == set(EQUAL)
    table = PAGE.read_text(encoding="utf-8").split("## Arguments")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(everything)


def pair(name, options):
    """Keras' layer and ours, built, with the same weights; and whether they began with the same ones."""
    options = {"units": U, **options}
    ours, theirs = PAIRS[name]
    layers = [theirs(**options), ours(**options)]
    for layer in layers:
        layer.build((B, T, F))
    same = [np.array_equal(a, b) for a, b in zip(*(layer.get_weights() for layer in layers), strict=True)]
    layers[1].set_weights(layers[0].get_weights())
    if options.get("recurrent_dropout"):
        share_mask(layers[0].cell)
    return layers, same


def share_mask(cell):
    """Make a cell of Keras use one dropout mask for all gates, as ours do, instead of one for each."""
    count = getattr(cell, "dropout_mask_count", None)
    make = type(cell)._create_dropout_mask

    def create(step_input, rate):
        cell.dropout_mask_count = None
        mask = make(cell, step_input, rate)
        cell.dropout_mask_count = count
        return mask if count is None else [mask] * count

    cell._create_dropout_mask = create


def everything_of(layer, x, mask, training, optimizer):
    """The outputs, losses and gradients of a call, and the weights after a step of training."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = tf.nest.flatten(layer(x, mask=mask, training=training))
        losses = list(layer.losses)
        loss = sum(tf.reduce_sum(tf.sin(y) * (n + 1)) for n, y in enumerate(outputs)) + sum(losses)
    gradients = tape.gradient(loss, [x, *[w.value for w in layer.trainable_weights]])
    optimizer.apply(gradients[1:], layer.trainable_weights)
    return [*outputs, *losses, *gradients, *layer.get_weights()]


def assert_equal(name, options, rows=B):
    layers, _ = pair(name, options)
    optimizers = [keras.optimizers.SGD(0.01) for _ in layers]
    for number, (mask, training) in enumerate(((None, True), (RIGHT, True), (LEFT, False))):
        x = tf.constant(normal(rows, T, F, seed=number))
        mask = None if mask is None else tf.constant(mask)
        theirs, ours = (everything_of(a, x, mask, training, o) for a, o in zip(layers, optimizers, strict=True))
        for expected, got in zip(theirs, ours, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "argument"), CASES)
def test_an_argument_gives_what_keras_gives_or_one_line(name, argument):
    for options in EQUAL[argument]:
        if name == "SimpleRNN" and argument == "activity_regularizer":
            continue  # Keras ignores it; see the test below
        assert_equal(name, options)
        if argument in INITIAL:
            assert pair(name, options)[1][INITIAL[argument]]
    if argument in REFUSED:
        options, line = REFUSED[argument]
        with pytest.raises(ValueError, match=line) as error:
            PAIRS[name][0](**{"units": U, **options})
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", PAIRS)
def test_initial_weights_are_those_of_keras(name):
    initial = {weight: drawn(n) for n, weight in enumerate(("kernel", "recurrent", "bias"))}
    _, same = pair(name, {f"{weight}_initializer": initializer for weight, initializer in initial.items()})
    assert same == [True] * 3


@pytest.mark.parametrize("name", PAIRS)
def test_the_activity_regularizer_is_of_the_output(name):
    layer = PAIRS[name][0](U, activity_regularizer=keras.regularizers.L2(0.1))
    y = layer(normal(B, T, F))
    np.testing.assert_allclose(layer.losses, [0.1 * np.sum(np.square(y)) / B], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("shape", [pytest.param([8, T, F], marks=pytest.mark.thorough), [None, None, F]])
def test_other_activations_match_keras_in_a_compiled_graph(name, shape, native_runs):
    """With padding, backwards and with dropout, over more steps than a chunk if the shape is unknown."""
    options = {"activation": "relu", "go_backwards": True, "return_sequences": True, "dropout": 0.3, "seed": 1}
    layers, _ = pair(name, options | ({} if name == "SimpleRNN" else {"recurrent_activation": "hard_sigmoid"}))
    x, steps = (normal(8, T, F), T) if shape[0] else (normal(8, 70, F), 70)
    mask = tf.sequence_mask(np.arange(8) * steps // 7, steps)

    def results(layer, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, mask=mask, training=True)
            loss = tf.reduce_mean(tf.sin(y))
        return y, tape.gradient(loss, [x, *[w.value for w in layer.trainable_weights]])

    graph = tf.function(lambda x: results(layers[1], x), input_signature=[tf.TensorSpec(shape)])
    expected, got = (tf.nest.flatten(r) for r in (results(layers[0], tf.constant(x)), graph(x)))
    for a, b in zip(expected, got, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)
    assert not native_runs


@pytest.mark.parametrize("name", PAIRS)
def test_the_default_activations_by_any_name_keep_the_machine_code(name, native_runs):
    ours = PAIRS[name][0](U, activation=keras.activations.tanh, use_bias=False, kernel_regularizer="l2")
    assert ours.cell is type(ours).cell
    ours(normal(32, T, F), training=True)
    assert len(native_runs) == 1


@pytest.mark.parametrize("name", PAIRS)
def test_a_config_survives_saving_with_every_argument(name, tmp_path):
    options = {
        **{a: EQUAL[a][-1][a] for a in named(name) if a not in ("implementation", "use_cudnn", "recurrent_dropout")},
        "activation": "relu",
        "stateful": False,
        "return_state": False,
    }
    if name != "SimpleRNN":
        options["recurrent_activation"] = "hard_sigmoid"
    inputs = keras.Input((None, F))
    model = keras.Model(inputs, PAIRS[name][0](**options)(keras.layers.Masking()(inputs)))
    model.save(tmp_path / "model.keras")
    again, x = keras.saving.load_model(tmp_path / "model.keras"), normal(B, T, F)
    np.testing.assert_array_equal(again(x), model(x))
    assert again.layers[-1].get_config() == model.layers[-1].get_config()
    assert [w.regularizer is None for w in again.weights] == [w.regularizer is None for w in model.weights]


@pytest.mark.parametrize("name", PAIRS)
def test_takes_the_config_of_keras(name):
    ours, theirs = PAIRS[name]
    config = theirs(U, activation="relu", kernel_regularizer="l2", return_sequences=True).get_config()
    layer = ours.from_config(config)
    assert layer.activation is keras.activations.relu and isinstance(layer.kernel_regularizer, keras.regularizers.L2)
    assert layer(normal(B, T, F)).shape == (B, T, U)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("dtype", ["int64", "bool", "float64"])
def test_inputs_are_cast_as_keras_does(name, dtype):
    layers, _ = pair(name, {})
    x = (normal(B, T, F) * 3).astype(dtype)
    got, expected = layers[1](x), layers[0](x)
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", PAIRS)
def test_states_are_carried_reset_and_not_saved_as_keras_does(name):
    layers, _ = pair(name, {"stateful": True, "return_state": True})
    for number in range(2):
        theirs, ours = (layer(normal(B, T, F, seed=number), mask=tf.constant(RIGHT)) for layer in layers)
        for expected, got in zip(theirs, ours, strict=True):
            np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)
    for theirs, ours in zip(layers[0].states, layers[1].states, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    assert len(layers[1].weights) == len(layers[0].weights) == 3
    layers[1].reset_states()
    np.testing.assert_array_equal(layers[1].states[0], np.zeros((B, U)))
    for theirs, ours in zip(layers[0].get_initial_state(2), layers[1].get_initial_state(2), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_stateful_layer_needs_a_fixed_batch_size():
    with pytest.raises(ValueError, match=r"is stateful and needs a fixed batch size, got .* \(None, None, 3\): pass"):
        LSTM(U, stateful=True)(keras.Input((None, F)))
    layer = LSTM(U, stateful=True)
    layer(normal(2, T, F))
    with pytest.raises(ValueError, match="is stateful, so its batch size must stay 2, got 3"):
        layer(normal(3, T, F))


def test_a_stateful_model_carries_its_states_through_fit_predict_and_an_export(tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(batch_shape=(2, 3, F))
    model = keras.Model(inputs, GRU(U, stateful=True)(inputs))
    model.compile("sgd", "mse")
    model.fit(normal(4, 3, F), normal(4, U), batch_size=2, shuffle=False, verbose=0)
    layer = model.layers[-1]
    assert np.any(layer.states[0])
    layer.reset_state()
    x = normal(2, 6, F)
    halves = [model.predict(part, verbose=0) for part in (x[:, :3], x[:, 3:])]
    layer.reset_state()
    model.export(tmp_path / "saved", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "saved"))
    served.serve(x[:, :3])
    np.testing.assert_allclose(served.serve(x[:, 3:]), halves[1], rtol=0, atol=1e-6)
    whole = GRU(U)
    whole.build(x.shape)
    whole.set_weights(layer.get_weights())
    np.testing.assert_allclose(halves[1], whole(x), rtol=0, atol=1e-6)


def test_refuses_what_has_no_place_here_in_one_line():
    with pytest.raises(ValueError, match="time_major is not supported: transpose the inputs to"):
        LSTM(U, time_major=True)
    with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
        LSTM(U)(normal(B, F))
    with pytest.raises(ValueError, match="recurrent_activation must be 'sigmoid': the equation of RNN has no other"):
        RNN(U, recurrent_activation="relu")
