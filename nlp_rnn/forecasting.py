"""Series in, forecasts out: a forecaster and what it knows of time as one thing, to ask, save and export.

Shapes: N series, B windows, T points known, H points to tell, Q quantiles, S paths, C covariates.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nlp_rnn.checks import CallError
from nlp_rnn.models import DirectForecaster, PathForecaster
from nlp_rnn.panel import Panel
from nlp_rnn.progress import track

AT_ONCE = 256  # windows
PATHS = 200  # drawn where none is asked for
FINE = np.arange(0.005, 1, 0.01)  # levels whose quantiles make up the mean


class Forecast(NamedTuple):
    """What is told of some series.

    Attributes:
        mean: [N, H].
        quantiles: [N, H, Q].
    """

    mean: np.ndarray
    quantiles: np.ndarray


class Forecaster:
    """A trained forecaster of series.

    Args:
        model: windows to what follows.
        classes: the names of the categories of series.
        season: steps after which a pattern may come again.
        horizon: steps told where nothing else is asked.
        known: points that are read of a series, the last ones.
        step: the time between two points, see `sources.calendar`; empty where there are no times.
        columns: the names of the covariates.

    Example:
        >>> model = DirectForecaster(known=8, horizon=3, segment=4, units=4)
        >>> forecaster = Forecaster(model, (), season=4, horizon=3, known=8)
        >>> found = forecaster.forecast([np.arange(9.0)], levels=[0.1, 0.9])
        >>> found.mean.shape, found.quantiles.shape
        ((1, 3), (1, 3, 2))
    """

    kind = "forecaster"

    def __init__(
        self,
        model: DirectForecaster | PathForecaster,
        classes: Sequence[str] = (),
        *,
        season: int,
        horizon: int,
        known: int,
        step: str = "",
        columns: Sequence[str] = (),
    ):
        self.model = model
        self.classes = list(classes)
        self.options = {"season": season, "horizon": horizon, "known": known, "step": step, "columns": list(columns)}
        self.direct = isinstance(model, DirectForecaster)
        if not model.built:
            model.build((None, None))
        self._told = tf.function(self._tell, reduce_retracing=True)

    def forecast(
        self,
        series: Sequence[np.ndarray],
        horizon: int | None = None,
        levels: Sequence[float] = (0.1, 0.5, 0.9),
        categories: Sequence[int] | None = None,
        seed: int = 0,
        covariates: np.ndarray | None = None,
    ) -> Forecast:
        """What follows each series, float [T] each, NaN where a value is missing.

        Args:
            horizon: H.
            levels: the quantiles that are wanted.
            categories: of the series.
            seed: of the paths, where those are drawn.
            covariates: of the last points of each series, as many as the model reads, K, and of the steps told,
                [N, K + H, C]; NaN where one is missing or not known yet.

        Raises:
            CallError: the horizon or a level is beyond what the model tells.
            ValueError: the model reads covariates and there are none, or none are read; or they are of another shape.
        """
        horizon, columns = horizon or self.options["horizon"], self.options["columns"]
        shape = (len(series), self.options["known"] + horizon, len(columns))
        if (None if covariates is None else np.shape(covariates)) != (shape if columns else None):
            raise ValueError(f"covariates must be of shape {shape if columns else None}, got {np.shape(covariates)}")
        self.check(horizon, levels)
        kinds = np.zeros(len(series), np.int32) if categories is None else np.asarray(categories, np.int32)
        means, quantiles = [], []
        for begin in range(0, len(series), AT_ONCE):
            some = slice(begin, begin + AT_ONCE)
            asked = [np.stack([self._window(one) for one in series[some]]), kinds[some], horizon, PATHS, seed + begin]
            if covariates is not None:
                lacking = self.model.settings["horizon"] - horizon if self.direct else 0
                after = [(0, 0), (0, lacking), (0, 0)]
                asked.append(np.pad(covariates[some].astype(np.float32), after, constant_values=np.nan))
            found = self._told(*map(tf.constant, asked))
            mean, told = self._asked(found, levels)
            means.append(mean[:, :horizon])
            quantiles.append(told[:, :horizon])
        return Forecast(np.concatenate(means), np.concatenate(quantiles))

    def check(self, horizon: int, levels: Sequence[float]) -> None:
        """Check that so many steps and such quantiles can be told.

        Raises:
            CallError: they cannot; says what can.
        """
        if self.direct:
            most = self.model.settings["horizon"]
            if horizon > most:
                raise CallError(
                    f"a horizon of {horizon} is longer than the model's, {most}: "
                    f"train one with --set horizon={horizon}, or one that goes on step by step, with --set model=paths"
                )
        least, most = self.lowest, round(1 - self.lowest, 6)
        beyond = [level for level in levels if not least <= level <= most]
        if beyond:
            raise CallError(f"a quantile must be from {least} to {most} with this model, got {beyond[0]}")

    @property
    def lowest(self) -> float:
        """The lowest quantile that can be told; the highest is as far from 1."""
        if not self.direct:
            return 1 / PATHS
        levels = self.model.settings["levels"]
        return max(levels[0], round(1 - levels[-1], 6))

    def _window(self, values):
        """The last points of a series, float32 [known], NaN before its beginning."""
        known = self.options["known"]
        values = np.asarray(values, np.float32)[-known:]
        return np.concatenate([np.full(known - len(values), np.nan, np.float32), values])

    def _tell(self, known, category, horizon, paths, seed, covariates=None):
        """Quantiles of the model's own levels [B, H, Q], or paths [B, S, H]."""
        category = tf.where(category <= len(self.classes), category, 0)
        if self.direct:
            return self.model((known, category) if covariates is None else (known, category, covariates))
        return self.model.paths(known, horizon, paths, seed, category, covariates)

    def _asked(self, found, levels):
        """Mean [B, H] and the quantiles asked for, [B, H, Q]."""
        found = found.numpy()
        if not self.direct:
            return found.mean(1), np.moveaxis(np.quantile(found, levels, axis=1), 0, -1)
        own = np.array(self.model.settings["levels"])
        return found @ between(own, FINE).mean(0), found @ between(own, np.array(levels)).T

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """What an export answers: `forecast` of values [B, T], and `forecast_of` those of a category as well.

        Where the model reads covariates, they are asked for too, [B, T + H, C], H the steps that are told. Of values
        that are all missing among those read, NaN is told, and so it is by a model that takes logarithms where one of
        them is not above zero.
        """
        known = [tf.TensorSpec([None, None], tf.float32, name="values")]
        if self.options["columns"]:
            known.append(tf.TensorSpec([None, None, len(self.options["columns"])], tf.float32, name="covariates"))
        category = tf.TensorSpec([None], tf.int32, name="category")
        more, number = () if self.direct else _ASKED, len(known)

        def asked(*given):
            return self._serve(*given[:number], _nothing(given[0]), *given[number:])

        return {
            "forecast": tf.function(asked, input_signature=[*known, *more]),
            "forecast_of": tf.function(self._serve, input_signature=[*known, category, *more]),
            "serving_default": tf.function(lambda *given: asked(*given), input_signature=known),
        }

    def checks(self) -> Iterator[tuple[str, dict, dict]]:
        """What an export has to answer: signature, inputs and outputs by name."""
        draw = np.random.default_rng(0)
        known, horizon = self.options["known"], self.options["horizon"]
        values = 50 + 10 * np.sin(np.arange(known + 5)) + draw.normal(size=(4, known + 5))
        values[1, :3], values[2], values[3, :-2] = np.nan, 7.0, np.nan
        inputs = {"values": values.astype(np.float32)}
        if self.options["columns"]:
            shape = (4, known + 5 + horizon, len(self.options["columns"]))
            inputs["covariates"] = draw.normal(size=shape).astype(np.float32)
        more = {} if self.direct else {"horizon": horizon, "paths": 5, "seed": 3}
        wanted = self._serve(*map(tf.constant, inputs.values()), tf.zeros(4, tf.int32), *more.values())
        inputs = {**{name: value.tolist() for name, value in inputs.items()}, **more}
        yield "forecast", inputs, {name: value.numpy().tolist() for name, value in wanted.items()}

    def _serve(self, values, *more):
        covariates, more = (more[0], more[1:]) if self.options["columns"] else (None, more)
        category, horizon, paths, seed = [*more, *(self.options["horizon"], PATHS, 0)[len(more) - 1 :]]
        known, steps = self.options["known"], tf.shape(values)[1]
        values = tf.ensure_shape(_at_end(values[..., None], known)[..., 0], [None, known])
        if covariates is not None:
            wanted = "covariates must be given for each value and for each step to be told"
            tf.debugging.assert_equal(tf.shape(covariates)[1], steps + horizon, wanted)
            covariates = _at_end(covariates, known + horizon)
            shape = [None, known + horizon if self.direct else None, len(self.options["columns"])]
            covariates = tf.ensure_shape(covariates, shape)
        found = self._tell(values, category, horizon, paths, seed, covariates)
        nothing = tf.reduce_all(tf.math.is_nan(values), 1)
        if self.model.settings["scaling"] == "log":
            nothing |= tf.reduce_any(values <= 0, 1)
        found = tf.where(nothing[:, None, None], np.nan, found)
        if self.direct:
            own = np.array(self.model.settings["levels"])
            mean = tf.linalg.matvec(found, tf.constant(between(own, FINE).mean(0), found.dtype))
            return {"mean": mean, "quantiles": found, "levels": tf.constant(own, tf.float32)}
        return {"mean": tf.reduce_mean(found, 1), "paths": found}


