"""The report on a forecaster: the table of methods, warnings, and the files of a run."""

import csv

import numpy as np

from nlp_rnn.forecasting import DirectForecaster, Forecaster
from nlp_rnn.forecasting.backtest import evaluate
from nlp_rnn.forecasting.report import fan, loses, summary, table
from tests.forecasting.tables import panel_of


def figures_of(methods):
    """Figures with these metrics by method."""
    plain = {"smape": 1.0, "mase": 1.0, "owa": 1.0, "rmse": 1.0}
    model = {"coverage_80": 0.75, "coverage_80_of_lowest_tenth": 0.5, "crps": 2.0, "weighted_quantile_loss": 0.1}
    named = {name: {**plain, **metrics} for name, metrics in methods.items()}
    counts = {"series": 12, "origins": 2, "horizon": 6, "season": 1}
    return {**counts, "methods": {"model": {**plain, **model}, **named}}


def test_the_best_method_by_mase_comes_first():
    rows = table(figures_of({"naive": {"mase": 0.5}, "ETS": {"mase": 2.0}}))
    assert rows[0] == ("", "sMAPE %", "MASE", "OWA", "RMSE") and [row[0] for row in rows[1:]] == [
        "naive",
        "model",
        "ETS",
    ]


def test_without_mase_methods_are_compared_by_smape_and_without_both_by_rmse():
    without = {"mase": None}
    figures = figures_of({"seasonal naive": {"smape": 0.5, **without}})
    figures["methods"]["model"] |= without
    assert loses(figures) and table(figures)[1][:3] == ("seasonal naive", "0.5", "-")
    for metrics in figures["methods"].values():
        metrics["smape"] = None
    assert not loses(figures) and table(figures)[1][0] == "model"


def test_the_summary_says_where_a_model_loses():
    lines = list(summary(figures_of({"seasonal naive": {}})))
    assert lines[0] == "12 series, the last 12 points of each held out, forecast 6 at once (the median) from 2 origins"
    assert "80 % intervals hold 75.0% of the held-out points (of a tenth of the series 50% or less); CRPS 2" in lines
    assert lines[-1] == "the seasonal naive forecast is better than this model: do not use it"
    lines = list(summary(figures_of({"before fine-tuning": {"mase": 0.5}}) | {"series": 1, "origins": 1}))
    assert lines[-1] == "fine-tuning did not improve it: keep the run that it started from"
    assert "of each held out, forecast 6 at once (the median) from one origin" in lines[0] and "tenth" not in lines[-3]


def test_a_report_writes_the_forecasts_and_a_picture(tmp_path, figures):
    model = DirectForecaster(12, 4, 4, units=4)
    forecaster = Forecaster(model, (), season=1, horizon=4, context_length=12)
    report = evaluate(forecaster, panel_of(range(1, 61), range(2, 62)), 1, classical=False)
    assert report.headline().startswith("sMAPE ") and ", MASE " in report.headline()
    (tmp_path / "plots").mkdir()
    report.write(tmp_path)
    with open(tmp_path / "backtest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8 and rows[0].keys() == {"series", "origin", "step", "actual", "forecast", "low_80", "high_80"}
    (figure,) = figures
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    _, labels = figure.axes[0].get_legend_handles_labels()
    assert labels == ["history", "80% interval", "40% interval", "median", "actual"]


def test_a_fan_has_the_times_of_its_points():
    start = np.array(["2024-01-31"], "datetime64[s]")
    drawn = fan(panel_of(range(30), start_times=start, frequency="M1"), 0, 30, np.ones((2, 1)), [0.5])
    assert len(drawn.history) == 8 and len(drawn.times) == 10
    assert drawn.times[-2:].astype("datetime64[D]").astype(str).tolist() == ["2026-07-31", "2026-08-31"]
    assert fan(panel_of(range(30)), 0, 30, np.ones((2, 1)), [0.5]).times is None
