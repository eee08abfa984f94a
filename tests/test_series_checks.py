"""Whether series are such as a forecaster can read, and what it makes of those that are not."""

from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import forecast_answers, plots, recipes
from nlp_rnn.backtest import evaluate
from nlp_rnn.checks import InputError
from nlp_rnn.forecasting import Forecaster
from nlp_rnn.models import DirectForecaster, PathForecaster
from nlp_rnn.panel import Panel
from nlp_rnn.runs import Job
from nlp_rnn.series_checks import check_fits, chosen_scaling
from nlp_rnn.sources.regular import Opened


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
    rows = list(forecast_answers.lines(SimpleNamespace(pipeline=forecaster, metrics={}), four, False, **asked))
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


def test_logarithms_need_values_above_zero(capsys):
    values = np.arange(1, 31, dtype=np.float32)
    assert chosen_scaling(panel(values), "auto", "normal") == "log" and not capsys.readouterr().err
    values[29] = 0  # held out; what is asked of the model later reads it
    assert chosen_scaling(panel(values), "auto", "normal") == "deviation"
    said = capsys.readouterr().err
    assert "not by logarithms, since 1 of 30 values are not above zero" in said and "these are counts" in said
    with pytest.raises(InputError, match="series 'a' holds 0, and the model takes logarithms"):
        chosen_scaling(panel(values), "log", "normal")
    assert chosen_scaling(panel(np.zeros(30)), "auto", "normal") == "deviation"
    assert "these are counts" not in capsys.readouterr().err, "of nothing but zeros who knows"
    assert chosen_scaling(panel(values), "auto", "negative_binomial") == "size"


def test_a_season_that_nothing_tells_can_be_said(capsys):
    recipe, opened = recipes.load("forecasting"), Opened(panel(range(1, 200)), 0)
    job = Job("forecasting", None, None)
    found = recipe.fitted_to(recipe.Config(season=11), opened, job)
    assert (found.season, found.horizon, found.segment, found.recent) == (11, 11, 11, 11)
    assert not capsys.readouterr().err
    assert recipe.fitted_to(recipe.Config(), opened, job).season == 1
    assert "say --set season=12" in capsys.readouterr().err
    assert recipe.fitted_to(recipe.Config(season=1), opened, job).season == 1 and not capsys.readouterr().err
    settings = {name: value for name, value in asdict(recipe.Config()).items() if name != "season"}
    older = SimpleNamespace(settings=settings, pipeline=direct(season=4))
    assert recipe.fitted_to(recipe.Config(), opened, SimpleNamespace(start=older)).season == 4
    monthly = Opened(panel(range(1, 200), season=12), 0)
    assert recipe.fitted_to(recipe.Config(), monthly, job).season == 12


@pytest.mark.parametrize(("points", "advice"), [(11, "longer ones or --set horizon=4$"), (3, "give longer ones$")])
def test_how_far_short_series_can_be_told(points, advice):
    recipe = recipes.load("forecasting")
    with pytest.raises(InputError, match=advice):
        recipe.load_data(recipe.Config(horizon=8, known=12, segment=4), panel(range(points)))
    if points == 11:
        recipe.load_data(recipe.Config(horizon=4, known=12, segment=4), panel(range(points)))


def test_what_is_told_from_little_or_from_an_earlier_time_is_said(capsys):
    values = [*range(1, 31), *[np.nan] * 19, 7.0, *range(1, 31)]
    begins = np.array(["2020-01-01", "2020-12-01", "2020-02-01"], "datetime64[s]")
    kinds = np.zeros(3, np.int32)
    three = Panel("shops", tuple("abc"), np.array(values, "f"), np.array([0, 30, 50, 80]), 4, kinds, (), begins, "M1")
    trained = SimpleNamespace(pipeline=direct(step="M1", season=4), metrics={})
    rows = list(forecast_answers.lines(trained, three, False, None, None, None, None))
    said = capsys.readouterr().err
    assert len(rows) == 10 and "naive" not in said
    assert "1 series, as 'b', have fewer than 4 values among the 12 that are read" in said
    assert "1 series, as 'a', end before others" in said
    figures = {"methods": {name: {"mase": 1.0, "smape": 1.0} for name in ("model", "seasonal naive")}}
    trained = SimpleNamespace(pipeline=direct(), metrics=figures)
    list(forecast_answers.lines(trained, panel(range(1, 31)), False, None, None, None, None))
    said = capsys.readouterr().err
    assert "the seasonal naive forecast was better than this model" in said and "as '" not in said


def test_values_without_neighbours_are_drawn():
    seen = np.array([1, np.nan, 2, 3, np.nan, np.nan, 4])
    assert plots._lonely(seen).tolist() == [True, False, False, False, False, False, True]
    assert plots._lonely(np.array([1.0])).tolist() == [True]
    axes = plots._figure(2, 2).subplots()
    plots._fan(axes, {"name": "a", "seen": seen, "told": np.ones((2, 1)), "levels": [0.5]})
    points = next(line for line in axes.lines if line.get_marker() == ".")
    assert points.get_xydata().tolist() == [[0, 1], [6, 4]]
