"""Forecasting from a table to answers, through the command line, and what its pieces promise."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from nlp_rnn import runs
from nlp_rnn.export import export
from nlp_rnn.forecasting import Forecaster
from nlp_rnn.models import PathForecaster

SMALL = ("units=16", "horizon=6", "epochs=4", "steps=40", "batch=32", "learning_rate=0.01", "classical=false")


def words(*settings):
    return [word for setting in settings for word in ("--set", setting)]


def monthly(number=12, months=72, seed=0):
    """Seasonal series that grow, as a wide table: rows of a date and a value a series."""
    draw = np.random.default_rng(seed)
    level, growth, phase = draw.uniform(20, 200, number), draw.normal(0.3, 0.1, number), draw.uniform(0, 6, number)
    t = np.arange(months)[:, None]
    values = (
        (level + growth * t) * (1 + 0.3 * np.sin(2 * np.pi * t / 12 + phase)) * draw.normal(1, 0.02, (months, number))
    )
    dates = np.datetime64("2018-01", "M") + np.arange(months)
    return [
        ["date", *(f"shop {n}" for n in range(number))],
        *([f"{day}-01", *row.round(2)] for day, row in zip(dates, values, strict=True)),
    ]


def write(path, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.fixture(scope="module")
def forecaster(tmp_path_factory):
    """A small run on twelve monthly series."""
    from nlp_rnn.cli import main

    folder = tmp_path_factory.mktemp("forecasting")
    table = write(folder / "shops.csv", monthly())
    told = ["run", "forecasting", "--data", str(table), "--out", str(folder / "run"), *words(*SMALL, "epochs=8")]
    result = CliRunner().invoke(main, told)
    assert result.exit_code == 0, result.output
    return folder / "run"


def test_learns_season_and_growth_and_says_how_well(cli, forecaster):
    figures = json.loads((forecaster / "metrics.json").read_text())
    methods = figures["methods"]
    assert methods["model"]["smape"] < methods["naive"]["smape"] and methods["model"]["smape"] < 12
    assert figures["series"] == 12 and figures["season"] == 12 and 0.4 < methods["model"]["coverage_80"] <= 1
    settings = json.loads((forecaster / "run.json").read_text())["settings"]
    assert settings["scaling"] == "log" and settings["segment"] == 12 and settings["known"] == 36
    rows = list(csv.DictReader(io.StringIO((forecaster / "backtest.csv").read_text())))
    assert len(rows) == 72 and set(rows[0]) == {"series", "origin", "step", "actual", "forecast", "low_80", "high_80"}
    again = cli("evaluate", forecaster, "--json")
    assert again.exit_code == 0, again.output
    np.testing.assert_allclose(
        json.loads(again.stdout)["methods"]["model"]["smape"], methods["model"]["smape"], rtol=1e-5
    )
    shown = cli("evaluate", forecaster).stdout
    assert "seasonal naive" in shown and "80 % intervals hold" in shown and "(of a tenth of the series " in shown


def test_a_season_that_is_said_is_trained_measured_and_kept(cli):
    write("waves.csv", [["value"], *([f"{10 + np.sin(n * np.pi / 4):.4f}"] for n in range(80))])
    quick = words("units=8", "epochs=1", "steps=5", "season=8", "horizon=4", "classical=false")
    result = cli("run", "forecasting", "--data", "waves.csv", "--out", "run", "--json", *quick)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["season"] == 8 and runs.load(Path("run")).pipeline.options["season"] == 8


def test_a_table_of_what_follows(cli, forecaster):
    result = cli(
        "predict", forecaster, "--input", forecaster.parent / "shops.csv", "--quantiles", "0.9,0.1,0.5", "--horizon", 3
    )
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(rows[0]) == ["series", "time", "mean", "q0.1", "q0.5", "q0.9"] and len(rows) == 36
    assert [row["time"] for row in rows[:3]] == ["2024-01-01", "2024-02-01", "2024-03-01"]
    assert all(float(row["q0.1"]) <= float(row["q0.5"]) <= float(row["q0.9"]) for row in rows)
    drawn = cli(
        "predict",
        forecaster,
        "--input",
        forecaster.parent / "shops.csv",
        "--output",
        "told.csv",
        "--plot",
        "fan.png",
        "--json",
    )
    assert drawn.exit_code == 0 and Path("fan.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(Path("told.csv").read_text().splitlines()[0])["series"] == "shop 0"


def test_points_that_are_not_as_expected_are_found(cli, forecaster):
    rows = monthly()
    rows[61][3] = 10 * rows[61][3]
    write("odd.csv", rows)
    result = cli("predict", forecaster, "--input", "odd.csv", "--anomalies", 0.95)
    assert result.exit_code == 0, result.output
    found = list(csv.DictReader(io.StringIO(result.stdout)))
    assert ("shop 2", "2023-01-01") in {(row["series"], row["time"]) for row in found} and len(found) < 12 * 66 / 2


def test_fine_tuning_goes_on_from_the_weights(cli, forecaster):
    write("more.csv", monthly(3, 60, seed=5))
    result = cli("finetune", forecaster, "--data", "more.csv", "--out", "tuned", *words("epochs=2", "classical=false"))
    assert result.exit_code == 0, result.output
    assert runs.load(Path("tuned")).pipeline.options == runs.load(forecaster).pipeline.options
    before = cli("evaluate", forecaster, "--data", "more.csv", "--json")
    methods, alone = (json.loads(text)["methods"] for text in (Path("tuned/metrics.json").read_text(), before.stdout))
    assert "before fine-tuning" in result.stdout
    assert methods["before fine-tuning"] == pytest.approx({key: alone["model"][key] for key in methods["naive"]})
    better = methods["model"]["mase"] < methods["before fine-tuning"]["mase"]
    assert ("keep the run that it started from" in result.stdout) is not better
    days = np.datetime64("2024-01-01") + np.arange(400)
    for name, some in (("daily", days), ("weekdays", days[np.is_busday(days)])):
        write(f"{name}.csv", [["date", "a"], *([day, 9 + n % 7] for n, day in enumerate(some))])
    few = words("units=4", "epochs=1", "steps=2", "classical=false")
    assert cli("run", "forecasting", "--data", "daily.csv", "--out", "daily", *few).exit_code == 0
    result = cli("finetune", "daily", "--data", "weekdays.csv", "--out", "open", *words("classical=false", "epochs=1"))
    assert result.exit_code == 0, "what a model knows as daily, days left out"
    same = runs.load(forecaster).data["name"]
    result = cli("finetune", forecaster, "--data", same, *words("origins=2"))
    assert result.exit_code == 2 and "held out 1 of the last horizons" in result.stderr and not Path("runs").exists()
    write("years.csv", [["date", "a"], *([f"{1950 + n}-01-01", n] for n in range(40))])
    result = cli("finetune", forecaster, "--data", "years.csv")
    assert result.exit_code == 1 and "is yearly, and the model was trained on series that are monthly" in result.stderr


@pytest.mark.parametrize("kind", ["direct", "paths"])
def test_the_export_answers_as_the_run_does(forecaster, tmp_path, kind):
    pipeline = runs.load(forecaster).pipeline
    if kind == "paths":
        pipeline = Forecaster(PathForecaster(12, units=8), (), season=12, horizon=4, known=24)
    export(pipeline, tmp_path / "exported")
    loaded = tf.saved_model.load(str(tmp_path / "exported"))
    series = [100 + 20 * np.sin(np.arange(50) / 2), np.arange(30.0) + 5]
    padded = np.full((2, 50), np.nan, "float32")
    for row, values in zip(padded, series, strict=True):
        row[-len(values) :] = values
    answer = loaded.signatures["serving_default"](values=tf.constant(padded))
    if kind == "paths":
        assert answer["paths"].shape == (2, 200, 4) and np.isfinite(answer["paths"]).all()
        return
    told = pipeline.forecast(series, levels=pipeline.model.settings["levels"])
    np.testing.assert_allclose(answer["quantiles"], told.quantiles, rtol=1e-5)
    np.testing.assert_allclose(answer["mean"], told.mean, rtol=1e-5)


def test_paths_are_drawn_and_can_be_asked_for_any_horizon(cli):
    write("shops.csv", monthly(4, 60))
    told = words(*SMALL, "model=paths", "units=8", "epochs=2")
    assert cli("run", "forecasting", "--data", "shops.csv", "--out", "paths", *told).exit_code == 0
    result = cli("predict", "paths", "--input", "shops.csv", "--horizon", 20)
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 1 + 4 * 20
    assert result.stdout == cli("predict", "paths", "--input", "shops.csv", "--horizon", 20).stdout


def promoted(days=160, coming=6):
    """Sales that double when there is a promotion, which is known ahead, and rows of days to come."""
    draw = np.random.default_rng(0)
    rows = [["id", "date", "promo", "rain", "y"]]
    for shop in range(6):
        level, promotion = draw.uniform(50, 150), draw.integers(0, 2, days + coming)
        for day in range(days + coming):
            value = round(level * (1 + promotion[day]) * draw.normal(1, 0.02), 2) if day < days else ""
            date = np.datetime64("2024-01-01") + day
            rows.append([f"shop {shop}", date, promotion[day], draw.integers(0, 9) if day < days else "", value])
    return rows


@pytest.mark.parametrize("model", ["quantiles", "paths"])
def test_what_is_known_ahead_is_made_use_of(cli, model):
    write("shops.csv", promoted())
    told = words(*SMALL, f"model={model}", "epochs=12", "steps=60", "scaling=log", "known=14")
    columns = ["--future-column", "promo", "--past-column", "rain"]
    result = cli("run", "forecasting", "--data", "shops.csv", "--out", "run", "--json", *columns, *told)
    assert result.exit_code == 0, result.output
    methods = json.loads(result.stdout)["methods"]
    assert methods["model"]["smape"] < 0.4 * methods["seasonal naive"]["smape"]
    result = cli("predict", "run", "--input", "shops.csv")
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 1 + 6 * 6, result.output
    found = runs.load(Path("run")).pipeline
    assert found.options["columns"] == ["promo", "rain"]
    export(found, Path("exported"))
    write("none.csv", promoted(coming=0))
    result = cli("predict", "run", "--input", "none.csv")
    assert result.exit_code == 1 and "and is for 0: add rows with the values left empty" in result.stderr
    assert cli("predict", "run", "--input", "none.csv", "--anomalies", 0.9).exit_code == 0
    assert cli("evaluate", "run", "--data", "none.csv").exit_code == 0
    assert cli("finetune", "run", "--data", "none.csv", "--set", "epochs=1").exit_code == 0
    write("short.csv", promoted(coming=2))
    result = cli("predict", "run", "--input", "short.csv")
    assert result.exit_code == 1 and "'shop 0': promo must be known for 6 steps after its last value" in result.stderr
    assert cli("predict", "run", "--input", "short.csv", "--horizon", 2).exit_code == 0
    result = cli("finetune", "run", "--data", "shops.csv", "--past-column", "promo", "--future-column", "rain")
    assert result.exit_code == 2
    assert "reads beside the values promo (known ahead), rain, and here is rain (known ahead), promo" in result.stderr


def test_columns_of_series_are_refused_elsewhere(cli, trained, reviews_csv):
    result = cli("run", "sentiment", "--data", reviews_csv, "--past-column", "x")
    assert result.exit_code == 2 and "--past-column is for tables" in result.stderr
    result = cli("predict", trained, "a text", "--text-column", "x")
    assert result.exit_code == 2 and "--text-column is for tables" in result.stderr


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["--horizon", 7], 2, "a horizon of 7 is longer than the model's, 6"),
        (["--horizon", 0], 2, "--horizon must be 1 or above, got 0"),
        (["--quantiles", "0.5,2"], 2, "--quantiles must be numbers between 0 and 1"),
        (["--quantiles", "a"], 2, "--quantiles must be numbers between 0 and 1"),
        (["--quantiles", "0.001"], 2, "a quantile must be from 0.025 to 0.975 with this model, got 0.001"),
        (["--anomalies", 1], 2, "--anomalies must be between 0 and 1"),
        (["--anomalies", 0.9, "--horizon", 2], 2, "leave out --horizon"),
        (["--anomalies", 0.99], 2, "--anomalies must be at most 0.95 with this model, got 0.99"),
        (["--beam", 3], 2, "--beam is for runs of translation, and this is a forecaster"),
        (["--plot", "x.jpg"], 2, "the picture is a .png file"),
    ],
)
def test_options_out_of_range(cli, forecaster, more, code, message):
    result = cli("predict", forecaster, "--input", forecaster.parent / "shops.csv", *more)
    assert result.exit_code == code and message in result.stderr and not result.stdout


def test_a_forecaster_takes_a_table_and_no_text(cli, forecaster, trained):
    assert "--input series.csv" in cli("predict", forecaster, "a text").stderr
    assert "--horizon is for runs of forecasting" in cli("predict", trained, "a", "--horizon", 3).stderr
    result = cli("run", "forecasting", "--data", "absent.csv")
    assert result.exit_code == 2 and "no such file" in result.stderr


def test_series_that_are_short_constant_or_empty_are_told_with_the_others(cli, forecaster):
    rows = [["date", "one", "constant", "empty", "late"]]
    dates = np.datetime64("2022-01", "M") + np.arange(9)
    rows += [[f"{day}-01", "", 4, "", 3 if n == 8 else ""] for n, day in enumerate(dates)]
    rows[5][1] = 7
    write("few.csv", rows)
    result = cli("predict", forecaster, "--input", "few.csv", "--horizon", 2)
    assert result.exit_code == 0, result.output
    told = list(csv.DictReader(io.StringIO(result.stdout)))
    assert {row["series"] for row in told} == {
        "one",
        "constant",
        "late",
    } and "1 series without any value" in result.stderr
    assert all(np.isfinite(float(row["mean"])) for row in told)
    short = cli("run", "forecasting", "--data", "few.csv", *words(*SMALL))
    assert short.exit_code == 1 and "the longest series has 9 points" in short.stderr


def test_a_series_without_recent_values_is_left_out(cli, forecaster, tmp_path):
    rows = monthly(2, 90)
    for row in rows[40:]:
        row[1] = ""
    write("closed.csv", rows)
    result = cli("predict", forecaster, "--input", "closed.csv")
    assert result.exit_code == 0 and "shop 0" not in result.stdout and "shop 1" in result.stdout
    assert (
        "left out: 1 series without a value among the last 36 points" in result.stderr and "'shop 0'" in result.stderr
    )
    told = runs.load(forecaster).pipeline.signatures()["forecast"](tf.constant([[np.nan] * 40, [5.0] * 40]))
    assert np.isnan(told["quantiles"][0]).all() and np.isfinite(told["mean"][1]).all()
