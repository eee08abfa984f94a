"""Search against steps that spell a word, closed forms and brute force."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import decoding
from nlp_rnn.decoding import Choice, Place, Search, beam_search, mean_logits, sample

V, END = 5, 4


def place_of(logits):
    logits = tf.constant(np.atleast_2d(logits), tf.float32)
    batch = logits.shape[0]
    nothing = tf.zeros((batch, V), tf.bool)
    return Place(logits, tf.zeros((batch, 1)), nothing, tf.zeros(batch, tf.bool), tf.range(batch), tf.constant(0))


def spell(tokens, states):
    """After n comes n + 1, surely."""
    return 99.0 * tf.one_hot((tokens + 1) % V, V), states


def always(probabilities):
    logits = tf.math.log(tf.constant(probabilities, tf.float32))
    return lambda tokens, states: (tf.tile(logits[None], [tf.shape(tokens)[0], 1]), states)


def drawn(probabilities, choice, length=4000, seed=0):
    """How often each token came."""
    place = place_of(np.log(np.maximum(probabilities, 1e-30)))
    ids, _ = tf.function(lambda: sample(always(probabilities), place, length, choice, seed, end=-1))()
    return np.bincount(ids.numpy()[0], minlength=V) / length


def test_spells_a_word_and_stops_at_its_end():
    ids, place = sample(spell, place_of([[0, 9, 0, 0, 0], [0, 0, 0, 9, 0]]), 6, Choice(0.0), 0, END)
    assert ids.numpy().tolist() == [[1, 2, 3, 4, 0, 0], [3, 4, 0, 0, 0, 0]]
    assert place.ended.numpy().all()


SHARES = [0.4, 0.3, 0.2, 0.07, 0.03]


@pytest.mark.parametrize(
    "choice, expected",
    [
        (Choice(), SHARES),
        (Choice(temperature=0.5), np.square(SHARES) / np.square(SHARES).sum()),
        (Choice(temperature=0.0), [1, 0, 0, 0, 0]),
        (Choice(top_k=2), [4 / 7, 3 / 7, 0, 0, 0]),
        (Choice(top_p=0.75), [4 / 9, 3 / 9, 2 / 9, 0, 0]),
        (Choice(top_p=0.01), [1, 0, 0, 0, 0]),
        (Choice(min_p=0.6), [4 / 7, 3 / 7, 0, 0, 0]),
    ],
)
def test_draws_as_often_as_it_should(choice, expected):
    np.testing.assert_allclose(drawn(SHARES, choice), expected, atol=0.03)


def test_penalty_turns_from_what_was_there():
    step, first = always([0.5, 0.4, 0.04, 0.03, 0.03]), np.log([0.5, 0.4, 0.04, 0.03, 0.03]) + 5
    shifted = lambda tokens, states: (step(tokens, states)[0] + 5, states)  # noqa: E731
    ids, _ = sample(shifted, place_of(first), 2, Choice(0.0, penalty=3.0), 0, END)
    assert ids.numpy().tolist() == [[0, 1]]


def test_what_is_never_wanted_never_comes():
    place = place_of([[-np.inf, 1, 1, 1, 1]])
    ids, _ = sample(always([0.96, 0.01, 0.01, 0.01, 0.01]), place, 200, Choice(), 0, end=-1)
    assert not (ids.numpy() == 0).any()


def test_going_on_gives_what_one_call_gives():
    place = place_of(np.log(SHARES))
    whole, _ = sample(always(SHARES), place, 20, Choice(), 7, end=-1)
    first, later = sample(always(SHARES), place, 8, Choice(), 7, end=-1)
    rest, _ = sample(always(SHARES), later, 12, Choice(), 7, end=-1)
    np.testing.assert_array_equal(whole, tf.concat([first, rest], 1))
    other, _ = sample(always(SHARES), place, 20, Choice(), 8, end=-1)
    assert not np.array_equal(whole, other)


def test_a_row_is_drawn_by_its_key_and_seed_wherever_it_stands():
    place = place_of(np.log([SHARES] * 4))._replace(keys=tf.constant([5, 9, 5, 9]))
    ids, _ = sample(always(SHARES), place, 30, Choice(), tf.constant([1, 1, 1, 2]), end=-1)
    first, second, third, fourth = ids.numpy().tolist()
    assert first == third and len({tuple(row) for row in (first, second, fourth)}) == 3
    alone = place_of(np.log(SHARES))._replace(keys=tf.constant([9]))
    assert sample(always(SHARES), alone, 30, Choice(), 2, end=-1)[0].numpy().tolist() == [fourth]


def test_the_least_and_the_greatest_number_draw_a_token_that_may_come():
    place = place_of([[-np.inf, 1.0, 1.0, 1.0, -np.inf]] * 2)
    found = decoding._chosen(place, Choice(), tf.constant([0.0, 1 - 2**-23]))
    assert found.numpy().tolist() == [1, 3]


def test_logits_that_are_no_numbers_give_a_token_all_the_same():
    ids, _ = sample(always(SHARES), place_of([[np.nan] * V]), 1, Choice(), 0, end=-1)
    assert 0 <= ids.numpy()[0, 0] < V


def chain(seed):
    """A random first-order chain: the log-probabilities of what comes first, and of what follows what."""
    draw = np.random.default_rng(seed)
    first, follow = draw.dirichlet(np.ones(V)), draw.dirichlet(np.ones(V), V)
    first[0] = follow[:, 0] = 1e-9  # padding
    return np.log(first / first.sum()), np.log(follow / follow.sum(1, keepdims=True))


def brute_force(first, follow, length):
    """Score of every sequence that ends, or is as long as may be."""
    found = {}
    for ids in itertools.product(range(V), repeat=length):
        cut = ids[: ids.index(END) + 1] if END in ids else ids
        found[cut] = first[cut[0]] + sum(follow[a, b] for a, b in itertools.pairwise(cut))
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("normalise", [0.0, 1.0])
def test_a_beam_as_wide_as_all_sequences_is_brute_force(seed, normalise):
    first, follow = chain(seed)
    table = tf.constant(follow, tf.float32)
    step = lambda tokens, states: (tf.gather(table, tokens), states)  # noqa: E731
    start = tf.constant(first[None], tf.float32)
    ids, scores, _ = beam_search(step, start, tf.zeros((1, 1)), Search(V**3, normalise), 3, END)
    expected = {cut: score / len(cut) ** normalise for cut, score in brute_force(first, follow, 3).items()}
    ranked = sorted(expected.items(), key=lambda item: -item[1])[:10]
    got = [tuple(int(n) for n in row if n) for row in ids.numpy()[0, :10]]
    assert got == [tuple(n for n in cut if n) for cut, _ in ranked]
    np.testing.assert_allclose(scores[0, :10], [score for _, score in ranked], rtol=1e-5)


def test_a_batch_is_searched_as_its_rows_alone():
    tables = [chain(seed) for seed in range(3)]
    first = tf.constant(np.stack([f for f, _ in tables]), tf.float32)
    follow = tf.constant(np.stack([f for _, f in tables]), tf.float32)

    def step(tokens, which):
        return tf.gather_nd(follow, tf.stack([which[:, 0], tokens], 1)), which

    which = tf.constant([[0], [1], [2]])
    together, scores, _ = beam_search(step, first, which, Search(3), 6, END)
    for row in range(3):
        alone, score, _ = beam_search(step, first[row : row + 1], which[row : row + 1], Search(3), 6, END)
        np.testing.assert_array_equal(together[row], alone[0])
        np.testing.assert_allclose(scores[row], score[0], rtol=1e-6)


def searched(search, seed=0, length=6):
    first, follow = chain(seed)
    table = tf.constant(follow, tf.float32)
    start = tf.constant(first[None], tf.float32)
    ids, scores, _ = beam_search(
        lambda tokens, states: (tf.gather(table, tokens), states), start, tf.zeros((1, 1)), search, length, END
    )
    return ids.numpy()[0], scores.numpy()[0], first, follow


@pytest.mark.parametrize("seed", range(3))
def test_no_sequence_is_shorter_than_asked_or_repeats_a_run(seed):
    ids, scores, *_ = searched(Search(20, least=4), seed)
    found = [row[row > 0] for row, score in zip(ids, scores, strict=True) if np.isfinite(score)]
    assert min(len(row) for row in found) > 4
    ids, scores, *_ = searched(Search(8, no_repeat=2), seed)
    for row, score in zip(ids, scores, strict=True):
        pairs = [tuple(pair) for pair in itertools.pairwise(row[row > 0].tolist())]
        assert len(set(pairs)) == len(pairs) or not np.isfinite(score)


def test_the_number_of_beams_may_be_a_tensor_of_a_graph():
    fixed = searched(Search(4))
    graph = tf.function(lambda beams: searched_graph(beams))
    for beams in (4, 2):
        ids, _ = graph(tf.constant(beams))
        np.testing.assert_array_equal(ids.numpy()[0], searched(Search(beams))[0])
    assert len(fixed[0]) == 4


def searched_graph(beams):
    first, follow = chain(0)
    table = tf.constant(follow, tf.float32)
    step = lambda tokens, states: (tf.gather(table, tokens), states)  # noqa: E731
    return beam_search(step, tf.constant(first[None], tf.float32), tf.zeros((1, 1)), Search(beams), 6, END)[:2]


def test_what_was_not_attended_to_costs():
    first = tf.constant([[-9.0, 0.0, 0.1, -9.0, -9.0]])

    def step(tokens, covered):
        return 9.0 * tf.one_hot(tf.fill(tf.shape(tokens), END), V), covered + tf.one_hot(tokens, V)[:, 1:3]

    nothing = tf.constant([[0.0, 1.0]])  # the second token of the source is attended to already
    for weight, best in ((0.0, 2), (1.0, 1)):
        search = Search(2, coverage_penalty=weight)
        ids, *_ = beam_search(step, first, nothing, search, 3, END, coverage=lambda covered: covered)
        assert ids.numpy()[0, 0].tolist() == [best, END, 0]


def test_an_ensemble_is_the_mean_of_probabilities():
    shares = [[0.1, 0.2, 0.3, 0.2, 0.2], [0.5, 0.1, 0.1, 0.1, 0.2]]
    logits = mean_logits([tf.math.log(tf.constant([share])) + n for n, share in enumerate(shares)])
    np.testing.assert_allclose(tf.nn.softmax(logits), [np.mean(shares, 0)], rtol=1e-5)


def test_rows_end_at_limits_of_their_own_and_pay_for_it():
    first, follow = chain(1)
    table, start = tf.constant(follow, tf.float32), tf.constant(np.stack([first] * 2), tf.float32)
    step = lambda tokens, states: (tf.gather(table, tokens), states)  # noqa: E731
    ids, scores, _ = beam_search(
        step, start, tf.zeros((2, 1)), Search(3, 0.0, least=9), 8, END, limits=tf.constant([2, 4])
    )
    for row, limit in enumerate((2, 4)):
        for found, score in zip(ids.numpy()[row], scores.numpy()[row], strict=True):
            assert found[limit - 1] == END and not found[limit:].any() and END not in found[: limit - 1]
            told = tf.nn.log_softmax(tf.constant(follow, tf.float32)).numpy()
            path = found[:limit].tolist()
            expected = tf.nn.log_softmax(tf.constant(first, tf.float32)).numpy()[path[0]]
            expected += sum(told[a, b] for a, b in itertools.pairwise(path))
            np.testing.assert_allclose(score, expected, rtol=1e-4)


@pytest.mark.parametrize(("size", "count"), [(512, 3), (513, 20), (1000, 1000), (640, 7)])
def test_the_likeliest_of_a_long_row_are_those_of_top_k(size, count):
    found = np.random.default_rng(0).integers(0, 60, (9, size)).astype("float32")  # many are equal
    found[1], found[2, ::2] = 3.0, -np.inf
    likeliest = tf.function(
        decoding._likeliest, input_signature=[tf.TensorSpec([None, size]), tf.TensorSpec([], tf.int32)]
    )
    for ours, plain in zip(likeliest(found, count), tf.math.top_k(found, count), strict=True):
        np.testing.assert_array_equal(ours, plain)
