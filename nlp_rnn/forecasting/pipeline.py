"""Series in, forecasts out: a model with its season and frequency in one object, to predict with, save and export.

Shapes: N series, B windows, H points to forecast, Q quantiles, S sample paths.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from nlp_rnn.checks import UsageError
from nlp_rnn.forecasting.direct_model import DirectForecaster
from nlp_rnn.forecasting.forecaster import AT_ONCE, PATHS, Forecast, Forecaster
from nlp_rnn.forecasting.panel import Panel
from nlp_rnn.forecasting.path_model import PathForecaster
from nlp_rnn.progress import track

__all__ = ["Forecast", "Forecaster", "QuantileForecaster", "SamplePathForecaster", "forecast_at", "interpolation"]

MEAN_LEVELS = np.arange(0.005, 1, 0.01)  # the mean of these quantiles approximates the mean of a forecast


class QuantileForecaster(Forecaster):
    """A forecaster with a `DirectForecaster`: quantiles of all steps at once."""

    network = DirectForecaster

    @property
    def lowest_quantile(self) -> float:
        levels = self.model.settings["quantile_levels"]
        return max(levels[0], round(1 - levels[-1], 6))

    def check_horizon(self, horizon: int) -> None:
        most = self.model.settings["horizon"]
        if horizon > most:
            raise UsageError(
                f"a horizon of {horizon} is longer than the model's, {most}: train a model with --set "
                f"horizon={horizon}, or one that forecasts step by step, with --set model=sample_paths"
            )

    def _padding(self, horizon):
        return self.model.settings["horizon"] - horizon

    def _outputs(self, context, category, horizon, paths, seed, covariates):
        return self.model((context, category) if covariates is None else (context, category, covariates))

    def _summary(self, outputs, levels):
        own = np.array(self.model.settings["quantile_levels"])
        return outputs @ interpolation(own, MEAN_LEVELS).mean(0), outputs @ interpolation(own, np.array(levels)).T

    def _served(self, outputs):
        own = np.array(self.model.settings["quantile_levels"])
        mean = tf.linalg.matvec(outputs, tf.constant(interpolation(own, MEAN_LEVELS).mean(0), outputs.dtype))
        return {"mean": mean, "quantiles": outputs, "levels": tf.constant(own, tf.float32)}


class SamplePathForecaster(Forecaster):
    """A forecaster with a `PathForecaster`: sample paths, step by step, over any horizon."""

    network = PathForecaster
    request = tuple(tf.TensorSpec([], tf.int32, name=name) for name in ("horizon", "paths", "seed"))

    @property
    def lowest_quantile(self) -> float:
        return 1 / PATHS

    def check_horizon(self, horizon: int) -> None:
        """Any horizon is accepted."""

    def _padding(self, horizon):
        return 0

    def _outputs(self, context, category, horizon, paths, seed, covariates):
        return self.model.paths(context, horizon, paths, seed, category, covariates)

    def _summary(self, outputs, levels):
        return outputs.mean(1), np.moveaxis(np.quantile(outputs, levels, axis=1), 0, -1)

    def _served(self, outputs):
        return {"mean": tf.reduce_mean(outputs, 1), "paths": outputs}


def interpolation(own: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The matrix that interpolates quantiles from `own` to `levels`, [levels, own]; constant beyond the outermost.

    Examples:
        >>> interpolation(np.array([0.1, 0.5, 0.9]), np.array([0.3, 0.95])).round(2).tolist()
        [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    """
    return np.stack([np.interp(levels, own, row) for row in np.eye(len(own))], -1)


def forecast_at(
    forecaster: Forecaster, panel: Panel, places: Sequence[tuple[int, int]], quantile_levels: Sequence[float]
) -> Forecast:
    """Forecast some series from some positions on, over the model's horizon. Shows progress.

    Args:
        forecaster: the forecaster; its options give the horizon.
        panel: the series.
        places: pairs of the number of a series and how many of its points precede the forecast.
        quantile_levels: the Q levels.
    """
    horizon, length, parts = forecaster.options["horizon"], forecaster.options["context_length"], []
    begins = range(0, len(places), AT_ONCE)
    for begin in track(begins, "forecasting", len(begins)):
        numbers, ends = zip(*places[begin : begin + AT_ONCE], strict=True)
        seen = [panel.series(n)[:end] for n, end in zip(numbers, ends, strict=True)]
        covariates = panel.forecast_covariates(numbers, ends, length, horizon)
        category_ids = panel.category_ids[list(numbers)]
        parts.append(forecaster.forecast(seen, horizon, quantile_levels, category_ids, begin, covariates))
    return Forecast(*(np.concatenate(part) for part in zip(*parts, strict=True)))
