"""Backtests: which series are evaluated, from which origins, and the messages."""

import numpy as np
import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.forecasting import DirectForecaster, Forecaster, backtest
from nlp_rnn.forecasting.backtest import evaluate, evaluate_model
from tests.forecasting.tables import panel_of


def direct(horizon):
    model = DirectForecaster(12, horizon, 4, units=4)
    return Forecaster(model, (), season=1, horizon=horizon, context_length=12)


def test_several_origins_forecast_every_point_once():
    report = evaluate(direct(4), panel_of(range(1, 61)), 3, classical=False)
    assert [row["actual"] for row in report.rows] == list(range(49, 61)) and report.figures["origins"] == 3
    (fan,) = report.fans
    assert fan.history.tolist() == list(range(41, 57)) and fan.actual.tolist() == [57, 58, 59, 60]
    assert report.figures["methods"]["naive"]["rmse"] == pytest.approx(np.sqrt(np.mean(np.arange(1, 5) ** 2)))


@pytest.mark.slow
def test_the_metrics_of_the_model_do_not_depend_on_the_baselines(capsys):
    forecaster, panel = direct(4), panel_of(range(1, 61), range(40, 2, -1), [1, 2])
    report, alone = evaluate(forecaster, panel, 2, classical=False), evaluate_model(forecaster, panel, 2)
    assert capsys.readouterr().err.count("not evaluated") == 1
    metrics = alone.figures["methods"]["model"]
    assert set(metrics) == {"smape", "mase", "rmse"} and metrics.items() <= report.figures["methods"]["model"].items()
    report.add_before(alone)
    methods = report.figures["methods"]
    assert list(methods)[:3] == ["model", "before fine-tuning", "naive"]
    assert methods["before fine-tuning"] == {name: methods["model"][name] for name in ("smape", "mase", "rmse", "owa")}


def test_a_series_without_recent_values_is_not_measured(capsys):
    panel = panel_of([*[5.0] * 20, *[np.nan] * 20, 7, 8], range(1, 43))
    assert evaluate(direct(2), panel, 1, classical=False).figures["series"] == 1
    assert "not evaluated: 1 series without a value among the 12 points" in capsys.readouterr().err


def test_a_series_that_is_too_short_is_not_measured(capsys):
    assert evaluate(direct(2), panel_of([1, 2, 3], range(4, 36)), 1, classical=False).figures["series"] == 1
    assert "not evaluated: 1 series of fewer than 4 points, of which 2 are held out" in capsys.readouterr().err


@pytest.mark.slow
def test_of_very_many_series_a_sample_is_measured(capsys, monkeypatch):
    monkeypatch.setattr(backtest, "MAX_SERIES", 3)
    panel = panel_of(*[range(n, n + 20) for n in range(6)])
    first = evaluate(direct(2), panel, 1, classical=False)
    assert first.figures["series"] == 3 and "3 of 6 series, sampled at random" in capsys.readouterr().err
    again = evaluate(direct(2), panel, 1, classical=False)
    assert {row["series"] for row in again.rows} == {row["series"] for row in first.rows}


def test_the_test_split_must_hold_values():
    with pytest.raises(InputError, match="none of the last 3 points, which are held out, has a value"):
        evaluate(direct(3), panel_of([*range(1, 38), np.nan, np.nan, np.nan]), 1, classical=False)


@pytest.mark.parametrize(("classical", "series", "said"), [(True, 301, True), (True, 300, False), (False, 301, False)])
def test_warns_that_the_classical_methods_take_long(capsys, classical, series, said):
    assert ("ETS" in backtest._methods(classical, series)) == classical
    assert ("take a while" in capsys.readouterr().err) == said
