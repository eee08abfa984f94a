"""The naive and the classical forecasts, on worked examples and on series that they fail on."""

import numpy as np
import pytest

from nlp_rnn.forecasting import baselines


def test_the_season_is_taken_out_and_put_back():
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
def test_every_method_forecasts_any_series(method, seen):
    (forecast,) = baselines.forecasts_by(method, [np.array(seen)], 4, 3)
    assert forecast.shape == (3,) and np.isfinite(forecast).all()


def test_a_method_that_fails_is_replaced_and_named(capsys, monkeypatch):
    monkeypatch.setitem(baselines.METHODS, baselines.THETA, lambda seen, season, horizon: np.full(horizon, np.nan))
    (forecast,) = baselines.forecasts_by(baselines.THETA, [np.array([5.0])], 1, 2)
    assert forecast.tolist() == [5, 5] and "Theta failed on 1 of 1 series" in capsys.readouterr().err


@pytest.mark.slow
def test_classical_methods_give_the_same_on_several_cores():
    series = [np.abs(np.random.default_rng(n).normal(size=24)) + 1 for n in range(24)]
    together = list(baselines.forecasts_by(baselines.THETA, series, 4, 3))
    np.testing.assert_allclose(together, [baselines.theta(one, 4, 3) for one in series])
