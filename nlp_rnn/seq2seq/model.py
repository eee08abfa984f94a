"""Sequence to sequence: an encoder and a decoder, for inputs and outputs of different lengths and vocabularies.

Shapes: B batch, S source tokens, T target tokens, V target vocabulary, E embedding, U units.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from nlp_rnn.checks import checked_arguments, choice, fraction, positive_int, unchecked
from nlp_rnn.layers import Bidirectional, Decoder, Stack, WordDropout
from nlp_rnn.layers.decoder import DecoderState, Memory
from nlp_rnn.layers.recurrent import CELLS
from nlp_rnn.training.transfer import extend_rows

_BY_ID = ("source_embedding/embeddings", "target_embedding/embeddings", "output_bias")  # weights with a row per id


class Encoded(NamedTuple):
    """The output of the encoder.

    Attributes:
        memory: the encoded source, which the decoder attends to at each step.
        state: the state of the decoder before its first step.
    """

    memory: Memory
    state: DecoderState


@keras.saving.register_keras_serializable("nlp_rnn")
class Seq2Seq(keras.Model):
    """A bidirectional encoder, and a decoder with attention or with a plain context vector.

    Each layer of the decoder starts from the final states of the encoder's layer, those of both directions
    concatenated (Sutskever et al., 2014; Luong et al., 2015). The embedding of the target is also the kernel of the
    output (Press & Wolf, 2017).

    Args:
        source_size: size of the source vocabulary; id 0 is padding, id 1 unknown.
        target_size: V, the target vocabulary; also, id 2 ends a text and precedes its first token.
        cell: "lstm", "gru" or "rnn".
        embedding: E, the size of the embeddings of both vocabularies.
        units: U of each layer; an even number, half of it for each direction of the encoder.
        layers: number of layers of the encoder, and of the decoder.
        attention, input_feeding, coverage: see `Decoder`.
        dropout: dropout rate of the inputs of each layer, the same mask at every step, and of the decoder's outputs.
        recurrent_dropout: dropout rate of h before the recurrent product, the same mask at every step.
        word_dropout: fraction of source and target tokens replaced by unknown in training.
        longest: maximum number of target tokens per source token, in addition to 10; bounds decoding.

    Call with source ids, int [B, S], and the inputs of the decoder, int [B, T], both padded with 0; returns the logits
    of the token after each input, [B, T, V].

    Raises:
        ValueError: an argument is out of its range.

    Examples:
        >>> model = Seq2Seq(source_size=30, target_size=20, embedding=8, units=4)
        >>> model((tf.constant([[5, 7, 0]]), tf.constant([[2, 9]]))).shape
        TensorShape([1, 2, 20])
    """

    def __init__(
        self,
        source_size: int,
        target_size: int,
        cell: str = "lstm",
        embedding: int = 256,
        units: int = 256,
        layers: int = 1,
        attention: str = "multiplicative",
        input_feeding: bool = False,
        coverage: bool = False,
        dropout: float = 0.2,
        recurrent_dropout: float = 0.0,
        word_dropout: float = 0.0,
        longest: int = 2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.settings = checked_arguments(
            locals(),
            source_size=positive_int,
            target_size=positive_int,
            cell=choice(CELLS),
            embedding=positive_int,
            units=positive_int,
            layers=positive_int,
            attention=unchecked,
            input_feeding=unchecked,
            coverage=unchecked,
            dropout=fraction,
            recurrent_dropout=fraction,
            word_dropout=fraction,
            longest=positive_int,
        )
        if units % 2:
            raise ValueError(f"units must be even, got {units}")
        self._make_layers()

    def _make_layers(self):
        cell, embedding, units, layers = (self.settings[name] for name in ("cell", "embedding", "units", "layers"))
        spread = keras.initializers.RandomNormal(stddev=embedding**-0.5)
        self.word_dropout = WordDropout(self.settings["word_dropout"])
        sizes = self.settings["source_size"], self.settings["target_size"]
        self.source_embedding = keras.layers.Embedding(sizes[0], embedding, name="source_embedding")
        self.target_embedding = keras.layers.Embedding(sizes[1], embedding, spread, name="target_embedding")
        self.encoder = Stack([self._bidirectional(number) for number in range(layers)], name="encoder")
        options = ("attention", "input_feeding", "coverage", "dropout", "recurrent_dropout")
        self.decoder = Decoder(units, cell, layers, *(self.settings[name] for name in options), name="decoder")
        self.projection = None if units == embedding else keras.layers.Dense(embedding, name="projection")

    def _bidirectional(self, number):
        cell, *rates = (self.settings[name] for name in ("cell", "dropout", "recurrent_dropout"))
        options = {"dropout": rates[0], "recurrent_dropout": rates[1], "name": f"{cell}_{number}"}
        return Bidirectional(
            CELLS[cell](self.settings["units"] // 2, return_sequences=True, return_state=True, **options)
        )

    def build(self, input_shape):
        vectors, units = (None, None, self.settings["embedding"]), (None, None, self.settings["units"])
        self.source_embedding.build((None, None))
        self.target_embedding.build((None, None))
        self.encoder.build(vectors)
        self.decoder.build(vectors, units)
        if self.projection is not None:
            self.projection.build(units)
        shape = (self.settings["target_size"],)
        self.output_bias = self.add_weight(name="output_bias", shape=shape, initializer="zeros")

    @property
    def kernel(self) -> tf.Tensor:
        """The embedding of the target, [V, E], which is also the kernel of the output."""
        return self.target_embedding.embeddings.value

    @property
    def parts(self) -> list[keras.layers.Layer]:
        """The layers from the output to the input, for gradual unfreezing."""
        top = [] if self.projection is None else [self.projection]
        return [*top, self.decoder, self.target_embedding, self.encoder, self.source_embedding]

    def start_from(self, other: "Seq2Seq") -> None:
        """Copy the weights of a trained model with the same first ids; new ids start at the mean of its embeddings.

        Raises:
            ValueError: the layers do not have the same shapes.
        """
        for weight, old in zip(self.weights, other.weights, strict=True):
            by_id = weight.path.endswith(_BY_ID)
            weight.assign(extend_rows(old.numpy(), weight.shape[0]) if by_id else old)

    def call(self, inputs, training=False):
        source, target = inputs
        hidden, _ = self.run(source, target, training)
        return self.logits(hidden)

    def run(self, source: tf.Tensor, target: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """The decoder's output at each position, [B, T, E], for `logits`, and the attention weights, [B, T, S]."""
        memory, state = self.encode(source, training)
        vectors = self.target_embedding(self.word_dropout(target, training=training))
        hidden, weights = self.decoder(vectors, memory.vectors, memory.mask, state.states, training=training)
        return self._projected(hidden), weights

    def encode(self, source: tf.Tensor, training: bool = False) -> Encoded:
        """Encode source ids, int [B, S]."""
        mask = tf.not_equal(source, 0)
        vectors = self.source_embedding(self.word_dropout(source, training=training))
        vectors, *states = self.encoder(vectors, mask=mask, training=training)
        count = len(states) // (2 * self.settings["layers"])  # states of one direction of a layer
        pairs = [states[n : n + 2 * count] for n in range(0, len(states), 2 * count)]
        joined = [tf.concat([pair[n], pair[n + count]], -1) for pair in pairs for n in range(count)]
        memory = self.decoder.memory(vectors, mask)
        return Encoded(memory, self.decoder.begin(memory, joined))

    def step(self, tokens: tf.Tensor, memory: Memory, state: DecoderState) -> tuple[tf.Tensor, tf.Tensor, DecoderState]:
        """Decode one step.

        Args:
            tokens: the previous token of each row, int [B].
            memory: the memory from `encode`.
            state: the state from `encode`, or from the previous step.

        Returns:
            The logits of the next token, [B, V], the attention weights, [B, S], and the new state.
        """
        output, weights, state = self.decoder.step(self.target_embedding(tokens), memory, state)
        return self.logits(self._projected(output)), weights, state

    def logits(self, hidden: tf.Tensor) -> tf.Tensor:
        """The logits of the next token, [..., V], from the outputs of `run`, [..., E]."""
        kernel = tf.cast(self.kernel, hidden.dtype)
        return tf.tensordot(hidden, kernel, [[-1], [1]]) + tf.cast(self.output_bias.value, hidden.dtype)

    def _projected(self, hidden):
        return hidden if self.projection is None else self.projection(hidden)

    def get_config(self):
        return {**super().get_config(), **self.settings}
