"""Many to one: from the ids of a text to one score per class.

Shapes: B batch, T tokens, V vocabulary, U units, C classes.
"""

import keras

from nlp_rnn.checks import checked_arguments, choice, flag, fraction, not_negative, positive_int
from nlp_rnn.language_model.model import LanguageModel
from nlp_rnn.layers import BagOfBigrams, Bidirectional, MeanMaxPooling, Stack, WordDropout
from nlp_rnn.layers.recurrent import CELLS
from nlp_rnn.training.transfer import extend_rows


@keras.saving.register_keras_serializable("nlp_rnn")
class Classifier(keras.Model):
    """Embedding, a stack of recurrent layers, mean and max pooling over time, a dense layer; optionally bigrams.

    Args:
        vocabulary_size: V; id 0 is padding, id 1 unknown.
        classes: C, at least 2.
        cell: "lstm", "gru" or "rnn".
        embedding: size of a token's vector.
        units: U, the size of the state of each direction.
        layers: how many recurrent layers.
        bidirectional: read in both directions; a language model, which a classifier may start from, reads in one.
        dropout: dropout rate of the inputs of each recurrent layer, the same mask at every step, and of the pooled
            vector.
        word_dropout: fraction of the tokens replaced by unknown in training, for the recurrent layers.
        bigrams: number of rows of weights that pairs of neighbouring tokens share in a linear model, `BagOfBigrams`,
            whose scores are added; 0 for none.
        bigram_dropout: fraction of its tokens and pairs dropped in training.

    Call with ids, int [B, T], padded with 0 on either side; returns logits [B, C].

    Raises:
        ValueError: an argument is out of its range.

    Examples:
        >>> model = Classifier(vocabulary_size=100, classes=3, embedding=8, units=4)
        >>> model(keras.ops.array([[5, 7, 0], [0, 0, 0]])).shape
        TensorShape([2, 3])
    """

    def __init__(
        self,
        vocabulary_size: int,
        classes: int,
        cell: str = "lstm",
        embedding: int = 64,
        units: int = 64,
        layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.5,
        word_dropout: float = 0.2,
        bigrams: int = 0,
        bigram_dropout: float = 0.5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if positive_int("classes", classes) < 2:
            raise ValueError("classes must be at least 2, got 1")
        self.settings = checked_arguments(
            locals(),
            vocabulary_size=positive_int,
            classes=positive_int,
            cell=choice(CELLS),
            embedding=positive_int,
            units=positive_int,
            layers=positive_int,
            bidirectional=flag,
            dropout=fraction,
            word_dropout=fraction,
            bigrams=not_negative,
            bigram_dropout=fraction,
        )
        self.word_dropout = WordDropout(word_dropout)
        self.embedding = keras.layers.Embedding(vocabulary_size, embedding, name="embedding")
        self.recurrent = Stack([self._layer(number) for number in range(layers)])
        self.pooling = MeanMaxPooling()
        self.dropout = keras.layers.Dropout(dropout)
        self.head = keras.layers.Dense(classes, name="head")
        self.bag = BagOfBigrams(vocabulary_size, classes, bigrams, bigram_dropout, name="bag") if bigrams else None

    def _layer(self, number):
        cell, units, dropout = (self.settings[name] for name in ("cell", "units", "dropout"))
        layer = CELLS[cell](units, return_sequences=True, dropout=dropout, name=f"{cell}_{number}")
        return Bidirectional(layer) if self.settings["bidirectional"] else layer

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """The layers from the output to the input; the bag of bigrams counts as part of the head."""
        return [self.head, *reversed(self.recurrent.layers), self.embedding]

    def build(self, input_shape):
        vectors = (*input_shape, self.settings["embedding"])
        self.embedding.build(input_shape)
        self.recurrent.build(vectors)
        directions = 2 if self.settings["bidirectional"] else 1
        self.head.build((input_shape[0], 2 * directions * self.settings["units"]))
        if self.bag:
            self.bag.build(input_shape)

    def call(self, ids, training=False):
        mask = keras.ops.not_equal(ids, 0)
        x = self.embedding(self.word_dropout(ids, training=training))
        x = self.recurrent(x, mask=mask, training=training)
        x = self.dropout(self.pooling(x, mask=mask), training=training)
        return self.head(x) + self.bag(ids, training=training) if self.bag else self.head(x)

    def start_from(self, other: "Classifier | LanguageModel", same_class: dict[int, int]) -> None:
        """Copy the weights of a trained model whose ids stand for the same tokens.

        The embeddings of ids that `other` does not have start at the mean of its embeddings.

        Args:
            other: the trained model; of a language model, everything except its output is copied.
            same_class: for each class of this model that `other` has too, its number there; only the weights of these
                classes are copied in the head and in the bag of bigrams.

        Raises:
            ValueError: the recurrent layers differ in shape, or, with a class in common, the bags of bigrams do.
        """
        there = other.settings.get("bigrams", self.settings["bigrams"])
        if same_class and there != self.settings["bigrams"]:
            raise ValueError(f"bigrams must be {there}, as in the model to start from, got {self.settings['bigrams']}")
        embeddings = self.embedding.embeddings
        embeddings.assign(extend_rows(other.embedding.get_weights()[0], embeddings.shape[0]))
        self.recurrent.set_weights(other.recurrent.get_weights())
        if not same_class:
            return
        here, there = list(same_class), list(same_class.values())
        pairs = zip(self.head.get_weights(), other.head.get_weights(), strict=True)
        for weight, (new, old) in zip(self.head.weights, pairs, strict=True):
            new[..., here] = old[..., there]
            weight.assign(new)
        if self.bag:
            self.bag.start_from(other.bag, same_class)

    def get_config(self):
        return {**super().get_config(), **self.settings}
