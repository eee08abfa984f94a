"""The training objective of a sequence-to-sequence model: teacher forcing.

Shapes: B batch, S source tokens, T target tokens, V vocabulary.
"""

import keras
import tensorflow as tf

from nlp_rnn.deprecation import renamed_arguments
from nlp_rnn.seq2seq.model import Seq2Seq
from nlp_rnn.text.vocabulary import END, PADDING
from nlp_rnn.training.losses import cross_entropy
from nlp_rnn.training.objective import TokenObjective


class TeacherForcing(TokenObjective):
    """Training of a sequence-to-sequence model: predict each target token from the source and the tokens before it.

    Args:
        model: the model to train.
        label_smoothing: probability that is spread over all tokens of the vocabulary, in training (Szegedy et al.,
            2016).
        scheduled_sampling: probability that the decoder reads the model's own prediction in place of a target token
            (Bengio et al., 2015); all positions are predicted in parallel (Duckworth et al., 2019).

    Trained on batches of source ids, int [B, S], and target ids that end with `END`, int [B, T], padded with 0.

    Examples:
        >>> training = TeacherForcing(Seq2Seq(source_size=9, target_size=8, embedding=4, units=4), label_smoothing=0.1)
        >>> loss, _, tokens = training.loss_of(tf.constant([[4, 5]]), tf.constant([[3, END]]), training=True)
        >>> loss.shape, int(tokens)
        (TensorShape([]), 2)
    """

    @renamed_arguments({"smoothing": "label_smoothing", "sampling": "scheduled_sampling"})
    def __init__(self, model: Seq2Seq, label_smoothing: float = 0.0, scheduled_sampling: float = 0.0):
        super().__init__(model)
        self.label_smoothing = label_smoothing
        self.loss_is_estimated = label_smoothing > 0
        self.scheduled_sampling = scheduled_sampling
        self.seed_generator = keras.random.SeedGenerator()

    def loss_of(self, *data, training):
        source, target = data
        inputs = shifted(target)
        if training and self.scheduled_sampling:
            inputs = self._sampled(source, inputs)
        hidden, _ = self.model.run(source, inputs, training)
        output, weights, tokens = self._output(hidden, target)
        smoothing = self.label_smoothing if training else 0.0
        return cross_entropy(*output, weights, label_smoothing=smoothing), 0.0, tokens

    def _sampled(self, source, inputs):
        """The inputs of the decoder, [B, T], some replaced by the most probable token at their position."""
        predicted = tf.argmax(self.model((source, inputs)), -1, output_type=inputs.dtype)
        predicted = tf.concat([inputs[:, :1], predicted[:, :-1]], 1)
        chosen = keras.random.uniform(tf.shape(inputs), seed=self.seed_generator) < self.scheduled_sampling
        return tf.where(chosen & (inputs != PADDING), predicted, inputs)


def shifted(target: tf.Tensor) -> tf.Tensor:
    """The inputs of the decoder for a target, int [B, T]: `END` first, then the target without its last token.

    Examples:
        >>> shifted(tf.constant([[7, 8, END]])).numpy().tolist()
        [[2, 7, 8]]
    """
    return tf.concat([tf.fill([tf.shape(target)[0], 1], tf.cast(END, target.dtype)), target[:, :-1]], 1)
