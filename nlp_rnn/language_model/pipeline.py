"""An encoder and a language model in one object: to generate text, fill blanks, score, save and export.

Shapes: B batch, T tokens, V vocabulary, L length of the generated text, C candidates for a blank.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import tensorflow as tf

from nlp_rnn.checks import positive_int
from nlp_rnn.decoding.sampling import DecodingState, SamplingConfig, sample
from nlp_rnn.deprecation import renamed_arguments
from nlp_rnn.graph import never_empty, traced
from nlp_rnn.language_model import infilling
from nlp_rnn.language_model.model import LanguageModel
from nlp_rnn.language_model.options import (
    BLANK,
    DEFAULT_LENGTH,
    DEFAULT_TEMPERATURE,
    GENERATION_RANGES,
    MAX_WORDS,
    WORDS,
)
from nlp_rnn.language_model.words import Candidates, around_blank, continuation
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.tokenizer import to_tensor
from nlp_rnn.text.vocabulary import END, PADDING, SPECIAL, UNKNOWN
from nlp_rnn.training.losses import per_token_cross_entropy

CHUNK = 16  # tokens generated between two outputs
SCORED = 32  # texts scored together
SERVED_WORDS = 10  # candidates for a blank in an export
# The inputs of the signature `generate` besides the text, in the order of `GENERATION_RANGES`.
_INPUTS = (("length", tf.int32), ("temperature", tf.float32), ("top_k", tf.int32), ("top_p", tf.float32))
_INPUTS += (("min_p", tf.float32), ("penalty", tf.float32), ("seed", tf.int32))


class WordPrediction(NamedTuple):
    """A word for a blank and its probability among all words, or among the candidates if text follows the blank."""

    word: str
    probability: float


class LanguagePipeline:
    """A trained language model with its text encoder.

    Args:
        encoder: texts to ids; its vocabulary begins with the token that ends a text.
        model: maps ids to the logits of each next token.
        independent_texts: each text was read from a zero state in training, and is in evaluation.

    Examples:
        >>> from nlp_rnn.text.vocabulary import Vocabulary
        >>> encoder = TextEncoder(Vocabulary([b"sky", b"sea"]).with_end(), max_tokens=10**9)
        >>> pipeline = LanguagePipeline(encoder, LanguageModel(len(encoder.vocabulary), embedding=4, units=4))
        >>> sorted(prediction.word for prediction in pipeline.fill("the sea ___"))
        ['sea', 'sky']
    """

    kind: ClassVar[str] = "language_model"

    def __init__(self, encoder: TextEncoder, model: LanguageModel, independent_texts: bool = False):
        self.encoder = encoder
        self.model = model
        self.independent_texts = independent_texts
        self.classes: list[str] = []
        if not model.built:
            model.build((None, None))
        self._candidates = Candidates(encoder)
        self._known = frozenset(encoder.vocabulary.tokens)
        text, ids = tf.TensorSpec([None], tf.string), tf.TensorSpec([None, None], tf.int32)
        self._read_texts = traced(self._read, [text], saved=False)
        self._sample_more = traced(self._sample, saved=False)
        self._write_ids = traced(self._write, [text, ids], saved=False)
        self._score_texts = traced(self._score, [text], saved=False)
        self._fill_texts = traced(self._fill, [text], saved=False)
        self._next_words = traced(lambda text: self._most_probable(text, 1), [text], saved=False)

    @property
    def encoders(self) -> list[TextEncoder]:
        """The encoder of the texts."""
        return [self.encoder]

    @renamed_arguments({"choice": "config"})
    def generate(
        self,
        prompts: list[str],
        length: int = DEFAULT_LENGTH,
        config: SamplingConfig | None = None,
        seed: int | Sequence[int] = 0,
    ) -> Iterator[list[str]]:
        """Continue each prompt; repeatedly yields the texts generated so far, until they are complete.

        The same prompt with the same seed gives the same text, independently of the rest of the batch.

        Args:
            prompts: B texts.
            length: maximum number of tokens to generate; fewer if the model ends a text.
            config: how to sample; by default at temperature 1, unrestricted.
            seed: one seed, or one for each prompt.
        """
        texts = to_tensor(prompts)
        state = self._read_texts(texts)
        ids = np.zeros((len(prompts), 0), np.int32)
        values = zip(config or SamplingConfig(), _INPUTS[1:-1], strict=True)
        scalars = SamplingConfig(*(tf.constant(value, dtype) for value, (_, dtype) in values))
        while ids.shape[1] < length and not np.all(state.ended):
            count = tf.constant(min(CHUNK, length - ids.shape[1]))
            more, state = self._sample_more(state, count, scalars, tf.constant(seed, tf.int32))
            ids = np.concatenate([ids, more.numpy()], 1)
            yield [text.decode(errors="replace") for text in self._write_ids(texts, ids).numpy()]

    def unknown(self, text: str) -> list[str]:
        """The tokens of a text that are not in the vocabulary, each once."""
        pairs = zip(self.encoder.tokens(text), self.encoder.surface_forms(text), strict=True)
        return list(dict.fromkeys(written for token, written in pairs if token not in self._known))

    def joined(self, prompt: str, text: str) -> str:
        """A prompt and its continuation; with a space where words need one that do not carry it."""
        apart = (
            self.encoder.token_level == "word"
            and not self.encoder.tokenizer.keeps_spaces
            and prompt
            and text
            and prompt[-1] not in " \n([{"
            and text[0] not in ".,!?;:%)]}…"
        )
        return f"{prompt} {text}" if apart else f"{prompt}{text}"

    def fill(self, text: str, count: int = WORDS) -> list[WordPrediction]:
        """The most probable words for the blank `___` in a text, at most `MAX_WORDS`.

        The text after the blank is taken into account. The tokens of a character or byte model are single characters
        or bytes, and so are its predictions.

        Raises:
            UsageError: there is no blank, or more than one.
            ValueError: `count` is not a positive int.
        """
        infilling.check_blank(text)
        count = positive_int("count", count)
        words, probabilities = (values[0].numpy()[:count] for values in self._fill_texts(to_tensor([text])))
        pairs = zip(words, probabilities, strict=True)
        return [WordPrediction(word.decode(errors="replace"), float(probability)) for word, probability in pairs]

    def next_words(self, prompts: list[str]) -> list[str]:
        """The most probable word after each prompt."""
        words, _ = self._next_words(to_tensor(prompts))
        return [word.decode(errors="replace") for word in words[:, 0].numpy()]

    def score(self, texts: list[str]) -> list[dict]:
        """For each text: log_probability, in nats; tokens and unknown, the numbers of these; and perplexity."""
        parts = [self._score_texts(to_tensor(texts[n : n + SCORED])) for n in range(0, len(texts), SCORED)]
        names = ("log_probability", "tokens", "unknown", "perplexity")
        columns = {name: np.concatenate([part[name].numpy() for part in parts]) for name in names}
        return [{name: values[n].item() for name, values in columns.items()} for n in range(len(texts))]

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """The functions of an export by name.

        `generate` gives a text the same continuation as the command with the same seed, independently of the rest of
        the batch; its seed is one number, or one for each text.
        """
        text = tf.TensorSpec([None], tf.string, name="text")
        scalars = [tf.TensorSpec(None if name == "seed" else [], dtype, name=name) for name, dtype in _INPUTS]
        return {
            "generate": traced(self._serve_generate, [text, *scalars]),
            "serving_default": traced(self._serve_default, [text]),
            "next_word": traced(self._serve_next_word, [text]),
            "fill": traced(self._serve_fill, [text]),
            "score": traced(self._score, [text]),
        }

    def checks(self) -> Iterator[tuple[str, dict, dict]]:
        """Cases that an export must reproduce: name of a signature, inputs and expected outputs by name."""
        texts = ["", "the clouds are in the", "Nobody here knows these words: qwxz, жжж, 漢字, 😀."]
        texts.append(self.encoder.capitals())
        config, length, seed = SamplingConfig(0.8, 20, 0.9), 20, 3
        *_, generated = self.generate(texts, length, config, seed)
        values = zip((name for name, _ in _INPUTS), (length, *config, seed), strict=True)
        yield "generate", {"text": texts, **dict(values)}, {"text": generated}
        *_, generated = self.generate(texts, DEFAULT_LENGTH, SamplingConfig(DEFAULT_TEMPERATURE))
        yield "serving_default", {"text": texts}, {"text": generated}
        at_end = [f"{text}{BLANK}" for text in texts]
        within = [f"{text} sky" for text in at_end]
        yield "next_word", {"text": texts}, {"word": [self.fill(text, 1)[0].word for text in at_end]}
        yield "fill", {"text": at_end + within}, {"word": [self.fill(text, 1)[0].word for text in at_end + within]}
        scores = [scores["log_probability"] for scores in self.score(texts)]
        yield "score", {"text": texts}, {"log_probability": scores}

    def _read(self, texts) -> DecodingState:
        """The state after prompts, string [B]."""
        ids, lengths = self.encoder.padded(texts)
        batch = tf.shape(ids)[0]
        inputs = tf.concat([tf.fill([batch, 1], END), ids], 1)
        mask = tf.sequence_mask(lengths + 1, tf.shape(inputs)[1])
        outputs = self.model.run(inputs, self.model.initial_states(batch), mask=mask)
        logits = tf.cast(self.model.logits(outputs.raw[:, -1]), tf.float32)
        suppressed = tf.range(logits.shape[-1]) < len(SPECIAL)  # padding and the unknown token
        logits = tf.where(suppressed, -float("inf"), logits)
        whole = {"minlength": logits.shape[-1], "maxlength": logits.shape[-1]}
        seen = tf.math.bincount(ids, axis=-1, binary_output=True, **whole) > 0
        keys = tf.cast(tf.strings.to_hash_bucket_fast(texts, 2**31 - 1), tf.int32)
        ended = tf.zeros([batch], tf.bool)
        return DecodingState(logits, outputs.states, seen & ~suppressed, ended, keys, tf.constant(0))

    def _fill(self, texts):
        """The candidates for a blank, most probable first, and their probabilities, [B, C] each."""
        before, after = infilling.split_at_blank(texts)
        words, probability = self._most_probable(before, MAX_WORDS)
        first, spaced, last = around_blank(self.encoder.tokenizer, before, words, after)

        def score(texts):
            return self._score(texts)["log_probability"]

        probability = infilling.rescored(score, first, spaced, probability, last)
        order = tf.argsort(probability, direction="DESCENDING", stable=True)
        return tf.gather(words, order, batch_dims=1), tf.gather(probability, order, batch_dims=1)

    def _most_probable(self, texts, limit):
        """The most probable words after each text, at most `limit`, and their probabilities, [B, C]."""
        return self._candidates.most_probable(tf.nn.softmax(self._read(texts).logits), limit)

    def _sample(self, state, length, config, seed):
        return sample(self._step, state, length, config, seed, END)

    def _step(self, tokens, states):
        logits, states = self.model.step(tokens, states)
        return tf.cast(logits, tf.float32), states

    def _write(self, prompts, ids):
        """Ids, [B, L], as texts, [B], to be appended to the prompts, [B]."""
        return continuation(self.encoder, prompts, tf.gather(self.encoder.token_strings, ids))

    def _score(self, texts):
        ids, _ = self.encoder.padded(texts)
        batch = tf.shape(ids)[0]
        inputs = tf.concat([tf.fill([batch, 1], END), ids[:, :-1]], 1)
        hidden = self.model.run(inputs, self.model.initial_states(batch)).raw
        flat = tf.reshape(hidden, [-1, hidden.shape[-1]]), tf.reshape(ids, [-1])
        losses = per_token_cross_entropy(self.model.logits, *flat, len(self.encoder.vocabulary))
        counted = tf.cast(ids != PADDING, tf.float32)
        total, tokens = tf.reduce_sum(tf.reshape(losses, tf.shape(ids)) * counted, 1), tf.reduce_sum(counted, 1)
        perplexity = tf.exp(total / tf.maximum(tokens, 1.0))
        unknown = tf.math.count_nonzero(ids == UNKNOWN, 1, dtype=tf.int32)
        counts = {"tokens": tf.cast(tokens, tf.int32), "unknown": unknown}
        return {"log_probability": -total, **counts, "perplexity": perplexity}

    def _serve_generate(self, text, length, temperature, top_k, top_p, min_p, penalty, seed):
        values = (length, temperature, top_k, top_p, min_p, penalty, seed)
        checks = [
            tf.debugging.Assert(tf.reduce_all(fits(value)), [f"{name} must be {limits}"])
            for (name, _), value, (fits, limits) in zip(_INPUTS, values, GENERATION_RANGES.values(), strict=True)
        ]
        one_each = (tf.size(seed) == 1) | (tf.size(seed) == tf.size(text))
        checks.append(tf.debugging.Assert(one_each, ["seed must be one number, or one for each text"]))
        with tf.control_dependencies(checks):
            length, *sampling, seed = map(tf.identity, values)
        seed = tf.cond(tf.size(text) == 0, lambda: tf.constant(0), lambda: seed)
        return self._serve_sampled(text, length, SamplingConfig(*sampling), seed)

    def _serve_default(self, text):
        """The command with its default options."""
        return self._serve_sampled(text, DEFAULT_LENGTH, SamplingConfig(DEFAULT_TEMPERATURE), 0)

    def _serve_sampled(self, text, length, config, seed):
        prompts = never_empty(text)
        ids, _ = self._sample(self._read(prompts), length, config, seed)
        return {"text": self._write(prompts, ids)[: tf.size(text)]}

    def _serve_next_word(self, text):
        words, probabilities = self._most_probable(text, SERVED_WORDS)
        return {"word": words[:, 0], "words": words, "probabilities": probabilities}

    def _serve_fill(self, text):
        words, probabilities = self._fill(text)
        served = words[:, :SERVED_WORDS], probabilities[:, :SERVED_WORDS]
        return {"word": words[:, 0], "words": served[0], "probabilities": served[1]}
