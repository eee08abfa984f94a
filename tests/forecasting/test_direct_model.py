"""The pinball loss, and the arguments of a direct forecaster."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from nlp_rnn.forecasting import DirectForecaster
from nlp_rnn.forecasting.direct_model import pinball


def test_the_pinball_loss_is_least_at_the_quantile():
    samples = np.random.default_rng(0).normal(size=20_000)
    guesses = np.linspace(-2, 2, 81)
    guessed = [tf.fill([20_000, 1], tf.constant(guess, tf.float64)) for guess in guesses]
    losses = [float(tf.reduce_mean(pinball(tf.constant(samples), guess, [0.8]))) for guess in guessed]
    assert abs(guesses[np.argmin(losses)] - stats.norm.ppf(0.8)) < 0.1


@pytest.mark.parametrize("levels", [(), (0.1, 0.9), (0.5, 0.1), (0.5, 0.5), (0.5, 1.0)])
def test_quantile_levels_that_cannot_be_are_refused(levels):
    with pytest.raises(ValueError, match="quantile_levels must be ascending, lie between 0 and 1 and include 0.5"):
        DirectForecaster(8, 2, 4, levels, units=4)


def test_arguments_of_version_0_1_are_understood():
    with pytest.warns(FutureWarning, match="the argument (known|levels|kinds|recent) is now"):
        model = DirectForecaster(known=8, horizon=2, segment=4, levels=(0.5,), kinds=2, recent=3, units=4)
    assert model.settings["context_length"] == 8 and model.settings["quantile_levels"] == (0.5,)
    config = {**model.get_config(), "known": 9}
    del config["context_length"]
    assert DirectForecaster.from_config(config).settings["context_length"] == 9


def test_missing_values_of_a_whole_segment_do_not_matter():
    """A segment without any value before a short series is masked: what is in the window before it has no influence."""
    model = DirectForecaster(12, 3, segment=4, units=6, linear=False)
    short = np.concatenate([np.full((1, 8), np.nan, "float32"), [[5.0, 7.0, 6.0, 8.0]]], 1)
    other = DirectForecaster(4, 3, segment=4, units=6, linear=False)
    assert model(short).shape == other(short[:, 8:]).shape
    other.set_weights(model.get_weights())
    np.testing.assert_allclose(model(short), other(short[:, 8:]), rtol=1e-5)
