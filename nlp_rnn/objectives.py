"""What is trained: every token of a text from those before it, or from those and its source; what follows a window.

Shapes: B batch, S source tokens, T tokens, E embedding, U units.
"""

import keras
import tensorflow as tf

from nlp_rnn.layers.side_by_side import side_by_side
from nlp_rnn.losses import cross_entropy, sampled_cross_entropy
from nlp_rnn.models import DirectForecaster, LanguageModel, PathForecaster, Run, Seq2Seq
from nlp_rnn.text import END, PADDING


class Objective(keras.Model):
    """A model with a loss of its own, for Keras' `fit`: the mean cross-entropy of a token, in nats.

    Args:
        model: what to train.

    Attributes:
        estimated: the loss told in training is not that: it is of smoothed labels, or of a few words drawn.
        of_tokens: it is one whose exponential is a perplexity.
    """

    estimated = False
    of_tokens = True

    def __init__(self, model: keras.Model):
        super().__init__()
        if not model.built:
            model.build((None, None))
        self.model = model
        self.mean = keras.metrics.Mean(name="loss")

    def build(self, input_shape):
        """Nothing is left to make."""

    def loss_of(self, *data: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor | float, tf.Tensor]:
        """The mean loss of a token of a batch, what regularizes, and how many tokens there are."""
        raise NotImplementedError

    def train_step(self, data):
        variables = self.trainable_variables
        with tf.GradientTape() as tape:
            loss, penalty, tokens = self.loss_of(*data, training=True)
            total = loss + penalty
        self.optimizer.apply(tape.gradient(total, [v.value for v in variables]), variables)
        return self._told(loss, tokens)

    def test_step(self, data):
        loss, _, tokens = self.loss_of(*data, training=False)
        return self._told(loss, tokens)

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """The layers of the model from the output to the input."""
        return self.model.parts

    @property
    def metrics(self):
        return [self.mean]

    def _told(self, loss, tokens):
        self.mean.update_state(loss, sample_weight=tokens)
        return {"loss": self.mean.result()}


class OfTokens(Objective):
    """What the two objectives that tell tokens share."""

    def _output(self, hidden, ids):
        """What `cross_entropy` takes, its weights, and how many tokens there are, of outputs [B, T, E] and ids [B, T].

        Where T is not known rows are padded to it, and only what is no padding goes through the large projection.
        """
        hidden, ids = tf.cast(tf.reshape(hidden, [-1, hidden.shape[-1]]), tf.float32), tf.reshape(ids, [-1])
        if ids.shape[0] is None:
            there = tf.where(ids != PADDING)[:, 0]
            hidden, ids = tf.gather(hidden, there), tf.gather(ids, there)
        counted = tf.cast(ids != PADDING, tf.float32)
        tokens = tf.reduce_sum(counted)
        output = hidden, self.model.kernel, self.model.output_bias.value, ids
        return output, counted / tf.maximum(tokens, 1.0), tokens


