"""A bag of unigrams and bigrams: a linear text classifier, to be added to a recurrent one.

Shapes: B batch, T tokens, V vocabulary, C classes.
"""

from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from nlp_rnn.checks import fraction, positive_int

# These define what a weight in the table means: changing one would change the meaning of saved tables.
SCALE = 5.0  # multiplies the learning rate of the scores, as the size of Adam's steps does not depend on the gradient's
FACTORS = 1_000_003, 2_654_435_761  # of the hash: primes, the second near 2**32 divided by the golden ratio

# Initial weights are smoothed log ratios of counts. They are scaled down because the words of a text are correlated:
# their evidence would be counted many times over.
COUNT_SCALE = 0.1
PSEUDOCOUNT = 10


@keras.saving.register_keras_serializable("nlp_rnn")
class BagOfBigrams(keras.layers.Layer):
    """Score classes from the unigrams and bigrams of a text, int [B, T] to [B, C].

    A score is the sum of the weights of all tokens and bigrams, times `SCALE`, divided by the square root of their
    number. Every token has its own weights; bigrams are hashed into `buckets` (Weinberger et al., 2009, "Feature
    Hashing for Large Scale Multitask Learning", without the sign). Added to the scores of a network, the layer is the
    wide part of a wide and deep model (Cheng et al., 2016).

    Args:
        vocabulary_size: V; id 0 is padding, which is neither a token nor part of a bigram.
        classes: C.
        buckets: the number of buckets for bigrams.
        dropout: fraction of the tokens and bigrams to drop in training.

    Raises:
        ValueError: a size is not a positive int, or `dropout` is outside [0, 1).

    Examples:
        >>> BagOfBigrams(vocabulary_size=10, classes=2, buckets=8)(tf.constant([[5, 6, 0]])).numpy().tolist()
        [[0.0, 0.0]]
    """

    def __init__(self, vocabulary_size: int, classes: int, buckets: int = 2**20, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary_size = positive_int("vocabulary_size", vocabulary_size)
        self.classes = positive_int("classes", classes)
        self.buckets = positive_int("buckets", buckets)
        self.dropout = fraction("dropout", dropout)
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, input_shape):
        shape = (self.vocabulary_size + self.buckets, self.classes)
        self.table = self.add_weight(name="table", shape=shape, initializer="zeros")

    def call(self, ids, training=False):
        ids = tf.cast(ids, tf.int64)
        left, right = ids[:, :-1], ids[:, 1:]
        valid = tf.cast(tf.concat([ids != 0, (left != 0) & (right != 0)], 1), self.compute_dtype)
        factors = valid * SCALE / tf.sqrt(tf.maximum(tf.reduce_sum(valid, 1, keepdims=True), 1))
        if training and self.dropout:
            factors = keras.random.dropout(factors, self.dropout, seed=self.seed_generator)
        rows = tf.concat([ids, self.vocabulary_size + self.bucket(left, right)], 1)
        return tf.einsum("bn,bnc->bc", factors, tf.gather(tf.convert_to_tensor(self.table), rows))

    def bucket(self, left: tf.Tensor | np.ndarray, right: tf.Tensor | np.ndarray) -> tf.Tensor | np.ndarray:
        """Return the bucket of each pair of ids, int64 of any shape.

        It does not depend on the size of the vocabulary, which may grow.
        """
        mixed = (left * FACTORS[0] + right) * FACTORS[1] & (2**32 - 1)
        return mixed * self.buckets // 2**32

    def start_from_texts(self, texts: Iterable[tuple[np.ndarray, int]]) -> None:
        """Initialise the weights from counts: how typical each token and bigram is of each class.

        A weight is `COUNT_SCALE` times the log of a smoothed ratio: the number of texts of the class that contain the
        token or bigram, over the number expected if it were independent of the class. This is close to the naive Bayes
        log-count ratios of Wang & Manning (2012, "Baselines and Bigrams: Simple, Good Sentiment and Topic
        Classification").

        Args:
            texts: pairs of the ids of a text, int [T], without padding, and its class number.
        """
        counts, class_counts = np.zeros(self.table.shape, np.float32), np.zeros(self.classes)
        for ids, label in texts:
            ids = ids.astype(np.int64)
            bigrams = self.vocabulary_size + self.bucket(ids[:-1], ids[1:])
            counts[np.unique(np.concatenate([ids, bigrams])), label] += 1
            class_counts[label] += 1
        totals = counts.sum(1, dtype=np.float64)
        # One class at a time and in place: with many classes, a second table would take much memory.
        for label, frequency in enumerate(class_counts / max(1, class_counts.sum())):
            ratio = (counts[:, label] + PSEUDOCOUNT) / (totals * frequency + PSEUDOCOUNT)
            counts[:, label] = COUNT_SCALE * np.log(ratio)
        self.table.assign(counts)

    def start_from(self, other: "BagOfBigrams", same_class: dict[int, int]) -> None:
        """Copy the weights of a trained layer with the same number of buckets.

        Args:
            other: the trained layer; its vocabulary is the beginning of this layer's.
            same_class: maps a class number of this layer to that of the same class in `other`; the weights of classes
                that are not in it stay unchanged.

        Raises:
            ValueError: `other` has another number of buckets.
        """
        if other.buckets != self.buckets:
            raise ValueError(f"buckets must be {other.buckets}, as in the trained layer, got {self.buckets}")
        columns, other_columns = list(same_class), list(same_class.values())
        table, trained = self.table.numpy(), other.table.numpy()[:, other_columns]
        table[: other.vocabulary_size, columns] = trained[: other.vocabulary_size]
        table[self.vocabulary_size :, columns] = trained[other.vocabulary_size :]
        self.table.assign(table)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.classes)

    def get_config(self):
        names = ("vocabulary_size", "classes", "buckets", "dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
