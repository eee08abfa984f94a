"""A linear model beside a recurrent one: what single tokens and pairs of neighbours say, wherever they stand.

Shapes: B batch, T tokens, V vocabulary, C classes.
"""

from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from nlp_rnn.checks import fraction, positive_int

# What a weight in the table means: neither may change, or tables that were saved mean something else.
SCALE = 5.0  # a score moves that much more a step; those of Adam are of one size whatever the gradient
FACTORS = 1_000_003, 2_654_435_761  # of the hash: primes, the second near 2**32 divided by the golden ratio

# The start: log ratios of counts, smoothed, and small, since those of one text's words say the same many times over.
COUNT_SCALE = 0.1
PSEUDOCOUNT = 10


@keras.saving.register_keras_serializable("nlp_rnn")
class BagOfBigrams(keras.layers.Layer):
    """Scores of a text from its tokens and its bigrams, pairs of neighbouring tokens, int [B, T] to [B, C].

    A score is the sum of a weight for each token and each bigram, times `SCALE`, divided by the square root of how many
    there are. Every token has weights of its own; bigrams share `buckets` rows of them by a hash (Weinberger et al.,
    2009, "Feature Hashing for Large Scale Multitask Learning", without their sign). Added to the scores of a network it
    is the wide part of a wide and deep one (Cheng et al., 2016).

    Args:
        vocabulary_size: V; id 0 is padding, and neither a token nor part of a bigram.
        classes: C.
        buckets: how many rows the bigrams share.
        dropout: share of the tokens and bigrams left out in training.

    Raises:
        ValueError: a size is not a positive int, or `dropout` lies outside [0, 1).

    Example:
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
        there = tf.cast(tf.concat([ids != 0, (left != 0) & (right != 0)], 1), self.compute_dtype)
        share = there * SCALE / tf.sqrt(tf.maximum(tf.reduce_sum(there, 1, keepdims=True), 1))
        if training and self.dropout:
            share = keras.random.dropout(share, self.dropout, seed=self.seed_generator)
        rows = tf.concat([ids, self.vocabulary_size + self.bucket(left, right)], 1)
        return tf.einsum("bn,bnc->bc", share, tf.gather(tf.convert_to_tensor(self.table), rows))

    def bucket(self, left: tf.Tensor | np.ndarray, right: tf.Tensor | np.ndarray) -> tf.Tensor | np.ndarray:
        """The number of the bucket of each pair of ids, all int64, of any shape.

        It does not depend on the size of the vocabulary, which may grow.
        """
        mixed = (left * FACTORS[0] + right) * FACTORS[1] & (2**32 - 1)
        return mixed * self.buckets // 2**32

    def start_from_texts(self, texts: Iterable[tuple[np.ndarray, int]]) -> None:
        """Start at what counting says: how much oftener the texts of a class have a token or bigram than all texts do.

        A weight is `COUNT_SCALE` times the log of the smoothed ratio of two counts: the texts of the class that have
        it, and that class's share of all texts that do. Near the weights of naive Bayes, by which Wang & Manning (2012,
        "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification") scale what a linear model is given.

        Args:
            texts: the ids, int [T], without padding, and the class number of each.
        """
        seen, of_class = np.zeros(self.table.shape, np.float32), np.zeros(self.classes)
        for ids, label in texts:
            ids = ids.astype(np.int64)
            pairs = self.vocabulary_size + self.bucket(ids[:-1], ids[1:])
            seen[np.unique(np.concatenate([ids, pairs])), label] += 1
            of_class[label] += 1
        having = seen.sum(1, dtype=np.float64)
        for label, share in enumerate(of_class / max(1, of_class.sum())):  # in place: there may be many classes
            ratio = (seen[:, label] + PSEUDOCOUNT) / (having * share + PSEUDOCOUNT)
            seen[:, label] = COUNT_SCALE * np.log(ratio)
        self.table.assign(seen)

    def start_from(self, other: "BagOfBigrams", same_class: dict[int, int]) -> None:
        """Take over the weights of a trained one with as many buckets and no more tokens.

        Args:
            same_class: for each class here that `other` knows, its number there; the others' weights stay as they are.

        Raises:
            ValueError: it has another number of buckets.
        """
        if other.buckets != self.buckets:
            raise ValueError(f"buckets must be {other.buckets}, as in the bag to start from, got {self.buckets}")
        here, there = list(same_class), list(same_class.values())
        new, known = self.table.numpy(), other.table.numpy()[:, there]
        new[: other.vocabulary_size, here] = known[: other.vocabulary_size]
        new[self.vocabulary_size :, here] = known[other.vocabulary_size :]
        self.table.assign(new)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.classes)

    def get_config(self):
        names = ("vocabulary_size", "classes", "buckets", "dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
