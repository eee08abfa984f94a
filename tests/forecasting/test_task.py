"""Forecasting through the command line, from a table to a run, forecasts, anomalies and an export."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import runs
from nlp_rnn.export.savedmodel import export
from nlp_rnn.forecasting import PathForecaster, SamplePathForecaster
from tests.forecasting.tables import SMALL, assignments, monthly, write


def table_of(text):
    """CSV text as a list of dicts."""
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.slow
def test_a_run_learns_season_and_trend_and_reports_how_well(cli, forecaster):
    figures = json.loads((forecaster / "metrics.json").read_text())
    methods = figures["methods"]
    assert methods["model"]["smape"] < methods["naive"]["smape"] and methods["model"]["smape"] < 12
    assert figures["series"] == 12 and figures["season"] == 12 and 0.4 < methods["model"]["coverage_80"] <= 1
    settings = json.loads((forecaster / "run.json").read_text())["settings"]
    assert settings["scaling"] == "log" and settings["segment"] == 12 and settings["context_length"] == 36
    rows = table_of((forecaster / "backtest.csv").read_text())
    assert len(rows) == 72 and set(rows[0]) == {"series", "origin", "step", "actual", "forecast", "low_80", "high_80"}


def test_evaluate_repeats_the_figures_of_the_training(cli, forecaster):
    methods = json.loads((forecaster / "metrics.json").read_text())["methods"]
    result = cli("evaluate", forecaster, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["methods"]["model"]["smape"] == pytest.approx(methods["model"]["smape"], rel=1e-5)
    shown = cli("evaluate", forecaster).stdout
    assert "seasonal naive" in shown and "80 % intervals hold" in shown and "(of a tenth of the series " in shown


@pytest.mark.slow
def test_a_given_season_is_trained_measured_and_saved(cli):
    write("waves.csv", [["value"], *([f"{10 + np.sin(n * np.pi / 4):.4f}"] for n in range(80))])
    settings = ("units=8", "epochs=1", "steps_per_epoch=5", "season=8", "horizon=4", "classical_baselines=false")
    result = cli("run", "forecasting", "--data", "waves.csv", "--out", "run", "--json", *assignments(*settings))
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["season"] == 8 and runs.load(Path("run")).pipeline.options["season"] == 8


def test_predict_prints_a_table_of_forecasts(cli, forecaster):
    table = forecaster.parent / "shops.csv"
    result = cli("predict", forecaster, "--input", table, "--quantiles", "0.9,0.1,0.5", "--horizon", 3)
    assert result.exit_code == 0, result.output
    rows = table_of(result.stdout)
    assert list(rows[0]) == ["series", "time", "mean", "q0.1", "q0.5", "q0.9"] and len(rows) == 36
    assert [row["time"] for row in rows[:3]] == ["2024-01-01", "2024-02-01", "2024-03-01"]
    assert all(float(row["q0.1"]) <= float(row["q0.5"]) <= float(row["q0.9"]) for row in rows)


@pytest.mark.slow
def test_predict_reads_a_table_from_standard_input(cli, forecaster):
    table = forecaster.parent / "shops.csv"
    piped = cli("predict", forecaster, input=table.read_bytes())
    assert piped.exit_code == 0 and piped.stdout == cli("predict", forecaster, "--input", table).stdout
    broken = cli("predict", forecaster, input="")
    assert broken.exit_code == 1 and broken.stderr.startswith("Error: standard input.csv: line 1 is empty")


@pytest.mark.slow
def test_predict_writes_json_lines_and_draws_nine_series(cli, forecaster, figures):
    words = ("--input", forecaster.parent / "shops.csv", "--output", "forecasts.jsonl", "--plot", "fan.png", "--json")
    result = cli("predict", forecaster, *words)
    assert result.exit_code == 0 and "fan.png: a fan chart of the first 9 of 12 series" in result.stderr
    assert json.loads(Path("forecasts.jsonl").read_text().splitlines()[0])["series"] == "shop 0"
    (figure,) = figures
    assert [axes.get_title() for axes in figure.axes] == [f"shop {n}" for n in range(9)]
    _, labels = figure.axes[0].get_legend_handles_labels()
    assert labels == ["history", "80% interval", "median"] and Path("fan.png").stat().st_size > 10_000


@pytest.mark.slow
def test_predict_finds_anomalies(cli, forecaster):
    rows = monthly()
    rows[61][3] = 10 * rows[61][3]
    write("odd.csv", rows)
    result = cli("predict", forecaster, "--input", "odd.csv", "--anomalies", 0.95)
    assert result.exit_code == 0, result.output
    anomalies = table_of(result.stdout)
    assert list(anomalies[0]) == ["series", "time", "value", "expected", "low", "high"]
    assert ("shop 2", "2023-01-01") in {(row["series"], row["time"]) for row in anomalies}
    assert len(anomalies) < 12 * 66 / 2


@pytest.mark.slow
def test_fine_tuning_is_compared_with_the_run_that_it_starts_from(cli, forecaster):
    write("more.csv", monthly(3, 60, seed=5))
    settings = assignments("epochs=2", "classical_baselines=false")
    result = cli("finetune", forecaster, "--data", "more.csv", "--out", "tuned", *settings)
    assert result.exit_code == 0, result.output
    assert runs.load(Path("tuned")).pipeline.options == runs.load(forecaster).pipeline.options
    before = cli("evaluate", forecaster, "--data", "more.csv", "--json")
    methods, alone = (json.loads(text)["methods"] for text in (Path("tuned/metrics.json").read_text(), before.stdout))
    assert list(methods)[:3] == ["model", "before fine-tuning", "naive"]
    assert methods["before fine-tuning"] == pytest.approx({key: alone["model"][key] for key in methods["naive"]})
    assert "before fine-tuning" in result.stdout and "before fine-tuning: sMAPE" in result.stderr
    better = methods["model"]["mase"] < methods["before fine-tuning"]["mase"]
    assert ("keep the run that it started from" in result.stdout) is not better


@pytest.mark.slow
def test_before_fine_tuning_only_the_model_forecasts(cli, forecaster, monkeypatch):
    from nlp_rnn.forecasting import backtest

    called = []
    monkeypatch.setattr(
        backtest, "forecasts_by", lambda name, *args: (called.append(name), np.zeros((len(args[0]), 6)))[1]
    )
    write("more.csv", monthly(3, 60, seed=5))
    settings = assignments("epochs=1", "steps_per_epoch=2", "classical_baselines=false")
    assert cli("finetune", forecaster, "--data", "more.csv", "--out", "tuned", *settings).exit_code == 0
    assert called == ["naive", "seasonal naive", "Naive2"]


@pytest.mark.thorough
def test_a_daily_forecaster_is_fine_tuned_on_weekdays(cli):
    days = np.datetime64("2024-01-01") + np.arange(400)
    for name, some in (("daily", days), ("weekdays", days[np.is_busday(days)])):
        write(f"{name}.csv", [["date", "a"], *([day, 9 + n % 7] for n, day in enumerate(some))])
    settings = assignments("units=4", "epochs=1", "steps_per_epoch=2", "classical_baselines=false")
    assert cli("run", "forecasting", "--data", "daily.csv", "--out", "daily", *settings).exit_code == 0
    settings = assignments("classical_baselines=false", "epochs=1")
    result = cli("finetune", "daily", "--data", "weekdays.csv", "--out", "tuned", *settings)
    assert result.exit_code == 0, result.output


def test_fine_tuning_refuses_points_that_were_trained_on_and_other_frequencies(cli, forecaster):
    same = runs.load(forecaster).data["name"]
    result = cli("finetune", forecaster, "--data", same, *assignments("origins=2"))
    assert result.exit_code == 2 and "held out 1 of the last horizons" in result.stderr and not Path("runs").exists()
    write("years.csv", [["date", "a"], *([f"{1950 + n}-01-01", n] for n in range(40))])
    result = cli("finetune", forecaster, "--data", "years.csv")
    assert result.exit_code == 1 and "is yearly, and the model was trained on series that are monthly" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("model", ["quantiles", pytest.param("sample_paths", marks=pytest.mark.thorough)])
def test_an_export_gives_the_forecasts_of_the_run(forecaster, tmp_path, model):
    pipeline = runs.load(forecaster).pipeline
    if model == "sample_paths":
        options = {"season": 12, "horizon": 4, "context_length": 24}
        pipeline = SamplePathForecaster(PathForecaster(12, units=8), (), **options)
    export(pipeline, tmp_path / "exported")
    loaded = tf.saved_model.load(str(tmp_path / "exported"))
    series = [100 + 20 * np.sin(np.arange(50) / 2), np.arange(30.0) + 5]
    padded = np.full((2, 50), np.nan, "float32")
    for row, values in zip(padded, series, strict=True):
        row[-len(values) :] = values
    answer = loaded.signatures["serving_default"](values=tf.constant(padded))
    if model == "sample_paths":
        assert answer["paths"].shape == (2, 200, 4) and np.isfinite(answer["paths"]).all()
        return
    forecast = pipeline.forecast(series, quantile_levels=pipeline.model.settings["quantile_levels"])
    np.testing.assert_allclose(answer["quantiles"], forecast.quantiles, rtol=1e-5)
    np.testing.assert_allclose(answer["mean"], forecast.mean, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["quantiles", pytest.param("sample_paths", marks=pytest.mark.thorough)])
def test_what_is_learned_does_not_depend_on_the_level(cli, model):
    """A constant that is added to all values is added to the forecasts, and nothing else changes."""
    random, days = np.random.default_rng(0), np.datetime64("2024-01-01") + np.arange(120)
    waves = 10 * np.sin(2 * np.pi * np.arange(120)[:, None] / 7 + np.arange(2)) + random.normal(size=(120, 2))
    settings = assignments(*SMALL, "units=8", f"model={model}", "epochs=3", "steps_per_epoch=20")
    results = {}
    for level in (0, 10**6, 10**9):
        rows = [
            [day, *(f"{value + level:.3f}" for value in row)] for day, row in zip(days, waves.round(3), strict=True)
        ]
        write("waves.csv", [["date", "a", "b"], *rows])
        trained = cli("run", "forecasting", "--data", "waves.csv", "--out", f"at{level}", "--json", *settings)
        assert trained.exit_code == 0, trained.output
        forecast = table_of(cli("predict", f"at{level}", "--input", "waves.csv").stdout)
        medians = [float(row["q0.5"]) - level for row in forecast]
        results[level] = json.loads(trained.stdout)["methods"]["model"]["mase"], medians
    mase, medians = results.pop(0)
    for other_mase, other_medians in results.values():
        assert other_mase == pytest.approx(mase, rel=0.01)
        np.testing.assert_allclose(other_medians, medians, atol=0.1)  # of a wave of 10


@pytest.mark.slow
def test_sample_paths_forecast_any_horizon_and_are_reproducible(cli):
    write("shops.csv", monthly(4, 60))
    settings = assignments(*SMALL, "model=sample_paths", "units=8", "epochs=2")
    assert cli("run", "forecasting", "--data", "shops.csv", "--out", "paths", *settings).exit_code == 0
    result = cli("predict", "paths", "--input", "shops.csv", "--horizon", 20)
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 1 + 4 * 20
    assert result.stdout == cli("predict", "paths", "--input", "shops.csv", "--horizon", 20).stdout


@pytest.mark.slow
def test_settings_and_values_of_version_0_1_are_understood(cli):
    write("shops.csv", monthly(2, 60))
    settings = ("model=paths", "known=24", "recent=6", "steps=2", "batch=8", "classical=false", "units=4", "epochs=1")
    result = cli("run", "forecasting", "--data", "shops.csv", "--out", "run", *assignments(*settings))
    assert result.exit_code == 0, result.output
    run = runs.load(Path("run"))
    assert run.settings["model"] == "sample_paths" and isinstance(run.pipeline, SamplePathForecaster)
    assert run.pipeline.options["context_length"] == 24 and run.pipeline.model.settings["centering_window"] == 6


def test_columns_of_series_are_refused_elsewhere(cli, trained, reviews_csv):
    result = cli("run", "sentiment", "--data", reviews_csv, "--past-column", "x")
    assert result.exit_code == 2 and "--past-column names a column of a table" in result.stderr
    result = cli("predict", trained, "a text", "--text-column", "x")
    assert result.exit_code == 2 and "--text-column names a column of a table" in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--horizon", 7], 2, "a horizon of 7 is longer than the model's, 6"),
        (["--horizon", 0], 2, "--horizon must be 1 or above, got 0"),
        (["--quantiles", "0.5,2"], 2, "--quantiles must be numbers between 0 and 1"),
        (["--quantiles", "a"], 2, "--quantiles must be numbers between 0 and 1"),
        (["--quantiles", "0.001"], 2, "a quantile must be from 0.025 to 0.975 with this model, got 0.001"),
        (["--anomalies", 1], 2, "--anomalies must be between 0 and 1"),
        (["--anomalies", 0.9, "--horizon", 2], 2, "leave out --horizon"),
        (["--anomalies", 0.99], 2, "--anomalies must be at most 0.95 with this model, got 0.99"),
        (["--beam-width", 3], 2, "--beam-width is for runs of translation, and this is a run of forecasting"),
        (["--plot", "x.jpg"], 2, "the picture is a .png file"),
    ],
)
def test_options_out_of_range(cli, forecaster, words, code, message):
    result = cli("predict", forecaster, "--input", forecaster.parent / "shops.csv", *words)
    assert result.exit_code == code and message in result.stderr and not result.stdout


def test_a_forecaster_takes_a_table_and_no_text(cli, forecaster, trained):
    assert "--input series.csv" in cli("predict", forecaster, "a text").stderr
    assert "--horizon is for runs of forecasting" in cli("predict", trained, "a", "--horizon", 3).stderr
    result = cli("run", "forecasting", "--data", "absent.csv")
    assert result.exit_code == 2 and "no such file" in result.stderr


def test_short_constant_and_empty_series_are_forecast_with_the_others(cli, forecaster):
    rows = [["date", "one", "constant", "empty", "late"]]
    dates = np.datetime64("2022-01", "M") + np.arange(9)
    rows += [[f"{day}-01", "", 4, "", 3 if n == 8 else ""] for n, day in enumerate(dates)]
    rows[5][1] = 7
    write("few.csv", rows)
    result = cli("predict", forecaster, "--input", "few.csv", "--horizon", 2)
    assert result.exit_code == 0 and "left out: empty (empty)" in result.stderr, result.output
    forecasts = table_of(result.stdout)
    assert {row["series"] for row in forecasts} == {"one", "constant", "late"}
    assert all(np.isfinite(float(row["mean"])) for row in forecasts)
    short = cli("run", "forecasting", "--data", "few.csv", *assignments(*SMALL))
    assert short.exit_code == 1 and "the longest series has 9 points" in short.stderr


@pytest.mark.slow
def test_a_series_without_recent_values_is_left_out(cli, forecaster):
    rows = monthly(2, 90)
    for row in rows[40:]:
        row[1] = ""
    write("closed.csv", rows)
    result = cli("predict", forecaster, "--input", "closed.csv")
    assert result.exit_code == 0 and "shop 0" not in result.stdout and "shop 1" in result.stdout
    assert "left out: 1 series without a value among the last 36 points, such as 'shop 0'" in result.stderr
    forecast = runs.load(forecaster).pipeline.signatures()["forecast"](tf.constant([[np.nan] * 40, [5.0] * 40]))
    assert np.isnan(forecast["quantiles"][0]).all() and np.isfinite(forecast["mean"][1]).all()


@pytest.mark.slow
def test_a_model_that_loses_to_the_seasonal_naive_forecast_is_reported(cli):
    write("shops.csv", monthly(3, 60))
    settings = assignments(*SMALL, "epochs=1", "steps_per_epoch=1", "learning_rate=1e-6")
    result = cli("run", "forecasting", "--data", "shops.csv", "--out", "run", *settings)
    assert result.exit_code == 0 and "the seasonal naive forecast is better than this model" in result.stdout
    result = cli("predict", "run", "--input", "shops.csv")
    assert "on the test split the seasonal naive forecast was better than this model" in result.stderr
