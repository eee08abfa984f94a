"""The network of a language model: the logits of each next token, with the state carried over.

Shapes: B batch, T tokens, V vocabulary, E embedding, U units.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from nlp_rnn.checks import checked_arguments, choice, fraction, positive_int
from nlp_rnn.layers import Stack, WeightDrop
from nlp_rnn.layers.gate_biases import zero_forget_bias
from nlp_rnn.layers.recurrent import CELLS
from nlp_rnn.training.transfer import extend_rows


class Outputs(NamedTuple):
    """The outputs of the layers below the logits for a piece of text.

    Attributes:
        raw: the output at each token, from which the next one is predicted, [B, T, E].
        hidden: the same after dropout, which is applied only in training.
        states: the states after the last token, [B, U] each.
    """

    raw: tf.Tensor
    hidden: tf.Tensor
    states: list[tf.Tensor]


@keras.saving.register_keras_serializable("nlp_rnn")
class LanguageModel(keras.Model):
    """Embedding, stacked recurrent layers, and an output kernel tied to the embedding (Press & Wolf, 2017).

    It is regularized like AWD-LSTM (Merity et al., 2018). If U and E differ, a linear layer precedes the output.

    Args:
        vocabulary_size: V; id 0 is padding, id 1 unknown.
        cell: "lstm", "gru" or "rnn".
        embedding: E, size of a token's vector.
        units: U, the size of the state of each layer.
        layers: number of recurrent layers.
        dropout: dropout rate of the inputs of each layer and of the output, the same mask at every step.
        weight_drop: dropout rate of the recurrent kernels (DropConnect).
        word_dropout: fraction of the vocabulary whose embeddings are set to zero in a batch.

    Call with ids, int [B, T], padded with 0; returns the logits of the token after each, [B, T, V].

    Raises:
        ValueError: an argument is out of its range.

    Examples:
        >>> model = LanguageModel(vocabulary_size=100, embedding=8, units=4)
        >>> model(tf.constant([[5, 7, 0]])).shape
        TensorShape([1, 3, 100])
    """

    def __init__(
        self,
        vocabulary_size: int,
        cell: str = "lstm",
        embedding: int = 200,
        units: int = 200,
        layers: int = 1,
        dropout: float = 0.2,
        weight_drop: float = 0.0,
        word_dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.settings = checked_arguments(
            locals(),
            vocabulary_size=positive_int,
            cell=choice(CELLS),
            embedding=positive_int,
            units=positive_int,
            layers=positive_int,
            dropout=fraction,
            weight_drop=fraction,
            word_dropout=fraction,
        )
        self.embedding = keras.layers.Embedding(
            vocabulary_size, embedding, keras.initializers.RandomNormal(stddev=embedding**-0.5), name="embedding"
        )
        self.recurrent = Stack([self._layer(number) for number in range(layers)])
        self.projection = None if units == embedding else keras.layers.Dense(embedding, name="projection")
        self.seed_generator = keras.random.SeedGenerator()

    def _layer(self, number):
        cell, units, dropout = (self.settings[name] for name in ("cell", "units", "dropout"))
        layer = CELLS[cell](units, return_sequences=True, return_state=True, dropout=dropout, name=f"{cell}_{number}")
        return WeightDrop(layer, self.settings["weight_drop"]) if self.settings["weight_drop"] else layer

    def build(self, input_shape):
        self.embedding.build(input_shape)
        self.recurrent.build((*input_shape, self.settings["embedding"]))
        for layer in self.recurrent.layers:
            zero_forget_bias(layer)
        if self.projection is not None:
            self.projection.build((*input_shape, self.settings["units"]))
        shape = (self.settings["vocabulary_size"],)
        self.output_bias = self.add_weight(name="output_bias", shape=shape, initializer="zeros")

    @property
    def kernel(self) -> tf.Tensor:
        """The embedding, [V, E], which is the output kernel as well."""
        return self.embedding.embeddings.value

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """The layers from the output to the input; the embedding, which is also the output kernel, comes last."""
        top = [] if self.projection is None else [self.projection]
        return [*top, *reversed(self.recurrent.layers), self.embedding]

    def call(self, ids, training=False):
        mask = keras.ops.not_equal(ids, 0)
        return self.logits(self.run(ids, mask=mask, training=training).hidden)

    def run(self, ids: tf.Tensor, states=None, mask=None, training: bool = False) -> Outputs:
        """Read ids, int [B, T], from `states` on; where `mask`, bool [B, T], is False, the states do not change."""
        x = self._drop_words(self.embedding(ids), ids, training)
        x, *states = self.recurrent(x, states, mask=mask, training=training)
        x = x if self.projection is None else self.projection(x)
        return Outputs(x, self._drop_output(x, training), states)

    def logits(self, hidden: tf.Tensor) -> tf.Tensor:
        """The logits of the next token, [..., V], from the outputs of `run`, [..., E]."""
        kernel = tf.cast(self.kernel, hidden.dtype)
        return tf.tensordot(hidden, kernel, [[-1], [1]]) + tf.cast(self.output_bias.value, hidden.dtype)

    def step(self, tokens: tf.Tensor, states: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Read one token of each row, int [B]; returns the logits of the next one, [B, V], and the states."""
        outputs = self.run(tokens[:, None], states)
        return self.logits(outputs.raw[:, 0]), outputs.states

    def initial_states(self, batch: int | tf.Tensor) -> list[tf.Tensor]:
        """The states at the beginning of a text, zeros [B, U] each."""
        return [tf.zeros((batch, self.settings["units"]), self.compute_dtype) for _ in range(self.recurrent.num_states)]

    def start_from(self, other: "LanguageModel") -> None:
        """Copy the weights of a trained model whose vocabulary this one extends; new ids start at its mean embedding.

        Raises:
            ValueError: the recurrent layers differ in shape.
        """
        for weight, old in (
            (self.embedding.embeddings, other.embedding.embeddings),
            (self.output_bias, other.output_bias),
        ):
            weight.assign(extend_rows(old.numpy(), self.settings["vocabulary_size"]))
        self.recurrent.set_weights(other.recurrent.get_weights())
        if self.projection is not None:
            self.projection.set_weights(other.projection.get_weights())

    def _drop_words(self, x, ids, training):
        """`x` with the embeddings of random words set to zero throughout the batch (Gal & Ghahramani, 2016)."""
        if not (training and self.settings["word_dropout"]):
            return x
        ones = tf.ones((self.settings["vocabulary_size"], 1), x.dtype)
        return x * tf.gather(self._drop(ones, self.settings["word_dropout"]), ids)

    def _drop_output(self, x, training):
        if not (training and self.settings["dropout"]):
            return x
        return x * self._drop(tf.ones((tf.shape(x)[0], 1, x.shape[-1]), x.dtype), self.settings["dropout"])

    def _drop(self, ones, rate):
        return keras.random.dropout(ones, rate, seed=self.seed_generator)

    def get_config(self):
        return {**super().get_config(), **self.settings}
