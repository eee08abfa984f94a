"""What all forecasters have in common: forecasts of series, and the signatures of an export.

Its subclasses, one for each kind of model, are in `pipeline`.

Shapes: N series, B windows, T values of a series, L points of context, H points to forecast, Q quantiles, S sample
paths, C covariates.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple, TypedDict

import keras
import numpy as np
import tensorflow as tf

from nlp_rnn.checks import UsageError
from nlp_rnn.deprecation import renamed_arguments
from nlp_rnn.graph import traced

AT_ONCE = 256  # windows per batch
PATHS = 200  # sample paths by default
FORMER_OPTIONS = {"known": "context_length", "step": "frequency"}


class Forecast(NamedTuple):
    """Forecasts of some series.

    Attributes:
        mean: the mean forecast, float [N, H].
        quantiles: the quantiles, float [N, H, Q].
    """

    mean: np.ndarray
    quantiles: np.ndarray


class ForecasterOptions(TypedDict):
    """The keyword arguments of a `Forecaster`."""

    season: int
    horizon: int
    context_length: int
    frequency: str
    columns: list[str]


class Forecaster(ABC):
    """A trained forecaster of series; `Forecaster(model, ...)` creates an instance of the subclass for the model.

    Args:
        model: a `DirectForecaster` or a `PathForecaster`.
        classes: the names of the categories of series.
        season: steps of a seasonal period; 1 for none.
        horizon: steps to forecast by default.
        context_length: number of last points of a series that are read.
        frequency: the time between two points, see `datasets.calendar`; empty where there are no times.
        columns: the names of the covariates.

    Attributes:
        options: the keyword arguments by name.

    Examples:
        >>> from nlp_rnn.forecasting import DirectForecaster, Forecaster
        >>> model = DirectForecaster(context_length=8, horizon=3, segment=4, units=4)
        >>> forecaster = Forecaster(model, (), season=4, horizon=3, context_length=8)
        >>> forecast = forecaster.forecast([np.arange(9.0)], quantile_levels=[0.1, 0.9])
        >>> type(forecaster).__name__, forecast.mean.shape, forecast.quantiles.shape
        ('QuantileForecaster', (1, 3), (1, 3, 2))
    """

    kind: ClassVar[str] = "forecaster"
    network: ClassVar[type[keras.Model]]  # the class of models that a subclass accepts
    request: ClassVar[Sequence[tf.TensorSpec]] = ()  # further inputs of the signatures, after values and covariates

    def __new__(cls, model: keras.Model, *args: Any, **kwargs: Any) -> "Forecaster":
        """An instance of the subclass for the model."""
        if cls is Forecaster:
            cls = next(subclass for subclass in cls.__subclasses__() if isinstance(model, subclass.network))
        return super().__new__(cls)

    @renamed_arguments(FORMER_OPTIONS)
    def __init__(
        self,
        model: keras.Model,
        classes: Sequence[str] = (),
        *,
        season: int,
        horizon: int,
        context_length: int,
        frequency: str = "",
        columns: Sequence[str] = (),
    ):
        self.model = model
        self.classes = list(classes)
        self.options: ForecasterOptions = {
            "season": season,
            "horizon": horizon,
            "context_length": context_length,
            "frequency": frequency,
            "columns": list(columns),
        }
        if not model.built:
            model.build((None, None))
        self._compiled = traced(self._predict, saved=False, reduce_retracing=True)

    @property
    def encoders(self) -> list:
        """Empty: numbers need no encoder."""
        return []

    @property
    @abstractmethod
    def lowest_quantile(self) -> float:
        """The lowest quantile level that can be predicted; the highest is 1 minus this."""

    @abstractmethod
    def check_horizon(self, horizon: int) -> None:
        """Check that this many steps can be forecast.

        Raises:
            UsageError: they cannot.
        """

    @abstractmethod
    def _padding(self, horizon: int) -> int:
        """Number of steps after a horizon for which the model takes covariates as well."""

    @abstractmethod
    def _outputs(self, context, category, horizon, paths, seed, covariates):
        """Quantiles [B, H, Q] at the levels of the model, or sample paths [B, S, H]."""

    @abstractmethod
    def _summary(self, outputs: np.ndarray, levels: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """Mean [B, H] and quantiles at these levels, [B, H, Q], of the outputs."""

    @abstractmethod
    def _served(self, outputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """The outputs of a signature, by name."""

    @renamed_arguments({"levels": "quantile_levels", "categories": "category_ids"})
    def forecast(
        self,
        series: Sequence[np.ndarray],
        horizon: int | None = None,
        quantile_levels: Sequence[float] = (0.1, 0.5, 0.9),
        category_ids: Sequence[int] | np.ndarray | None = None,
        seed: int = 0,
        covariates: np.ndarray | None = None,
    ) -> Forecast:
        """Forecast each series, float [T] each, NaN where a value is missing.

        Args:
            series: the N series.
            horizon: H, the steps to forecast; by default that of the forecaster.
            quantile_levels: the Q levels.
            category_ids: the category of each series, numbered from 1 as in `classes`; 0 for unknown.
            seed: the seed of sample paths; not used for quantiles.
            covariates: of the last L points of each series and of the H steps to forecast, [N, L + H, C]; NaN where
                one is missing or not known yet.

        Raises:
            UsageError: the model cannot predict the horizon or a level.
            ValueError: covariates are missing, of another shape, or given to a model that has none.
        """
        horizon, columns = horizon or self.options["horizon"], self.options["columns"]
        shape = (len(series), self.options["context_length"] + horizon, len(columns)) if columns else None
        given = None if covariates is None else np.shape(covariates)
        if given != shape:
            raise ValueError(f"covariates must be of shape {shape}, got {given}")
        self.check(horizon, quantile_levels)
        category_ids = np.zeros(len(series), np.int32) if category_ids is None else np.asarray(category_ids, np.int32)
        if covariates is not None:
            after = [(0, 0), (0, self._padding(horizon)), (0, 0)]
            covariates = np.pad(np.asarray(covariates, np.float64), after, constant_values=np.nan)
        parts = []
        for begin in range(0, len(series), AT_ONCE):
            some = slice(begin, begin + AT_ONCE)
            inputs = [np.stack([self._context(one) for one in series[some]]), category_ids[some]]
            inputs += [horizon, PATHS, seed + begin, *([] if covariates is None else [covariates[some]])]
            outputs = self._compiled(*map(tf.constant, inputs)).numpy()
            parts.append([part[:, :horizon] for part in self._summary(outputs, quantile_levels)])
        return Forecast(*map(np.concatenate, zip(*parts, strict=True)))

    def check(self, horizon: int, quantile_levels: Sequence[float]) -> None:
        """Check that this many steps can be forecast, and these quantiles of them.

        Raises:
            UsageError: they cannot; the message says what can.
        """
        self.check_horizon(horizon)
        least, most = self.lowest_quantile, round(1 - self.lowest_quantile, 6)
        beyond = [level for level in quantile_levels if not least <= level <= most]
        if beyond:
            raise UsageError(f"a quantile must be from {least} to {most} with this model, got {beyond[0]}")

    def _context(self, values):
        """The last points of a series, float64 [L], NaN before its beginning."""
        length = self.options["context_length"]
        values = np.asarray(values, np.float64)[-length:]
        return np.concatenate([np.full(length - len(values), np.nan), values])

    def _predict(self, context, category, horizon, paths, seed, covariates=None):
        category = tf.where(category <= len(self.classes), category, 0)
        return self._outputs(context, category, horizon, paths, seed, covariates)

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """The functions of an export: `forecast` of values [B, T], and `forecast_of` of values with their category.

        Those that end in "_float64" take and give float64, the others float32. A model with covariates takes them as
        well, [B, T + H, C]. The forecast is NaN if all values that are read are missing or, with a model that takes
        logarithms, if one of them is not above zero.
        """
        category, number = tf.TensorSpec([None], tf.int32, name="category"), 1 + bool(self.options["columns"])

        def uncategorised(*given):
            unknown = tf.zeros(tf.shape(given[0])[0], tf.int32)
            return self._serve(*given[:number], unknown, *given[number:])

        functions = {}
        for suffix, dtype in (("", tf.float32), ("_float64", tf.float64)):
            inputs = self._series_inputs(dtype)
            functions |= {
                f"forecast{suffix}": traced(uncategorised, [*inputs, *self.request]),
                f"forecast_of{suffix}": traced(self._serve, [*inputs, category, *self.request]),
            }
        default = traced(lambda *given: uncategorised(*given), self._series_inputs(tf.float32))
        return {**functions, "serving_default": default}

    def _series_inputs(self, dtype):
        """The values and the covariates of a signature."""
        values = tf.TensorSpec([None, None], dtype, name="values")
        columns = len(self.options["columns"])
        return [values, *([tf.TensorSpec([None, None, columns], dtype, name="covariates")] if columns else [])]

    def checks(self) -> Iterator[tuple[str, dict, dict]]:
        """Cases that an export must reproduce: signature, inputs and outputs by name."""
        random = np.random.default_rng(0)
        length, horizon = self.options["context_length"], self.options["horizon"]
        values = 50 + 10 * np.sin(np.arange(length + 5)) + random.normal(size=(4, length + 5))
        values[1, :3], values[2], values[3, :-2] = np.nan, 7.0, np.nan
        series = {"values": values}
        if self.options["columns"]:
            series["covariates"] = random.normal(size=(4, length + 5 + horizon, len(self.options["columns"])))
        request = dict(zip((spec.name for spec in self.request), (horizon, 5, 3), strict=False))
        for name, dtype in (("forecast", np.float32), ("forecast_float64", np.float64)):
            inputs = {key: value.astype(dtype) for key, value in series.items()}
            outputs = self._serve(*map(tf.constant, inputs.values()), tf.zeros(4, tf.int32), *request.values())
            inputs = {**{key: value.tolist() for key, value in inputs.items()}, **request}
            yield name, inputs, {key: value.numpy().tolist() for key, value in outputs.items()}

    def _serve(self, values, *rest):
        covariates, rest = (rest[0], rest[1:]) if self.options["columns"] else (None, rest)
        category, horizon, paths, seed = [*rest, *(self.options["horizon"], PATHS, 0)[len(rest) - 1 :]]
        length, steps = self.options["context_length"], tf.shape(values)[1]
        context = tf.ensure_shape(_at_end(values[..., None], length)[..., 0], [None, length])
        if covariates is not None:
            message = "covariates must be given for each value and for each step to forecast"
            tf.debugging.assert_equal(tf.shape(covariates)[1], steps + horizon, message)
            covariates = _at_end(covariates, length + horizon)
            constant = length + horizon if isinstance(horizon, int) else None
            covariates = tf.ensure_shape(covariates, [None, constant, len(self.options["columns"])])
        outputs = self._predict(context, category, horizon, paths, seed, covariates)
        unusable = tf.reduce_all(tf.math.is_nan(context), 1)
        if self.model.settings["scaling"] == "log":
            unusable |= tf.reduce_any(context <= 0, 1)
        return self._served(tf.where(~unusable[:, None, None], outputs, np.nan))


def _at_end(values, steps):
    """The last `steps` steps of [B, T, C]; a shorter array is padded with NaN in front."""
    values = values[:, -steps:]
    return tf.pad(values, [[0, 0], [steps - tf.shape(values)[1], 0], [0, 0]], constant_values=np.nan)
