"""The task of forecasting series."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.columns import SERIES_COLUMNS, TEXT_COLUMNS
from nlp_rnn.datasets.inputs import table_on_standard_input
from nlp_rnn.forecasting.options import PREDICT_OPTIONS
from nlp_rnn.progress import say
from nlp_rnn.runs.paths import check_picture
from nlp_rnn.task import Report, Task

if TYPE_CHECKING:
    from nlp_rnn.datasets.lineage import Lineage
    from nlp_rnn.forecasting.answers import RowAnswer
    from nlp_rnn.forecasting.forecaster import Forecaster
    from nlp_rnn.forecasting.regular import SeriesDataset
    from nlp_rnn.task import Run

COVARIATES = ("future_columns", "past_columns")


class ForecastingTask(Task):
    """Series of numbers; see `Task`."""

    kind = "forecaster"
    title = "forecasting"
    takes = "series"
    columns = (*TEXT_COLUMNS, *SERIES_COLUMNS)
    predict_options = PREDICT_OPTIONS

    def open_data(
        self, request: Mapping[str, Any], settings: Mapping[str, Any], like: "Run | None" = None
    ) -> "SeriesDataset":
        from nlp_rnn.forecasting.series import open_series

        return open_series(
            request["name"],
            request["text_column"],
            request["label_column"],
            request.get("time_column"),
            like.pipeline.options["frequency"] if like else "",
            *(request.get(name) or () for name in COVARIATES),
            decimal_mark=request.get("decimal_mark"),
        )

    def save(self, pipeline: "Forecaster", folder: Path) -> dict[str, Any]:
        return {"options": pipeline.options}

    def load(self, folder: Path, about: Mapping[str, Any]) -> "Forecaster":
        from nlp_rnn import weights
        from nlp_rnn.deprecation import current_arguments
        from nlp_rnn.forecasting.forecaster import FORMER_OPTIONS
        from nlp_rnn.forecasting.pipeline import Forecaster

        model = weights.load(about["model"], folder / weights.WEIGHTS)
        options = current_arguments(about.get("options", {}), FORMER_OPTIONS)
        # It creates an instance of a subclass.
        return Forecaster(model, about["classes"], **options)  # pyright: ignore[reportAbstractUsage]

    def measure(self, run: "Run", data: "SeriesDataset", before: bool = False) -> Report:
        from nlp_rnn.forecasting.backtest import evaluate, evaluate_model
        from nlp_rnn.forecasting.checks import check_fits, check_held_out

        # During fine-tuning, the recipe has already printed what is assumed of the series.
        panel = check_fits(run.pipeline, data.panel, quiet=run.start is not None)
        origins = run.settings.get("origins", 1)
        if before:
            return evaluate_model(run.pipeline, panel, origins)
        check_held_out(run, data.panel, origins)
        return evaluate(run.pipeline, panel, origins, run.settings.get("classical_baselines", True))

    def lineage(self, data: "SeriesDataset", settings: Mapping[str, Any]) -> "Lineage | None":
        from nlp_rnn.forecasting.lineage import trained_points

        horizon = settings.get("horizon")
        return trained_points(data.panel, horizon, settings.get("origins", 1)) if horizon else None

    def summary(self, figures: Mapping[str, Any], measured_on: str) -> Iterator[str]:
        from nlp_rnn.forecasting.report import summary

        return summary(figures)

    def predict(self, run: "Run", inputs: "SeriesDataset", options: Mapping[str, Any]) -> Iterator["RowAnswer"]:
        from nlp_rnn.forecasting.answers import RowAnswer, anomaly_rows, forecast_rows
        from nlp_rnn.forecasting.checks import check_fits
        from nlp_rnn.forecasting.report import loses

        horizon, quantiles, plot, share = (options[option.name] for option in self.predict_options)
        panel = check_fits(run.pipeline, inputs.panel)
        if "methods" in run.metrics and loses(run.metrics):
            say("on the test split the seasonal naive forecast was better than this model")
        if share is None:
            rows = forecast_rows(run.pipeline, panel, horizon, quantiles, plot)
        elif horizon or quantiles or plot:
            raise UsageError("--anomalies tests the given points: leave out --horizon, --quantiles and --plot")
        else:
            rows = anomaly_rows(run.pipeline, panel, share)
        for number, row in enumerate(rows):
            yield RowAnswer(row, first=number == 0)

    def check_options(self, given: Mapping[str, Any]) -> None:
        super().check_options(given)
        if given.get("plot"):
            check_picture(given["plot"], "--plot")

    def open_inputs(
        self, run: "Run", texts: Sequence[str], path: Path | None, columns: Mapping[str, Any]
    ) -> "SeriesDataset":
        if texts:
            raise UsageError("a forecaster takes a table of series: --input series.csv, or one on standard input")
        if path is None:
            with table_on_standard_input() as table:
                return self.open_inputs(run, texts, table, columns)
        request = {"name": str(path), **self.columns_of(run, columns)}
        data = self.open_data(request, run.settings, like=run)
        for note in data.notes:
            say(note)
        return data

    def columns_of(self, run: "Run", columns: Mapping[str, Any]) -> dict[str, Any]:
        """The named columns, or else those that the run was trained on; covariates are replaced only as a whole."""
        covariates_named = any(columns[name] for name in COVARIATES)
        trained = {name: run.data.get(name) for name in columns if not (covariates_named and name in COVARIATES)}
        return {name: column or trained.get(name) for name, column in columns.items()}
