"""A blank in a text: what stands before and after it, and which tokens fill it best. TensorFlow ops, to be exported.

Shapes: B texts, C candidates.
"""

from collections.abc import Callable

import tensorflow as tf

from nlp_rnn.checks import BLANK, CallError

AT_ONCE = 32  # texts scored together: the logits of each may be large


def check(text: str) -> None:
    """Check that a text has one blank.

    Raises:
        CallError: it has none, or more than one, or a longer one.
    """
    parts = text.split(BLANK)
    if len(parts) != 2:
        raise CallError(f"{text[:60]!r}: put one blank, {BLANK}, where the word is missing; there are {len(parts) - 1}")
    if parts[0].endswith("_") or parts[1].startswith("_"):
        raise CallError(f"{text[:60]!r}: a blank is three underscores, {BLANK}, no more")


def sides(texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What stands before the blank and after it, [B] each; fails where a text does not have one blank."""
    parts = tf.strings.split(texts, BLANK)
    fits = (parts.row_lengths() == 2) & ~tf.strings.regex_full_match(texts, rf"(?s).*{BLANK}_.*")
    wanted = f"each text must have one blank, {BLANK}, no more"
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(fits), [wanted])]):
        both = tf.reshape(parts.flat_values, [-1, 2])
    return both[:, 0], both[:, 1]


def weighed(
    score: Callable[[tf.Tensor], tf.Tensor],
    before: tf.Tensor,
    words: tf.Tensor,
    probability: tf.Tensor,
    after: tf.Tensor,
) -> tf.Tensor:
    """How probable each candidate is among all of them, [B, C], by the whole text; by `probability` where it ends.

    Args:
        score: log-probabilities [N] of texts [N].
        before, after: what stands beside the blank, [B], spaces included.
        words: the candidates, [B, C].
        probability: of each after what stands before it, [B, C].
    """

    def of_text(given):
        first, candidates, chances, last = given
        texts = tf.strings.join([first, candidates, last])
        ends = tf.strings.regex_full_match(last, r"[\s\p{Z}]*")
        return tf.cond(ends, lambda: chances, lambda: tf.nn.softmax(_scores(score, texts)))

    kind = tf.TensorSpec([words.shape[1]])
    # One after the other, as the parts of one: side by side their logits would not fit.
    return tf.map_fn(of_text, (before, words, probability, after), fn_output_signature=kind, parallel_iterations=1)


def _scores(score, texts):
    """Of texts, [C], a few at a time."""
    count = tf.shape(texts)[0]
    parts = tf.reshape(tf.pad(texts, [[0, -count % AT_ONCE]], constant_values=""), [-1, AT_ONCE])
    found = tf.map_fn(score, parts, fn_output_signature=tf.float32, parallel_iterations=1)
    return tf.reshape(found, [-1])[:count]
