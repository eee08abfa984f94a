"""How good forecasts are: what is measured, from where, and what is said of it."""

import numpy as np
import pytest

from nlp_rnn import backtest, plots
from nlp_rnn import forecast_metrics as metrics
from nlp_rnn.backtest import evaluate
from nlp_rnn.forecasting import Forecaster
from nlp_rnn.models import DirectForecaster
from nlp_rnn.panel import Panel
from tests.test_forecasting import SMALL, monthly, words, write


def test_a_model_that_loses_says_so(cli):
    write("shops.csv", monthly(3, 60))
    result = cli(
        "run", "forecasting", "--data", "shops.csv", *words(*SMALL, "epochs=1", "steps=1", "learning_rate=1e-6")
    )
    assert result.exit_code == 0 and "the seasonal naive forecast is better than this model" in result.stdout


def test_more_than_one_origin_tells_every_point_once():
    values = np.arange(1.0, 61.0, dtype="float32")
    data = Panel("x", ("a",), values, np.array([0, 60]), 1, np.zeros(1, np.int32))
    pipeline = Forecaster(DirectForecaster(12, 4, 4, units=4), (), season=1, horizon=4, known=12)
    figures, rows, drawn = evaluate(pipeline, data, 3, classical=False)
    assert [row["actual"] for row in rows] == list(range(49, 61)) and figures["origins"] == 3
    assert drawn[0]["seen"].tolist() == list(range(41, 57)) and drawn[0]["actual"].tolist() == [57, 58, 59, 60]
    assert figures["methods"]["naive"]["rmse"] == pytest.approx(np.sqrt(np.mean(np.arange(1, 5) ** 2)))


def test_a_series_without_recent_values_is_not_measured(capsys):
    values = np.array([*[5.0] * 20, *[np.nan] * 20, 7, 8, *range(1, 43)], "float32")
    data = Panel("x", ("closed", "b"), values, np.array([0, 42, 84]), 1, np.zeros(2, np.int32))
    pipeline = Forecaster(DirectForecaster(12, 2, 4, units=4), (), season=1, horizon=2, known=12)
    assert evaluate(pipeline, data, 1, classical=False).figures["series"] == 1
    assert "not measured: 1 series" in capsys.readouterr().err


def test_a_tenth_of_the_series_may_be_held_worse_than_all():
    actual = np.ones((40, 3))
    actual[[0, 20, 2, 22], :2], actual[3] = 9.0, np.nan  # of 20 series, two origins: the first and the third
    low, high = np.zeros((40, 3)), np.full((40, 3), 2.0)
    assert metrics.lowest_coverage(actual, low, high, 20) == pytest.approx(1 / 3)
    assert metrics.lowest_coverage(actual[:3], low[:3], high[:3], 3) == pytest.approx(1 / 3)
    assert metrics.lowest_coverage(np.array([[9.0, 1.0, np.nan]]), low[:1], high[:1], 1) == 1 / 2
    assert metrics.coverage(actual, low, high) == pytest.approx(109 / 117)


def test_bands_are_of_quantiles_as_far_below_the_median_as_above():
    assert plots._intervals([0.1, 0.5, 0.9, 0.97]) == ([(0, 2)], [1, 3])
    assert plots._intervals([0.025, 0.1, 0.3, 0.5, 0.7, 0.9, 0.975]) == ([(0, 6), (1, 5), (2, 4)], [3])
    assert plots._intervals([0.1, 0.2]) == ([], [0, 1])


def test_a_series_too_short_to_be_measured_is_said(capsys):
    data = Panel("x", ("a", "b"), np.arange(1.0, 36.0, dtype="float32"), np.array([0, 3, 35]), 1, np.zeros(2, np.int32))
    pipeline = Forecaster(DirectForecaster(12, 2, 4, units=4), (), season=1, horizon=2, known=12)
    assert evaluate(pipeline, data, 1, classical=False).figures["series"] == 1
    assert "not measured: 1 series of fewer than 4 points, of which 2 are held out" in capsys.readouterr().err


def test_that_the_classical_methods_take_long_is_said_before(capsys):
    for classical, series, said in ((True, 301, True), (True, 300, False), (False, 301, False)):
        assert ("ETS" in backtest._methods(classical, series)) == classical
        assert ("take a while" in capsys.readouterr().err) == said