def _at_end(values, steps):
    """The last so many of [B, T, C]; shorter ones stand at the end, NaN before them."""
    values = values[:, -steps:]
    return tf.pad(values, [[0, 0], [steps - tf.shape(values)[1], 0], [0, 0]], constant_values=np.nan)


_ASKED = tuple(tf.TensorSpec([], tf.int32, name=name) for name in ("horizon", "paths", "seed"))


def _nothing(values):
    return tf.zeros(tf.shape(values)[0], tf.int32)


def between(own: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """What makes the quantiles asked for of those at hand, [asked, own]; beyond the outermost, these.

    Example:
        >>> between(np.array([0.1, 0.5, 0.9]), np.array([0.3, 0.95])).round(2).tolist()
        [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    """
    return np.stack([np.interp(asked, own, row) for row in np.eye(len(own))], -1)


def forecast_at(
    forecaster: Forecaster, panel: Panel, places: Sequence[tuple[int, int]], levels: Sequence[float]
) -> Forecast:
    """What follows in some series from some places on, over the model's horizon. Shows how far it is.

    Args:
        places: the number of a series, and how many of its points are seen.
    """
    horizon, found = forecaster.options["horizon"], []
    begins = range(0, len(places), AT_ONCE)
    for begin in track(begins, "forecasting", len(begins)):
        numbers, ends = zip(*places[begin : begin + AT_ONCE], strict=True)
        seen = [panel.series(n)[:end] for n, end in zip(numbers, ends, strict=True)]
        beside = panel.all_beside(numbers, ends, forecaster.options["known"], horizon)
        found.append(forecaster.forecast(seen, horizon, levels, panel.categories[list(numbers)], begin, beside))
    return Forecast(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
