"""What a language model is trained on: every token from those before it.

Shapes: B batch, T tokens, E embedding, U units.
"""

import keras
import tensorflow as tf

from nlp_rnn.losses import cross_entropy, sampled_cross_entropy
from nlp_rnn.models import LanguageModel, Run
from nlp_rnn.text import END, PADDING


class NextToken(keras.Model):
    """A language model in training, for Keras' `fit`; its loss is the mean cross-entropy of a token, in nats.

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
        super().__init__()
        if not model.built:
            model.build((None, None))
        self.model = model
        self.batch = batch
        self.activation = activation
        self.slowness = slowness
        self.samples = samples
        self.mean = keras.metrics.Mean(name="loss")
        if batch is not None:
            units, number = model.settings["units"], model.recurrent.states
            kept = {"initializer": "zeros", "trainable": False}
            self.carried = [self.add_weight(shape=(batch, units), **kept) for _ in range(number)]
            self.previous = self.add_weight(shape=(batch,), dtype="int32", **kept)

    def build(self, input_shape):
        """Nothing is left to make."""

    def train_step(self, data):
        variables = self.trainable_variables
        with tf.GradientTape() as tape:
            loss, penalty, tokens = self._loss(*data, training=True)
            total = loss + penalty
        self.optimizer.apply(tape.gradient(total, [v.value for v in variables]), variables)
        return self._told(loss, tokens)

    def test_step(self, data):
        loss, _, tokens = self._loss(*data, training=False)
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

    def _loss(self, ids, fresh, training):
        """The mean loss of a token, what regularizes, and how many tokens there are; of ids [B, T]."""
        found = self.read(ids, fresh, training)
        counted = tf.cast(tf.reshape(ids, [-1]) != PADDING, tf.float32)
        tokens = tf.reduce_sum(counted)
        hidden = tf.cast(tf.reshape(found.hidden, [-1, found.hidden.shape[-1]]), tf.float32)
        output = hidden, self.model.kernel, self.model.output_bias.value, tf.reshape(ids, [-1])
        weights = counted / tf.maximum(tokens, 1.0)
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
