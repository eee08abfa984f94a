"""Panels: categories by name, chosen series, covariates of forecasts, and the split into training and validation."""

from dataclasses import replace

import numpy as np

from nlp_rnn.forecasting.panel import Panel, split_by_series
from tests.forecasting.tables import normal_panel


def with_covariates(lengths, num_future=1):
    """Series with two covariates, the first of which is known for three future steps."""
    panel, random = normal_panel(lengths), np.random.default_rng(1)
    shapes = (sum(lengths), 2), (len(lengths), 3, 2)
    covariates, future = (random.normal(size=shape).astype("f") for shape in shapes)
    fields = {"covariates": covariates, "columns": ("price", "rain")}
    return replace(panel, **fields, num_future_covariates=num_future, future_covariates=future)


def test_categories_are_renumbered_by_name():
    panel = Panel("x", ("a", "b", "c"), np.zeros(3, "f"), np.arange(4), 1, np.array([1, 2, 0]), ("red", "blue"))
    assert panel.matched(["blue", "green"]).category_ids.tolist() == [0, 1, 0]
    assert panel.only(np.array([2, 1])).names == ("c", "b")


def test_chosen_series_keep_their_covariates():
    panel = with_covariates([10, 4])
    chosen = panel.only(np.array([1]))
    np.testing.assert_array_equal(chosen.covariates, panel.covariates[10:])
    np.testing.assert_array_equal(chosen.future_covariates, panel.future_covariates[1:])


def test_covariates_of_a_forecast_are_those_known_before_it():
    panel = with_covariates([10, 4])
    windows = panel.covariate_windows(np.array([0, 1, 1]), np.array([5, 12, 14]), 3, 4)
    np.testing.assert_array_equal(windows[0, :3], panel.covariates[2:5])
    np.testing.assert_array_equal(windows[0, 3:, 0], panel.covariates[5:9, 0])
    assert np.isnan(windows[:, 3:, 1]).all() and np.isnan(windows[1, 0]).all()
    np.testing.assert_array_equal(windows[1, 1:5, 0], panel.covariates[10:14, 0])
    np.testing.assert_array_equal(windows[2, 3:, 0], [*panel.future_covariates[1, :, 0], np.nan])
    expected = [*panel.covariates[10:14, 0], panel.future_covariates[1, 0, 0]]
    np.testing.assert_array_equal(panel.forecast_covariates([1], [2], 2, 3)[0][:, 0], expected)
    assert normal_panel([10]).forecast_covariates([0], [2], 2, 3) is None


def test_future_steps_are_those_with_all_future_covariates():
    panel = with_covariates([10, 4])
    gap = panel.future_covariates.copy()
    gap[0, 1, 0], gap[1, :, 1] = np.nan, np.nan
    assert panel.future_steps.tolist() == [3, 3]
    assert replace(panel, future_covariates=gap).future_steps.tolist() == [1, 3]
    assert replace(panel, future_covariates=gap, num_future_covariates=2).future_steps.tolist() == [1, 0]
    assert replace(panel, future_covariates=gap[:, :0]).future_steps.tolist() == [0, 0]


def test_of_few_series_the_ends_are_for_validation():
    few = normal_panel([30, 12])
    train, validation = split_by_series(few, few.lengths, 5, 0)
    assert train.tolist() == [25, 7] and validation.tolist() == [30, 12]
    short = normal_panel([3] * 200 + [20] * 12)
    train, validation = split_by_series(short, short.lengths, 5, 0)
    assert train[-1] == 15 and validation[-1] == 20


def test_of_many_series_a_tenth_is_for_validation():
    many = normal_panel([20] * 300)
    train, validation = split_by_series(many, many.lengths, 5, 0)
    assert ((train == 20) ^ (validation == 20)).all() and (validation == 20).sum() == 30
