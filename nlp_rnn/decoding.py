"""Text from a network that says what may come next: sampling and beam search. Knows no model, only a step.

A step takes the last token of each row, int [B], and the states, any structure of [B, ...], and gives the logits of the
next token, [B, V], and the states after it. Everything here is TensorFlow ops, so that a graph can hold the whole loop.

Shapes: B rows, V vocabulary, L length, K beams.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

PADDING = 0  # what stands after the end of a row
MOST_BEAMS = 100  # that a user may ask for: memory grows with them
BLOCK = 64  # tokens
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
        keys: int32 [B], part of the seed: a row is drawn by its own alone, wherever in a batch it stands.
        number: how many tokens were chosen, so that going on gives what one call would have given.
    """

    logits: tf.Tensor
    states: object
    seen: tf.Tensor
    ended: tf.Tensor
    keys: tf.Tensor
    number: tf.Tensor


def sample(
    step: Step, place: Place, length: int | tf.Tensor, choice: Choice, seed: int | tf.Tensor, end: int
) -> tuple[tf.Tensor, Place]:
    """Choose `length` tokens of each row one after the other.

    Args:
        step: see the top of this file.
        place: where to begin.
        choice: how.
        seed: of the draw; one, or one of each row, [B].
        end: the token that ends a row.

    Returns:
        The tokens, int32 [B, L], `PADDING` from a row's end on; and where to go on.

    Example:
        >>> spell = lambda tokens, states: (tf.one_hot((tokens + 1) % 5, 5) * 99.0, states)
        >>> none, keys = tf.zeros((1, 5), tf.bool), tf.constant([7])
        >>> place = Place(tf.one_hot([2], 5) * 99.0, (), none, tf.constant([False]), keys, tf.constant(0))
        >>> sample(spell, place, 4, Choice(), seed=0, end=4)[0].numpy().tolist()
        [[2, 3, 4, 0]]
    """
    batch, vocabulary = tf.shape(place.logits)[0], place.logits.shape[-1]
    numbers = _numbers(place, length, seed)

    def turn(t, place, tokens):
        drawn = _chosen(place, choice, numbers[:, t])
        token = tf.where(place.ended, PADDING, drawn)
        logits, states = step(token, place.states)
        logits = tf.where(tf.math.is_inf(place.logits), place.logits, logits)  # what is never wanted stays so
        seen = place.seen | tf.one_hot(token, vocabulary, True, False)
        ended = place.ended | (token == end)
        place = Place(logits, states, seen, ended, place.keys, place.number + 1)
        return t + 1, place, tokens.write(t, token)

    tokens = tf.TensorArray(tf.int32, length, element_shape=[place.logits.shape[0]])
    loop = (tf.constant(0), place, tokens)
    _, place, tokens = tf.while_loop(
        lambda t, place, _: (t < length) & ~tf.reduce_all(place.ended), turn, loop, parallel_iterations=1
    )
    return tf.reshape(tf.transpose(tokens.stack()), [batch, length]), place


def _numbers(place, length, seed):
    """From 0 up to 1, what the next `length` tokens of each row are drawn by, [B, L]."""
    number = place.number
    keys = tf.stack([tf.broadcast_to(tf.cast(seed, tf.int32), tf.shape(place.keys)), place.keys], 1)

    def of_row(key):
        return tf.random.stateless_uniform([number + length], key, alg="philox")[number:]

    return tf.map_fn(of_row, keys, fn_output_signature=tf.TensorSpec([None]))


def _chosen(place, choice, numbers):
    """A token of each row, int32 [B], from a number of each, [B]."""
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
    # The first token up to which the probabilities come to more than the number; one of probability 0 never is.
    sums = tf.cumsum(tf.nn.softmax(kept), -1)
    drawn = tf.searchsorted(sums, (numbers * sums[:, -1])[:, None], side="right")[:, 0]
    drawn = tf.minimum(drawn, sums.shape[-1] - 1)  # of logits that are no numbers nothing can be drawn: any token
    best = tf.argmax(kept, -1, output_type=tf.int32)
    return tf.where(tf.convert_to_tensor(choice.temperature > 0), drawn, best)


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


