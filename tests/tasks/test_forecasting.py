"""The recipe of forecasting: settings that the series decide, and series that are too short."""

from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest

from nlp_rnn import recipes
from nlp_rnn.checks import InputError
from nlp_rnn.forecasting import DirectForecaster, Forecaster
from nlp_rnn.forecasting.regular import SeriesDataset
from nlp_rnn.runs import Job
from tests.forecasting.tables import panel_of


@pytest.fixture(scope="module")
def recipe():
    return recipes.load("forecasting")


JOB = Job("forecasting", None, None)


def test_a_season_that_cannot_be_inferred_can_be_given(recipe, capsys):
    dataset = SeriesDataset(panel_of(range(1, 200)), 0)
    config = recipe.fitted_to(recipe.Config(season=11), dataset, JOB)
    assert (config.season, config.horizon, config.segment, config.centering_window) == (11, 11, 11, 11)
    assert not capsys.readouterr().err
    assert recipe.fitted_to(recipe.Config(), dataset, JOB).season == 1
    assert "for example --set season=12" in capsys.readouterr().err
    assert recipe.fitted_to(recipe.Config(season=1), dataset, JOB).season == 1 and not capsys.readouterr().err
    monthly = SeriesDataset(panel_of(range(1, 200), season=12), 0)
    assert recipe.fitted_to(recipe.Config(), monthly, JOB).season == 12


def test_the_season_of_a_run_without_that_setting_is_kept(recipe):
    settings = {name: value for name, value in asdict(recipe.Config()).items() if name != "season"}
    model = DirectForecaster(12, 3, 4, units=4)
    pipeline = Forecaster(model, (), season=4, horizon=3, context_length=12)
    job = SimpleNamespace(start=SimpleNamespace(settings=settings, pipeline=pipeline))
    dataset = SeriesDataset(panel_of(range(1, 200)), 0)
    assert recipe.fitted_to(recipe.Config(), dataset, job).season == 4


@pytest.mark.parametrize(("points", "advice"), [(11, "longer series or --set horizon=4$"), (3, "give longer series$")])
def test_the_longest_horizon_of_short_series_is_advised(recipe, points, advice):
    with pytest.raises(InputError, match=advice):
        recipe.load_data(recipe.Config(horizon=8, context_length=12, segment=4), panel_of(range(points)))
    if points == 11:
        recipe.load_data(recipe.Config(horizon=4, context_length=12, segment=4), panel_of(range(points)))


def test_the_validation_split_must_hold_values(recipe):
    config = recipe.Config(horizon=3, context_length=12, segment=4)
    with pytest.raises(InputError, match="there is no value in the validation split"):
        recipe.load_data(config, panel_of([*range(34), np.nan, np.nan, np.nan, 1, 2, 3]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"units": 3}, "units must be even, got 3"),
        ({"likelihood": "negative_binomial"}, "likelihood=negative_binomial needs model=sample_paths"),
        ({"model": "paths"}, "model must be one of quantiles, sample_paths, got 'paths'"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(recipe, settings, message):
    with pytest.raises(ValueError, match=message):
        recipe.Config(**settings)
