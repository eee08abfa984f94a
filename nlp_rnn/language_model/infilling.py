"""Fill a blank in a text: the text before and after it, and the probability of each candidate.

Shapes: B texts, C candidates.
"""

from collections.abc import Callable

import tensorflow as tf

from nlp_rnn.checks import UsageError
from nlp_rnn.language_model.options import BLANK

BATCH = 32  # texts scored together, since the logits of each may be large


def check_blank(text: str) -> None:
    """Check that a text has one blank.

    Raises:
        UsageError: it has none, several, or one with more than three underscores.
    """
    parts = text.split(BLANK)
    if len(parts) != 2:
        wanted = f"put one blank, {BLANK}, where the word is missing"
        raise UsageError(f"{text[:60]!r}: {wanted}; there are {len(parts) - 1}")
    if parts[0].endswith("_") or parts[1].startswith("_"):
        raise UsageError(f"{text[:60]!r}: a blank is exactly three underscores, {BLANK}")


def split_at_blank(texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The text before the blank and the text after it, [B] each; fails unless each text has one blank."""
    parts = tf.strings.split(texts, BLANK)
    valid = (parts.row_lengths() == 2) & ~tf.strings.regex_full_match(texts, rf"(?s).*{BLANK}_.*")
    message = f"each text must have exactly one blank, {BLANK}"
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(valid), [message])]):
        both = tf.reshape(parts.flat_values, [-1, 2])
    return both[:, 0], both[:, 1]


def rescored(
    score: Callable[[tf.Tensor], tf.Tensor],
    before: tf.Tensor,
    words: tf.Tensor,
    probability: tf.Tensor,
    after: tf.Tensor,
) -> tf.Tensor:
    """The probability of each candidate among all candidates, [B, C], given the whole text.

    For a text that ends with its blank, this is `probability`.

    Args:
        score: maps texts, string [N], to their log-probabilities, [N].
        before, after: the text around the blank, string [B], spaces included.
        words: the candidates, string [B, C].
        probability: the probability of each candidate given the text before it, [B, C].
    """

    def of_text(given):
        first, candidates, chances, last = given
        texts = tf.strings.join([first, candidates, last])
        ends = tf.strings.regex_full_match(last, r"[\s\p{Z}]*")
        return tf.cond(ends, lambda: chances, lambda: tf.nn.softmax(_scores(score, texts)))

    signature = tf.TensorSpec([words.shape[1]])
    # Texts and their batches are processed sequentially: in parallel, the logits would not fit into memory.
    return tf.map_fn(of_text, (before, words, probability, after), fn_output_signature=signature, parallel_iterations=1)


def _scores(score, texts):
    """The log-probabilities of texts, [C], in batches."""
    count = tf.shape(texts)[0]
    batches = tf.reshape(tf.pad(texts, [[0, -count % BATCH]], constant_values=""), [-1, BATCH])
    scores = tf.map_fn(score, batches, fn_output_signature=tf.float32, parallel_iterations=1)
    return tf.reshape(scores, [-1])[:count]
