"""Whether series are such as a forecaster can read, and what it makes of those that are not."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import forecast_answers, recipes
from nlp_rnn.backtest import evaluate
from nlp_rnn.checks import InputError
from nlp_rnn.forecasting import Forecaster
from nlp_rnn.models import DirectForecaster, PathForecaster
from nlp_rnn.panel import Panel
from nlp_rnn.series_checks import check_fits


def panel(values, season=1, **more):
    values = np.array(values, np.float32)
    return Panel("shops", ("a",), values, np.array([0, len(values)]), season, np.zeros(1, np.int32), **more)


def direct(scaling="deviation", step="", season=1):
    model = DirectForecaster(12, 3, 4, units=4, scaling=scaling)
    return Forecaster(model, (), season=season, horizon=3, known=12, step=step)


def test_season_and_frequency_stay_those_of_the_training():
    read = check_fits(direct(step="M1", season=12), panel(range(40)))
    assert (read.season, read.step) == (12, "M1")
    assert check_fits(direct(season=4), panel(range(40), 7, step="S86400")).step == "S86400"
    with pytest.raises(
        InputError, match="shops is daily, season of 7, and the model was trained on series that are mo"
    ):
        check_fits(direct(step="M1", season=12), panel(range(40), 7, step="S86400"))


@pytest.mark.parametrize("value", [-3, 2.5])
def test_counts_are_asked_for_whenever_they_are_read(value):
    forecaster = Forecaster(PathForecaster(1, "negative_binomial", units=4), (), season=1, horizon=3, known=12)
    assert check_fits(forecaster, panel([1, np.nan, 3])).lengths.tolist() == [3]
    with pytest.raises(InputError, match=f"series 'a' holds {value}, which is no count"):
        check_fits(forecaster, panel([1, value, 3]))


def test_an_export_tells_nothing_of_what_has_no_logarithm():
    values = np.tile(np.arange(1, 13, dtype=np.float32), (3, 1))
    values[1, 4], values[2, 0] = 0, np.nan
    told = direct("log").signatures()["forecast"](tf.constant(values))["quantiles"]
    assert np.isnan(told).any((1, 2)).tolist() == [False, True, False]
    assert np.isfinite(direct().signatures()["forecast"](tf.constant(values))["quantiles"]).all()


@pytest.mark.parametrize("scaling", ["centre", "log"])
def test_only_of_logarithms_a_draw_is_kept_near(scaling):
    model = PathForecaster(1, "normal", units=4, scaling=scaling)
    model.build((None, None))
    scale = model._scale(tf.ones([1, 5]))
    drawn = model._draw(scale, tf.constant([[50.0, 0.0]]), (0, 0))
    assert 45 < float(drawn[0]) < 55 if scaling == "centre" else float(drawn[0]) == pytest.approx(np.exp(8), rel=1e-4)


def test_series_that_are_told_in_parts_are_drawn_each_by_itself(monkeypatch):
    monkeypatch.setattr(forecast_answers, "AT_ONCE", 2)
    forecaster = Forecaster(PathForecaster(1, "normal", units=4), (), season=1, horizon=1, known=5)
    values = np.tile(np.arange(1, 9, dtype=np.float32), 4)
    four = Panel("shops", tuple("abcd"), values, np.arange(5) * 8, 1, np.zeros(4, np.int32))
    asked = {"horizon": None, "quantiles": "0.5", "plot": None, "anomalies": None}
    rows = list(forecast_answers.lines(SimpleNamespace(pipeline=forecaster), four, False, **asked))
    assert [row.split(",")[0] for row in rows[1:]] == list("abcd")
    assert len({row.split(",")[2] for row in rows[1:]}) == 4


def test_what_is_held_out_and_what_decides_must_hold_values():
    gone = panel([*range(1, 38), np.nan, np.nan, np.nan])
    with pytest.raises(InputError, match="none of the last 3 points, which are held out, has a value"):
        evaluate(direct(), gone, 1, classical=False)
    recipe = recipes.load("forecasting")
    config = recipe.Config(horizon=3, known=12, segment=4)
    with pytest.raises(InputError, match="no value is given where it is decided which epoch is best, the 3 points"):
        recipe.load_data(config, panel([*range(34), np.nan, np.nan, np.nan, 1, 2, 3]))
