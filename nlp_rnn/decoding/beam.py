"""Beam search over a network that gives the logits of the next token. It works with any model, through a
step function: see `sampling.Step`.

Shapes: B rows, V vocabulary, L length, K beams, S source tokens, C candidates.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from nlp_rnn.decoding.sampling import PADDING, Step
from nlp_rnn.deprecation import renamed_arguments

BLOCK = 64  # tokens


class BeamSearchConfig(NamedTuple):
    """The options of a beam search; numbers, or scalar tensors in a graph.

    Attributes:
        beam_width: K, the number of hypotheses kept for each row.
        length_penalty: the log-probability is divided by the length to this power (Wu et al., 2016, without their
            constants); 0 for no normalization.
        coverage_penalty: weight of the sum over the source tokens of the logarithm of the attention that each has
            received (same paper).
        min_length: minimum number of tokens before the end.
        no_repeat_ngram_size: n-grams of this length occur once only (Paulus et al., 2018); 0 turns it off.
    """

    beam_width: int | tf.Tensor = 5
    length_penalty: float | tf.Tensor = 1.0
    coverage_penalty: float | tf.Tensor = 0.0
    min_length: int | tf.Tensor = 0
    no_repeat_ngram_size: int = 0


_FORMER = {"beams": "beam_width", "least": "min_length", "no_repeat": "no_repeat_ngram_size"}
BeamSearchConfig.__new__ = renamed_arguments(_FORMER)(BeamSearchConfig.__new__)


@renamed_arguments({"search": "config", "never": "suppressed_tokens"})
def beam_search(
    step: Step,
    logits: tf.Tensor,
    states: object,
    config: BeamSearchConfig,
    length: int | tf.Tensor,
    end: int,
    coverage: Callable[[object], tf.Tensor] | None = None,
    suppressed_tokens: Sequence[int] = (),
    limits: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor, object]:
    """The most probable sequences that a search with K beams finds.

    Args:
        step: the network, see `sampling.Step`. It is called with B * K rows, the beams of a row next to each other.
        logits, states: the logits of the first token, [B, V], and the states before it, [B, ...].
        config: the options of the search.
        length: L, the maximum length.
        end: the token that ends a sequence.
        coverage: maps the states to the attention that each source token has received so far, [B * K, S], with at least
            1 at padding; required for a coverage penalty.
        suppressed_tokens: tokens that are never chosen, in addition to `PADDING`.
        limits: maximum length of each row, the end token included, int [B].

    Returns:
        The sequences, int32 [B, K, L], the best first, `PADDING` after their end; their scores, [B, K], -inf where
        there are fewer sequences than beams; and the states after each, [B * K, ...].

    Examples:
        >>> spell = lambda tokens, states: (tf.one_hot((tokens + 1) % 5, 5) * 9.0, states)
        >>> ids, scores, _ = beam_search(spell, tf.one_hot([2], 5) * 9.0, (), BeamSearchConfig(3), length=4, end=4)
        >>> ids.numpy()[0, 0].tolist(), scores.shape
        ([2, 3, 4, 0], TensorShape([1, 3]))
    """
    batch, beams = tf.shape(logits)[0], config.beam_width
    states = tf.nest.map_structure(lambda s: tf.repeat(s, beams, 0), states)
    rows = tf.repeat(logits, beams, 0)
    ids = tf.zeros([batch, beams, length], tf.int32)
    # At first all beams of a row are the same: only one of them may be extended.
    scores = tf.tile(tf.where(tf.range(beams) == 0, 0.0, -float("inf"))[None], [batch, 1])

    def extend(t, ids, scores, ended, logits, states):
        candidates = _candidates(logits, ids, ended, t, config, end, (PADDING, *suppressed_tokens), limits)
        origin, tokens, scores = _best(scores, *candidates)
        position = tf.one_hot(t, length, True, False)
        ids = tf.where(position, tokens[..., None], tf.gather(ids, origin, batch_dims=1))
        ended = tf.gather(ended, origin, batch_dims=1) | (tokens == end)
        logits, states = step(tf.reshape(tokens, [-1]), _reordered(states, origin))
        return t + 1, ids, scores, ended, tf.ensure_shape(logits, rows.shape), states

    def unfinished(t, ids, scores, ended, *_):
        return (t < length) & ~tf.reduce_all(ended | tf.math.is_inf(scores))

    loop = (tf.constant(0), ids, scores, tf.zeros([batch, beams], tf.bool), rows, states)
    of_beams, of_states = tf.TensorShape([None, None]), tf.nest.map_structure(lambda s: s.shape, states)
    shapes = (tf.TensorShape([]), tf.TensorShape([None, None, None]), of_beams, of_beams, rows.shape, of_states)
    _, ids, scores, _, _, states = tf.while_loop(unfinished, extend, loop, shapes, parallel_iterations=1)
    return _ranked(ids, scores, states, config, coverage)


def _best(scores, log_probabilities, tokens):
    """Of all candidates, [B, K, C], the K best of each row: the beams they extend, their tokens and scores, [B, K]."""
    batch, beams, count = tf.unstack(tf.shape(tokens))
    totals = tf.reshape(scores[..., None] + log_probabilities, [batch, -1])
    scores, best = tf.math.top_k(totals, beams)
    return best // count, tf.gather(tf.reshape(tokens, [batch, -1]), best, batch_dims=1), scores


def _reordered(states, order):
    """The states of the beams in another order, int [B, K]."""
    batch, beams = tf.unstack(tf.shape(order))
    rows = tf.reshape(order + tf.range(batch)[:, None] * beams, [-1])
    return tf.nest.map_structure(lambda s: tf.ensure_shape(tf.gather(s, rows), s.shape), states)


def _candidates(logits, ids, ended, t, config, end, excluded, limits):
    """Log-probabilities and tokens of the C best continuations of each beam at position t, [B, K, C]."""
    scored = tf.nn.log_softmax(logits)
    if config.no_repeat_ngram_size:
        scored = _without_repeats(scored, ids, t, config.no_repeat_ngram_size)
    # The K best of a row hold at most K of one beam; a few more make up for the excluded ones.
    count = tf.minimum(config.beam_width + len(excluded) + 1, logits.shape[-1])
    of_end = tf.reshape(scored[:, end], tf.concat([tf.shape(ended), [1]], 0)) if limits is not None else None
    scored, tokens = _top_k(scored, count)
    ruled_out = (tokens == end) & (t < config.min_length)
    for token in excluded:
        ruled_out |= tokens == token
    shape = tf.concat([tf.shape(ended), [count]], 0)
    scored, tokens = tf.reshape(tf.where(ruled_out, -float("inf"), scored), shape), tf.reshape(tokens, shape)
    unchanged = tf.where(tf.range(count) == 0, 0.0, -float("inf"))  # an ended sequence has one continuation
    if limits is not None:
        last = (t >= limits - 1)[:, None, None]
        scored, tokens = tf.where(last, of_end + unchanged, scored), tf.where(last, end, tokens)
    return tf.where(ended[..., None], unchanged, scored), tf.where(ended[..., None], PADDING, tokens)


def _top_k(values, count):
    """As `tf.math.top_k`, which is slow on long rows: the best `count` values lie in the best `count` blocks."""
    size = values.shape[-1]
    if size < 8 * BLOCK:
        return tf.math.top_k(values, count)
    padded = tf.pad(values, [[0, 0], [0, -size % BLOCK]], constant_values=-float("inf"))
    blocks = tf.reshape(padded, [-1, padded.shape[-1] // BLOCK, BLOCK])
    best = tf.math.top_k(tf.reduce_max(blocks, -1), tf.minimum(count, blocks.shape[1])).indices
    best = tf.sort(best)  # among equal values the first one wins, as in `tf.math.top_k`
    among = tf.reshape(tf.gather(blocks, best, batch_dims=1), [-1, BLOCK * tf.shape(best)[1]])
    values, positions = tf.math.top_k(among, count)
    return values, BLOCK * tf.gather(best, positions // BLOCK, batch_dims=1) + positions % BLOCK


def _without_repeats(scored, ids, t, n):
    """Log-probabilities, [B * K, V], -inf for tokens that would repeat an n-gram."""
    ids, length = tf.reshape(ids, [-1, tf.shape(ids)[2]]), tf.shape(ids)[2]
    starts = tf.range(tf.maximum(length - n + 1, 0))
    ngrams = tf.gather(ids, starts[:, None] + tf.range(n)[None], axis=1)
    suffix = tf.gather(ids, tf.maximum(t - (n - 1) + tf.range(n - 1), 0), axis=1)
    matches = tf.reduce_all(ngrams[..., :-1] == suffix[:, None], -1) & (starts + n <= t)
    tokens = tf.where(matches, ngrams[..., -1], PADDING)  # padding is excluded in any case
    rows = tf.broadcast_to(tf.range(tf.shape(ids)[0])[:, None], tf.shape(tokens))
    repeats = tf.scatter_nd(tf.stack([rows, tokens], -1), tf.ones_like(tokens), tf.shape(scored)) > 0
    return tf.where(repeats, -float("inf"), scored)


def _ranked(ids, scores, states, config, coverage):
    """Sequences, scores and states, the best first."""
    lengths = tf.cast(tf.math.count_nonzero(ids != PADDING, -1), scores.dtype)
    scores /= tf.maximum(lengths, 1.0) ** config.length_penalty
    if coverage is not None:
        attended = tf.math.log(tf.clip_by_value(coverage(states), 1e-6, 1.0))
        scores += config.coverage_penalty * tf.reshape(tf.reduce_sum(attended, -1), tf.shape(scores))
    order = tf.argsort(scores, direction="DESCENDING", stable=True)
    return tf.gather(ids, order, batch_dims=1), tf.gather(scores, order, batch_dims=1), _reordered(states, order)


def mean_logits(logits: Sequence[tf.Tensor]) -> tf.Tensor:
    """The logarithm of the mean of the probabilities of an ensemble, [B, V]; with one network, its logits.

    Args:
        logits: of each network, [B, V].

    Examples:
        >>> both = mean_logits([tf.math.log([[0.2, 0.8]]), tf.math.log([[0.6, 0.4]])])
        >>> tf.exp(both).numpy().round(3).tolist()
        [[0.4000000059604645, 0.6000000238418579]]
    """
    if len(logits) == 1:
        return logits[0]
    joint = tf.reduce_logsumexp(tf.stack([tf.nn.log_softmax(one) for one in logits]), 0)
    return joint - tf.math.log(float(len(logits)))
