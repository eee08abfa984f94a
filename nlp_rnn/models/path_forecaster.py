"""Series to what may follow them, step by step: each value from those before it, and whole paths drawn.

Shapes: B windows, L points known, H points to tell, T = L + H - 1 steps, S paths, U units, P parameters, C covariates.
"""

import keras
import tensorflow as tf

from nlp_rnn.checks import fraction, not_negative, one_of, positive_int
from nlp_rnn.distributions import COUNTS, DISTRIBUTIONS, LIKELIHOODS, count_draw, count_log_density
from nlp_rnn.layers import Stack
from nlp_rnn.layers.products import few
from nlp_rnn.layers.recurrent import CELLS
from nlp_rnn.models.covariates import Covariates, checked, require
from nlp_rnn.models.scaling import SCALINGS, Scale, scale_of

FARTHEST = 8.0  # of logarithms, a value drawn is no farther from the centre: a factor of 3,000


@keras.saving.register_keras_serializable("nlp_rnn")
class PathForecaster(keras.Model):
    """An autoregressive network that tells a distribution of the next value (Salinas et al., 2020, "DeepAR").

    A step reads the value before, the value a season before the one to be told, which of them were missing, and the
    covariates: of the time to be told those that are known ahead, of the time before the others.

    Args:
        season: the lag that is read beside the last value; 1 for none.
        likelihood: "student_t", "normal", or "negative_binomial" for counts.
        cell: "lstm", "gru" or "rnn".
        units: U of each layer.
        layers: of the network.
        dropout: share dropped of the inputs of each layer above the first and of the output, the same at every step.
        kinds: how many categories of series there are; 0 for none.
        scaling: how a window is measured, see `scale_of`; counts always by their "size".
        recent: the centre of a window is the mean of so many last values.
        covariates: C, the columns of what is known beside the values.
        ahead: so many of the covariates, the first ones, are known for the points to be told.

    Call with known values, [B, L], NaN where one is missing, L above the season; or with these, the categories, int
    [B], and the covariates, [B, L + 1, C]. Gives the outputs that tell the distribution of each value from the second
    on and of the one that follows, [B, L, P]. In training there may be no gradient for what is given.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> model = PathForecaster(season=4, units=8)
        >>> model(tf.ones((2, 12))).shape, model.paths(tf.ones((2, 12)), 3, 5, seed=0).shape
        (TensorShape([2, 12, 3]), TensorShape([2, 5, 3]))
    """

    def __init__(
        self,
        season: int = 1,
        likelihood: str = "student_t",
        cell: str = "lstm",
        units: int = 64,
        layers: int = 2,
        dropout: float = 0.1,
        kinds: int = 0,
        scaling: str = "deviation",
        recent: int = 1,
        covariates: int = 0,
        ahead: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.settings = {
            "season": positive_int("season", season),
            "likelihood": one_of("likelihood", likelihood, LIKELIHOODS),
            "cell": one_of("cell", cell, CELLS),
            "units": positive_int("units", units),
            "layers": positive_int("layers", layers),
            "dropout": fraction("dropout", dropout),
            "kinds": not_negative("kinds", kinds),
            "scaling": one_of("scaling", scaling, SCALINGS),
            "recent": positive_int("recent", recent),
            **checked(covariates, ahead),
        }
        self.beside = Covariates(covariates, name="beside") if covariates else None
        names = range(layers)
        rates = [dropout * (n > 0) for n in names]
        make = CELLS[cell]
        self.recurrent = Stack([make(units, True, True, dropout=rates[n], name=f"{cell}_{n}") for n in names])
        self.recurrent.layers[0].input_gradient = bool(kinds)  # without an embedding no weight lies below
        self.category = keras.layers.Embedding(kinds + 1, 8, name="category") if kinds else None
        self.dropped = keras.layers.Dropout(dropout, noise_shape=(None, 1, None))
        self.parameters = 2 if likelihood == COUNTS else DISTRIBUTIONS[likelihood].parameters
        self.telling = keras.layers.Dense(self.parameters, name="telling")

    def build(self, input_shape):
        if self.category is not None:
            self.category.build((None,))
        known = 0 if self.category is None else self.category.output_dim
        self.recurrent.build((None, None, 4 + known + self.settings["covariates"]))
        if self.beside is not None:
            self.beside.build()
        self.telling.build((None, None, self.settings["units"]))

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """The layers from the output to the input."""
        return [self.telling, *reversed(self.recurrent.layers), *filter(None, [self.category])]

    def call(self, inputs, training=False):
        known, *more = inputs if isinstance(inputs, list | tuple) else (inputs,)
        category, covariates = [*more, None, None][:2]
        outputs, _ = self._run(self._scale(known), known, category, covariates, training)
        return outputs

    def window_losses(
        self,
        known: tf.Tensor,
        following: tf.Tensor,
        category: tf.Tensor,
        covariates: tf.Tensor | None = None,
        training: bool = False,
    ):
        """Minus the log-density of each value from those before it, and 1 where there is one; [B, L + H - 1] each.

        In training of all values from the second on; else of those that follow the known.
        """
        scale, values = self._scale(known), tf.concat([known, following], 1)
        outputs, _ = self._run(scale, values[:, :-1], category, covariates, training)
        wanted = values[:, 1:]
        there = ~tf.math.is_nan(wanted)
        counted = tf.cast(there & scale.usable, outputs.dtype)
        if not training:
            steps = tf.range(tf.shape(wanted)[1]) >= tf.shape(known)[1] - 1
            counted *= tf.cast(steps, counted.dtype)
        return -self._log_density(scale, wanted, there, outputs), counted

    def paths(
        self,
        known: tf.Tensor,
        horizon: int | tf.Tensor,
        samples: int | tf.Tensor,
        seed: int | tf.Tensor,
        category: tf.Tensor | None = None,
        covariates: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Draw S ways on, [B, S, H]; the covariates are [B, L + H, C]."""
        scale = self._scale(known)
        outputs, states = self._run(scale, known, category, covariates, False)
        batch, season = tf.shape(known)[0], self.settings["season"]
        beside = tf.repeat(self._beside(covariates, tf.shape(known)[0], tf.shape(known)[1] + horizon), samples, 0)
        beside = tf.ensure_shape(beside[:, tf.shape(known)[1] :], [None, None, self.settings["covariates"]])
        many = Scale(*(None if part is None else tf.repeat(part, samples, 0) for part in scale))
        kind = None if category is None else tf.repeat(category, samples, 0)
        past = tf.repeat(known[:, -season:], samples, 0)
        states, last = [tf.repeat(state, samples, 0) for state in states], tf.repeat(outputs[:, -1], samples, 0)
        drawn = tf.TensorArray(known.dtype, horizon, element_shape=[None])

        def turn(t, last, past, states, drawn):
            value = self._draw(many, last, tf.stack([tf.cast(seed, tf.int32), 2 * t]))
            past = tf.ensure_shape(tf.concat([past[:, 1:], value[:, None]], 1), [None, season])
            outputs, states = self._step(many, past, kind, beside[:, t], states)
            return t + 1, outputs, past, states, drawn.write(t, value)

        loop = (tf.constant(0), last, past, states, drawn)
        *_, drawn = tf.while_loop(lambda t, *_: t < horizon, turn, loop, parallel_iterations=1)
        return tf.transpose(tf.reshape(drawn.stack(), [horizon, batch, samples]), [1, 2, 0])

    def _scale(self, known):
        counts = self.settings["likelihood"] == COUNTS
        return scale_of(known, "size" if counts else self.settings["scaling"], self.settings["recent"])

    def _beside(self, covariates, batch, steps):
        """What each of the first T steps reads of the covariates [B, more than T or T, C]: [B, T, C]."""
        require(covariates, self.settings["covariates"])
        if self.beside is None:
            return tf.zeros([batch, steps, 0])
        ahead, measured = self.settings["ahead"], self.beside(covariates)
        following = tf.pad(measured[:, 1 : steps + 1, :ahead], [[0, 0], [0, 1], [0, 0]])[:, :steps]
        return tf.concat([following, measured[:, :steps, ahead:]], -1)

    def _run(self, scale, values, category, covariates, training):
        """Outputs [B, T, P] of values [B, T], each told from those up to it, and the states after the last."""
        there = ~tf.math.is_nan(values)
        x = tf.where(there, scale.measured(values), 0.0)
        lag, seen = self.settings["season"] - 1, tf.cast(there, x.dtype)
        parts = [x, seen, *(self._later(part, lag) for part in (x, seen))]
        begun = tf.cumsum(seen, 1) > 0  # what stands before the first value is padding
        beside = self._beside(covariates, *tf.unstack(tf.shape(values)))
        return self._outputs(tf.concat([tf.stack(parts, -1), beside], -1), begun, category, None, training)

    def _step(self, scale, past, category, beside, states):
        """Outputs [B, P] after one more value, the last of `past`, [B, season], and what is read beside, [B, C]."""
        there = ~tf.math.is_nan(past)
        x = tf.where(there, scale.measured(past), 0.0)
        seen = tf.cast(there, x.dtype)
        parts = tf.stack([x[:, -1], seen[:, -1], x[:, 0], seen[:, 0]], -1)
        parts = tf.concat([parts, beside], -1)[:, None]
        outputs, states = self._outputs(parts, None, category, states, False)
        return outputs[:, 0], states

    def _later(self, x, steps):
        """What stood so many steps before, [B, T]; zeros at first."""
        return tf.pad(x, [[0, 0], [steps, 0]])[:, : tf.shape(x)[1]]

    def _outputs(self, parts, mask, category, states, training):
        if self.category is not None:
            category = tf.zeros(tf.shape(parts)[0], tf.int32) if category is None else category
            kind = tf.repeat(self.category(category)[:, None], tf.shape(parts)[1], 1)
            parts = tf.concat([parts, kind], -1)
        hidden, *states = self.recurrent(parts, states, mask=mask, training=training)
        return few(self.dropped(hidden, training=training), self.telling), states

    def _log_density(self, scale, values, there, outputs):
        """The log-density of values [B, T] as they are measured, given outputs [B, T, P]; of anything where none is."""
        if self.settings["likelihood"] == COUNTS:
            return count_log_density(tf.where(there, values, 0.0), outputs, scale.spread)
        measured = tf.where(there, scale.measured(values), 0.0)
        return DISTRIBUTIONS[self.settings["likelihood"]].log_density(measured, outputs)

    def _draw(self, scale, outputs, seed):
        """A value of each row, [B], given outputs [B, P]."""
        if self.settings["likelihood"] == COUNTS:
            return count_draw(outputs, scale.spread[:, 0], seed)
        measured = DISTRIBUTIONS[self.settings["likelihood"]].draw(outputs, seed)
        if scale.floor is not None:  # a heavy tail has no mean once exp is taken of it
            measured = tf.clip_by_value(measured, -FARTHEST, FARTHEST)
        return scale.values(measured[:, None])[:, 0]

    def get_config(self):
        return {**super().get_config(), **self.settings}
