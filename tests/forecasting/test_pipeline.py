"""Forecasters as pipelines: the class for the model, quantiles, horizons, covariates and what an export answers."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.checks import UsageError
from nlp_rnn.forecasting import DirectForecaster, Forecaster, PathForecaster, QuantileForecaster, SamplePathForecaster


def direct(scaling="deviation", covariates=0, **options):
    model = DirectForecaster(8, 2, 4, units=4, scaling=scaling, covariates=covariates)
    return Forecaster(model, (), season=4, horizon=2, context_length=8, **options)


@pytest.mark.parametrize(
    ("network", "wanted"), [(DirectForecaster, QuantileForecaster), (PathForecaster, SamplePathForecaster)]
)
def test_the_class_is_that_of_the_model(network, wanted):
    class Own(network):
        pass

    model = Own(8, 2, 4, units=4) if network is DirectForecaster else Own(4, units=4)
    forecaster = Forecaster(model, ["red"], season=4, horizon=2, context_length=8)
    assert type(forecaster) is wanted and forecaster.kind == "forecaster" and not forecaster.encoders
    assert forecaster.classes == ["red"]


def test_options_of_version_0_1_are_understood():
    with pytest.warns(FutureWarning, match="the argument (step|known) is now"):
        forecaster = Forecaster(DirectForecaster(8, 2, 4, units=4), season=4, horizon=2, known=8, step="M1")
    assert forecaster.options["context_length"] == 8 and forecaster.options["frequency"] == "M1"
    with pytest.warns(FutureWarning, match="the argument levels is now quantile_levels"):
        assert forecaster.forecast([np.arange(8.0)], levels=[0.5]).quantiles.shape == (1, 2, 1)


def test_a_quantile_between_two_levels_is_interpolated():
    quantiles = direct().forecast([np.arange(8.0)], quantile_levels=[0.25, 0.375, 0.5]).quantiles[0, 0]
    assert quantiles[1] == pytest.approx((quantiles[0] + quantiles[2]) / 2, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"horizon": 3}, "a horizon of 3 is longer than the model's, 2"), ({"quantile_levels": [0.99]}, "from 0.025 to")],
)
def test_what_the_model_does_not_predict_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        direct().forecast([np.arange(8.0)], **options)


def test_covariates_must_be_of_the_right_shape():
    forecaster = direct(covariates=1, columns="a")
    with pytest.raises(ValueError, match=r"covariates must be of shape \(1, 10, 1\), got \(1, 9, 1\)"):
        forecaster.forecast([np.arange(8.0)], covariates=np.zeros((1, 9, 1)))
    with pytest.raises(ValueError, match=r"covariates must be of shape None, got \(1, 10, 1\)"):
        direct().forecast([np.arange(8.0)], covariates=np.zeros((1, 10, 1)))


def test_an_export_takes_covariates_for_each_value_and_each_step():
    serve = direct(covariates=1, columns="a").signatures()["forecast"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="for each value and for each step to forecast"):
        serve(tf.ones((1, 12)), tf.ones((1, 12, 1)))
    assert serve(tf.ones((1, 12)), tf.ones((1, 14, 1)))["mean"].shape == (1, 2)


@pytest.mark.parametrize("network", [DirectForecaster, PathForecaster])
def test_signatures_of_float64_do_not_round_large_values(network):
    arguments = (8, 2, 4) if network is DirectForecaster else (4,)
    model = network(*arguments, units=4, categories=1, covariates=1)
    forecaster = Forecaster(model, ["red"], season=4, horizon=2, context_length=8, columns="a")
    random = np.random.default_rng(0)
    values, covariates = random.normal(size=(2, 12)), random.normal(size=(2, 14, 1))
    signatures = forecaster.signatures()
    request = (2, 3, 5)[: len(forecaster.request)]
    served = signatures["forecast_float64"](1e9 + values, covariates, *request)
    low = signatures["forecast"](*(tf.constant(part, tf.float32) for part in (values, covariates)), *request)
    assert served["mean"].dtype == tf.float64 and low["mean"].dtype == tf.float32
    np.testing.assert_allclose(served["mean"] - 1e9, low["mean"], atol=1e-5)
    of = signatures["forecast_of_float64"](1e9 + values, covariates, [1, 1], *request)
    assert of["mean"].dtype == tf.float64 and np.isfinite(of["mean"]).all()


@pytest.mark.parametrize("level", [1e6, 1e9])
def test_forecasts_move_with_the_level_of_a_series(level):
    values, levels = np.random.default_rng(0).normal(size=30), [0.1, 0.5]
    model = direct()
    low, high = (model.forecast([series], quantile_levels=levels) for series in (values, values + level))
    np.testing.assert_allclose(high.mean - level, low.mean, atol=1e-6)
    np.testing.assert_allclose(high.quantiles - level, low.quantiles, atol=1e-6)


def test_an_export_gives_nan_where_there_is_no_logarithm():
    values = np.tile(np.arange(1, 13, dtype=np.float32), (3, 1))
    values[1, 6], values[2, 5] = 0, np.nan
    quantiles = direct("log").signatures()["forecast"](tf.constant(values))["quantiles"]
    assert np.isnan(quantiles).any((1, 2)).tolist() == [False, True, False]
    assert np.isfinite(direct().signatures()["forecast"](tf.constant(values))["quantiles"]).all()
