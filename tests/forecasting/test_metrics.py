"""Metrics of forecasts against closed forms and worked examples."""

import numpy as np
import pytest
from scipy import stats

from nlp_rnn.forecasting import metrics


def test_percentage_errors_are_of_each_series_then_of_all():
    actual, point = np.array([[100.0, np.nan], [10.0, 20.0]]), np.array([[50.0, 7.0], [10.0, 60.0]])
    assert metrics.smape(actual, point) == pytest.approx((200 * 50 / 150 + (0 + 100) / 2) / 2)
    assert metrics.smape(np.zeros((1, 2)), np.zeros((1, 2))) == 0


def test_scaled_errors_leave_out_series_without_a_size():
    actual, point = np.array([[4.0, 6.0], [1.0, 1.0]]), np.array([[5.0, 8.0], [9.0, 9.0]])
    assert metrics.mase(actual, point, np.array([3.0, np.nan])) == pytest.approx(0.5)
    assert np.isnan(metrics.mase(actual, point, np.zeros(2)))
    assert metrics.naive_error(np.array([1.0, np.nan, 4.0, 8.0]), 1) == 4
    assert np.isnan(metrics.naive_error(np.array([1.0]), 1))
    assert metrics.naive_error(np.array([0.3, 0.1 + 0.2, 0.3]), 1) == 0  # but for rounding errors
    assert metrics.naive_error(1e9 + np.array([0.0, 1e-3]), 1) == pytest.approx(1e-3, rel=1e-3)


def test_the_crps_of_many_quantiles_is_that_of_the_distribution():
    """Of a normal distribution there is a closed form (Gneiting & Raftery, 2007)."""
    levels = np.arange(0.005, 1, 0.01)
    value = 0.7
    quantiles = stats.norm.ppf(levels)
    closed = value * (2 * stats.norm.cdf(value) - 1) + 2 * stats.norm.pdf(value) - 1 / np.sqrt(np.pi)
    assert metrics.crps(np.array([[value]]), quantiles[None, None], levels) == pytest.approx(closed, rel=1e-2)


def test_quantile_losses_are_weighted_by_the_size_of_the_actual_values():
    actual, quantiles = np.array([[2.0, np.nan]]), np.array([[[1.0, 4.0], [0.0, 0.0]]])
    assert metrics.weighted_quantile_loss(actual, quantiles, (0.5, 0.9)) == pytest.approx((1.0 + 0.4) / 2 / 2)
    assert metrics.rmse(actual, quantiles[..., 0]) == 1


def test_a_tenth_of_the_series_may_be_covered_worse_than_all():
    actual = np.ones((40, 3))
    actual[[0, 20, 2, 22], :2], actual[3] = 9.0, np.nan  # of 20 series, two origins: the first and the third
    low, high = np.zeros((40, 3)), np.full((40, 3), 2.0)
    assert metrics.lowest_coverage(actual, low, high, 20) == pytest.approx(1 / 3)
    assert metrics.lowest_coverage(actual[:3], low[:3], high[:3], 3) == pytest.approx(1 / 3)
    assert metrics.lowest_coverage(np.array([[9.0, 1.0, np.nan]]), low[:1], high[:1], 1) == 1 / 2
    assert metrics.coverage(actual, low, high) == pytest.approx(109 / 117)


def test_the_overall_average_is_of_both_ratios():
    assert metrics.owa(9.0, 2.0, {"smape": 10.0, "mase": 1.0}) == pytest.approx(1.45)
