"""The scale of a window: taken back exactly, and centred where the definition says."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.forecasting.scaling import SCALINGS, scale_of


@pytest.mark.parametrize("scaling", SCALINGS)
def test_unscaled_inverts_scaled(scaling):
    context = tf.constant([[3.0, np.nan, 5.0, 9.0], [2.0, 2.0, 2.0, 2.5], [np.nan] * 4, [0.0] * 4])
    scale = scale_of(context, scaling, centering_window=2)
    values = tf.constant([[4.0, 8.0], [1.0, 3.0], [5.0, 6.0], [0.5, 0.25]])
    given = np.s_[:2] if scaling == "deviation" else np.s_[:]  # without any spread, there is only the centre
    np.testing.assert_allclose(scale.unscaled(scale.scaled(values))[given], values[given], rtol=1e-4)
    of_quantiles = np.repeat(scale.unscaled(tf.zeros((4, 2)))[..., None], 3, -1)
    np.testing.assert_allclose(scale.unscaled(tf.zeros((4, 2, 3))), of_quantiles)


@pytest.mark.parametrize(("scaling", "centre"), [("log", np.sqrt(45)), ("size", 0), ("deviation", 7), ("centre", 7)])
def test_the_centre_is_the_mean_of_the_last_values(scaling, centre):
    scale = scale_of(tf.constant([[3.0, np.nan, 5.0, 9.0]]), scaling, centering_window=2)
    np.testing.assert_allclose(scale.unscaled(tf.zeros((1, 1)))[0], centre, rtol=1e-5)


@pytest.mark.parametrize("level", [0, 1e6, -1e9])
def test_deviations_do_not_depend_on_the_level(level):
    wave = np.round(np.sin(np.arange(12.0)) * 3, 3)[None]
    expected = (wave - wave[:, -3:].mean()) / wave.std()
    scale = scale_of(tf.constant(wave + level), "deviation", centering_window=3)
    np.testing.assert_allclose(scale.scaled(wave + level), expected, atol=1e-6)
    np.testing.assert_allclose(scale.unscaled(expected) - level, wave, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 5.0, -123_456_789.01])
def test_a_flat_window_is_forecast_to_stay_and_is_not_trained_on(value):
    context = np.full((2, 9), value)
    context[1, 2], context[1, 5] = np.nan, np.nextafter(value, 1e18)  # a rounding error
    scale = scale_of(tf.constant(context), "deviation", centering_window=4)
    assert not scale.usable.numpy().any() and not scale.scaled(context + 7).numpy().any()
    np.testing.assert_allclose(scale.unscaled(tf.ones((2, 3))), np.full((2, 3), value), rtol=1e-15)


def test_a_value_far_from_a_window_that_hardly_varies_is_bounded():
    scale = scale_of(tf.constant([[1.0, 1.0, 1.0 + 1e-9]], tf.float64), "deviation")
    assert scale.scaled(tf.constant([[500.0, -500.0]])).numpy().tolist() == [[1e4, -1e4]]


@pytest.mark.parametrize("scaling", ["deviation", "centre"])
def test_integers_are_scaled_to_the_same_bits_at_any_level(scaling):
    values = np.random.default_rng(0).integers(0, 99, (4, 12)).astype(float)
    low, high = (scale_of(tf.constant(values + level), scaling, 5).scaled(values + level) for level in (0, 1e9))
    np.testing.assert_array_equal(low, high)
