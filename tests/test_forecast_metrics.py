"""Figures of forecasts and the methods beside them, against closed forms and worked examples."""

import numpy as np
import pytest
from scipy import stats

from nlp_rnn import baselines
from nlp_rnn import forecast_metrics as metrics


def test_percentage_errors_are_of_each_series_then_of_all():
    actual, told = np.array([[100.0, np.nan], [10.0, 20.0]]), np.array([[50.0, 7.0], [10.0, 60.0]])
    assert metrics.smape(actual, told) == pytest.approx((200 * 50 / 150 + (0 + 100) / 2) / 2)
    assert metrics.smape(np.zeros((1, 2)), np.zeros((1, 2))) == 0


def test_scaled_errors_leave_out_series_without_a_scale():
    actual, told = np.array([[4.0, 6.0], [1.0, 1.0]]), np.array([[5.0, 8.0], [9.0, 9.0]])
    assert metrics.mase(actual, told, np.array([3.0, np.nan])) == pytest.approx(0.5)
    assert np.isnan(metrics.mase(actual, told, np.zeros(2)))
    assert metrics.naive_error(np.array([1.0, np.nan, 4.0, 8.0]), 1) == 4
    assert np.isnan(metrics.naive_error(np.array([1.0]), 1))


def test_the_crps_of_many_quantiles_is_that_of_the_distribution():
    """Of a normal distribution there is a closed form (Gneiting & Raftery, 2007)."""
    levels = np.arange(0.005, 1, 0.01)
    value = 0.7
    told = stats.norm.ppf(levels)
    closed = value * (2 * stats.norm.cdf(value) - 1) + 2 * stats.norm.pdf(value) - 1 / np.sqrt(np.pi)
    assert metrics.crps(np.array([[value]]), told[None, None], levels) == pytest.approx(closed, rel=1e-2)


def test_quantile_losses_are_weighted_by_the_size_of_what_came():
    actual, told = np.array([[2.0, np.nan]]), np.array([[[1.0, 4.0], [0.0, 0.0]]])
    assert metrics.weighted_quantile_loss(actual, told, (0.5, 0.9)) == pytest.approx((1.0 + 0.4) / 2 / 2)
    assert metrics.rmse(actual, told[..., 0]) == 1


def test_season_is_taken_out_and_put_back():
    pattern = np.array([0.5, 1.0, 1.5, 1.0])
    seen = 100 * np.tile(pattern, 8)
    np.testing.assert_allclose(baselines.seasonal_indices(seen, 4), pattern)
    np.testing.assert_allclose(baselines.naive2(seen, 4, 6), 100 * np.tile(pattern, 2)[:6])
    np.testing.assert_allclose(baselines.ets(seen, 4, 4), 100 * pattern, rtol=0.02)
    np.testing.assert_allclose(baselines.theta(seen, 4, 4), 100 * pattern, rtol=0.08)


@pytest.mark.parametrize("method", baselines.METHODS)
@pytest.mark.parametrize(
    "seen", [[5.0], [5.0, 6.0], [3.0] * 20, [np.nan] * 4, [np.nan, 1.0, np.nan, 4.0, np.nan], [0.0, -3.0, 2.0] * 9]
)
def test_every_method_answers_on_any_series(method, seen):
    (told,) = baselines.told_by(method, [np.array(seen)], 4, 3)
    assert told.shape == (3,) and np.isfinite(told).all()


def test_a_method_that_fails_is_said_to(capsys, monkeypatch):
    monkeypatch.setitem(baselines.METHODS, baselines.THETA, lambda seen, season, horizon: np.full(horizon, np.nan))
    (told,) = baselines.told_by(baselines.THETA, [np.array([5.0])], 1, 2)
    assert told.tolist() == [5, 5] and "Theta failed on 1 of 1 series" in capsys.readouterr().err


def test_classical_methods_run_side_by_side_as_alone():
    series = [np.abs(np.random.default_rng(n).normal(size=24)) + 1 for n in range(24)]
    together = list(baselines.told_by(baselines.THETA, series, 4, 3))
    np.testing.assert_allclose(together, [baselines.theta(one, 4, 3) for one in series])


def test_the_overall_average_is_of_both_shares():
    assert metrics.owa(9.0, 2.0, {"smape": 10.0, "mase": 1.0}) == pytest.approx(1.45)
