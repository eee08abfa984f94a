"""Sampling from steps that spell a word, and from distributions in closed form."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from nlp_rnn.decoding import sampling
from nlp_rnn.decoding.sampling import DecodingState, SamplingConfig, sample

V, END = 5, 4
SHARES = [0.4, 0.3, 0.2, 0.07, 0.03]


def state_of(logits):
    logits = tf.constant(np.atleast_2d(logits), tf.float32)
    rows = logits.shape[0]
    nothing = tf.zeros((rows, V), tf.bool)
    return DecodingState(logits, tf.zeros((rows, 1)), nothing, tf.zeros(rows, tf.bool), tf.range(rows), tf.constant(0))


def spell(tokens, states):
    """After n comes n + 1, with certainty."""
    return 99.0 * tf.one_hot((tokens + 1) % V, V), states


def always(probabilities):
    logits = tf.math.log(tf.constant(probabilities, tf.float32))
    return lambda tokens, states: (tf.tile(logits[None], [tf.shape(tokens)[0], 1]), states)


def frequencies(probabilities, config, length=4000, seed=0):
    """How often each token was sampled."""
    state = state_of(np.log(np.maximum(probabilities, 1e-30)))
    ids, _ = tf.function(lambda: sample(always(probabilities), state, length, config, seed, end=-1))()
    return np.bincount(ids.numpy()[0], minlength=V) / length


def test_spells_a_word_and_stops_at_its_end():
    state = state_of([[0, 9, 0, 0, 0], [0, 0, 0, 9, 0]])
    ids, state = sample(spell, state, 6, SamplingConfig(0.0), 0, END)
    assert ids.numpy().tolist() == [[1, 2, 3, 4, 0, 0], [3, 4, 0, 0, 0, 0]]
    assert state.ended.numpy().all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "config, expected",
    [
        (SamplingConfig(), SHARES),
        (SamplingConfig(temperature=0.5), np.square(SHARES) / np.square(SHARES).sum()),
        (SamplingConfig(temperature=0.0), [1, 0, 0, 0, 0]),
        (SamplingConfig(top_k=2), [4 / 7, 3 / 7, 0, 0, 0]),
        (SamplingConfig(top_p=0.75), [4 / 9, 3 / 9, 2 / 9, 0, 0]),
        (SamplingConfig(top_p=0.01), [1, 0, 0, 0, 0]),
        (SamplingConfig(min_p=0.6), [4 / 7, 3 / 7, 0, 0, 0]),
    ],
)
def test_samples_with_the_probabilities_that_the_config_gives(config, expected):
    np.testing.assert_allclose(frequencies(SHARES, config), expected, atol=0.03)


def test_a_repetition_penalty_turns_away_from_a_token_that_has_occurred():
    step, first = always([0.5, 0.4, 0.04, 0.03, 0.03]), np.log([0.5, 0.4, 0.04, 0.03, 0.03]) + 5

    def shifted(tokens, states):
        return step(tokens, states)[0] + 5, states

    ids, _ = sample(shifted, state_of(first), 2, SamplingConfig(0.0, repetition_penalty=3.0), 0, END)
    assert ids.numpy().tolist() == [[0, 1]]


def test_a_suppressed_token_is_never_sampled():
    state = state_of([[-np.inf, 1, 1, 1, 1]])
    ids, _ = sample(always([0.96, 0.01, 0.01, 0.01, 0.01]), state, 200, SamplingConfig(), 0, end=-1)
    assert not (ids.numpy() == 0).any()


def test_two_calls_give_what_one_call_gives():
    state = state_of(np.log(SHARES))
    whole, _ = sample(always(SHARES), state, 20, SamplingConfig(), 7, end=-1)
    first, later = sample(always(SHARES), state, 8, SamplingConfig(), 7, end=-1)
    rest, _ = sample(always(SHARES), later, 12, SamplingConfig(), 7, end=-1)
    np.testing.assert_array_equal(whole, tf.concat([first, rest], 1))
    other, _ = sample(always(SHARES), state, 20, SamplingConfig(), 8, end=-1)
    assert not np.array_equal(whole, other)


def test_a_row_depends_on_its_key_and_seed_and_not_on_its_place():
    state = state_of(np.log([SHARES] * 4))._replace(keys=tf.constant([5, 9, 5, 9]))
    ids, _ = sample(always(SHARES), state, 30, SamplingConfig(), tf.constant([1, 1, 1, 2]), end=-1)
    first, second, third, fourth = ids.numpy().tolist()
    assert first == third and len({tuple(row) for row in (first, second, fourth)}) == 3
    alone = state_of(np.log(SHARES))._replace(keys=tf.constant([9]))
    assert sample(always(SHARES), alone, 30, SamplingConfig(), 2, end=-1)[0].numpy().tolist() == [fourth]


def test_the_least_and_the_greatest_random_number_give_tokens_of_some_probability():
    state = state_of([[-np.inf, 1.0, 1.0, 1.0, -np.inf]] * 2)
    tokens = sampling._next_token(state, SamplingConfig(), tf.constant([0.0, 1 - 2**-23]))
    assert tokens.numpy().tolist() == [1, 3]


@given(
    logits=st.lists(st.integers(-2000, 2000).map(lambda n: n / 100), min_size=V, max_size=V),  # no subnormals
    temperature=st.floats(0.125, 4, width=32),
    top_k=st.integers(0, V + 1),
    top_p=st.floats(0.0625, 1, width=32),
    min_p=st.floats(0, 1, width=32),
)
def test_a_token_is_kept_by_the_definitions_of_top_k_top_p_and_min_p(logits, temperature, top_k, top_p, min_p):
    config = SamplingConfig(temperature, top_k, top_p, min_p)
    kept = np.isfinite(sampling._filtered(state_of(logits), config).numpy()[0])
    scaled = (np.array(logits, np.float32) / np.float32(temperature)).astype(float)
    probability = np.exp(scaled - scaled.max()) / np.exp(scaled - scaled.max()).sum()
    assert kept[scaled.argmax()], "the most probable token always is"
    margin = 1e-4  # of float32
    for token in range(V):
        above = scaled > scaled[token]
        if kept[token]:
            assert probability[token] >= min_p * probability.max() - margin
            assert not top_k or above.sum() < top_k
            assert probability[above].sum() < top_p + margin
        elif (not top_k or (scaled >= scaled[token]).sum() <= top_k) and top_p == 1:
            assert probability[token] <= min_p * probability.max() + margin


def test_logits_that_are_nan_give_a_token_all_the_same():
    ids, _ = sample(always(SHARES), state_of([[np.nan] * V]), 1, SamplingConfig(), 0, end=-1)
    assert 0 <= ids.numpy()[0, 0] < V


def test_the_former_names_of_arguments_are_understood():
    with pytest.warns(FutureWarning, match="penalty is now repetition_penalty"):
        config = SamplingConfig(0.0, penalty=2.0)
    assert config == SamplingConfig(0.0, repetition_penalty=2.0)
    with pytest.warns(FutureWarning, match="is now"):
        ids, _ = sample(spell, place=state_of([0, 9, 0, 0, 0]), length=2, choice=config, seed=0, end=END)
    assert ids.numpy().tolist() == [[1, 2]]