class Search(NamedTuple):
    """How a beam search goes; numbers, or scalars of a graph.

    Attributes:
        beams: K, how many sequences of each row are followed.
        length_penalty: the log-probability is divided by the length to this power (Wu et al., 2016, without their
            constants); 0 for the sum.
        coverage_penalty: weight of the logarithm of how far each token of a source was attended to (same paper).
        least: tokens before a sequence may end.
        no_repeat: no run of so many tokens comes twice; 0: anything may.
    """

    beams: int | tf.Tensor = 5
    length_penalty: float | tf.Tensor = 1.0
    coverage_penalty: float | tf.Tensor = 0.0
    least: int | tf.Tensor = 0
    no_repeat: int = 0


def beam_search(
    step: Step,
    logits: tf.Tensor,
    states: object,
    search: Search,
    length: int | tf.Tensor,
    end: int,
    coverage: Callable[[object], tf.Tensor] | None = None,
    never: Sequence[int] = (),
    limits: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor, object]:
    """The most probable sequences that a search with K beams finds.

    Args:
        step: see the top of this file. It is called with B * K rows, those of a row of the batch side by side.
        logits, states: of the place to begin at, [B, V] and [B, ...].
        search: how.
        length: L, at most so many tokens.
        end: the token that ends a sequence.
        coverage: from the states, how much attention each token of the source has had, [B * K, S], and at least one
            where there is nothing to attend to; needed for a coverage penalty.
        never: tokens that are never taken, beside `PADDING`.
        limits: of each row, after how many tokens it has to end, the ending token counted; int [B].

    Returns:
        The sequences, int32 [B, K, L], the best first, `PADDING` after their end; their scores, [B, K], -inf where
        there are fewer sequences than beams; and the states after each, [B * K, ...].
    """
    batch, beams = tf.shape(logits)[0], search.beams
    states = tf.nest.map_structure(lambda s: tf.repeat(s, beams, 0), states)
    rows = tf.repeat(logits, beams, 0)
    ids = tf.zeros([batch, beams, length], tf.int32)
    # At first all beams of a row are the same, and only one of them may go on.
    scores = tf.tile(tf.where(tf.range(beams) == 0, 0.0, -float("inf"))[None], [batch, 1])

    def turn(t, ids, scores, ended, logits, states):
        found, tokens = _candidates(logits, ids, ended, t, search, end, (PADDING, *never), limits)
        totals = tf.reshape(scores[..., None] + found, [batch, -1])
        scores, best = tf.math.top_k(totals, beams)
        origin = best // tf.shape(found)[2]
        tokens = tf.gather(tf.reshape(tokens, [batch, -1]), best, batch_dims=1)
        written = tf.one_hot(t, length, True, False)
        ids = tf.where(written, tokens[..., None], tf.gather(ids, origin, batch_dims=1))
        ended = tf.gather(ended, origin, batch_dims=1) | (tokens == end)
        of_row = tf.reshape(origin + tf.range(batch)[:, None] * beams, [-1])
        states = tf.nest.map_structure(lambda s: tf.ensure_shape(tf.gather(s, of_row), s.shape), states)
        logits, states = step(tf.reshape(tokens, [-1]), states)
        return t + 1, ids, scores, ended, tf.ensure_shape(logits, rows.shape), states

    def going_on(t, ids, scores, ended, *_):
        return (t < length) & ~tf.reduce_all(ended | tf.math.is_inf(scores))

    loop = (tf.constant(0), ids, scores, tf.zeros([batch, beams], tf.bool), rows, states)
    of_beams, of_states = tf.TensorShape([None, None]), tf.nest.map_structure(lambda s: s.shape, states)
    shapes = (tf.TensorShape([]), tf.TensorShape([None, None, None]), of_beams, of_beams, rows.shape, of_states)
    _, ids, scores, _, _, states = tf.while_loop(going_on, turn, loop, shapes, parallel_iterations=1)
    return _ranked(ids, scores, states, search, coverage)


