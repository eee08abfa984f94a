"""Series in, forecasts out: a forecaster and what it knows of time as one thing, to ask, save and export.

Shapes: N series, B windows, T points known, H points to tell, Q quantiles, S paths.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nlp_rnn.checks import InputError
from nlp_rnn.models import DirectForecaster, PathForecaster
from nlp_rnn.panel import Panel
from nlp_rnn.progress import say, track
from nlp_rnn.sources.calendar import words

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
    ):
        self.model = model
        self.classes = list(classes)
        self.options = {"season": season, "horizon": horizon, "known": known, "step": step}
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
    ) -> Forecast:
        """What follows each series, float [T] each, NaN where a value is missing.

        Args:
            horizon: H.
            levels: the quantiles that are wanted.
            categories: of the series.
            seed: of the paths, where those are drawn.

        Raises:
            InputError: the horizon or a level is beyond what the model tells.
        """
        horizon = horizon or self.options["horizon"]
        self.check(horizon, levels)
        kinds = np.zeros(len(series), np.int32) if categories is None else np.asarray(categories, np.int32)
        means, quantiles = [], []
        for begin in range(0, len(series), AT_ONCE):
            known = np.stack([self._window(one) for one in series[begin : begin + AT_ONCE]])
            found = self._told(*map(tf.constant, (known, kinds[begin : begin + AT_ONCE], horizon, PATHS, seed + begin)))
            mean, told = self._asked(found, levels)
            means.append(mean[:, :horizon])
            quantiles.append(told[:, :horizon])
        return Forecast(np.concatenate(means), np.concatenate(quantiles))

    def check(self, horizon: int, levels: Sequence[float]) -> None:
        """Check that so many steps and such quantiles can be told.

        Raises:
            InputError: they cannot; says what can.
        """
        if self.direct:
            most, known = self.model.settings["horizon"], self.model.settings["levels"]
            if horizon > most:
                raise InputError(
                    f"a horizon of {horizon} is longer than the model's, {most}: "
                    f"train one with --set horizon={horizon}, or one that goes on step by step, with --set model=paths"
                )
            beyond = [level for level in levels if not known[0] <= level <= known[-1]]
        else:
            beyond, known = (
                [level for level in levels if not 1 / PATHS <= level <= 1 - 1 / PATHS],
                (1 / PATHS, 1 - 1 / PATHS),
            )
        if beyond:
            raise InputError(f"a quantile must be from {known[0]} to {known[-1]} with this model, got {beyond[0]}")

    def _window(self, values):
        """The last points of a series, float32 [known], NaN before its beginning."""
        known = self.options["known"]
        values = np.asarray(values, np.float32)[-known:]
        return np.concatenate([np.full(known - len(values), np.nan, np.float32), values])

    def _tell(self, known, category, horizon, paths, seed):
        """Quantiles of the model's own levels [B, H, Q], or paths [B, S, H]."""
        category = tf.where(category <= len(self.classes), category, 0)
        if self.direct:
            return self.model((known, category))
        return self.model.paths(known, horizon, paths, seed, category)

    def _asked(self, found, levels):
        """Mean [B, H] and the quantiles asked for, [B, H, Q]."""
        found = found.numpy()
        if not self.direct:
            return found.mean(1), np.moveaxis(np.quantile(found, levels, axis=1), 0, -1)
        own = np.array(self.model.settings["levels"])
        return found @ between(own, FINE).mean(0), found @ between(own, np.array(levels)).T

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """What an export answers: `forecast` of values, and `forecast_of` those of a category as well."""
        values = tf.TensorSpec([None, None], tf.float32, name="values")
        category = tf.TensorSpec([None], tf.int32, name="category")
        more = () if self.direct else _ASKED
        plain = tf.function(lambda values: self._serve(values, _nothing(values)), input_signature=[values])
        asked = tf.function(
            lambda values, *asked: self._serve(values, _nothing(values), *asked), input_signature=[values, *more]
        )
        of_category = tf.function(self._serve, input_signature=[values, category, *more])
        return {"forecast": asked, "forecast_of": of_category, "serving_default": plain}

    def checks(self) -> Iterator[tuple[str, dict, dict]]:
        """What an export has to answer: signature, inputs and outputs by name."""
        draw = np.random.default_rng(0)
        known = self.options["known"]
        values = 50 + 10 * np.sin(np.arange(known + 5)) + draw.normal(size=(4, known + 5))
        values[1, :3], values[2], values[3] = np.nan, 7.0, np.nan
        values = values.astype(np.float32)
        more = {} if self.direct else {"horizon": self.options["horizon"], "paths": 5, "seed": 3}
        wanted = self._serve(tf.constant(values), tf.zeros(4, tf.int32), *more.values())
        inputs = {"values": values.tolist(), **more}
        yield "forecast", inputs, {name: value.numpy().tolist() for name, value in wanted.items()}

    def _serve(self, values, category, horizon=None, paths=PATHS, seed=0):
        known = self.options["known"]
        # Longer ones are cut to their end, shorter ones stand at it.
        values = tf.pad(
            values[:, -known:], [[0, 0], [tf.maximum(known - tf.shape(values)[1], 0), 0]], constant_values=np.nan
        )
        values = tf.ensure_shape(values, [None, known])
        horizon = self.options["horizon"] if horizon is None else horizon
        found = self._tell(values, category, horizon, paths, seed)
        if self.direct:
            own = np.array(self.model.settings["levels"])
            mean = tf.linalg.matvec(found, tf.constant(between(own, FINE).mean(0), found.dtype))
            return {"mean": mean, "quantiles": found, "levels": tf.constant(own, tf.float32)}
        return {"mean": tf.reduce_mean(found, 1), "paths": found}


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


def check_fits(forecaster: Forecaster, panel: Panel) -> Panel:
    """The series with the categories that a forecaster knows.

    Raises:
        InputError: the series are of another frequency than those that it was trained on, or not above zero as those.
    """
    step, season = forecaster.options["step"], forecaster.options["season"]
    if step and panel.step and step != panel.step:
        raise InputError(
            f"{panel.name} is {words(panel.step, panel.season)}, and the model was trained on series that are "
            f"{words(step, season)}"
        )
    if step and not panel.step:
        say(f"{panel.name} has no times: its values are taken to be {words(step, season)}")
    if forecaster.model.settings["scaling"] == "log":
        check_positive(panel)
    return panel.matched(forecaster.classes)


def check_positive(panel: Panel) -> None:
    """Check that all values are above zero, as those have to be whose logarithms are taken.

    Raises:
        InputError: one is not; says of which series.
    """
    if not np.nanmin(panel.values) > 0:
        place = int(np.nanargmin(panel.values))
        name = panel.names[int(np.searchsorted(panel.offsets, place, "right")) - 1]
        raise InputError(
            f"{panel.name}: series '{name}' holds {panel.values[place]:g}, and the model takes logarithms, which are "
            "of values above zero: leave it empty if it is missing, or train with --set scaling=deviation"
        )


def forecast_at(
    forecaster: Forecaster, seen: Sequence[np.ndarray], categories: np.ndarray, levels: Sequence[float]
) -> Forecast:
    """What follows each of these: the model's horizon. Shows how far it is."""
    horizon = forecaster.options["horizon"]
    begins = range(0, len(seen), AT_ONCE)
    found = [
        forecaster.forecast(seen[n : n + AT_ONCE], horizon, levels, categories[n : n + AT_ONCE], n)
        for n in track(begins, "forecasting", len(begins))
    ]
    return Forecast(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
