"""The scale of a window: taken back exactly, and centred where the definition says."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.forecasting.scaling import SCALINGS, scale_of


@pytest.mark.parametrize("scaling", SCALINGS)
def test_unscaled_inverts_scaled(scaling):
    context = tf.constant([[3.0, np.nan, 5.0, 9.0], [2.0, 2.0, 2.0, 2.0], [np.nan] * 4, [0.0] * 4])
    scale = scale_of(context, scaling, centering_window=2)
    values = tf.constant([[4.0, 8.0], [1.0, 3.0], [5.0, 6.0], [0.5, 0.25]])
    np.testing.assert_allclose(scale.unscaled(scale.scaled(values)), values, rtol=1e-4)
    of_quantiles = np.repeat(scale.unscaled(tf.zeros((4, 2)))[..., None], 3, -1)
    np.testing.assert_allclose(scale.unscaled(tf.zeros((4, 2, 3))), of_quantiles)


@pytest.mark.parametrize(("scaling", "centre"), [("log", np.sqrt(45)), ("size", 0), ("deviation", 7), ("centre", 7)])
def test_the_centre_is_the_mean_of_the_last_values(scaling, centre):
    scale = scale_of(tf.constant([[3.0, np.nan, 5.0, 9.0]]), scaling, centering_window=2)
    np.testing.assert_allclose(scale.unscaled(tf.zeros((1, 1)))[0], centre, rtol=1e-5)