def _candidates(logits, ids, ended, t, search, end, never, limits):
    """Of each beam the C likeliest tokens that may come after `t`: log-probabilities and tokens, [B, K, C]."""
    found = tf.nn.log_softmax(logits)
    if search.no_repeat:
        found = _without_repeats(found, ids, t, search.no_repeat)
    # No beam can give more than K of the K best; more are taken in place of those that are ruled out.
    count = tf.minimum(search.beams + len(never) + 1, logits.shape[-1])
    of_end = tf.reshape(found[:, end], tf.concat([tf.shape(ended), [1]], 0)) if limits is not None else None
    found, tokens = _likeliest(found, count)
    ruled_out = (tokens == end) & (t < search.least)
    for token in never:
        ruled_out |= tokens == token
    shape = tf.concat([tf.shape(ended), [count]], 0)
    found, tokens = tf.reshape(tf.where(ruled_out, -float("inf"), found), shape), tf.reshape(tokens, shape)
    standing = tf.where(tf.range(count) == 0, 0.0, -float("inf"))  # an ended sequence stays as it is
    if limits is not None:
        last = (t >= limits - 1)[:, None, None]
        found, tokens = tf.where(last, of_end + standing, found), tf.where(last, end, tokens)
    return tf.where(ended[..., None], standing, found), tf.where(ended[..., None], PADDING, tokens)


def _likeliest(found, count):
    """As `tf.math.top_k`, which is slow on long rows: the best `count` values lie in the best `count` blocks."""
    size = found.shape[-1]
    if size < 8 * BLOCK:
        return tf.math.top_k(found, count)
    padded = tf.pad(found, [[0, 0], [0, -size % BLOCK]], constant_values=-float("inf"))
    blocks = tf.reshape(padded, [-1, padded.shape[-1] // BLOCK, BLOCK])
    best = tf.math.top_k(tf.reduce_max(blocks, -1), tf.minimum(count, blocks.shape[1])).indices
    best = tf.sort(best)  # of equal values the first is taken, as `top_k` does
    among = tf.reshape(tf.gather(blocks, best, batch_dims=1), [-1, BLOCK * tf.shape(best)[1]])
    values, places = tf.math.top_k(among, count)
    return values, BLOCK * tf.gather(best, places // BLOCK, batch_dims=1) + places % BLOCK


def _without_repeats(found, ids, t, n):
    """Log-probabilities, [B * K, V], -inf for tokens that would make a run of `n` come twice."""
    ids, length = tf.reshape(ids, [-1, tf.shape(ids)[2]]), tf.shape(ids)[2]
    places = tf.range(tf.maximum(length - n + 1, 0))
    runs = tf.gather(ids, places[:, None] + tf.range(n)[None], axis=1)
    last = tf.gather(ids, tf.maximum(t - (n - 1) + tf.range(n - 1), 0), axis=1)
    came = tf.reduce_all(runs[..., :-1] == last[:, None], -1) & (places + n <= t)
    tokens = tf.where(came, runs[..., -1], PADDING)  # which is ruled out anyway
    rows = tf.broadcast_to(tf.range(tf.shape(ids)[0])[:, None], tf.shape(tokens))
    repeats = tf.scatter_nd(tf.stack([rows, tokens], -1), tf.ones_like(tokens), tf.shape(found)) > 0
    return tf.where(repeats, -float("inf"), found)


def _ranked(ids, scores, states, search, coverage):
    """Sequences, scores and states, the best first."""
    batch, beams, _ = tf.unstack(tf.shape(ids))
    lengths = tf.cast(tf.math.count_nonzero(ids != PADDING, -1), scores.dtype)
    scores /= tf.maximum(lengths, 1.0) ** search.length_penalty
    if coverage is not None:
        attended = tf.math.log(tf.clip_by_value(coverage(states), 1e-6, 1.0))
        scores += search.coverage_penalty * tf.reshape(tf.reduce_sum(attended, -1), [batch, beams])
    order = tf.argsort(scores, direction="DESCENDING", stable=True)
    rows = tf.reshape(order + tf.range(batch)[:, None] * beams, [-1])
    states = tf.nest.map_structure(lambda s: tf.gather(s, rows), states)
    return tf.gather(ids, order, batch_dims=1), tf.gather(scores, order, batch_dims=1), states


def mean_logits(logits: Sequence[tf.Tensor]) -> tf.Tensor:
    """The logarithm of the mean of several networks' probabilities, [B, V]."""
    if len(logits) == 1:
        return logits[0]
    together = tf.reduce_logsumexp(tf.stack([tf.nn.log_softmax(one) for one in logits]), 0)
    return together - tf.math.log(float(len(logits)))
