"""Halves of a batch side by side: what they give together, and when a batch is cut."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.layers import scan, side_by_side
from nlp_rnn.models import DirectForecaster, PathForecaster
from nlp_rnn.objectives import Forecasting
from tests.conformance import normal

MODELS = [
    lambda: PathForecaster(3, "student_t", "lstm", units=16, layers=2, dropout=0.0, kinds=2, covariates=2, ahead=1),
    lambda: DirectForecaster(12, 4, 4, units=16, dropout=0.0, kinds=2, covariates=2, ahead=1),
]


@pytest.fixture
def two_cores(monkeypatch):
    """As on a machine with two cores, whatever this one has."""
    monkeypatch.setattr(side_by_side, "cores", lambda: 2)


def cut(rows, *shape):
    """How many rows each part of a batch has, if so many rows are known."""
    found = []

    @tf.function(input_signature=[tf.TensorSpec([rows, *shape])])
    def graph(x):
        found.extend(side_by_side.side_by_side(lambda part: part.shape[0], x))

    graph.get_concrete_function()
    return found


def test_cuts_what_is_large_and_known(two_cores):
    assert cut(33, 2) == [16, 17]
    assert cut(31) == [31], "halves of few rows would not run in machine code"
    assert cut(None, 3) == [None]
    assert cut(32) == [16, 16]
    assert side_by_side.side_by_side(len, tf.ones((64,))) == [64], "eagerly, halves would run one after the other"


@pytest.mark.parametrize("cores", [1, 3])
def test_an_odd_number_of_cores_takes_all_rows(cores, monkeypatch):
    monkeypatch.setattr(side_by_side, "cores", lambda: cores)
    assert cut(64) == [64]


@pytest.mark.parametrize("kind", ["inter", "intra"])
def test_one_thread_takes_all_rows(kind, two_cores, monkeypatch):
    monkeypatch.setenv(f"TF_NUM_{kind.upper()}OP_THREADS", "1")
    assert cut(64) == [64]
    monkeypatch.setenv(f"TF_NUM_{kind.upper()}OP_THREADS", "")
    assert cut(64) == [32, 32]
    monkeypatch.setattr(tf.config.threading, f"get_{kind}_op_parallelism_threads", lambda: 1)
    assert cut(64) == [64]


def test_a_gpu_takes_all_rows(two_cores, monkeypatch):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind])
    assert cut(64) == [64]


@pytest.mark.parametrize("make", MODELS)
def test_layers_of_a_half_share_half_of_the_cores(make, monkeypatch):
    monkeypatch.setattr(side_by_side, "cores", lambda: 6)
    chosen, choose = [], scan.choose
    monkeypatch.setattr(scan, "choose", lambda *args: chosen.append(choose(*args)) or chosen[-1])
    train(make(), covariates=2)
    chosen = [way for way in chosen if way.native]
    assert chosen and {way.parts for way in chosen} == {3} and len(chosen) % 2 == 0 and side_by_side.running() == 1


def train(model, covariates=0):
    """The loss of a batch with missing values, and its gradients."""
    objective = Forecasting(model)
    known, following = 10 + normal(40, 12), 10 + normal(40, 4)
    known[:3, :7], known[5], following[25:, 2] = np.nan, np.nan, np.nan
    beside = (normal(40, 16, covariates),) if covariates else ()
    values = [weight.value for weight in model.trainable_weights]

    @tf.function
    def graph(*data):
        with tf.GradientTape() as tape:
            loss, _, counted = objective.loss_of(*data, training=True)
        return loss, counted, [tf.convert_to_tensor(d) for d in tape.gradient(loss, values)]

    return graph(*map(tf.constant, (known, following, np.arange(40, dtype="int32") % 3, *beside)))


@pytest.mark.parametrize("make", MODELS)
def test_halves_train_as_the_whole_does(make, two_cores, monkeypatch):
    model = make()
    model.build((None, None))
    halves = train(model, covariates=2)
    monkeypatch.setattr(side_by_side, "cores", lambda: 1)
    whole = train(model, covariates=2)
    for half, one in zip(tf.nest.flatten(halves), tf.nest.flatten(whole), strict=True):
        np.testing.assert_allclose(half, one, rtol=1e-4, atol=1e-6)
