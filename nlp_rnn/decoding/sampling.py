"""Sampling from a network that gives the logits of the next token. It works with any model, through a step function.

A step function takes the last token of each row, int [B], and the states, any structure of [B, ...]; it returns the
logits of the next token, [B, V], and the new states. Everything here is TensorFlow operations, so that a graph can
hold the loop.

Shapes: B rows, V vocabulary, L length.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from nlp_rnn.deprecation import renamed_arguments

PADDING = 0  # after the end of a row
Step = Callable[[tf.Tensor, Any], tuple[tf.Tensor, Any]]


class SamplingConfig(NamedTuple):
    """How the next token is sampled; numbers, or scalar tensors in a graph.

    Attributes:
        temperature: divides the logits; 0 takes the most probable token.
        top_k: sample from this many most probable tokens; 0 for all.
        top_p: sample from the smallest set of most probable tokens whose probabilities sum to this (Holtzman et al.,
            2020, "nucleus sampling").
        min_p: sample from tokens whose probability is at least this fraction of the highest (Nguyen et al., 2024).
        repetition_penalty: divides the logit of a token that has occurred, or multiplies it where it is negative
            (Keskar et al., 2019); 1 for none.
    """

    temperature: float | tf.Tensor = 1.0
    top_k: int | tf.Tensor = 0
    top_p: float | tf.Tensor = 1.0
    min_p: float | tf.Tensor = 0.0
    repetition_penalty: float | tf.Tensor = 1.0


# A named tuple cannot define `__new__` itself.
_new = renamed_arguments({"penalty": "repetition_penalty"})(SamplingConfig.__new__)
SamplingConfig.__new__ = staticmethod(_new)  # type: ignore[method-assign]


class DecodingState(NamedTuple):
    """The state of decoding, to continue from.

    Attributes:
        logits: the logits of the next token, [B, V]; -inf for suppressed tokens, which are never sampled.
        states: the states of the network.
        seen: bool [B, V], the tokens that have occurred.
        ended: bool [B], the rows that have ended.
        keys: int32 [B], part of the seed: what a row samples depends on its key, not on its place in the batch.
        number: number of tokens sampled so far, so that two calls give the same tokens as one.
    """

    logits: tf.Tensor
    states: Any
    seen: tf.Tensor
    ended: tf.Tensor
    keys: tf.Tensor
    number: tf.Tensor


@renamed_arguments({"place": "state", "choice": "config"})
def sample(
    step: Step,
    state: DecodingState,
    length: int | tf.Tensor,
    config: SamplingConfig,
    seed: int | tf.Tensor,
    end: int,
) -> tuple[tf.Tensor, DecodingState]:
    """Sample `length` tokens of each row, one after the other.

    Args:
        step: the step function, see the top of this file.
        state: the state to begin from.
        length: L.
        config: how to sample.
        seed: one seed, or one for each row, [B].
        end: the token that ends a row.

    Returns:
        The tokens, int32 [B, L], `PADDING` after a row's end; and the state to continue from.

    Examples:
        >>> spell = lambda tokens, states: (tf.one_hot((tokens + 1) % 5, 5) * 99.0, states)
        >>> seen, ended = tf.zeros((1, 5), tf.bool), tf.constant([False])
        >>> state = DecodingState(tf.one_hot([2], 5) * 99.0, (), seen, ended, tf.constant([7]), tf.constant(0))
        >>> sample(spell, state, 4, SamplingConfig(), seed=0, end=4)[0].numpy().tolist()
        [[2, 3, 4, 0]]
    """
    batch, vocabulary = tf.shape(state.logits)[0], state.logits.shape[-1]
    numbers = _uniform(state, length, seed)

    def turn(t, state, tokens):
        token = tf.where(state.ended, PADDING, _next_token(state, config, numbers[:, t]))
        logits, states = step(token, state.states)
        logits = tf.where(tf.math.is_inf(state.logits), state.logits, logits)  # suppressed tokens stay suppressed
        seen = state.seen | tf.one_hot(token, vocabulary, True, False)
        ended = state.ended | (token == end)
        state = DecodingState(logits, states, seen, ended, state.keys, state.number + 1)
        return t + 1, state, tokens.write(t, token)

    tokens = tf.TensorArray(tf.int32, length, element_shape=[state.logits.shape[0]])
    loop = (tf.constant(0), state, tokens)
    _, state, tokens = tf.while_loop(
        lambda t, state, _: (t < length) & ~tf.reduce_all(state.ended), turn, loop, parallel_iterations=1
    )
    return tf.reshape(tf.transpose(tokens.stack()), [batch, length]), state


def _uniform(state, length, seed):
    """A number in [0, 1) for each of the next `length` tokens of each row, [B, L]."""
    keys = tf.stack([tf.broadcast_to(tf.cast(seed, tf.int32), tf.shape(state.keys)), state.keys], 1)

    def of_row(key):
        return tf.random.stateless_uniform([state.number + length], key, alg="philox")[state.number :]

    return tf.map_fn(of_row, keys, fn_output_signature=tf.TensorSpec([None]))


def _next_token(state, config, numbers):
    """A token for each row, int32 [B], by inverting its cumulative distribution at a number in [0, 1), [B]."""
    kept = _filtered(state, config)
    # The first token at which the cumulative probability exceeds the number: never one of probability 0.
    sums = tf.cumsum(tf.nn.softmax(kept), -1)
    sampled = tf.searchsorted(sums, (numbers * sums[:, -1])[:, None], side="right")[:, 0]
    sampled = tf.minimum(sampled, sums.shape[-1] - 1)  # NaN logits give an arbitrary token, not a failure
    best = tf.argmax(kept, -1, output_type=tf.int32)
    return tf.where(tf.convert_to_tensor(config.temperature > 0), sampled, best)


def _filtered(state, config):
    """The logits, penalized and divided by the temperature, [B, V]; -inf for tokens that are not to be sampled."""
    logits, penalty = state.logits, config.repetition_penalty
    penalized = tf.where(logits > 0, logits / penalty, logits * penalty)
    scaled = tf.where(state.seen, penalized, logits) / tf.maximum(config.temperature, 1e-6)
    filters = (config.top_k > 0) | (config.top_p < 1.0)
    least = tf.cond(
        tf.convert_to_tensor(filters),
        lambda: _threshold(scaled, config),
        lambda: tf.fill([tf.shape(logits)[0], 1], -1e30),
    )
    least_by_min_p = tf.reduce_max(scaled, -1, keepdims=True) + tf.math.log(tf.maximum(config.min_p, 1e-30))
    return tf.where(scaled >= tf.maximum(least, least_by_min_p), scaled, -float("inf"))


def _threshold(scaled, config):
    """The least logit that top_k and top_p keep, [B, 1]."""
    count = scaled.shape[-1]
    ordered = tf.math.top_k(scaled, count).values
    k = tf.where(config.top_k > 0, tf.minimum(config.top_k, count), count)
    before = tf.cumsum(tf.nn.softmax(ordered), -1, exclusive=True)
    kept = (tf.range(count) < k) & (before < config.top_p)
    kept |= tf.range(count) == 0
    return tf.reduce_min(tf.where(kept, ordered, float("inf")), -1, keepdims=True)
