"""Text from a network that says what may come next: sampling and beam search. Knows no model, only a step.

A step takes the last token of each row, int [B], and the states, any structure of [B, ...], and gives the logits of the
next token, [B, V], and the states after it. Everything here is TensorFlow ops, so that a graph can hold the whole loop.

Shapes: B rows, V vocabulary, L length, K beams.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

PADDING = 0  # what stands after the end of a row
Step = Callable[[tf.Tensor, object], tuple[tf.Tensor, object]]


class Choice(NamedTuple):
    """How a token is chosen; numbers, or scalars of a graph.

    Attributes:
        temperature: divides the logits; 0 takes the most probable token.
        top_k: of so many most probable tokens; 0 for all.
        top_p: of the fewest most probable tokens whose probabilities reach this sum (Holtzman et al., 2020).
        min_p: of tokens at least so probable as this share of the most probable one (Nguyen et al., 2024).
        penalty: the logit of a token that was there before is divided by this, or multiplied where it is negative
            (Keskar et al., 2019); 1 for none.
    """

    temperature: float | tf.Tensor = 1.0
    top_k: int | tf.Tensor = 0
    top_p: float | tf.Tensor = 1.0
    min_p: float | tf.Tensor = 0.0
    penalty: float | tf.Tensor = 1.0


class Place(NamedTuple):
    """Where a text stands, to go on from.

    Attributes:
        logits: of the next token, [B, V]; -inf for tokens that are never wanted.
        states: of the network.
        seen: bool [B, V], the tokens that were there.
        ended: bool [B], the rows that are at their end.
        number: how many tokens were chosen; part of the seed, so that going on gives what one call would have given.
    """

    logits: tf.Tensor
    states: object
    seen: tf.Tensor
    ended: tf.Tensor
    number: tf.Tensor


def sample(
    step: Step, place: Place, length: int | tf.Tensor, choice: Choice, seed: int | tf.Tensor, end: int
) -> tuple[tf.Tensor, Place]:
    """Choose `length` tokens of each row one after the other.

    Args:
        step: see the top of this file.
        place: where to begin.
        choice: how.
        seed: of the draw.
        end: the token that ends a row.

    Returns:
        The tokens, int32 [B, L], `PADDING` from a row's end on; and where to go on.

    Example:
        >>> spell = lambda tokens, states: (tf.one_hot((tokens + 1) % 5, 5) * 99.0, states)
        >>> none = tf.zeros((1, 5), tf.bool)
        >>> place = Place(tf.one_hot([2], 5) * 99.0, (), none, tf.constant([False]), tf.constant(0))
        >>> sample(spell, place, 4, Choice(), seed=0, end=4)[0].numpy().tolist()
        [[2, 3, 4, 0]]
    """
    batch, vocabulary = tf.shape(place.logits)[0], place.logits.shape[-1]

    def turn(t, place, tokens):
        drawn = _chosen(place, choice, seed)
        token = tf.where(place.ended, PADDING, drawn)
        logits, states = step(token, place.states)
        logits = tf.where(tf.math.is_inf(place.logits), place.logits, logits)  # what is never wanted stays so
        seen = place.seen | tf.one_hot(token, vocabulary, True, False)
        place = Place(logits, states, seen, place.ended | (token == end), place.number + 1)
        return t + 1, place, tokens.write(t, token)

    tokens = tf.TensorArray(tf.int32, length, element_shape=[place.logits.shape[0]])
    loop = (tf.constant(0), place, tokens)
    _, place, tokens = tf.while_loop(
        lambda t, place, _: (t < length) & ~tf.reduce_all(place.ended), turn, loop, parallel_iterations=1
    )
    return tf.reshape(tf.transpose(tokens.stack()), [batch, length]), place


def _chosen(place, choice, seed):
    """A token of each row, int32 [B]."""
    logits = place.logits
    punished = tf.where(logits > 0, logits / choice.penalty, logits * choice.penalty)
    logits = tf.where(place.seen, punished, logits)
    scaled = logits / tf.maximum(choice.temperature, 1e-6)
    narrow = (choice.top_k > 0) | (choice.top_p < 1.0)
    least = tf.cond(
        tf.convert_to_tensor(narrow),
        lambda: _least_sorted(scaled, choice),
        lambda: tf.fill([tf.shape(logits)[0], 1], -1e30),
    )
    likely = tf.reduce_max(scaled, -1, keepdims=True) + tf.math.log(tf.maximum(choice.min_p, 1e-30))
    kept = tf.where(scaled >= tf.maximum(least, likely), scaled, -float("inf"))
    # The most probable of logits with Gumbel noise is a draw from them; the noise is 0 where nothing is to be drawn.
    key = tf.stack([tf.cast(seed, tf.int32), place.number])
    uniform = tf.random.stateless_uniform(tf.shape(logits), key, 1e-30, 1.0, alg="philox")
    noise = tf.where(tf.convert_to_tensor(choice.temperature > 0), -tf.math.log(-tf.math.log(uniform)), 0.0)
    return tf.argmax(kept + noise, -1, output_type=tf.int32)


def _least_sorted(scaled, choice):
    """The least logit that top_k and top_p leave, [B, 1]."""
    count = scaled.shape[-1]
    ordered = tf.math.top_k(scaled, count).values
    k = tf.where(choice.top_k > 0, tf.minimum(choice.top_k, count), count)
    probability = tf.nn.softmax(ordered)
    before = tf.cumsum(probability, -1, exclusive=True)
    kept = (tf.range(count) < k) & (before < choice.top_p)
    kept |= tf.range(count) == 0
    return tf.reduce_min(tf.where(kept, ordered, float("inf")), -1, keepdims=True)


def beam_search(
    step: Step, logits: tf.Tensor, states: object, beams: int, length: int, end: int, normalise: float = 1.0
) -> tuple[tf.Tensor, tf.Tensor]:
    """The most probable sequences that a search with K beams finds.

    Args:
        step: see the top of this file.
        logits, states: of the place to begin at, [B, V] and [B, ...].
        beams: K, how many sequences of each row are followed.
        length: L, at most so many tokens.
        end: the token that ends a sequence.
        normalise: the log-probability is divided by the length to this power (Wu et al., 2016, without their
            constants); 0 for the sum.

    Returns:
        The sequences, int32 [B, K, L], the best first, `PADDING` after their end; and their scores, [B, K].
    """
    batch, vocabulary = tf.shape(logits)[0], logits.shape[-1]
    first = tf.nn.log_softmax(logits)
    pad = tf.fill([batch, max(0, beams - vocabulary)], -float("inf"))
    scores, tokens = tf.math.top_k(tf.concat([first, pad], 1), beams)
    tokens = tokens % vocabulary
    states = tf.nest.map_structure(lambda s: tf.repeat(s, beams, 0), states)
    ids = tf.concat([tokens[..., None], tf.zeros([batch, beams, length - 1], tf.int32)], 2)

    def turn(t, tokens, scores, ids, states):
        logits, states = step(tf.reshape(tokens, [-1]), states)
        scores, origin, tokens = _best(scores, tf.reshape(logits, [batch, beams, vocabulary]), ids, end)
        rows = tf.reshape(origin + tf.range(batch)[:, None] * beams, [-1])
        states = tf.nest.map_structure(lambda s: tf.ensure_shape(tf.gather(s, rows), s.shape), states)
        written = tf.one_hot(t, length, True, False)
        ids = tf.where(written, tokens[..., None], tf.gather(ids, origin, batch_dims=1))
        return t + 1, tokens, scores, ids, states

    loop = (tf.constant(1), tokens, scores, ids, states)
    _, _, scores, ids, _ = tf.while_loop(lambda t, *_: t < length, turn, loop, parallel_iterations=1)
    lengths = tf.cast(tf.math.count_nonzero(ids != PADDING, -1), scores.dtype)
    scores /= tf.maximum(lengths, 1.0) ** normalise
    order = tf.argsort(scores, direction="DESCENDING", stable=True)
    return tf.gather(ids, order, batch_dims=1), tf.gather(scores, order, batch_dims=1)


def _best(scores, logits, ids, end):
    """The K best ways to go on: scores, the sequence that each comes from, and its token, [B, K] each."""
    beams, vocabulary = logits.shape[1:]
    standing = tf.one_hot(PADDING, vocabulary, 0.0, -float("inf"))  # an ended sequence stays as it is
    ended = tf.reduce_any(ids == end, -1)
    more = tf.where(ended[..., None], standing, tf.nn.log_softmax(logits))
    scores, best = tf.math.top_k(tf.reshape(scores[..., None] + more, [-1, beams * vocabulary]), beams)
    return scores, best // vocabulary, best % vocabulary
