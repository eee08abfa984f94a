"""Halves of a batch that run concurrently: their results together, and when a batch is split."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.forecasting.direct_model import DirectForecaster
from nlp_rnn.forecasting.objective import Forecasting
from nlp_rnn.forecasting.path_model import PathForecaster
from nlp_rnn.layers import batch_split, cores, scan
from tests.conformance import normal

MODELS = [
    lambda: PathForecaster(
        3, "student_t", "lstm", units=16, layers=2, dropout=0.0, categories=2, covariates=2, num_future_covariates=1
    ),
    lambda: DirectForecaster(12, 4, 4, units=16, dropout=0.0, categories=2, covariates=2, num_future_covariates=1),
]


@pytest.fixture
def two_cores(monkeypatch):
    """As on a machine with two cores, whatever this one has."""
    monkeypatch.setattr(cores, "available_cores", lambda: 2)


def split_sizes(rows, *shape):
    """How many rows each split of a batch has, for a static number of rows."""
    sizes = []

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([rows, *shape])])
    def graph(x):
        sizes.extend(batch_split.split_batch(lambda part: part.shape[0], x))

    graph.get_concrete_function()
    return sizes


def test_splits_a_large_batch_of_known_size(two_cores):
    assert split_sizes(33, 2) == [16, 17]
    assert split_sizes(31) == [31], "halves of so few rows would not run in machine code"
    assert split_sizes(None, 3) == [None]
    assert split_sizes(32) == [16, 16]
    assert batch_split.split_batch(len, tf.ones((64,))) == [64], "eagerly, halves would run one after the other"


@pytest.mark.parametrize("number", [1, 3])
def test_an_odd_number_of_cores_splits_nothing(number, monkeypatch):
    monkeypatch.setattr(cores, "available_cores", lambda: number)
    assert split_sizes(64) == [64]


@pytest.mark.parametrize("kind", ["inter", "intra"])
def test_a_single_thread_splits_nothing(kind, two_cores, monkeypatch):
    monkeypatch.setenv(f"TF_NUM_{kind.upper()}OP_THREADS", "1")
    assert split_sizes(64) == [64]
    monkeypatch.setenv(f"TF_NUM_{kind.upper()}OP_THREADS", "")
    assert split_sizes(64) == [32, 32]
    monkeypatch.setattr(tf.config.threading, f"get_{kind}_op_parallelism_threads", lambda: 1)
    assert split_sizes(64) == [64]


def test_a_gpu_splits_nothing(two_cores, monkeypatch):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind])
    assert split_sizes(64) == [64]


@pytest.mark.slow
@pytest.mark.parametrize("make", MODELS)
def test_the_layers_of_a_half_use_half_of_the_cores(make, monkeypatch):
    monkeypatch.setattr(cores, "available_cores", lambda: 6)
    chosen, choose = [], scan.choose_strategy
    monkeypatch.setattr(scan, "choose_strategy", lambda *args: chosen.append(choose(*args)) or chosen[-1])
    train(make(), covariates=2)
    native = [strategy for strategy in chosen if strategy.native]
    assert native
    assert {strategy.parts for strategy in native} == {3}
    assert len(native) % 2 == 0
    assert batch_split.concurrent_splits() == 1


def train(model, covariates=0):
    """The loss of a batch with missing values, and its gradients."""
    objective = Forecasting(model)
    context, following = 10 + normal(40, 12), 10 + normal(40, 4)
    context[:3, :7], context[5], following[25:, 2] = np.nan, np.nan, np.nan
    covariate_windows = (normal(40, 16, covariates),) if covariates else ()
    values = [weight.value for weight in model.trainable_weights]

    @tf.function(autograph=False)
    def graph(*data):
        with tf.GradientTape() as tape:
            loss, _, count = objective.loss_of(*data, training=True)
        return loss, count, [tf.convert_to_tensor(d) for d in tape.gradient(loss, values)]

    return graph(*map(tf.constant, (context, following, np.arange(40, dtype="int32") % 3, *covariate_windows)))


@pytest.mark.slow
@pytest.mark.parametrize("make", MODELS)
def test_halves_train_as_the_whole_batch_does(make, two_cores, monkeypatch, native_runs):
    model = make()
    model.build((None, None))
    halves = train(model, covariates=2)
    assert native_runs
    monkeypatch.setattr(cores, "available_cores", lambda: 1)
    whole = train(model, covariates=2)
    for half, one in zip(tf.nest.flatten(halves), tf.nest.flatten(whole), strict=True):
        np.testing.assert_allclose(half, one, rtol=1e-4, atol=1e-6)
