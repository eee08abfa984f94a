"""Text to text: two encoders and a sequence-to-sequence model in one object, to translate, score, save and export.

Shapes: B batch, S source tokens, T target tokens, V vocabulary, K beams, L length of the translations.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import tensorflow as tf

from nlp_rnn.decoding.beam import BeamSearchConfig, beam_search, mean_logits
from nlp_rnn.deprecation import warn_python
from nlp_rnn.graph import never_empty, traced
from nlp_rnn.seq2seq.model import Seq2Seq
from nlp_rnn.seq2seq.objective import shifted
from nlp_rnn.seq2seq.settings import MAX_BEAM_WIDTH
from nlp_rnn.text.chunks import chunks
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.tokenizer import is_blank, to_tensor
from nlp_rnn.text.vocabulary import END, PADDING, UNKNOWN

AT_ONCE = 1024  # texts sorted by length together, so that a batch holds similar lengths
_ROWS = 320  # beams per batch, over all its texts
NO_SCORE = -1e30  # served in place of -inf, where there are fewer translations than beams
_DEFAULT = BeamSearchConfig()
PROBES = ("a dog", "Nobody here knows these words: qwxz, жжж, 漢字, 😀.", "", "read", "long " * 20)


class Translation(NamedTuple):
    """A translation and its score: its log-probability in nats, normalized and penalized as in the search."""

    text: str
    score: float


class Alignment(NamedTuple):
    """Which source tokens a translation came from.

    Attributes:
        source, target: the tokens, S and T of them; the last target token is the end.
        weights: attention weight of each source token at each target token, [T, S].
    """

    source: list[str]
    target: list[str]
    weights: np.ndarray


class Translator:
    """A trained translator of texts.

    Args:
        encoder: maps source texts to ids.
        model: maps source and target ids to logits.
        target: maps target texts to ids; its vocabulary begins with the token that ends a text.

    Attributes:
        cut: number of translated texts that were truncated by the encoder.

    Examples:
        >>> from nlp_rnn.text.vocabulary import Vocabulary
        >>> source = TextEncoder(Vocabulary([b"one", b"two"]))
        >>> target = TextEncoder(Vocabulary([b"un", b"deux"]).with_end())
        >>> model = Seq2Seq(len(source.vocabulary), len(target.vocabulary), embedding=4, units=4)
        >>> [[best, *rest]] = Translator(source, model, target=target).translate(["one"], BeamSearchConfig(3))
        >>> len(rest), best.score >= rest[0].score
        (2, True)
    """

    kind: ClassVar[str] = "translator"

    def __init__(self, encoder: TextEncoder, model: Seq2Seq, *, target: TextEncoder):
        self.encoder = encoder
        self.target = target
        self.model = model
        self.classes: list[str] = []
        self.models = [model]  # of an ensemble, this one first
        if not model.built:
            model.build((None, None))
        self.cut = 0
        self._searched = traced(self._search, saved=False)
        self._cut = traced(self._count_cut, [tf.TensorSpec([None], tf.string)], saved=False)
        self._forced = traced(self._teacher_forced, [tf.TensorSpec([None, None], tf.int32)] * 2, saved=False)

    @property
    def encoders(self) -> list[TextEncoder]:
        """The encoders of the sources and of the targets."""
        return [self.encoder, self.target]

    @property
    def has_attention(self) -> bool:
        """Whether the decoder attends to the source."""
        return self.model.settings["attention"] != "none"

    def ensemble(self, others: Iterable["Translator"]) -> "Translator":
        """A translator that averages the probabilities of this one and of others at each step.

        Raises:
            ValueError: the vocabularies differ.
        """
        joint = Translator(self.encoder, self.model, target=self.target)
        vocabularies = [encoder.vocabulary.tokens for encoder in self.encoders]
        for other in others:
            if [encoder.vocabulary.tokens for encoder in other.encoders] != vocabularies:
                raise ValueError("the vocabularies differ: an ensemble needs runs on the same data")
            joint.models.append(other.model)
        return joint

    def together(self, others: Iterable["Translator"]) -> "Translator":
        """The former name of `ensemble`."""
        warn_python("Translator.together", "Translator.ensemble")
        return self.ensemble(others)

    def translate(self, texts: Iterable[str], search: BeamSearchConfig = _DEFAULT) -> Iterator[list[Translation]]:
        """Translate a stream of texts, in order, with one chunk in memory at a time.

        Args:
            texts: the sources.
            search: the options of the beam search.

        Returns:
            Up to K different translations of each text, the best first; only the empty text for a blank one.
        """
        options = _as_tensors(search)
        for chunk in chunks(texts, AT_ONCE, len):
            rows: list[list[Translation]] = [[]] * len(chunk)
            order = sorted(range(len(chunk)), key=lambda n: len(chunk[n]))
            for batch in chunks(order, max(1, _ROWS // search.beam_width)):
                sources = to_tensor(chunk[n] for n in batch)
                results = [value.numpy() for value in self._searched(sources, options)]
                self.cut += int(self._cut(sources))
                for number, *row in zip(batch, *results, strict=True):
                    rows[number] = _distinct(*row)
            yield from rows

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """The log-probability, in nats, of each target given its source."""
        return [float(self._forced(*self._ids(source, target))[1][0]) for source, target in pairs]

    def attention(self, text: str, translation: str) -> Alignment:
        """The attention weights of each token of a text at each token of a translation."""
        weights = self._forced(*self._ids(text, translation))[0][0].numpy()
        return Alignment(self.encoder.surface_forms(text), [*self.target.surface_forms(translation), "∎"], weights)

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """The functions of an export: `serving_default` and `attend` search with the default options."""
        text = tf.TensorSpec([None], tf.string, name="text")
        scalars = [tf.TensorSpec([], tf.int32, name="beams"), tf.TensorSpec([], tf.float32, name="length_penalty")]
        default = traced(lambda text: self._serve(text, _DEFAULT), [text])
        translate = traced(self._serve_checked, [text, *scalars])
        attend = traced(self._serve_attention, [text])
        return {"translate": translate, "attend": attend, "serving_default": default}

    def checks(self) -> Iterator[tuple[str, dict, dict]]:
        """Cases that an export must reproduce: signature, inputs and outputs by name."""
        probes = [*PROBES, self.encoder.capitals()]
        for beams, penalty in ((5, 1.0), (1, 0.0)):
            inputs = {"text": probes, "beams": beams, "length_penalty": penalty}
            results = self._searched(to_tensor(probes), BeamSearchConfig(beams, penalty))
            texts, scores = (value.numpy() for value in _without_repeats(*results))
            translations = [[text.decode(errors="replace") for text in row] for row in texts]
            yield "translate", inputs, {"translation": translations, "score": np.maximum(scores, NO_SCORE).tolist()}

    def _ids(self, source, target):
        """Ids of a source and of a target with its end, int [1, S] and [1, T]."""
        return self.encoder.padded(to_tensor([source]))[0], self._ended(to_tensor([target]))

    def _ended(self, targets):
        ids, _ = self.target.ragged(targets)
        return tf.concat([ids, tf.fill([tf.shape(targets)[0], 1], END)], 1).to_tensor(PADDING)

    def _search(self, text, search):
        """Translations, string [B, K], and their scores, [B, K], of texts [B]."""
        source, _ = self.encoder.padded(text)
        encoded = [model.encode(source) for model in self.models]
        memories = [one.memory for one in encoded]
        repeated = tf.nest.map_structure(lambda x: tf.repeat(x, search.beam_width, 0), memories)
        first = tf.fill([tf.shape(source)[0]], END)
        logits, states, weights = self._next(first, memories, [one.state for one in encoded])
        attended = tf.where(memories[0].mask, weights, 1.0)

        def step(tokens, states):
            logits, decoders, weights = self._next(tokens, repeated, states[0])
            unfinished = tf.cast((tokens != END) & (tokens != PADDING), weights.dtype)
            return logits, (decoders, states[1] + unfinished[:, None] * weights)

        lengths = tf.math.count_nonzero(source != PADDING, 1, dtype=tf.int32)
        # At least one token more than the minimum, for the end token.
        limits = tf.maximum(10 + self.model.settings["longest"] * lengths, search.min_length + 1)
        coverage = (lambda states: states[1]) if self.has_attention else None
        length = tf.maximum(tf.reduce_max(limits), 1)  # the maximum over an empty batch is negative
        options = {"coverage": coverage, "suppressed_tokens": (UNKNOWN,), "limits": limits}
        ids, scores, _ = beam_search(step, logits, (states, attended), search, length, END, **options)
        translations = tf.reshape(self.target.decode(tf.reshape(ids, [-1, tf.shape(ids)[2]])), tf.shape(scores))
        return _blank_where(is_blank(text) | (lengths == 0), translations, scores)

    def _count_cut(self, text):
        return tf.math.count_nonzero(self.encoder.ragged(text)[1] > self.encoder.max_tokens)

    def _next(self, tokens, memories, states):
        """Logits of the next token, the new state of each model, and the attention weights of the first one."""
        steps = [
            model.step(tokens, memory, state)
            for model, memory, state in zip(self.models, memories, states, strict=True)
        ]
        logits = mean_logits([tf.cast(logits, tf.float32) for logits, _, _ in steps])
        return logits, [state for *_, state in steps], steps[0][1]

    def _teacher_forced(self, source, target):
        """Attention weights, [B, T, S], and log-probability, [B], of targets, int [B, T]."""
        hidden, weights = self.model.run(source, shifted(target))
        logits = tf.cast(self.model.logits(hidden), tf.float32)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits)
        return weights, -tf.reduce_sum(losses * tf.cast(target != PADDING, tf.float32), 1)

    def max_length(self, no_repeat_ngram_size: int) -> float:
        """The maximum length of a target in which no n-gram of this length repeats (de Bruijn, 1946)."""
        tokens = len(self.target.vocabulary.tokens) - 1  # without the one that ends a text
        n = no_repeat_ngram_size
        return tokens**n + n - 1 if n else float("inf")

    @property
    def limits(self) -> dict[str, tuple[int, int]]:
        """Lowest and highest value of each option of a search, by the names of `BeamSearchConfig`."""
        return {
            "beam_width": (1, min(MAX_BEAM_WIDTH, len(self.target.vocabulary))),
            "length_penalty": (0, 10),
            "coverage_penalty": (0, 10),
            "min_length": (0, 1000),
            "no_repeat_ngram_size": (0, 100),
        }

    def _serve_checked(self, text, beams, length_penalty):
        for name, value, limits in (
            ("beams", beams, self.limits["beam_width"]),
            ("length_penalty", length_penalty, self.limits["length_penalty"]),
        ):
            low, high = limits
            tf.debugging.Assert((value >= low) & (value <= high), [f"{name} must be from {low} to {high}"])
        return self._serve(text, BeamSearchConfig(beams, length_penalty))

    def _serve(self, text, search):
        texts, scores = _without_repeats(*self._search(text, search))
        return {"translation": texts, "score": tf.maximum(scores, NO_SCORE), **self.encoder.sizes(text)}

    def _serve_attention(self, text):
        sources, count = never_empty(text), tf.size(text)
        best = self._search(sources, _DEFAULT)[0][:, 0]
        source, _ = self.encoder.padded(sources)
        attention = self._teacher_forced(source, self._ended(best))[0]
        return {"translation": best[:count], "attention": attention[:count], **self.encoder.sizes(text)}


def _blank_where(blank, translations, scores):
    """Translations and scores, [B, K]; where the source is blank, bool [B], only the empty text, with score 0."""
    alone = tf.where(tf.range(tf.shape(scores)[1]) == 0, 0.0, -float("inf"))
    return tf.where(blank[:, None], "", translations), tf.where(blank[:, None], alone, scores)


def _without_repeats(translations, scores):
    """The translations and scores of each row, [B, K]; empty texts of score -inf at the end in place of repeats."""
    same = translations[:, :, None] == translations[:, None, :]
    number = tf.range(tf.shape(translations)[1])
    repeated = tf.reduce_any(same & (number[None] < number[:, None]), 2) | tf.math.is_inf(scores)
    order = tf.argsort(tf.cast(repeated, tf.int32), stable=True)
    texts, scores = tf.where(repeated, "", translations), tf.where(repeated, -float("inf"), scores)
    return tf.gather(texts, order, batch_dims=1), tf.gather(scores, order, batch_dims=1)


def _as_tensors(search):
    """A search with its numbers as tensors, so that one graph serves all; the n-gram size is part of the graph."""
    return search._replace(
        beam_width=tf.constant(search.beam_width, tf.int32),
        length_penalty=tf.constant(search.length_penalty, tf.float32),
        coverage_penalty=tf.constant(search.coverage_penalty, tf.float32),
        min_length=tf.constant(search.min_length, tf.int32),
    )


def _distinct(texts, scores):
    """The translations of a row that the search completed, without duplicates."""
    best: dict[str, float] = {}
    for text, score in zip(texts, scores, strict=True):
        if np.isfinite(score):
            best.setdefault(text.decode(errors="replace"), float(score))
    return [Translation(text, score) for text, score in best.items()]
