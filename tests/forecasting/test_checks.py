"""Whether series suit a forecaster or its settings, and the messages about those that do not."""

import numpy as np
import pytest

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.forecasting import DirectForecaster, Forecaster, PathForecaster
from nlp_rnn.forecasting.checks import check_fits, check_validation, chosen_scaling
from tests.forecasting.tables import panel_of


def direct(scaling="deviation", frequency="", season=1):
    model = DirectForecaster(12, 3, 4, units=4, scaling=scaling)
    return Forecaster(model, (), season=season, horizon=3, context_length=12, frequency=frequency)


def test_season_and_frequency_stay_those_of_the_training(capsys):
    panel = check_fits(direct(frequency="M1", season=12), panel_of(range(40)))
    assert (panel.season, panel.frequency) == (12, "M1")
    assert "shops has no times: its values are taken to be monthly, season of 12" in capsys.readouterr().err
    check_fits(direct(frequency="M1", season=12), panel_of(range(40)), quiet=True)
    assert not capsys.readouterr().err
    assert check_fits(direct(season=4), panel_of(range(40), season=7, frequency="S86400")).frequency == "S86400"


def test_another_frequency_is_refused():
    with pytest.raises(InputError, match="shops is daily, season of 7, and the model was trained on .* are monthly"):
        check_fits(direct(frequency="M1", season=12), panel_of(range(40), season=7, frequency="S86400"))


def test_other_covariates_are_refused():
    covariates = {"covariates": np.zeros((40, 1)), "columns": ("price",), "num_future_covariates": 1}
    with pytest.raises(UsageError, match=r"the covariates of the model are none, and here price \(known ahead\)"):
        check_fits(direct(), panel_of(range(40), **covariates))


@pytest.mark.parametrize("value", [-3, 2.5])
def test_a_model_of_counts_reads_counts_alone(value):
    model = PathForecaster(1, "negative_binomial", units=4)
    forecaster = Forecaster(model, (), season=1, horizon=3, context_length=12)
    assert check_fits(forecaster, panel_of([1, np.nan, 3])).lengths.tolist() == [3]
    with pytest.raises(InputError, match=f"series 'b' holds {value}, which is not a count"):
        check_fits(forecaster, panel_of([1, 2], [1, value, 3]))


def test_the_validation_split_must_hold_values():
    with pytest.raises(InputError, match="there is no value in the validation split, the 3 points before the test"):
        check_validation(panel_of([*range(34), np.nan, np.nan, np.nan, 1, 2, 3]), np.array([37]), 3)


def test_auto_takes_logarithms_where_all_values_are_above_zero(capsys):
    values = np.arange(1, 31, dtype=np.float32)
    assert chosen_scaling(panel_of(values), "auto", "normal") == "log" and not capsys.readouterr().err
    values[29] = 0  # in the test split, which later commands read
    assert chosen_scaling(panel_of(values), "auto", "normal") == "deviation"
    said = capsys.readouterr().err
    assert "scaled without logarithms, since 1 of 30 values are not above zero" in said and "these are counts" in said
    assert chosen_scaling(panel_of(values), "auto", "negative_binomial") == "size"


@pytest.mark.parametrize(("level", "wanted"), [(0.5, "log"), (20, "deviation"), (1e9, "deviation")])
def test_auto_takes_no_logarithms_where_series_vary_little(level, wanted, capsys):
    wave = np.sin(np.arange(40.0))
    panel = panel_of(level + 1 + wave, level + 2 + wave, np.full(9, np.nan), np.arange(1, 40))
    assert chosen_scaling(panel, "auto", "normal") == wanted and chosen_scaling(panel, "log", "normal") == "log"
    assert ("a typical series has a standard deviation of" in capsys.readouterr().err) == (wanted == "deviation")


def test_logarithms_are_refused_where_a_value_is_not_above_zero():
    with pytest.raises(InputError, match="series 'a' holds 0, and the model takes logarithms"):
        chosen_scaling(panel_of([1, 0, 2]), "log", "normal")
    with pytest.raises(InputError, match="series 'a' holds 0, and the model takes logarithms"):
        check_fits(direct("log"), panel_of([1, 0, 2]))


def test_zeros_alone_are_not_called_counts(capsys):
    assert chosen_scaling(panel_of(np.zeros(30)), "auto", "normal") == "deviation"
    assert "these are counts" not in capsys.readouterr().err
