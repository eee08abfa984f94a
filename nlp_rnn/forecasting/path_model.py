"""An autoregressive forecaster: the distribution of each value given those before it, and sample paths.

Shapes: B windows, L points of context, H points to forecast, T = L + H - 1 steps, S sample paths, U units, P
parameters, C covariates.
"""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from nlp_rnn.checks import checked_arguments, choice, fraction, not_negative, positive_int
from nlp_rnn.deprecation import current_arguments, renamed_arguments
from nlp_rnn.forecasting.covariates import Covariates, checked, require, unpacked
from nlp_rnn.forecasting.distributions import DISTRIBUTIONS, count_log_density, count_sample
from nlp_rnn.forecasting.scaling import SCALINGS, Scale, scale_of
from nlp_rnn.forecasting.settings import COUNTS, LIKELIHOODS
from nlp_rnn.layers import Stack
from nlp_rnn.layers.products import narrow_dense
from nlp_rnn.layers.recurrent import CELLS

MAX_LOG_DISTANCE = 8.0  # bound on the distance of a sampled logarithm from the centre: a factor of 3,000
_FORMER = {"kinds": "categories", "recent": "centering_window", "ahead": "num_future_covariates"}


@keras.saving.register_keras_serializable("nlp_rnn")
class PathForecaster(keras.Model):
    """An autoregressive network whose outputs are a distribution of the next value (Salinas et al., 2020, "DeepAR").

    A step reads the previous value, the value one season before the target, which of the two are missing, and the
    covariates: those known for future times at the time of the target, the others one step before.

    Args:
        season: the lag of the second value that a step reads; 1 for none.
        likelihood: "student_t", "normal", or "negative_binomial" for counts.
        cell: "lstm", "gru" or "rnn".
        units: U of each layer.
        layers: number of recurrent layers.
        dropout: dropout rate of the inputs of each layer above the first, and of the output; the same mask at every
            step.
        categories: number of categories of series; 0 for none.
        scaling: how a window is scaled, see `scale_of`; counts always by their "size".
        centering_window: the centre of a window is the mean of this many last values.
        covariates: C, the number of covariates.
        num_future_covariates: how many of the covariates, the first ones, are known for the points to forecast.

    Call with the context, float [B, L], NaN where a value is missing, L above the season; optionally followed by the
    category, int [B], and the covariates, float [B, L + 1, C]. Returns the parameters of the distributions of the
    values from the second to the one after the context, [B, L, P]. In training no gradient with respect to the inputs
    is available.

    Raises:
        ValueError: an argument is out of its range.

    Examples:
        >>> model = PathForecaster(season=4, units=8)
        >>> model(tf.ones((2, 12))).shape, model.paths(tf.ones((2, 12)), 3, 5, seed=0).shape
        (TensorShape([2, 12, 3]), TensorShape([2, 5, 3]))
    """

    @renamed_arguments(_FORMER)
    def __init__(
        self,
        season: int = 1,
        likelihood: str = "student_t",
        cell: str = "lstm",
        units: int = 64,
        layers: int = 2,
        dropout: float = 0.1,
        categories: int = 0,
        scaling: str = "deviation",
        centering_window: int = 1,
        covariates: int = 0,
        num_future_covariates: int = 0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # values that are far from zero stay float64
        self.settings = checked_arguments(
            locals(),
            season=positive_int,
            likelihood=choice(LIKELIHOODS),
            cell=choice(CELLS),
            units=positive_int,
            layers=positive_int,
            dropout=fraction,
            categories=not_negative,
            scaling=choice(SCALINGS),
            centering_window=positive_int,
        )
        self.settings |= checked(covariates, num_future_covariates)
        self._make_layers()

    def _make_layers(self):
        # Weight files name layers by attribute: those before "layers" in the alphabet by name, others by their order.
        cell, units, rate = (self.settings[name] for name in ("cell", "units", "dropout"))
        columns, categories = self.settings["covariates"], self.settings["categories"]
        self.standardise = Covariates(columns, name="standardise") if columns else None
        rates = [rate * (n > 0) for n in range(self.settings["layers"])]
        make, options = CELLS[cell], {"return_sequences": True, "return_state": True}
        stacked = [make(units, dropout=of_layer, name=f"{cell}_{n}", **options) for n, of_layer in enumerate(rates)]
        self.recurrent = Stack(stacked)
        self.recurrent.layers[0].input_gradient = bool(categories)  # without an embedding no weight lies below
        self.category = keras.layers.Embedding(categories + 1, 8, name="category") if categories else None
        self.output_dropout = keras.layers.Dropout(rate, noise_shape=(None, 1, None))
        likelihood = self.settings["likelihood"]
        self.parameters = 2 if likelihood == COUNTS else DISTRIBUTIONS[likelihood].parameters
        self.output_projection = keras.layers.Dense(self.parameters, name="output_projection")

    @property
    def beside(self) -> Covariates | None:
        """`standardise`, by its name in weight files."""
        return self.standardise

    def build(self, input_shape):
        if self.category is not None:
            self.category.build((None,))
        embedding = 0 if self.category is None else self.category.output_dim
        self.recurrent.build((None, None, 4 + embedding + self.settings["covariates"]))
        if self.standardise is not None:
            self.standardise.build()
        self.output_projection.build((None, None, self.settings["units"]))

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """The layers from the output to the input."""
        return [self.output_projection, *reversed(self.recurrent.layers), *filter(None, [self.category])]

    def call(self, inputs, training=False):
        context, category, covariates = unpacked(inputs)
        outputs, _ = self._run(self._scale(context), context, category, covariates, training)
        return outputs

    def window_losses(
        self,
        context: tf.Tensor,
        targets: tf.Tensor,
        category: tf.Tensor,
        covariates: tf.Tensor | None = None,
        training: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The negative log-density of each value given those before it, and its weight, 1 or 0; [B, L + H - 1] each.

        In training all values from the second on have weight 1; otherwise only the targets.
        """
        scale, values = self._scale(context), tf.concat([context, targets], 1)
        outputs, _ = self._run(scale, values[:, :-1], category, covariates, training)
        following = values[:, 1:]
        there = ~tf.math.is_nan(following)
        weights = tf.cast(there & scale.usable, outputs.dtype)
        if not training:
            is_target = tf.range(tf.shape(following)[1]) >= tf.shape(context)[1] - 1
            weights *= tf.cast(is_target, weights.dtype)
        return -self._log_density(scale, following, there, outputs), weights

    def paths(
        self,
        context: tf.Tensor,
        horizon: int | tf.Tensor,
        samples: int | tf.Tensor,
        seed: int | tf.Tensor,
        category: tf.Tensor | None = None,
        covariates: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Sample S paths of H steps, [B, S, H], of the type of the context, float32 or float64.

        Args:
            context: float [B, L], NaN where a value is missing.
            horizon: H, the steps to forecast.
            samples: S, the number of paths.
            seed: the seed of the samples.
            category: int [B], 0 where unknown.
            covariates: float [B, L + H, C]; None for a model without covariates.
        """
        scale = self._scale(context)
        outputs, states = self._run(scale, context, category, covariates, False)
        batch, length, season = tf.shape(context)[0], tf.shape(context)[1], self.settings["season"]
        inputs = tf.repeat(self._covariate_inputs(covariates, batch, length + horizon), samples, 0)
        inputs = tf.ensure_shape(inputs[:, length:], [None, None, self.settings["covariates"]])
        repeated = Scale(*(None if part is None else tf.repeat(part, samples, 0) for part in scale))
        category = None if category is None else tf.repeat(category, samples, 0)
        past = tf.cast(tf.repeat(context[:, -season:], samples, 0), tf.float64)
        states, last = [tf.repeat(state, samples, 0) for state in states], tf.repeat(outputs[:, -1], samples, 0)
        sampled = tf.TensorArray(tf.float64, horizon, element_shape=[None])

        def step(t, last, past, states, sampled):
            value = self._sample(repeated, last, tf.stack([tf.cast(seed, tf.int32), 2 * t]))
            past = tf.ensure_shape(tf.concat([past[:, 1:], value[:, None]], 1), [None, season])
            outputs, states = self._step(repeated, past, category, inputs[:, t], states)
            return t + 1, outputs, past, states, sampled.write(t, value)

        loop = (tf.constant(0), last, past, states, sampled)
        *_, sampled = tf.while_loop(lambda t, *_: t < horizon, step, loop, parallel_iterations=1)
        return tf.cast(tf.transpose(tf.reshape(sampled.stack(), [horizon, batch, samples]), [1, 2, 0]), context.dtype)

    def _scale(self, context):
        counts = self.settings["likelihood"] == COUNTS
        return scale_of(context, "size" if counts else self.settings["scaling"], self.settings["centering_window"])

    def _covariate_inputs(self, covariates, batch, steps):
        """The covariate inputs of the first T steps, [B, T, C], from covariates [B, at least T, C]."""
        require(covariates, self.settings["covariates"])
        if self.standardise is None:
            return tf.zeros([batch, steps, 0])
        future, standardised = self.settings["num_future_covariates"], self.standardise(covariates)
        following = tf.pad(standardised[:, 1 : steps + 1, :future], [[0, 0], [0, 1], [0, 0]])[:, :steps]
        return tf.concat([following, standardised[:, :steps, future:]], -1)

    def _run(self, scale, values, category, covariates, training):
        """Outputs [B, T, P], each from the values [B, T] up to its step, and the states after the last step."""
        there = ~tf.math.is_nan(values)
        x = tf.where(there, scale.scaled(values), 0.0)
        lag, observed = self.settings["season"] - 1, tf.cast(there, x.dtype)
        inputs = tf.stack([x, observed, _shifted(x, lag), _shifted(observed, lag)], -1)
        begun = tf.cumsum(observed, 1) > 0  # values before the first one are padding
        covariates = self._covariate_inputs(covariates, *tf.unstack(tf.shape(values)))
        return self._outputs(tf.concat([inputs, covariates], -1), begun, category, None, training)

    def _step(self, scale, past, category, covariates, states):
        """Outputs [B, P] after one more value, the last of `past`, [B, season], with covariate inputs [B, C]."""
        there = ~tf.math.is_nan(past)
        x = tf.where(there, scale.scaled(past), 0.0)
        observed = tf.cast(there, x.dtype)
        inputs = tf.stack([x[:, -1], observed[:, -1], x[:, 0], observed[:, 0]], -1)
        inputs = tf.concat([inputs, covariates], -1)[:, None]
        outputs, states = self._outputs(inputs, None, category, states, False)
        return outputs[:, 0], states

    def _outputs(self, inputs, mask, category, states, training):
        if self.category is not None:
            category = tf.zeros(tf.shape(inputs)[0], tf.int32) if category is None else category
            embedded = tf.repeat(self.category(category)[:, None], tf.shape(inputs)[1], 1)
            inputs = tf.concat([inputs, embedded], -1)
        hidden, *states = self.recurrent(inputs, states, mask=mask, training=training)
        return narrow_dense(self.output_dropout(hidden, training=training), self.output_projection), states

    def _log_density(self, scale, values, there, outputs):
        """The log-density of scaled values [B, T] given outputs [B, T, P]; arbitrary where a value is missing."""
        if self.settings["likelihood"] == COUNTS:
            counts, size = tf.where(there, values, 0.0), scale.spread
            return count_log_density(tf.cast(counts, outputs.dtype), outputs, tf.cast(size, outputs.dtype))
        scaled = tf.where(there, scale.scaled(values), 0.0)
        return DISTRIBUTIONS[self.settings["likelihood"]].log_density(scaled, outputs)

    def _sample(self, scale, outputs, seed):
        """A value of each row, float64 [B], given outputs [B, P]."""
        if self.settings["likelihood"] == COUNTS:
            return tf.cast(count_sample(outputs, tf.cast(scale.spread[:, 0], outputs.dtype), seed), tf.float64)
        scaled = DISTRIBUTIONS[self.settings["likelihood"]].sample(outputs, seed)
        if scale.floor is not None:  # exp of a heavy-tailed variable has no mean
            scaled = tf.clip_by_value(scaled, -MAX_LOG_DISTANCE, MAX_LOG_DISTANCE)
        return scale.unscaled(scaled[:, None])[:, 0]

    def get_config(self):
        return {**super().get_config(), **self.settings}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None):
        return super().from_config(current_arguments(config, _FORMER), custom_objects)


def _shifted(x, steps):
    """The values `steps` steps before, [B, T]; zeros at the beginning."""
    return tf.pad(x, [[0, 0], [steps, 0]])[:, : tf.shape(x)[1]]
