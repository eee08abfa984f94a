"""Text to text: two encoders and a sequence-to-sequence model as one thing, to translate, score, save and export.

Shapes: B batch, S source tokens, T target tokens, V vocabulary, K beams, L length of what is found.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nlp_rnn import decoding
from nlp_rnn.decoding import Search
from nlp_rnn.models import Seq2Seq
from nlp_rnn.objectives import shifted
from nlp_rnn.text import END, PADDING, UNKNOWN, TextEncoder, chunks, to_tensor, written

_AT_ONCE = 1024  # texts sorted by length together, so that a batch holds like lengths
_ROWS = 320  # beams of all texts of a batch together
LEAST = -1e30  # the score that is served in place of -inf, where there are fewer translations than beams
_PLAIN = Search()
PROBES = ("a dog", "Nobody here knows these words: qwxz, жжж, 漢字, 😀.", "", "read", "long " * 20)


class Translation(NamedTuple):
    """What a text was translated to, and its score: its log-probability in nats, as the search weighs it."""

    text: str
    score: float


class Attended(NamedTuple):
    """How a translation came about.

    Attributes:
        source, target: the tokens, S and T of them.
        weights: how much of each source token went into each target token, [T, S].
    """

    source: list[str]
    target: list[str]
    weights: np.ndarray


class Translator:
    """A trained translator of texts.

    Args:
        encoder: source texts to ids.
        model: source and target ids to logits.
        classes: none; what other pipelines have here.
        target: target texts to ids; its vocabulary begins with the token that ends a text.

    Example:
        >>> from nlp_rnn.text import Vocabulary
        >>> source = TextEncoder(Vocabulary([b"one", b"two"]))
        >>> target = TextEncoder(Vocabulary([b"un", b"deux"]).with_end())
        >>> model = Seq2Seq(len(source.vocabulary), len(target.vocabulary), embedding=4, units=4)
        >>> [[best, *rest]] = Translator(source, model, target=target).translate(["one"], Search(3))
        >>> len(rest), best.score >= rest[0].score
        (2, True)
    """

    kind = "translator"

    def __init__(self, encoder: TextEncoder, model: Seq2Seq, classes: tuple = (), *, target: TextEncoder):
        self.encoder = encoder
        self.target = target
        self.model = model
        self.classes = list(classes)
        self.models = [model]
        if not model.built:
            model.build((None, None))
        self._words = tf.constant([b"", b"", b"", *target.vocabulary.tokens[1:]])
        self.cut = 0  # texts translated that were longer than the encoder reads
        self._found = tf.function(self._search)
        self._long = tf.function(self._count_long, input_signature=[tf.TensorSpec([None], tf.string)])
        self._told = tf.function(self._attended, input_signature=[tf.TensorSpec([None, None], tf.int32)] * 2)

    def together(self, others: Iterable["Translator"]) -> "Translator":
        """An ensemble: this one with the models of others, whose probabilities are averaged.

        Raises:
            ValueError: the vocabularies differ.
        """
        whole = Translator(self.encoder, self.model, self.classes, target=self.target)
        for other in others:
            same = [getattr(self, side).vocabulary.tokens == getattr(other, side).vocabulary.tokens for side in SIDES]
            if not all(same):
                raise ValueError("the vocabularies differ: an ensemble needs runs on the same data")
            whole.models.append(other.model)
        return whole

    def translate(self, texts: Iterable[str], search: Search = _PLAIN) -> Iterator[list[Translation]]:
        """Up to K translations of each text, the best first, a stream in its order."""
        kinds = (tf.int32, tf.float32, tf.float32, tf.int32)
        options = Search(*(tf.constant(v, kind) for v, kind in zip(search[:4], kinds, strict=True)), search.no_repeat)
        for chunk in chunks(texts, _AT_ONCE, len):
            rows: list[list[Translation]] = [[]] * len(chunk)
            order = sorted(range(len(chunk)), key=lambda n: len(chunk[n]))
            for batch in chunks(order, max(1, _ROWS // search.beams)):
                asked = to_tensor(chunk[n] for n in batch)
                found = self._found(asked, options)
                self.cut += int(self._long(asked))
                for number, *row in zip(batch, *(value.numpy() for value in found), strict=True):
                    rows[number] = _translations(*row)
            yield from rows

    def score(self, pairs: list[tuple[str, str]]) -> list[float]:
        """The log-probability, in nats, of each target given its source."""
        found = []
        for pair in pairs:
            source, target = self._ids([pair[0]], [pair[1]])
            found.append(float(self._told(source, target)[1][0]))
        return found

    def attention(self, text: str, translation: str) -> Attended:
        """How much each token of a text was attended to for each token of a translation."""
        source, target = self._ids([text], [translation])
        weights = self._told(source, target)[0][0].numpy()
        words = [token.decode(errors="replace") for token in self.encoder.tokens(text)]
        said = [token.decode(errors="replace") for token in self.target.tokens(translation)]
        return Attended(words, [*said, "∎"], weights)

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """What an export answers, by name: `translate`, and the same with five beams for those who say nothing."""
        text = tf.TensorSpec([None], tf.string, name="text")
        scalars = [tf.TensorSpec([], tf.int32, name="beams"), tf.TensorSpec([], tf.float32, name="length_penalty")]
        plain = tf.function(lambda text: self._serve(text, _PLAIN.beams, _PLAIN.length_penalty), input_signature=[text])
        translate = tf.function(self._serve_checked, input_signature=[text, *scalars])
        attend = tf.function(self._serve_attention, input_signature=[text])
        return {"translate": translate, "attend": attend, "serving_default": plain}

    def checks(self) -> Iterator[tuple[str, dict, dict]]:
        """What an export has to answer: signature, inputs and outputs by name."""
        for beams, penalty in ((5, 1.0), (1, 0.0)):
            inputs = {"text": PROBES, "beams": beams, "length_penalty": penalty}
            found = [value.numpy() for value in self._found(to_tensor(PROBES), Search(beams, penalty))]
            texts = [[text.decode(errors="replace") for text in row] for row in found[0]]
            yield "translate", inputs, {"translation": texts, "score": np.maximum(found[1], LEAST).tolist()}

    def _ids(self, sources, targets):
        source, _ = self.encoder.padded(to_tensor(sources))
        target, _ = self.target.ragged(to_tensor(targets))
        ended = tf.concat([target, tf.fill([len(targets), 1], END)], 1)
        return source, ended.to_tensor(PADDING)

    def _search(self, text, search):
        """Texts, [B, K], and scores, [B, K], of texts [B]."""
        source, _ = self.encoder.padded(text)
        begun = [model.encode(source) for model in self.models]
        repeated = [tf.nest.map_structure(lambda x: tf.repeat(x, search.beams, 0), e.memory) for e in begun]
        first = tf.fill([tf.shape(source)[0]], END)
        logits, standing, attended = self._read(first, [e.memory for e in begun], [e.standing for e in begun])
        attended = tf.where(begun[0].memory.mask, attended, 1.0)

        def step(tokens, states):
            logits, standing, weights = self._read(tokens, repeated, states[0])
            going_on = tf.cast((tokens != END) & (tokens != PADDING), weights.dtype)
            return logits, (standing, states[1] + going_on[:, None] * weights)

        counts = tf.math.count_nonzero(source != PADDING, 1, dtype=tf.int32)
        limits = tf.maximum(10 + self.model.settings["longest"] * counts, search.least + 1)  # the end is a token
        coverage = (lambda states: states[1]) if self.model.settings["attention"] != "none" else None
        states = (standing, attended)
        length = tf.maximum(tf.reduce_max(limits), 1)  # of no text at all there is no longest
        ids, scores, _ = decoding.beam_search(step, logits, states, search, length, END, coverage, (UNKNOWN,), limits)
        words = tf.gather(self._words, tf.reshape(ids, [-1, tf.shape(ids)[2]]))
        return tf.reshape(written(words, self.target.unit), tf.shape(scores)), scores

    def _count_long(self, text):
        return tf.math.count_nonzero(self.encoder.ragged(text)[1] > self.encoder.max_tokens)

    def _read(self, tokens, memories, standings):
        """Logits of the next token, where each model then stands, and the first one's attention."""
        found = [
            model.step(tokens, memory, standing)
            for model, memory, standing in zip(self.models, memories, standings, strict=True)
        ]
        logits = decoding.mean_logits([tf.cast(logits, tf.float32) for logits, _, _ in found])
        return logits, [standing for *_, standing in found], found[0][1]

    def _attended(self, source, target):
        """Attention weights, [B, T, S], and log-probability, [B], of targets, int [B, T]."""
        hidden, weights = self.model.run(source, shifted(target))
        logits = tf.cast(self.model.logits(hidden), tf.float32)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits)
        return weights, -tf.reduce_sum(losses * tf.cast(target != PADDING, tf.float32), 1)

    @property
    def limits(self) -> dict[str, tuple[int, int]]:
        """From where to where what is asked of a search may go, by the names of `Search`."""
        most = min(decoding.MOST_BEAMS, len(self.target.vocabulary))
        penalties = {"length_penalty": (0, 10), "coverage_penalty": (0, 10)}
        return {"beams": (1, most), **penalties, "least": (0, 1000), "no_repeat": (0, 100)}

    def _serve_checked(self, text, beams, length_penalty):
        for name, value in (("beams", beams), ("length_penalty", length_penalty)):
            least, most = self.limits[name]
            tf.debugging.Assert((value >= least) & (value <= most), [f"{name} must be from {least} to {most}"])
        return self._serve(text, beams, length_penalty)

    def _serve(self, text, beams, length_penalty):
        texts, scores = self._search(text, Search(beams, length_penalty))
        return {"translation": texts, "score": tf.maximum(scores, LEAST)}

    def _serve_attention(self, text):
        best = self._search(text, _PLAIN)[0][:, 0]
        source, _ = self.encoder.padded(text)
        target, _ = self.target.ragged(best)
        ended = tf.concat([target, tf.fill([tf.shape(text)[0], 1], END)], 1)
        return {"translation": best, "attention": self._attended(source, ended.to_tensor(PADDING))[0]}


SIDES = ("encoder", "target")


def _translations(texts, scores):
    """The translations of a row: those that were found, no text twice."""
    found: dict[str, float] = {}
    for text, score in zip(texts, scores, strict=True):
        if np.isfinite(score):
            found.setdefault(text.decode(errors="replace"), float(score))
    return [Translation(text, score) for text, score in found.items()]
