"""Forecasting with covariates through the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from nlp_rnn import runs
from nlp_rnn.export.savedmodel import export
from tests.forecasting.tables import SMALL, assignments, promoted, write

COVARIATES = ("--future-column", "promo", "--past-column", "rain")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["quantiles", pytest.param("sample_paths", marks=pytest.mark.thorough)])
def test_covariates_are_made_use_of(cli, model):
    write("shops.csv", promoted())
    settings = (*SMALL, f"model={model}", "epochs=12", "steps_per_epoch=60", "scaling=log", "context_length=14")
    words = ("--data", "shops.csv", "--out", "run", "--json", *COVARIATES, *assignments(*settings))
    result = cli("run", "forecasting", *words)
    assert result.exit_code == 0, result.output
    methods = json.loads(result.stdout)["methods"]
    assert methods["model"]["smape"] < 0.4 * methods["seasonal naive"]["smape"]
    result = cli("predict", "run", "--input", "shops.csv")
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 1 + 6 * 6, result.output
    pipeline = runs.load(Path("run")).pipeline
    assert pipeline.options["columns"] == ["promo", "rain"]
    export(pipeline, Path("exported"))


@pytest.fixture(scope="module")
def with_covariates(tmp_path_factory):
    """The run of an untrained forecaster with a future and a past covariate."""
    from nlp_rnn.cli.main import main

    folder = tmp_path_factory.mktemp("covariates")
    table = write(folder / "shops.csv", promoted())
    settings = assignments(*SMALL, "epochs=1", "steps_per_epoch=1", "context_length=14")
    words = ["run", "forecasting", "--data", str(table), "--out", str(folder / "run"), *COVARIATES, *settings]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return folder / "run"


@pytest.mark.slow
def test_covariates_that_are_known_ahead_are_required_for_forecasts_alone(cli, with_covariates):
    write("none.csv", promoted(future=0))
    result = cli("predict", with_covariates, "--input", "none.csv")
    assert result.exit_code == 1 and "and is for 0: add rows with empty values" in result.stderr
    assert cli("predict", with_covariates, "--input", "none.csv", "--anomalies", 0.9).exit_code == 0
    assert cli("evaluate", with_covariates, "--data", "none.csv").exit_code == 0
    assert cli("finetune", with_covariates, "--data", "none.csv", "--set", "epochs=1").exit_code == 0


@pytest.mark.slow
def test_covariates_must_be_known_for_the_whole_horizon(cli, with_covariates):
    write("short.csv", promoted(future=2))
    result = cli("predict", with_covariates, "--input", "short.csv")
    assert result.exit_code == 1 and "'shop 0': promo must be known for 6 steps after its last value" in result.stderr
    assert cli("predict", with_covariates, "--input", "short.csv", "--horizon", 2).exit_code == 0


@pytest.mark.slow
def test_other_covariates_than_in_training_are_refused(cli, with_covariates):
    write("shops.csv", promoted())
    words = ("--past-column", "promo", "--future-column", "rain")
    result = cli("finetune", with_covariates, "--data", "shops.csv", *words)
    expected = "the covariates of the model are promo (known ahead), rain, and here rain (known ahead), promo"
    assert result.exit_code == 2 and expected in result.stderr
