"""The training objective of a language model: predict every token from those before it.

Shapes: B batch, T tokens, E embedding, U units.
"""

import tensorflow as tf

from nlp_rnn.deprecation import renamed_arguments
from nlp_rnn.language_model.model import LanguageModel, Outputs
from nlp_rnn.text.vocabulary import END
from nlp_rnn.training.losses import cross_entropy, sampled_cross_entropy
from nlp_rnn.training.objective import TokenObjective

_FORMER = {
    "batch": "batch_size",
    "activation": "activation_regularization",
    "slowness": "temporal_activation_regularization",
    "samples": "softmax_samples",
}


class NextToken(TokenObjective):
    """The training of a language model: predict every token of a text from those before it.

    Args:
        model: the model to train.
        batch_size: the largest B, if each row continues where it ended in the previous batch (`Streams`): its state
            is carried over, without a gradient. None if each row is a text by itself (`LengthBuckets`).
        activation_regularization: weight of the mean square of the outputs (Merity et al., 2018, "AR").
        temporal_activation_regularization: weight of the mean square of their change from step to step ("TAR").
        softmax_samples: number of words sampled to estimate the training loss; 0 for the exact loss. See
            `sampled_cross_entropy`.
    """

    @renamed_arguments(_FORMER)
    def __init__(
        self,
        model: LanguageModel,
        batch_size: int | None = None,
        activation_regularization: float = 0.0,
        temporal_activation_regularization: float = 0.0,
        softmax_samples: int = 0,
    ):
        super().__init__(model)
        self.batch_size = batch_size
        self.activation_regularization = activation_regularization
        self.temporal_activation_regularization = temporal_activation_regularization
        self.softmax_samples = softmax_samples
        self.loss_is_estimated = softmax_samples > 0
        if batch_size is not None:
            units, number = model.settings["units"], model.recurrent.num_states
            constant = {"initializer": "zeros", "trainable": False}
            self.carried = [self.add_weight(shape=(batch_size, units), **constant) for _ in range(number)]
            self.previous = self.add_weight(shape=(batch_size,), dtype="int32", **constant)

    def read(self, ids: tf.Tensor, begins: tf.Tensor, training: bool = False) -> Outputs:
        """The outputs from which each token of ids, [B, T], is predicted: those at the token before it.

        Args:
            ids: the tokens, int [B, T].
            begins: bool [B], whether a row starts from a zero state; not used without `batch_size`.
            training: apply dropout.
        """
        states, previous = self._before(ids, begins)
        outputs = self.model.run(tf.concat([previous[:, None], ids[:, :-1]], 1), states, training=training)
        if self.batch_size is not None:
            unused = self.batch_size - tf.shape(ids)[0]
            for variable, state in zip([*self.carried, self.previous], [*outputs.states, ids[:, -1]], strict=True):
                whole = tf.pad(state, [[0, unused], *[[0, 0]] * (len(state.shape) - 1)])
                variable.assign(tf.ensure_shape(whole, variable.shape))
        return outputs

    def loss_of(self, *data, training):
        ids, begins = data
        outputs = self.read(ids, begins, training)
        output, weights, tokens = self._output(outputs.hidden, ids)
        if training and self.softmax_samples:
            loss = sampled_cross_entropy(*output, weights, self.softmax_samples)
        else:
            loss = cross_entropy(*output, weights)
        return loss, self._penalty(outputs), tokens

    def _before(self, ids, begins):
        """The states and the token before the first one: carried over, except for rows that begin."""
        rows = tf.shape(ids)[0]
        if self.batch_size is None:
            return self.model.initial_states(rows), tf.fill([rows], END)
        states = [tf.where(begins[:, None], 0.0, tf.convert_to_tensor(s)[:rows]) for s in self.carried]
        return states, tf.where(begins, END, tf.convert_to_tensor(self.previous)[:rows])

    def _penalty(self, outputs):
        ar, tar = self.activation_regularization, self.temporal_activation_regularization
        change = tf.reduce_mean(tf.square(outputs.raw[:, 1:] - outputs.raw[:, :-1])) if tar else 0.0
        size = tf.reduce_mean(tf.square(outputs.hidden)) if ar else 0.0
        return ar * size + tar * change
