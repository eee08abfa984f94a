"""The pieces of a forecaster: scales, distributions, losses, and what must not matter to it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from nlp_rnn.checks import InputError
from nlp_rnn.distributions import DISTRIBUTIONS, count_draw, count_log_density
from nlp_rnn.forecasting import Forecaster
from nlp_rnn.layers.products import few
from nlp_rnn.models import DirectForecaster, PathForecaster
from nlp_rnn.models.covariates import Covariates
from nlp_rnn.models.forecaster import pinball
from nlp_rnn.models.scaling import SCALINGS, scale_of
from tests.conformance import normal


def test_covariates_are_measured_by_what_is_there():
    layer = Covariates(3)
    layer.adapt(np.array([[19.99, 2023.0, np.nan], [19.99, 2024.0, 1.0]] * 1000, "float32"))
    np.testing.assert_allclose(layer.mean, [19.99, 2023.5, 1], rtol=1e-6)
    np.testing.assert_allclose(layer.spread, [1, 0.5, 1], rtol=1e-6)
    assert Covariates.from_config(layer.get_config()).get_config() == layer.get_config()
    pipeline = Forecaster(
        DirectForecaster(8, 2, 4, units=4, covariates=1), (), season=4, horizon=2, known=8, columns="a"
    )
    with pytest.raises(ValueError, match=r"covariates must be of shape \(1, 10, 1\), got \(1, 9, 1\)"):
        pipeline.forecast([np.arange(8.0)], covariates=np.zeros((1, 9, 1)))
    told = pipeline.signatures()["forecast"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="for each value and for each step to be told"):
        told(tf.ones((1, 12)), tf.ones((1, 12, 1)))
    assert told(tf.ones((1, 12)), tf.ones((1, 14, 1)))["mean"].shape == (1, 2)


@pytest.mark.parametrize("kind", SCALINGS)
def test_a_scale_is_taken_back(kind):
    known = tf.constant([[3.0, np.nan, 5.0, 9.0], [2.0, 2.0, 2.0, 2.0], [np.nan] * 4, [0.0] * 4])
    scale = scale_of(known, kind, recent=2)
    values = tf.constant([[4.0, 8.0], [1.0, 3.0], [5.0, 6.0], [0.5, 0.25]])
    back = scale.values(scale.measured(values))
    np.testing.assert_allclose(back, values, rtol=1e-4)
    np.testing.assert_allclose(
        scale.values(tf.zeros((4, 2, 3))), np.repeat(scale.values(tf.zeros((4, 2)))[..., None], 3, -1)
    )
    centre = {"log": np.sqrt(45), "size": 0}.get(kind, 7)
    np.testing.assert_allclose(scale.values(tf.zeros((4, 1)))[0], centre, rtol=1e-5)


def test_densities_are_those_of_scipy():
    draw = np.random.default_rng(0)
    values, outputs = draw.normal(size=6).astype("f"), draw.normal(size=(6, 3)).astype("f")
    spread = np.log1p(np.exp(outputs[:, 1])) + 1e-4
    expected = stats.norm.logpdf(values, outputs[:, 0], spread)
    np.testing.assert_allclose(DISTRIBUTIONS["normal"].log_density(values, outputs), expected, rtol=1e-4)
    degrees = 2 + np.log1p(np.exp(outputs[:, 2]))
    expected = stats.t.logpdf(values, degrees, outputs[:, 0], spread)
    np.testing.assert_allclose(DISTRIBUTIONS["student_t"].log_density(values, outputs), expected, rtol=1e-4)
    counts, size = draw.poisson(4, 6).astype("f"), draw.uniform(1, 5, 6).astype("f")
    mean, shape = (np.log1p(np.exp(outputs[:, n])) + 1e-4 for n in (0, 1))
    expected = stats.nbinom.logpmf(counts, shape, shape / (shape + mean * size))
    np.testing.assert_allclose(count_log_density(counts, outputs[:, :2], size), expected, rtol=1e-3)


def test_draws_have_the_mean_and_the_spread_of_their_distribution():
    outputs, seed = tf.tile([[1.0, 0.5, 3.0]], [40_000, 1]), tf.constant([1, 2])
    spread = np.log1p(np.exp(0.5)) + 1e-4
    normal = DISTRIBUTIONS["normal"].draw(outputs, seed).numpy()
    assert abs(normal.mean() - 1) < 0.03 and abs(normal.std() / spread - 1) < 0.03
    student = DISTRIBUTIONS["student_t"].draw(outputs, seed).numpy()
    degrees = 2 + np.log1p(np.exp(3.0))
    assert abs(np.quantile(student, 0.9) - stats.t.ppf(0.9, degrees, 1, spread)) < 0.05
    counts = count_draw(outputs[:, :2], tf.fill([40_000], 3.0), seed).numpy()
    mean, shape = 3 * (np.log1p(np.exp(1.0)) + 1e-4), spread
    assert (counts == counts.round()).all() and abs(counts.mean() / mean - 1) < 0.05
    assert abs(counts.var() / (mean + mean**2 / shape) - 1) < 0.1


def test_a_few_outputs_are_those_of_the_layer():
    layer, x = keras.layers.Dense(3, bias_initializer="ones"), tf.constant(normal(5, 4, 7))
    layer.build(x.shape)
    found = []
    for told in (layer, lambda x: few(x, layer)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = told(x)
            loss = tf.reduce_sum(tf.sin(y))
        found.append([y, *tape.gradient(loss, [x, layer.kernel.value, layer.bias.value])])
    for expected, got in zip(*found, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kinds", [0, 2])
def test_what_has_weights_below_it_alone_asks_for_a_gradient(kinds):
    model = PathForecaster(season=4, units=16, kinds=kinds)
    model.build((None, None))
    assert [layer.input_gradient for layer in model.recurrent.layers] == [kinds > 0, True]
    known, following = (tf.constant(normal(32, n)) for n in (12, 3))
    with tf.GradientTape() as tape:
        losses, counted = model.window_losses(known, following, tf.zeros(32, tf.int32), training=True)
        loss = tf.reduce_sum(losses * counted)
    found = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    assert all(gradient is not None for gradient in found)


def test_the_pinball_loss_is_least_at_the_quantile():
    draws = np.random.default_rng(0).normal(size=20_000)
    guesses = np.linspace(-2, 2, 81)
    losses = [
        float(tf.reduce_mean(pinball(tf.constant(draws), tf.fill([20_000, 1], tf.constant(g, tf.float64)), [0.8])))
        for g in guesses
    ]
    assert abs(guesses[np.argmin(losses)] - stats.norm.ppf(0.8)) < 0.1


@pytest.mark.parametrize("likelihood", ["student_t", "negative_binomial"])
def test_a_step_is_what_the_whole_is(likelihood):
    """What a path is drawn from at each step is what the whole series gives there."""
    model = PathForecaster(3, likelihood, units=5, covariates=2, ahead=1)
    model.build((None, None))
    values = np.random.default_rng(0).poisson(9, (2, 12)).astype("float32") + 1
    values[0, :2], values[1, 6] = np.nan, np.nan
    scale = model._scale(tf.constant(values[:, :8]))
    beside = tf.random.stateless_normal((2, 13, 2), (0, 1))
    whole, _ = model._run(scale, tf.constant(values), None, beside, False)
    _, states = model._run(scale, tf.constant(values[:, :8]), None, beside[:, :9], False)
    for t in range(8, 12):
        read = tf.concat([beside[:, t + 1, :1], beside[:, t, 1:]], -1)
        step, states = model._step(scale, tf.constant(values[:, t - 2 : t + 1]), None, read, states)
        np.testing.assert_allclose(step, whole[:, t], rtol=1e-4, atol=1e-5)


def test_missing_values_and_what_stands_before_a_series_do_not_matter():
    """Points before the first one give nothing; a longer window of a short series is the same window."""
    model = PathForecaster(2, units=5, recent=2)
    values = np.array([[5.0, 7.0, 6.0, 8.0]], "float32")
    longer = np.concatenate([np.full((1, 6), np.nan, "float32"), values], 1)
    np.testing.assert_allclose(model(longer)[:, -1], model(values)[:, -1], rtol=1e-5)


def test_a_quantile_between_two_is_between_them():
    pipeline = Forecaster(DirectForecaster(8, 2, 4, units=4), (), season=4, horizon=2, known=8)
    found = pipeline.forecast([np.arange(8.0)], levels=[0.25, 0.375, 0.5]).quantiles[0, 0]
    assert found[1] == pytest.approx((found[0] + found[2]) / 2, rel=1e-5)
    with pytest.raises(InputError, match="a horizon of 3"):
        pipeline.forecast([np.arange(8.0)], horizon=3)
