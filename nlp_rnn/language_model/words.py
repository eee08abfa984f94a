"""Words among the tokens of a language model: which are the candidates for a blank, and how a text continues.

Shapes: B batch, T tokens, V vocabulary, S distinct words, C candidates.
"""

import numpy as np
import tensorflow as tf

from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.tokenizer import Tokenizer
from nlp_rnn.text.vocabulary import END
from nlp_rnn.text.words import LINE_BREAK, surface

_SPACE_BEFORE = r"(?s).*[\s\p{Z}\p{L}\p{M}\p{N}.,!?;:%)\]}…]"  # what a word that is written after it is apart from
_NO_SPACE_BEFORE = r"[.,!?;:%)\]}…].*"  # words that follow without a space


class Candidates:
    """The words of an encoder: its tokens, of which those that differ only in their spaces are one word.

    Examples:
        >>> from nlp_rnn.text.vocabulary import Vocabulary
        >>> encoder = TextEncoder(Vocabulary([b"sky", b"\\x06sky", b"sea"]).with_end(), spacing=True)
        >>> words, probability = Candidates(encoder).most_probable(tf.constant([[0, 0, 0, 0.3, 0.3, 0.4]]), 1)
        >>> words.numpy().tolist(), round(float(probability[0, 0]), 4)
        ([[b'sky']], 0.6)
    """

    def __init__(self, encoder: TextEncoder):
        written = encoder.token_strings[END + 1 :].numpy()
        self._merges = encoder.tokenizer.spacing
        words, self._number = np.unique(surface(written).numpy(), return_inverse=True)
        self._words = tf.constant(words if self._merges else written)
        self._number = np.where(written == LINE_BREAK.encode(), -1, self._number.reshape(-1))  # no word

    def most_probable(self, probability: tf.Tensor, limit: int) -> tuple[tf.Tensor, tf.Tensor]:
        """The most probable words, at most `limit`, and their probabilities, [B, C].

        Args:
            probability: of each token, [B, V].
            limit: maximum C.
        """
        probability = probability[:, END + 1 :]  # the end of a text is not a word
        if self._merges:
            sums = tf.math.unsorted_segment_sum(tf.transpose(probability), self._number, len(self._words))
            probability = tf.transpose(sums)
        best = tf.math.top_k(probability, min(limit, len(self._words)))
        return tf.gather(self._words, best.indices), best.values


def around_blank(
    tokenizer: Tokenizer, before: tf.Tensor, words: tf.Tensor, after: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The text before a blank, [B], the candidates with the spaces before them, [B, C], and the text after it, [B].

    A blank is a word by itself: "the___is" is "the ___ is", but a mark stands as it would without the blank.
    """
    if tokenizer.token_level != "word":
        return before, words, after
    if not tokenizer.keeps_spaces:
        return tf.strings.join([before, " "]), words, tf.strings.join([" ", after])
    apart = tf.strings.regex_full_match(before, _SPACE_BEFORE)[:, None]
    closing = tf.strings.regex_full_match(words, _NO_SPACE_BEFORE)
    spaced = tf.strings.join([tf.where(apart & ~closing, " ", ""), words])
    stripped = tf.strings.regex_replace(before, r"[\s\p{Z}]+$", "")
    return stripped, spaced, tf.strings.regex_replace(after, r"^[\p{L}\p{N}]", r" \0")


def continuation(encoder: TextEncoder, prompts: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    """Tokens, string [B, T], as texts to append to prompts, [B]; with the space between, where tokens carry spaces."""
    tokenizer = encoder.tokenizer
    if not tokenizer.keeps_spaces:
        return tokenizer.join(tokens)
    last = encoder.last(prompts)[:, None]
    whole, first = tokenizer.continued(tf.concat([last, tokens], 1)), tokenizer.continued(last)
    rest = tf.strings.substr(whole, tf.strings.length(first), tf.strings.length(whole))
    spaced = tf.strings.regex_full_match(prompts, r"(?s)(?:.*[\s\p{Z}\p{Cc}])?")
    return tf.where(spaced, tf.strings.regex_replace(rest, "^ +", ""), rest)
