"""The report on a forecaster: its metrics and those of the baselines, the table of forecasts, and plots."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nlp_rnn import plots
from nlp_rnn.datasets.calendar import time_after
from nlp_rnn.forecasting import metrics
from nlp_rnn.forecasting.baselines import NAIVE2, SEASONAL
from nlp_rnn.forecasting.panel import Panel
from nlp_rnn.report import Report
from nlp_rnn.runs.folder import write_rows

MODEL = "model"
BEFORE = "before fine-tuning"
HISTORY = 4  # horizons shown before a forecast in a plot, and at least as many seasons


@dataclass
class ForecastReport(Report):
    """How good a forecaster is.

    Attributes:
        rows: one for each point of a forecast.
        fans: a few series with their forecasts, to draw.
    """

    measured_on: str = "held-out points"
    compared: Sequence[str] = ("smape", "mase", "rmse")
    rows: list[dict] = field(default_factory=list)
    fans: list[plots.Fan] = field(default_factory=list)

    def add_before(self, before: Report) -> None:
        """Add the metrics before fine-tuning as a method of their own, in second place."""
        methods = dict(self.figures["methods"])
        earlier = {name: before.figures["methods"][MODEL][name] for name in self.compared}
        earlier["owa"] = overall(earlier["smape"], earlier["mase"], methods[NAIVE2])
        self.figures["methods"] = {MODEL: methods.pop(MODEL), BEFORE: earlier, **methods}

    def headline(self) -> str:
        """The compared metrics of the model in one line."""
        figures = self.figures["methods"][MODEL]
        return ", ".join(f"{_title(name)} {_cell(figures[name])}" for name in self.compared)

    def write(self, folder: Path) -> None:
        """Write the table of forecasts and a plot of some of them into a run folder."""
        plots.fans(self.fans, folder / "plots" / "forecasts.png")
        write_rows(folder / "backtest.csv", self.rows)


def plain(value: float) -> float | None:
    """A number for JSON: None for NaN, which a scaled error without a scale is."""
    return value if np.isfinite(value) else None


def overall(smape: float | None, mase: float | None, naive2: Mapping[str, float | None]) -> float | None:
    """`metrics.owa` of figures as stored in JSON."""
    return None if smape is None or mase is None else plain(metrics.owa(smape, mase, naive2))


def fan(
    panel: Panel,
    number: int,
    end: int,
    quantiles: np.ndarray,
    levels: Sequence[float],
    actual: np.ndarray | None = None,
) -> plots.Fan:
    """A series and its forecast, to draw.

    Args:
        panel: the series.
        number: the number of the series to draw.
        end: the number of its points before the forecast.
        quantiles: the quantiles, [H, Q].
        levels: the Q levels.
        actual: the actual values, [H]; None if unknown.
    """
    first = max(end - HISTORY * max(len(quantiles), panel.season), 0)
    times = None
    if panel.start_times is not None and panel.frequency:
        steps, start = range(first, end + len(quantiles)), panel.start_times[number]
        times = np.array([time_after(start, step, panel.frequency) for step in steps])
    return plots.Fan(panel.names[number], panel.series(number)[first:end], quantiles, levels, actual, times)


def loses(figures: Mapping[str, Any], other: str = SEASONAL) -> bool:
    """Whether another method is at least as good as the model, by MASE, or by sMAPE if there is no MASE."""
    methods, metric = figures["methods"], _decisive(figures)
    return metric is not None and other in methods and methods[MODEL][metric] >= methods[other][metric]


def _decisive(figures):
    """The metric that methods are compared by; sMAPE is unreliable for values around zero."""
    methods = figures["methods"].values()
    return next((name for name in ("mase", "smape") if all(of[name] is not None for of in methods)), None)


def summary(figures: Mapping[str, Any]) -> Iterator[str]:
    """The lines that print the metrics of a forecaster next to those of the baselines."""
    series, origins, horizon = (figures[name] for name in ("series", "origins", "horizon"))
    origin = "one origin" if origins == 1 else f"{origins} origins"
    held_out = f"the last {horizon * origins} points of each held out"
    yield f"{series:,} series, {held_out}, forecast {horizon} at once (the median) from {origin}"
    rows = table(figures)
    width = max(len(row[0]) for row in rows)
    for row in rows:
        yield f"{row[0]:<{width}}" + "".join(f"{cell:>10}" for cell in row[1:])
    model = figures["methods"][MODEL]
    lowest = "" if series == 1 else f" (of a tenth of the series {model['coverage_80_of_lowest_tenth']:.0%} or less)"
    yield f"80 % intervals hold {model['coverage_80']:.1%} of the held-out points{lowest}; CRPS {model['crps']:.4g}"
    if model["weighted_quantile_loss"] is not None:
        yield f"weighted quantile loss {model['weighted_quantile_loss']:.4f}"
    if loses(figures):
        yield "the seasonal naive forecast is better than this model: do not use it"
    if loses(figures, BEFORE):
        yield "fine-tuning did not improve it: keep the run that it started from"


def table(figures: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    """The metrics of each method as rows of text, the best method first."""
    columns = ("smape", "mase", "owa", "rmse")
    decisive = _decisive(figures) or "rmse"
    methods = sorted(figures["methods"].items(), key=lambda item: item[1][decisive] or 0.0)
    head = ("", *(f"{_title(column)} %" if column == "smape" else _title(column) for column in columns))
    return [head, *((name, *(_cell(of[column]) for column in columns)) for name, of in methods)]


def _title(metric):
    return "sMAPE" if metric == "smape" else metric.upper()


def _cell(value):
    return "-" if value is None else f"{value:.4g}"
