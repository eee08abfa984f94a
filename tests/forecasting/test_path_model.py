"""An autoregressive forecaster: steps against the whole series, and gradients where weights need them."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.forecasting import PathForecaster
from tests.conformance import normal


@pytest.mark.parametrize("categories", [0, 2])
def test_only_a_layer_with_weights_below_it_computes_the_gradient_of_its_inputs(categories):
    model = PathForecaster(season=4, units=16, categories=categories)
    model.build((None, None))
    assert [layer.input_gradient for layer in model.recurrent.layers] == [categories > 0, True]
    context, targets = (tf.constant(normal(32, n)) for n in (12, 3))
    with tf.GradientTape() as tape:
        losses, weights = model.window_losses(context, targets, tf.zeros(32, tf.int32), training=True)
        loss = tf.reduce_sum(losses * weights)
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    assert all(gradient is not None for gradient in gradients)


@pytest.mark.parametrize("likelihood", ["student_t", "negative_binomial"])
def test_steps_give_the_outputs_of_the_whole_series(likelihood):
    """Each step of a sample path has the distribution that the model gives there for the whole series."""
    model = PathForecaster(3, likelihood, units=5, covariates=2, num_future_covariates=1)
    model.build((None, None))
    values = np.random.default_rng(0).poisson(9, (2, 12)).astype("float32") + 1
    values[0, :2], values[1, 6] = np.nan, np.nan
    scale = model._scale(tf.constant(values[:, :8]))
    covariates = tf.random.stateless_normal((2, 13, 2), (0, 1))
    whole, _ = model._run(scale, tf.constant(values), None, covariates, False)
    _, states = model._run(scale, tf.constant(values[:, :8]), None, covariates[:, :9], False)
    for t in range(8, 12):
        inputs = tf.concat([covariates[:, t + 1, :1], covariates[:, t, 1:]], -1)
        step, states = model._step(scale, tf.constant(values[:, t - 2 : t + 1]), None, inputs, states)
        np.testing.assert_allclose(step, whole[:, t], rtol=1e-4, atol=1e-5)


def test_padding_before_a_series_does_not_matter():
    model = PathForecaster(2, units=5, centering_window=2)
    values = np.array([[5.0, 7.0, 6.0, 8.0]], "float32")
    padded = np.concatenate([np.full((1, 6), np.nan, "float32"), values], 1)
    np.testing.assert_allclose(model(padded)[:, -1], model(values)[:, -1], rtol=1e-5)


@pytest.mark.parametrize("scaling", ["centre", "log"])
def test_samples_are_bounded_with_logarithms_alone(scaling):
    model = PathForecaster(1, "normal", units=4, scaling=scaling)
    model.build((None, None))
    scale = model._scale(tf.ones([1, 5]))
    sample = float(model._sample(scale, tf.constant([[50.0, 0.0]]), (0, 0))[0])
    assert 45 < sample < 55 if scaling == "centre" else sample == pytest.approx(np.exp(8), rel=1e-4)


def test_arguments_of_version_0_1_are_understood():
    with pytest.warns(FutureWarning, match="the argument (kinds|ahead) is now"):
        model = PathForecaster(3, kinds=2, covariates=2, ahead=1, units=4)
    assert model.settings["categories"] == 2 and model.settings["num_future_covariates"] == 1
