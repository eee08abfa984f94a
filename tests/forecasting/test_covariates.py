"""Covariates, standardised by the values that are not missing."""

import numpy as np
import pytest

from nlp_rnn.forecasting.covariates import Covariates, checked


def test_mean_and_deviation_are_of_the_values_that_are_there():
    layer = Covariates(3)
    layer.adapt(np.array([[19.99, 2023.0, np.nan], [19.99, 2024.0, 1.0]] * 1000, "float32"))
    np.testing.assert_allclose(layer.mean, [19.99, 2023.5, 1], rtol=1e-6)
    np.testing.assert_allclose(layer.spread, [1, 0.5, 1], rtol=1e-6)
    assert Covariates.from_config(layer.get_config()).get_config() == layer.get_config()


def test_columns_far_from_zero_keep_their_differences():
    times = 1.7e9 + np.arange(8.0)
    layer = Covariates(2)
    layer.adapt(np.stack([times, np.full(8, 0.1)], 1))
    standardised = layer(np.stack([times, np.full(8, 0.6)], 1)[None])
    np.testing.assert_allclose(standardised[0, :, 0], (np.arange(8) - 3.5) / np.arange(8).std(), rtol=1e-6)
    np.testing.assert_allclose(standardised[0, :, 1], 0.5, rtol=1e-6)


def test_more_future_covariates_than_covariates_are_refused():
    with pytest.raises(ValueError, match="num_future_covariates must be at most covariates, 1, got 2"):
        checked(1, 2)
