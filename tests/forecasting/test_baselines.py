"""The naive and the classical forecasts, on worked examples and on series that they fail on."""

import numpy as np
import pytest

from nlp_rnn.forecasting import baselines


@pytest.mark.slow
def test_the_season_is_taken_out_and_put_back():
    pattern = np.array([0.5, 1.0, 1.5, 1.0])
    seen = 100 * np.tile(pattern, 8)
    np.testing.assert_allclose(baselines.seasonal_indices(seen, 4), pattern)
    np.testing.assert_allclose(baselines.naive2(seen, 4, 6), 100 * np.tile(pattern, 2)[:6])
    np.testing.assert_allclose(baselines.ets(seen, 4, 4), 100 * pattern, rtol=0.02)
    np.testing.assert_allclose(baselines.theta(seen, 4, 6), 100 * np.tile(pattern, 2)[:6], rtol=1e-6)
    np.testing.assert_allclose(baselines.theta(seen[:-1], 4, 5), 100 * np.roll(pattern, 1)[[0, 1, 2, 3, 0]], rtol=1e-6)


@pytest.mark.parametrize("method", baselines.METHODS)
@pytest.mark.parametrize(
    "seen", [[5.0], [5.0, 6.0], [3.0] * 20, [np.nan] * 4, [np.nan, 1.0, np.nan, 4.0, np.nan], [0.0, -3.0, 2.0] * 9]
)
def test_every_method_forecasts_any_series(method, seen):
    (forecast,) = baselines.forecasts_by(method, [np.array(seen)], 4, 3)
    assert forecast.shape == (3,) and np.isfinite(forecast).all()


EACH_METHOD = pytest.mark.parametrize("method", baselines.METHODS)
EACH_SEASON = pytest.mark.parametrize("season", [1, 4])


@EACH_METHOD
@EACH_SEASON
@pytest.mark.parametrize("value", [0.0, 5.0, -0.1, 1e9])
def test_a_constant_series_is_forecast_to_stay(method, season, value):
    for seen in (np.full(60, value), np.full(3, value), np.array([np.nan, value, np.nan, value])):
        assert baselines.METHODS[method](seen, season, 4).tolist() == [value] * 4


@EACH_METHOD
@EACH_SEASON
@pytest.mark.parametrize("level", [5.0, -0.1, 1e9])
def test_a_nearly_constant_series_is_forecast_within_its_range(method, season, level):
    noise = 1e-8 * level * np.random.default_rng(0).normal(size=60)
    for seen in (level + noise, np.where(np.arange(60) == 30, 1.2 * level, level)):
        forecast = baselines.METHODS[method](seen, season, 6)
        assert seen.min() <= forecast.min() and forecast.max() <= seen.max()


@EACH_SEASON
@pytest.mark.parametrize(("first", "slope"), [(3.0, 2.0), (300.0, -2.0), (1e9, 0.5)])
def test_a_line_is_continued_as_each_method_says(season, first, slope):
    line = first + slope * np.arange(64.0)
    seen, ahead, steps = line[:60], line[60:], slope * np.arange(1, 5)
    expected = {
        "naive": [seen[-1]] * 4,
        "seasonal naive": np.resize(seen[-season:], 4),
        "Naive2": [seen[-1]] * 4,
        "Theta": seen[-1] + steps / 2,  # smoothing that follows every value, and half of the trend
        "ETS": ahead,  # of a damped trend, the damping closest to none
    }
    for method, values in expected.items():
        tolerance = 0.1 * abs(slope) if method == "ETS" else 0.01 * abs(slope)
        np.testing.assert_allclose(baselines.METHODS[method](seen, season, 4), values, rtol=0, atol=tolerance)


def test_a_method_that_fails_is_replaced_and_named(capsys, monkeypatch):
    monkeypatch.setitem(baselines.METHODS, baselines.THETA, lambda seen, season, horizon: np.full(horizon, np.nan))
    (forecast,) = baselines.forecasts_by(baselines.THETA, [np.array([5.0])], 1, 2)
    assert forecast.tolist() == [5, 5] and "Theta failed on 1 of 1 series" in capsys.readouterr().err


@pytest.mark.slow
def test_classical_methods_give_the_same_on_several_cores():
    series = [np.abs(np.random.default_rng(n).normal(size=24)) + 1 for n in range(24)]
    together = list(baselines.forecasts_by(baselines.THETA, series, 4, 3))
    np.testing.assert_allclose(together, [baselines.theta(one, 4, 3) for one in series])
