"""Text that goes on: an encoder and a language model as one thing, to generate, fill blanks, score, save and export.

Shapes: B batch, T tokens, V vocabulary, L length of what is generated.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nlp_rnn import blanks, decoding
from nlp_rnn.checks import BLANK, GENERATED, LENGTH, TEMPERATURE, positive_int
from nlp_rnn.decoding import Choice, Place
from nlp_rnn.losses import each_cross_entropy
from nlp_rnn.models import LanguageModel
from nlp_rnn.text import END, PADDING, SPECIAL, UNKNOWN, TextEncoder, to_tensor, written

AT_ONCE = 16  # tokens generated between two looks at them
_PLAIN = Choice()
CANDIDATES = 256  # tokens tried for a blank with text after it
GUESSES, SERVED = 5, 10  # words that are given for a blank: where nothing else is said, and by an export

_SCALARS = (("length", tf.int32), ("temperature", tf.float32), ("top_k", tf.int32), ("top_p", tf.float32))
_SCALARS += (("min_p", tf.float32), ("penalty", tf.float32), ("seed", tf.int32))


class Guess(NamedTuple):
    """A word for a blank, and its probability among all words, or among those tried where text follows the blank."""

    word: str
    probability: float


class LanguagePipeline:
    """A trained language model with its text.

    Args:
        encoder: texts to ids; its vocabulary begins with the token that ends a text.
        model: what follows what.
        classes: none; what other pipelines have here.

    Example:
        >>> from nlp_rnn.text import Vocabulary
        >>> encoder = TextEncoder(Vocabulary([b"sky", b"sea"]).with_end(), max_tokens=10**9)
        >>> pipeline = LanguagePipeline(encoder, LanguageModel(len(encoder.vocabulary), embedding=4, units=4))
        >>> sorted(guess.word for guess in pipeline.fill("the sea ___"))
        ['sea', 'sky']
    """

    kind = "language_model"

    def __init__(self, encoder: TextEncoder, model: LanguageModel, classes: tuple = ()):
        self.encoder = encoder
        self.model = model
        self.classes = list(classes)
        if not model.built:
            model.build((None, None))
        self._words = tf.constant([b"", b"", b"", *encoder.vocabulary.tokens[1:]])
        self._known = frozenset(encoder.vocabulary.tokens)
        self._begin = tf.function(self._read, input_signature=[tf.TensorSpec([None], tf.string)])
        self._go_on = tf.function(self._sample)
        self._joined = tf.function(self._text, input_signature=[tf.TensorSpec([None, None], tf.int32)])
        self._scored = tf.function(self._score, input_signature=[tf.TensorSpec([None], tf.string)])
        self._filled = tf.function(self._fill, input_signature=[tf.TensorSpec([None], tf.string)])

    def generate(
        self, prompts: list[str], length: int = LENGTH, choice: Choice = _PLAIN, seed: int | Sequence[int] = 0
    ) -> Iterator[list[str]]:
        """Go on from each prompt; gives what was generated so far, again and again, until it is all there.

        The same prompt with the same seed gives the same text, wherever in a batch it stands; for several texts of
        one prompt give a seed for each.
        """
        place = self._begin(to_tensor(prompts))
        ids = np.zeros((len(prompts), 0), np.int32)
        options = [tf.constant(value, dtype) for value, (_, dtype) in zip(choice, _SCALARS[1:6], strict=True)]
        while ids.shape[1] < length and not np.all(place.ended):
            count = min(AT_ONCE, length - ids.shape[1])
            more, place = self._go_on(place, tf.constant(count), Choice(*options), tf.constant(seed, tf.int32))
            ids = np.concatenate([ids, more.numpy()], 1)
            yield [text.decode(errors="replace") for text in self._joined(ids).numpy()]

    def unknown(self, text: str) -> list[str]:
        """The tokens of a text that the vocabulary does not have, each once."""
        missing = [token for token in self.encoder.tokens(text) if token not in self._known]
        return [token.decode(errors="replace") for token in dict.fromkeys(missing)]

    def joined(self, prompt: str, text: str) -> str:
        """A prompt and what was generated, with a space between words where one belongs."""
        apart = (
            self.encoder.unit == "word"
            and prompt
            and text
            and prompt[-1] not in " \n([{"
            and text[0] not in ".,!?;:%)]}…"
        )
        return f"{prompt} {text}" if apart else f"{prompt}{text}"

    def fill(self, text: str, count: int = GUESSES) -> list[Guess]:
        """The most probable words for the blank `___` in a text, at most `CANDIDATES`.

        What follows the blank has its say as well. A character or byte model fills it with one of those.

        Raises:
            CallError: there is no blank, or more than one.
        """
        blanks.check(text)
        count = positive_int("count", count)
        words, probabilities = (found[0].numpy()[:count] for found in self._filled(to_tensor([text])))
        found = zip(words, probabilities, strict=True)
        return [Guess(word.decode(errors="replace"), float(probability)) for word, probability in found]

    def next_words(self, prompts: list[str]) -> list[str]:
        """The most probable word after each prompt."""
        first = END + 1  # the end of a text is no word
        return [self._word(first + int(n)) for n in np.argmax(self._begin(to_tensor(prompts)).logits[:, first:], -1)]

    def score(self, texts: list[str]) -> list[dict]:
        """Of each text: log_probability, in nats, of its tokens; their number, and of unknown ones; the perplexity."""
        found = [self._scored(to_tensor(texts[n : n + 32])) for n in range(0, len(texts), 32)]
        rows = {
            name: np.concatenate([f[name].numpy() for f in found])
            for name in ("log_probability", "tokens", "unknown", "perplexity")
        }
        return [{name: value[n].item() for name, value in rows.items()} for n in range(len(texts))]

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """What an export answers, by name.

        A prompt is answered the same wherever in a batch it stands: as the command answers it with that seed. Of
        `generate`, the seed may be one of each text.
        """
        text = tf.TensorSpec([None], tf.string, name="text")
        scalars = [tf.TensorSpec(None if name == "seed" else [], dtype, name=name) for name, dtype in _SCALARS]
        return {
            "generate": tf.function(self._serve_generate, input_signature=[text, *scalars]),
            "serving_default": tf.function(self._serve_plain, input_signature=[text]),
            "next_word": tf.function(self._serve_next_word, input_signature=[text]),
            "fill": tf.function(self._serve_fill, input_signature=[text]),
            "score": tf.function(self._score, input_signature=[text]),
        }

    def checks(self) -> Iterator[tuple[str, dict, dict]]:
        """What an export has to answer: signature, inputs and outputs by name."""
        texts = ["", "the clouds are in the", "Nobody here knows these words: qwxz, жжж, 漢字, 😀."]
        choice, length, seed = Choice(0.8, 20, 0.9), 20, 3
        *_, generated = self.generate(texts, length, choice, seed)
        values = zip((name for name, _ in _SCALARS), (length, *choice, seed), strict=True)
        yield "generate", {"text": texts, **dict(values)}, {"text": generated}
        *_, generated = self.generate(texts, LENGTH, Choice(TEMPERATURE))
        yield "serving_default", {"text": texts}, {"text": generated}
        at_end = [f"{text}{BLANK}" for text in texts]
        within = [f"{text} sky" for text in at_end]
        yield "next_word", {"text": texts}, {"word": [self.fill(text, 1)[0].word for text in at_end]}
        yield "fill", {"text": at_end + within}, {"word": [self.fill(text, 1)[0].word for text in at_end + within]}
        scores = [found["log_probability"] for found in self.score(texts)]
        yield "score", {"text": texts}, {"log_probability": scores}

    def _read(self, texts) -> Place:
        """Read prompts, [B], from the start."""
        ids, lengths = self.encoder.padded(texts)
        batch = tf.shape(ids)[0]
        inputs = tf.concat([tf.fill([batch, 1], END), ids], 1)
        mask = tf.sequence_mask(lengths + 1, tf.shape(inputs)[1])
        found = self.model.run(inputs, self.model.initial_states(batch), mask=mask)
        logits = tf.cast(self.model.logits(found.raw[:, -1]), tf.float32)
        never = tf.range(logits.shape[-1]) < len(SPECIAL)  # neither padding nor the unknown token is ever wanted
        logits = tf.where(never, -float("inf"), logits)
        whole = {"minlength": logits.shape[-1], "maxlength": logits.shape[-1]}
        seen = tf.math.bincount(ids, axis=-1, binary_output=True, **whole) > 0
        keys = tf.cast(tf.strings.to_hash_bucket_fast(texts, 2**31 - 1), tf.int32)
        return Place(logits, found.states, seen & ~never, tf.zeros([batch], tf.bool), keys, tf.constant(0))

    def _fill(self, texts):
        """The candidates for a blank, the best first, and their probabilities, [B, C] each."""
        before, after = blanks.sides(texts)
        words, probability = self._likeliest(before, CANDIDATES)
        apart = " " if self.encoder.unit == "word" else ""
        beside = (tf.strings.join([before, apart]), tf.strings.join([apart, after]))

        def score(texts):
            return self._score(texts)["log_probability"]

        shares = blanks.weighed(score, beside[0], words, probability, beside[1])
        order = tf.argsort(shares, direction="DESCENDING", stable=True)
        return tf.gather(words, order, batch_dims=1), tf.gather(shares, order, batch_dims=1)

    def _likeliest(self, texts, most):
        """At most so many words that may follow each text, the likeliest first, and their probabilities, [B, C]."""
        probability = tf.nn.softmax(self._read(texts).logits)[:, END + 1 :]  # that a text ends is no word
        best = tf.math.top_k(probability, min(most, probability.shape[-1]))
        return tf.gather(self._words[END + 1 :], best.indices), best.values

    def _sample(self, place, length, choice, seed):
        return decoding.sample(self._step, place, length, choice, seed, END)

    def _step(self, tokens, states):
        logits, states = self.model.step(tokens, states)
        return tf.cast(logits, tf.float32), states

    def _text(self, ids):
        """Ids, [B, L], as texts, [B]."""
        return written(tf.gather(self._words, ids), self.encoder.unit)

    def _score(self, texts):
        ids, _ = self.encoder.padded(texts)
        batch = tf.shape(ids)[0]
        inputs = tf.concat([tf.fill([batch, 1], END), ids[:, :-1]], 1)
        hidden = self.model.run(inputs, self.model.initial_states(batch)).raw
        flat = tf.reshape(hidden, [-1, hidden.shape[-1]]), tf.reshape(ids, [-1])
        losses = tf.reshape(each_cross_entropy(self.model.logits, *flat, len(self.encoder.vocabulary)), tf.shape(ids))
        counted = tf.cast(ids != PADDING, tf.float32)
        total, tokens = tf.reduce_sum(losses * counted, 1), tf.reduce_sum(counted, 1)
        perplexity = tf.exp(total / tf.maximum(tokens, 1.0))
        unknown = tf.math.count_nonzero(ids == UNKNOWN, 1, dtype=tf.int32)
        counts = {"tokens": tf.cast(tokens, tf.int32), "unknown": unknown}
        return {"log_probability": -total, **counts, "perplexity": perplexity}

    def _serve_generate(self, text, length, temperature, top_k, top_p, min_p, penalty, seed):
        choice = Choice(temperature, top_k, top_p, min_p, penalty)
        for name, value in {"length": length, **choice._asdict(), "seed": seed}.items():
            fits, words = GENERATED[name]
            tf.debugging.Assert(tf.reduce_all(fits(value)), [f"{name} must be {words}"])
        one_each = (tf.size(seed) == 1) | (tf.size(seed) == tf.size(text))
        with tf.control_dependencies([tf.debugging.Assert(one_each, ["seed must be one, or one of each text"])]):
            seed = tf.identity(seed)
        ids, _ = self._sample(self._read(text), length, choice, seed)
        return {"text": self._text(ids)}

    def _serve_plain(self, text):
        """As the command with nothing else said."""
        ids, _ = self._sample(self._read(text), LENGTH, Choice(TEMPERATURE), 0)
        return {"text": self._text(ids)}

    def _serve_next_word(self, text):
        words, probabilities = self._likeliest(text, SERVED)
        return {"word": words[:, 0], "words": words, "probabilities": probabilities}

    def _serve_fill(self, text):
        words, probabilities = self._fill(text)
        return {"word": words[:, 0], "words": words[:, :SERVED], "probabilities": probabilities[:, :SERVED]}

    def _word(self, number):
        return self._words[number].numpy().decode(errors="replace")
