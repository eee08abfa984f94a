"""Context to forecast: quantiles of all steps at once, from a network that reads a window segment by segment.

Shapes: B windows, L points of context, H points to forecast, W points of a segment, N segments of the context, M
segments to forecast, Q quantiles, U units, C covariates.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from nlp_rnn.checks import at_least_zero, checked_arguments, choice, flag, fraction, not_negative, positive_int
from nlp_rnn.deprecation import current_arguments, renamed_arguments
from nlp_rnn.forecasting.covariates import Covariates, checked, require, unpacked
from nlp_rnn.forecasting.scaling import SCALINGS, Scale, scale_of
from nlp_rnn.layers import Stack
from nlp_rnn.layers.recurrent import CELLS

QUANTILE_LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
_FORMER = {
    "known": "context_length",
    "levels": "quantile_levels",
    "kinds": "categories",
    "recent": "centering_window",
    "ahead": "num_future_covariates",
}


@keras.saving.register_keras_serializable("nlp_rnn")
class DirectForecaster(keras.Model):
    """Quantiles of the next H points, all at once: a recurrent network over segments of the context, not over points.

    As in SegRNN (Lin et al., 2023), a segment of W points is one step of the network, and each segment to forecast is
    one further step from the state after the context, whose input only says which segment it is: no forecast is input
    to another. This model adds quantiles, missing values, windows shorter than L, and a linear map parallel to the
    network.

    Args:
        context_length: L, the points that are read.
        horizon: H, the points to forecast.
        segment: W, the points per step of the network; the season is a good choice.
        quantile_levels: the Q levels, in ascending order, including 0.5.
        cell: "gru", "lstm" or "rnn".
        units: U of each layer; an even number.
        layers: number of recurrent layers.
        dropout: dropout rate of the outputs of the network.
        categories: number of categories of series; 0 for none.
        scaling: how a window is scaled, see `scale_of`.
        centering_window: the centre of a window is the mean of this many last values.
        linear: add a linear map of the context.
        covariates: C, the number of covariates.
        num_future_covariates: how many of the covariates, the first ones, are known for the points to forecast.

    Call with the context, float [B, L], NaN where a value is missing; optionally followed by the category, int [B], 0
    where unknown, and the covariates, float [B, L + H, C]. Returns the quantiles, [B, H, Q], of the type of the
    context, float32 or float64.

    Raises:
        ValueError: an argument is out of its range.

    Examples:
        >>> model = DirectForecaster(context_length=24, horizon=6, segment=12, units=8)
        >>> model(tf.ones((2, 24))).shape
        TensorShape([2, 6, 7])
    """

    @renamed_arguments(_FORMER)
    def __init__(
        self,
        context_length: int,
        horizon: int,
        segment: int = 12,
        quantile_levels: Sequence[float] = QUANTILE_LEVELS,
        cell: str = "gru",
        units: int = 128,
        layers: int = 1,
        dropout: float = 0.1,
        categories: int = 0,
        scaling: str = "deviation",
        centering_window: int = 1,
        linear: bool = True,
        covariates: int = 0,
        num_future_covariates: int = 0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # values that are far from zero stay float64
        self.settings = checked_arguments(
            locals(),
            context_length=positive_int,
            horizon=positive_int,
            segment=positive_int,
            quantile_levels=_rising,
            cell=choice(CELLS),
            units=positive_int,
            layers=positive_int,
            dropout=fraction,
            categories=not_negative,
            scaling=choice(SCALINGS),
            centering_window=positive_int,
            linear=flag,
        )
        self.settings |= checked(covariates, num_future_covariates)
        if units % 2:
            raise ValueError(f"units must be even, got {units}")
        self.context_segments = -(-context_length // segment)
        self.horizon_segments = -(-horizon // segment)
        self._make_layers()

    def _make_layers(self):
        # Weight files name layers by attribute: those before "layers" in the alphabet by name, others by their order.
        units, rate = self.settings["units"], self.settings["dropout"]
        self.segment_projection = keras.layers.Dense(units, "relu", name="segment_projection")
        names = range(self.settings["layers"])
        make, options = CELLS[self.settings["cell"]], {"return_sequences": True, "return_state": True}
        self.recurrent = Stack([make(units, name=f"{self.settings['cell']}_{n}", **options) for n in names])
        self.output_dropout = keras.layers.Dropout(rate)
        outputs = self.settings["segment"] * len(self.settings["quantile_levels"])
        self.output_projection = keras.layers.Dense(outputs, name="output_projection")
        self.category = keras.layers.Embedding(self.settings["categories"] + 1, units // 2, name="category")
        horizon, columns = self.settings["horizon"], self.settings["covariates"]
        self.direct = keras.layers.Dense(horizon, kernel_initializer="zeros", use_bias=False, name="direct")
        self.standardise = Covariates(columns, name="standardise") if columns else None
        self.query_projection = keras.layers.Dense(units, use_bias=False, name="query_projection")

    @property
    def beside(self) -> Covariates | None:
        """`standardise`, by its name in weight files."""
        return self.standardise

    def build(self, input_shape):
        units, segment = self.settings["units"], self.settings["segment"]
        columns, future = self.settings["covariates"], self.settings["num_future_covariates"]
        self.segment_projection.build((None, None, (2 + columns) * segment))
        if self.standardise is not None:
            self.standardise.build()
        if future:
            self.query_projection.build((None, None, future * segment))
        self.recurrent.build((None, None, units))
        self.output_projection.build((None, None, units))
        self.category.build((None,))
        if self.settings["linear"]:
            self.direct.build((None, self.settings["context_length"]))
        spread = keras.initializers.RandomNormal(stddev=0.1)
        self.positions = self.add_weight(
            name="positions", shape=(self.horizon_segments, units // 2), initializer=spread
        )

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """The layers from the output to the input."""
        above = [self.output_projection, self.direct, *reversed(self.recurrent.layers)]
        return [*above, self.category, self.query_projection, self.segment_projection]

    def call(self, inputs, training=False):
        context, category, covariates = unpacked(inputs)
        category = tf.zeros(tf.shape(context)[0], tf.int32) if category is None else category
        scale, quantiles = self.scaled_quantiles(context, category, covariates, training=training)
        return tf.cast(tf.sort(scale.unscaled(quantiles), -1), context.dtype)

    def scaled_quantiles(
        self, context: tf.Tensor, category: tf.Tensor, covariates: tf.Tensor | None = None, training: bool = False
    ) -> tuple[Scale, tf.Tensor]:
        """The scale of each window, and the quantiles [B, H, Q] of scaled values, not yet sorted."""
        scale = scale_of(context, self.settings["scaling"], self.settings["centering_window"])
        there = ~tf.math.is_nan(context)
        x = tf.where(there, scale.scaled(context), 0.0)
        quantiles = self._from_segments(x, there, category, *self._standardised(covariates, context), training)
        if self.settings["linear"]:
            quantiles += self.direct(x)[..., None]
        return scale, quantiles

    def window_losses(
        self,
        context: tf.Tensor,
        targets: tf.Tensor,
        category: tf.Tensor,
        covariates: tf.Tensor | None = None,
        training: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Twice the pinball loss, averaged over the quantiles, and the weight of each target, 1 or 0; [B, H] each.

        The loss is of scaled values, so that all windows have the same weight; a window without a scale has weight 0.
        """
        scale, quantiles = self.scaled_quantiles(context, category, covariates, training)
        there = ~tf.math.is_nan(targets)
        scaled = tf.where(there, scale.scaled(targets), 0.0)
        losses = pinball(scaled, quantiles, self.settings["quantile_levels"])
        return losses, tf.cast(there & scale.usable, quantiles.dtype)

    def _standardised(self, covariates, context):
        """The covariates of the context, [B, L, C], and those known for the steps to forecast, [B, H, future]."""
        require(covariates, self.settings["covariates"])
        if self.standardise is None:
            return tf.zeros([*tf.unstack(tf.shape(context)), 0]), None
        length, future = self.settings["context_length"], self.settings["num_future_covariates"]
        standardised = self.standardise(covariates)
        return standardised[:, :length], standardised[:, length:, :future] if future else None

    def _from_segments(self, x, there, category, covariates, future, training):
        """Quantiles [B, H, Q] of scaled context [B, L]."""
        batch, levels = tf.shape(x)[0], len(self.settings["quantile_levels"])
        states = self._read(x, there, covariates, training)
        queries = self._queries(batch, category, future)
        states = [tf.repeat(state, self.horizon_segments, 0) for state in states]
        hidden, *_ = self.recurrent(queries, states, training=training)
        outputs = self.output_projection(self.output_dropout(hidden, training=training))
        outputs = tf.reshape(outputs, [batch, self.horizon_segments * self.settings["segment"], levels])
        return outputs[:, : self.settings["horizon"]]

    def _read(self, x, there, covariates, training):
        """The states after the segments of the context; segments without values are masked."""
        batch, segment = tf.shape(x)[0], self.settings["segment"]
        missing = self.context_segments * segment - self.settings["context_length"]
        points = [x[..., None], tf.cast(there, x.dtype)[..., None], covariates]
        segments = tf.pad(tf.concat(points, -1), [[0, 0], [missing, 0], [0, 0]])
        columns = 2 + self.settings["covariates"]
        segments = tf.reshape(segments, [batch, self.context_segments, segment * columns])
        mask = tf.reduce_any(tf.reshape(segments, [batch, self.context_segments, segment, -1])[..., 1] > 0, -1)
        _, *states = self.recurrent(self.segment_projection(segments), mask=mask, training=training)
        return states

    def _queries(self, batch, category, future):
        """The input of each segment to forecast, [B * M, 1, U]: its position, the category, and future covariates."""
        segments, segment, units = self.horizon_segments, self.settings["segment"], self.settings["units"]
        positions = tf.broadcast_to(self.positions.value[None], [batch, segments, units // 2])
        queries = tf.concat([positions, tf.repeat(self.category(category)[:, None], segments, 1)], -1)
        if future is not None:
            future = tf.pad(future, [[0, 0], [0, segments * segment - self.settings["horizon"]], [0, 0]])
            width = segment * self.settings["num_future_covariates"]
            queries += self.query_projection(tf.reshape(future, [batch, segments, width]))
        return tf.reshape(queries, [batch * segments, 1, units])

    def get_config(self):
        return {**super().get_config(), **self.settings}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None):
        return super().from_config(current_arguments(config, _FORMER), custom_objects)


def pinball(targets: tf.Tensor, quantiles: tf.Tensor, levels: Sequence[float]) -> tf.Tensor:
    """Twice the pinball loss, averaged over the quantiles, [...]; the CRPS is its limit for many levels.

    Args:
        targets: the actual values, [...].
        quantiles: their predicted quantiles, [..., Q].
        levels: the Q levels.

    Examples:
        >>> round(float(pinball(tf.constant([1.0]), tf.constant([[0.0, 3.0]]), [0.5, 0.9])[0]), 4)
        0.7
    """
    shares = tf.constant(levels, quantiles.dtype)
    above = targets[..., None] - quantiles
    return 2 * tf.reduce_mean(tf.maximum(shares * above, (shares - 1) * above), -1)


def _rising(name, levels):
    levels = tuple(float(at_least_zero(name, level)) for level in levels)
    inside = all(0 < level < 1 for level in levels)
    if not levels or not inside or list(levels) != sorted(set(levels)) or 0.5 not in levels:
        raise ValueError(f"{name} must be ascending, lie between 0 and 1 and include 0.5, got {levels}")
    return levels
