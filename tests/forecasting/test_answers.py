"""Predictions of `predict`: rows in batches, messages about rare series, and the form of the rows."""

from types import SimpleNamespace

import numpy as np
import pytest

from nlp_rnn.checks import UsageError
from nlp_rnn.forecasting import DirectForecaster, Forecaster, PathForecaster, answers
from nlp_rnn.forecasting.answers import RowAnswer, quantile_levels
from nlp_rnn.forecasting.regular import SeriesDataset
from nlp_rnn.forecasting.task import ForecastingTask
from tests.forecasting.tables import panel_of

OPTIONS = {"horizon": None, "quantiles": None, "plot": None, "anomalies": None}


def predicted(forecaster, panel, metrics=(), **options):
    """The rows of a prediction."""
    run = SimpleNamespace(pipeline=forecaster, metrics=dict(metrics))
    return [answer.row for answer in ForecastingTask().predict(run, SeriesDataset(panel), {**OPTIONS, **options})]


def direct(season=1, frequency=""):
    model = DirectForecaster(12, 3, 4, units=4)
    return Forecaster(model, (), season=season, horizon=3, context_length=12, frequency=frequency)


@pytest.mark.slow
def test_series_that_are_forecast_in_batches_have_samples_of_their_own(monkeypatch):
    monkeypatch.setattr(answers, "AT_ONCE", 2)
    forecaster = Forecaster(PathForecaster(1, "normal", units=4), (), season=1, horizon=1, context_length=5)
    rows = predicted(forecaster, panel_of(*[range(1, 9)] * 4), quantiles="0.5")
    assert [row["series"] for row in rows] == list("abcd") and [row["point"] for row in rows] == [9] * 4
    assert len({row["mean"] for row in rows}) == 4


@pytest.mark.slow
def test_series_with_few_values_or_an_earlier_end_are_named(capsys):
    starts = np.array(["2020-01-01", "2020-12-01", "2020-02-01"], "datetime64[s]")
    series = (range(1, 31), [*[np.nan] * 19, 7.0], range(1, 31))
    rows = predicted(direct(4, "M1"), panel_of(*series, season=4, start_times=starts, frequency="M1"))
    said = capsys.readouterr().err
    assert len(rows) == 9 and "naive" not in said
    assert "1 series, such as 'b', have fewer than 4 values among the last 12 points" in said
    assert "1 series, such as 'a', end before others" in said


@pytest.mark.slow
def test_a_model_that_loses_to_the_seasonal_naive_forecast_is_named(capsys):
    methods = {name: {"mase": 1.0, "smape": 1.0} for name in ("model", "seasonal naive")}
    predicted(direct(), panel_of(range(1, 31)), {"methods": methods})
    said = capsys.readouterr().err
    assert "the seasonal naive forecast was better than this model" in said and "such as '" not in said


def test_rows_are_csv_with_one_header_and_json():
    row = {"series": 'a "b", c', "point": 3, "mean": 1234567890.0}
    assert list(RowAnswer(row, True).lines()) == ["series,point,mean", '"a ""b"", c",3,1234567890']
    assert list(RowAnswer(row, False).lines()) == ['"a ""b"", c",3,1234567890']
    assert RowAnswer(row, True).json() == row


def test_forecasts_have_the_decimals_of_their_series_and_at_least_seven_digits():
    series = (1e9 + np.arange(12), 1e6 + np.arange(12) / 8, np.full(12, 1.0))
    rows = predicted(direct(), panel_of(*series), quantiles="0.5")
    for decimals, name in ((0, "a"), (3, "b"), (6, "c")):
        numbers = [row["q0.5"] for row in rows if row["series"] == name]
        assert numbers == [round(number, decimals) for number in numbers] and len(numbers) == 3


def test_anomalies_show_the_values_as_given():
    values = 1e9 + np.arange(20.0)
    values[10] += 987_654
    (row,) = [row for row in predicted(direct(), panel_of(values), anomalies=0.9) if row["point"] == 11]
    assert row["value"] == values[10]


def test_quantile_levels_are_sorted_and_have_a_default():
    assert quantile_levels("0.9,0.1,0.5,0.1") == [0.1, 0.5, 0.9] and quantile_levels(None) == [0.1, 0.5, 0.9]


def test_anomalies_need_a_series_that_is_longer_than_the_horizon():
    with pytest.raises(UsageError, match="no series is longer than the horizon, 3"):
        predicted(direct(), panel_of([1, 2, 3]), anomalies=0.5)