class NextToken(OfTokens):
    """A language model in training: every token of a text is told from those before it.

    Args:
        model: what to train.
        batch: the largest B, where the rows of a batch go on where they stood in the batch before (`Streams`): the
            state is then carried over, without its gradient. None where each row is a text by itself (`LengthBuckets`).
        activation: weight of the mean square of the outputs (Merity et al., 2018, "AR").
        slowness: weight of the mean square of their change from step to step ("TAR").
        samples: in training, estimate the loss from so many words drawn; 0: take all. See `sampled_cross_entropy`.
    """

    def __init__(
        self,
        model: LanguageModel,
        batch: int | None = None,
        activation: float = 0.0,
        slowness: float = 0.0,
        samples: int = 0,
    ):
        super().__init__(model)
        self.batch = batch
        self.activation = activation
        self.slowness = slowness
        self.samples = samples
        self.estimated = samples > 0
        if batch is not None:
            units, number = model.settings["units"], model.recurrent.states
            kept = {"initializer": "zeros", "trainable": False}
            self.carried = [self.add_weight(shape=(batch, units), **kept) for _ in range(number)]
            self.previous = self.add_weight(shape=(batch,), dtype="int32", **kept)

    def read(self, ids: tf.Tensor, fresh: tf.Tensor, training: bool = False) -> Run:
        """What the model says of each token of ids, [B, T], from those before it."""
        states, previous = self._before(ids, fresh)
        found = self.model.run(tf.concat([previous[:, None], ids[:, :-1]], 1), states, training=training)
        if self.batch is not None:
            unused = self.batch - tf.shape(ids)[0]
            for variable, state in zip([*self.carried, self.previous], [*found.states, ids[:, -1]], strict=True):
                whole = tf.pad(state, [[0, unused], *[[0, 0]] * (len(state.shape) - 1)])
                variable.assign(tf.ensure_shape(whole, variable.shape))
        return found

    def loss_of(self, ids, fresh, training):
        found = self.read(ids, fresh, training)
        output, weights, tokens = self._output(found.hidden, ids)
        if training and self.samples:
            loss = sampled_cross_entropy(*output, weights, self.samples)
        else:
            loss = cross_entropy(*output, weights)
        return loss, self._penalty(found), tokens

    def _before(self, ids, fresh):
        """The states and the token before the first; those of the batch before, but where a row is fresh."""
        if self.batch is None:
            return self.model.initial_states(tf.shape(ids)[0]), tf.fill([tf.shape(ids)[0]], END)
        rows = tf.shape(ids)[0]
        states = [tf.where(fresh[:, None], 0.0, tf.convert_to_tensor(s)[:rows]) for s in self.carried]
        return states, tf.where(fresh, END, tf.convert_to_tensor(self.previous)[:rows])

    def _penalty(self, found):
        still = tf.reduce_mean(tf.square(found.raw[:, 1:] - found.raw[:, :-1])) if self.slowness else 0.0
        large = tf.reduce_mean(tf.square(found.hidden)) if self.activation else 0.0
        return self.activation * large + self.slowness * still


class TeacherForcing(OfTokens):
    """A sequence-to-sequence model in training: every token of a target from its source and the tokens before it.

    Args:
        model: what to train.
        smoothing: share of the target's probability that is spread over all tokens, in training.
        sampling: chance of a token of the target to be replaced, as the decoder reads it, by what the model itself
            would have said (scheduled sampling, Bengio et al., 2015; of all positions at once, as in Duckworth et al.,
            2019).
    """

    def __init__(self, model: Seq2Seq, smoothing: float = 0.0, sampling: float = 0.0):
        super().__init__(model)
        self.smoothing = smoothing
        self.estimated = smoothing > 0
        self.sampling = sampling
        self.seed_generator = keras.random.SeedGenerator()

    def loss_of(self, source, target, training):
        inputs = shifted(target)
        if training and self.sampling:
            inputs = self._mixed(source, inputs)
        hidden, _ = self.model.run(source, inputs, training)
        output, weights, tokens = self._output(hidden, target)
        smoothing = self.smoothing if training else 0.0
        return cross_entropy(*output, weights, smoothing=smoothing), 0.0, tokens

    def _mixed(self, source, inputs):
        """What the decoder reads, some of its tokens replaced by the likeliest ones."""
        said = tf.argmax(self.model((source, inputs)), -1, output_type=inputs.dtype)
        said = tf.concat([inputs[:, :1], said[:, :-1]], 1)
        drawn = keras.random.uniform(tf.shape(inputs), seed=self.seed_generator) < self.sampling
        return tf.where(drawn & (inputs != PADDING), said, inputs)


class Forecasting(Objective):
    """A forecaster in training: what follows a window, from what is known of it.

    The loss is of values as measured by their window's scale, the mean over those that are there.

    Args:
        model: what to train.
    """

    of_tokens = False

    def __init__(self, model: DirectForecaster | PathForecaster):
        super().__init__(model)

    def loss_of(self, known, following, category, covariates=None, *, training):
        def sums(*windows):
            losses, counted = self.model.window_losses(*windows, training=training)
            return tf.reduce_sum(losses * counted), tf.reduce_sum(counted)

        windows = [known, following, category, *([] if covariates is None else [covariates])]
        losses, counts = zip(*side_by_side(sums, *windows), strict=True)
        values = tf.add_n(counts)
        return tf.add_n(losses) / tf.maximum(values, 1.0), 0.0, values


def shifted(target: tf.Tensor) -> tf.Tensor:
    """A target, int [B, T], as the decoder reads it: `END` before its first token, and not its last."""
    return tf.concat([tf.fill([tf.shape(target)[0], 1], tf.cast(END, target.dtype)), target[:, :-1]], 1)
