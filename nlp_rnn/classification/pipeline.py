"""A text classifier: encoder, model and classes in one object, to predict with, save and export.

Shapes: B batch, C classes.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from nlp_rnn.graph import traced
from nlp_rnn.text.chunks import chunks
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.tokenizer import to_tensor

_AT_ONCE = 2048  # texts sorted by length together, so that a batch holds similar lengths
_BATCH = 512
_AT_A_TIME = 2  # batches, as one core reads texts: another batch is classified meanwhile
PROBES = (
    "",
    "A wonderful film, and I would see it again.",
    "dull",
    "Nobody here knows these words: qwxz, жжж, 漢字, 😀, e\u0301.",
    "It started well enough, but " + "then it went on and on " * 200,
)


class Prediction(NamedTuple):
    """A text's most probable class, and the probability of every class, float [C]."""

    text: str
    label: str
    probabilities: np.ndarray


class TextClassifier:
    """A trained classifier of texts.

    Args:
        encoder: texts to ids.
        model: ids [B, T] to logits [B, C].
        classes: the C names.

    Examples:
        >>> from nlp_rnn.classification.model import Classifier
        >>> from nlp_rnn.text.vocabulary import Vocabulary
        >>> encoder = TextEncoder(Vocabulary([b"good"]))
        >>> model = Classifier(len(encoder.vocabulary), classes=2, embedding=4, units=4)
        >>> [prediction] = TextClassifier(encoder, model, ["no", "yes"]).predict(["good"])
        >>> prediction.label in ("no", "yes"), prediction.probabilities.shape
        (True, (2,))
    """

    kind: ClassVar[str] = "text_classifier"

    def __init__(self, encoder: TextEncoder, model: keras.Model, classes: list[str]):
        self.encoder = encoder
        self.model = model
        self.classes = list(classes)
        self.cut = 0  # texts that were truncated by the encoder
        self._predict = traced(self._probabilities, [tf.TensorSpec([None], tf.string)], saved=False)
        self.serve = traced(self._serve, [tf.TensorSpec([None], tf.string, name="text")])

    def _probabilities(self, text):
        ids, lengths = self.encoder.padded(text)
        probability = tf.nn.softmax(tf.cast(self.model(ids, training=False), tf.float32))
        return probability, tf.math.count_nonzero(lengths > self.encoder.max_tokens)

    def _serve(self, text):
        probability, _ = self._probabilities(text)
        classes = tf.tile(tf.constant([self.classes]), [tf.shape(text)[0], 1])
        label = tf.gather(self.classes, tf.argmax(probability, -1))
        return {"label": label, "probability": probability, "classes": classes, **self.encoder.sizes(text)}

    @property
    def encoders(self) -> list[TextEncoder]:
        """The encoder of the texts."""
        return [self.encoder]

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """The functions of an export; `serving_default` is the one that servers call by default."""
        return {"serve": self.serve, "serving_default": self.serve}

    def checks(self) -> Iterator[tuple[str, dict, dict]]:
        """Cases that an export must reproduce: signature, inputs and outputs by name; in several batches."""
        probes = [*PROBES, self.encoder.capitals()]
        predictions = list(self.predict(probes))
        for part in (slice(None), slice(0, 1), slice(1, 3)):
            label = [prediction.label for prediction in predictions[part]]
            probability = [prediction.probabilities.tolist() for prediction in predictions[part]]
            classes = [self.classes] * len(label)
            yield "serve", {"text": probes[part]}, {"label": label, "probability": probability, "classes": classes}

    def predict(self, texts: Iterable[str]) -> Iterator[Prediction]:
        """Predict a stream of texts, in order, with one chunk in memory at a time; `cut` counts the truncated ones."""
        for chunk in chunks(texts, _AT_ONCE, len):
            probabilities = self._probabilities_of(chunk)
            for text, row in zip(chunk, probabilities, strict=True):
                yield Prediction(text, self.classes[int(row.argmax())], row)

    def _probabilities_of(self, texts):
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        rows = np.empty((len(texts), len(self.classes)), np.float32)

        def predict(batch):
            probability, cut = self._predict(to_tensor(texts[n] for n in batch))
            rows[batch] = probability.numpy()
            return int(cut)

        batches = list(chunks(order, _BATCH))
        if len(batches) == 1:
            self.cut += predict(batches[0])
        else:
            with ThreadPoolExecutor(_AT_A_TIME) as pool:
                self.cut += sum(pool.map(predict, batches))
        return rows
