"""Series to what follows them: quantiles of all steps at once, from a network that reads a window segment by segment.

Shapes: B windows, L points known, H points to tell, W points of a segment, N segments known, M segments to tell,
Q quantiles, U units, C covariates.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from nlp_rnn.checks import at_least_zero, fraction, not_negative, one_of, positive_int
from nlp_rnn.layers import Stack
from nlp_rnn.layers.recurrent import CELLS
from nlp_rnn.models.covariates import Covariates, checked, require
from nlp_rnn.models.scaling import SCALINGS, scale_of

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)


@keras.saving.register_keras_serializable("nlp_rnn")
class DirectForecaster(keras.Model):
    """Quantiles of the next H points, all at once: a recurrent network over segments of the window, not over points.

    As in SegRNN (Lin et al., 2023) a segment of W points is one step, and each segment to tell is one further step
    whose input says only which one it is, so that none is told from another that was told. Here with quantiles, with
    missing values, with windows that are shorter, and with a linear part beside the network.

    Args:
        known: L points that are read.
        horizon: H points that are told.
        segment: W, the points of a step; the season is a good choice.
        levels: the Q quantiles, rising, 0.5 among them.
        cell: "gru", "lstm" or "rnn".
        units: U of each layer; an even number.
        layers: of the network.
        dropout: share dropped of what the segments are told from.
        kinds: how many categories of series there are; 0 for none.
        scaling: how a window is measured, see `scale_of`.
        recent: the centre of a window is the mean of so many last values.
        linear: whether a linear map of the window is added.
        covariates: C, the columns of what is known beside the values.
        ahead: so many of the covariates, the first ones, are known for the points to be told.

    Call with the known values, [B, L], NaN where one is missing; or with these and the categories, int [B], 0 where
    unknown; or with a third, the covariates [B, L + H, C]. Gives the quantiles [B, H, Q].

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> model = DirectForecaster(known=24, horizon=6, segment=12, units=8)
        >>> model(tf.ones((2, 24))).shape
        TensorShape([2, 6, 7])
    """

    def __init__(
        self,
        known: int,
        horizon: int,
        segment: int = 12,
        levels: Sequence[float] = LEVELS,
        cell: str = "gru",
        units: int = 128,
        layers: int = 1,
        dropout: float = 0.1,
        kinds: int = 0,
        scaling: str = "deviation",
        recent: int = 1,
        linear: bool = True,
        covariates: int = 0,
        ahead: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.settings = {
            "known": positive_int("known", known),
            "horizon": positive_int("horizon", horizon),
            "segment": positive_int("segment", segment),
            "levels": _rising(levels),
            "cell": one_of("cell", cell, CELLS),
            "units": positive_int("units", units),
            "layers": positive_int("layers", layers),
            "dropout": fraction("dropout", dropout),
            "kinds": not_negative("kinds", kinds),
            "scaling": one_of("scaling", scaling, SCALINGS),
            "recent": positive_int("recent", recent),
            "linear": bool(linear),
            **checked(covariates, ahead),
        }
        if units % 2:
            raise ValueError(f"units must be even, got {units}")
        self.segments = -(-known // segment)
        self.told = -(-horizon // segment)
        self._make_layers()

    def _make_layers(self):
        units, rate = self.settings["units"], self.settings["dropout"]
        self.reading = keras.layers.Dense(units, "relu", name="reading")
        names = range(self.settings["layers"])
        make = CELLS[self.settings["cell"]]
        self.recurrent = Stack([make(units, True, True, name=f"{self.settings['cell']}_{n}") for n in names])
        self.dropped = keras.layers.Dropout(rate)
        outputs = self.settings["segment"] * len(self.settings["levels"])
        self.telling = keras.layers.Dense(outputs, name="telling")
        self.category = keras.layers.Embedding(self.settings["kinds"] + 1, units // 2, name="category")
        horizon = self.settings["horizon"]
        self.direct = keras.layers.Dense(horizon, kernel_initializer="zeros", use_bias=False, name="direct")
        self.beside = Covariates(self.settings["covariates"], name="beside") if self.settings["covariates"] else None
        self.leading = keras.layers.Dense(units, use_bias=False, name="leading")  # what is known of those to be told

    def build(self, input_shape):
        units, segment = self.settings["units"], self.settings["segment"]
        columns, ahead = self.settings["covariates"], self.settings["ahead"]
        self.reading.build((None, None, (2 + columns) * segment))
        if columns:
            self.beside.build()
        if ahead:
            self.leading.build((None, None, ahead * segment))
        self.recurrent.build((None, None, units))
        self.telling.build((None, None, units))
        self.category.build((None,))
        if self.settings["linear"]:
            self.direct.build((None, self.settings["known"]))
        spread = keras.initializers.RandomNormal(stddev=0.1)
        self.places = self.add_weight(name="places", shape=(self.told, units // 2), initializer=spread)

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """The layers from the output to the input."""
        return [self.telling, self.direct, *reversed(self.recurrent.layers), self.category, self.leading, self.reading]

    def call(self, inputs, training=False):
        known, *more = inputs if isinstance(inputs, list | tuple) else (inputs,)
        category, *covariates = more or [tf.zeros(tf.shape(known)[0], tf.int32)]
        scale, measured = self.measured(known, category, *covariates, training=training)
        return tf.sort(scale.values(measured), -1)

    def measured(
        self, known: tf.Tensor, category: tf.Tensor, covariates: tf.Tensor | None = None, training: bool = False
    ):
        """The scale of each window, and the quantiles [B, H, Q] as measured by it, not yet in order."""
        scale = scale_of(known, self.settings["scaling"], self.settings["recent"])
        there = ~tf.math.is_nan(known)
        x = tf.where(there, scale.measured(known), 0.0)
        told = self._told(x, there, category, self._measured_beside(covariates, known), training)
        if self.settings["linear"]:
            told += self.direct(x)[..., None]
        return scale, told

    def window_losses(
        self,
        known: tf.Tensor,
        following: tf.Tensor,
        category: tf.Tensor,
        covariates: tf.Tensor | None = None,
        training: bool = False,
    ):
        """Twice the pinball loss of the quantiles, mean over those, and 1 where there is a value; [B, H] each.

        Of values as measured by the window's scale, so that all windows weigh the same; one without a scale not at all.
        """
        scale, told = self.measured(known, category, covariates, training)
        there = ~tf.math.is_nan(following)
        wanted = tf.where(there, scale.measured(following), 0.0)
        return pinball(wanted, told, self.settings["levels"]), tf.cast(there & scale.usable, told.dtype)

    def _measured_beside(self, covariates, known):
        """The covariates that a window is read with, [B, L, C], and those it is told with, [B, H, ahead]."""
        require(covariates, self.settings["covariates"])
        if self.beside is None:
            return tf.zeros([*tf.unstack(tf.shape(known)), 0]), None
        length, ahead = self.settings["known"], self.settings["ahead"]
        measured = self.beside(covariates)
        return measured[:, :length], measured[:, length:, :ahead] if ahead else None

    def _told(self, x, there, category, beside, training):
        """Quantiles [B, H, Q] of windows [B, L] as measured."""
        batch, segment, units = tf.shape(x)[0], self.settings["segment"], self.settings["units"]
        lacking = self.segments * segment - self.settings["known"]
        points = [x[..., None], tf.cast(there, x.dtype)[..., None], beside[0]]
        pieces = tf.pad(tf.concat(points, -1), [[0, 0], [lacking, 0], [0, 0]])
        pieces = tf.reshape(pieces, [batch, self.segments, segment * (2 + self.settings["covariates"])])
        mask = tf.reduce_any(tf.reshape(pieces, [batch, self.segments, segment, -1])[..., 1] > 0, -1)
        _, *states = self.recurrent(self.reading(pieces), mask=mask, training=training)
        places = tf.broadcast_to(self.places.value[None], [batch, self.told, units // 2])
        kind = tf.repeat(self.category(category)[:, None], self.told, 1)
        asked = tf.concat([places, kind], -1)
        if beside[1] is not None:
            ahead = tf.pad(beside[1], [[0, 0], [0, self.told * segment - self.settings["horizon"]], [0, 0]])
            asked += self.leading(tf.reshape(ahead, [batch, self.told, segment * self.settings["ahead"]]))
        asked = tf.reshape(asked, [batch * self.told, 1, units])
        states = [tf.repeat(state, self.told, 0) for state in states]
        hidden, *_ = self.recurrent(asked, states, training=training)
        told = self.telling(self.dropped(hidden, training=training))
        told = tf.reshape(told, [batch, self.told * segment, len(self.settings["levels"])])
        return told[:, : self.settings["horizon"]]

    def get_config(self):
        return {**super().get_config(), **self.settings}


def pinball(wanted: tf.Tensor, told: tf.Tensor, levels: Sequence[float]) -> tf.Tensor:
    """Twice the pinball loss, mean over the quantiles: what the CRPS is a limit of.

    Args:
        wanted: [...].
        told: [..., Q].
        levels: the Q quantiles.

    Example:
        >>> round(float(pinball(tf.constant([1.0]), tf.constant([[0.0, 3.0]]), [0.5, 0.9])[0]), 4)
        0.7
    """
    levels = tf.constant(levels, told.dtype)
    above = wanted[..., None] - told
    return 2 * tf.reduce_mean(tf.maximum(levels * above, (levels - 1) * above), -1)


def _rising(levels):
    levels = tuple(float(at_least_zero("levels", level)) for level in levels)
    inside = all(0 < level < 1 for level in levels)
    if not levels or not inside or list(levels) != sorted(set(levels)) or 0.5 not in levels:
        raise ValueError(f"levels must rise, lie between 0 and 1 and hold 0.5, got {levels}")
    return levels
