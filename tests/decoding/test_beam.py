"""Beam search against brute force, closed forms and rows searched one by one."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.decoding.beam import BeamSearchConfig, _top_k, beam_search, mean_logits

V, END = 5, 4


def chain(seed):
    """A random first-order Markov chain: log-probabilities of the first token, [V], and of the next one, [V, V]."""
    draw = np.random.default_rng(seed)
    first, follow = draw.dirichlet(np.ones(V)), draw.dirichlet(np.ones(V), V)
    first[0] = follow[:, 0] = 1e-9  # padding
    first, follow = np.log(first / first.sum()), np.log(follow / follow.sum(1, keepdims=True))
    return first.astype(np.float32), follow.astype(np.float32)


def searched(config, seed=0, length=6):
    """Sequences, [K, L], and scores, [K], of a search over such a chain."""
    first, follow = chain(seed)
    ids, scores, _ = beam_search(
        lambda tokens, states: (tf.gather(follow, tokens), states),
        tf.constant(first[None]),
        tf.zeros((1, 1)),
        config,
        length,
        END,
    )
    return ids[0], scores[0]


def reached(ids, scores):
    """The sequences that the search reached, without padding."""
    return [row[row > 0].tolist() for row, score in zip(ids.numpy(), scores.numpy(), strict=True) if np.isfinite(score)]


def brute_force(seed, length):
    """Log-probability of every sequence that ends, or has the maximum length."""
    (first, follow), scores = chain(seed), {}
    for ids in itertools.product(range(V), repeat=length):
        cut = ids[: ids.index(END) + 1] if END in ids else ids
        scores[cut] = first[cut[0]] + sum(follow[a, b] for a, b in itertools.pairwise(cut))
    return scores


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_a_beam_as_wide_as_all_sequences_is_brute_force(seed, length_penalty):
    ids, scores = searched(BeamSearchConfig(V**3, length_penalty), seed, length=3)
    expected = {cut: score / len(cut) ** length_penalty for cut, score in brute_force(seed, 3).items()}
    ranked = sorted(expected.items(), key=lambda item: -item[1])[:10]
    assert [tuple(int(n) for n in row if n) for row in ids[:10]] == [tuple(n for n in cut if n) for cut, _ in ranked]
    np.testing.assert_allclose(scores[:10], [score for _, score in ranked], rtol=1e-5)


def test_a_batch_is_searched_as_its_rows_one_by_one():
    first, follow = (tf.constant(np.stack(tables)) for tables in zip(*map(chain, range(3)), strict=True))

    def step(tokens, row):
        return tf.gather_nd(follow, tf.stack([row[:, 0], tokens], 1)), row

    rows = tf.constant([[0], [1], [2]])
    together, scores, states = beam_search(step, first, rows, BeamSearchConfig(3), 6, END)
    assert states.numpy()[:, 0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for row in range(3):
        alone, score, _ = beam_search(step, first[row : row + 1], rows[row : row + 1], BeamSearchConfig(3), 6, END)
        np.testing.assert_array_equal(together[row], alone[0])
        np.testing.assert_allclose(scores[row], score[0], rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_no_sequence_is_shorter_than_the_minimum(seed):
    assert min(map(len, reached(*searched(BeamSearchConfig(20, min_length=4), seed)))) > 4


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [1, 2, 3])
def test_no_ngram_is_repeated(seed, n):
    sequences = reached(*searched(BeamSearchConfig(8, no_repeat_ngram_size=n), seed))
    assert sequences
    for row in sequences:
        ngrams = [tuple(row[k : k + n]) for k in range(len(row) - n + 1)]
        assert len(set(ngrams)) == len(ngrams)


def test_suppressed_tokens_never_occur():
    first, follow = chain(0)
    step = lambda tokens, states: (tf.gather(follow, tokens), states)  # noqa: E731
    config, suppressed = BeamSearchConfig(4), (int(np.argmax(first[:END])),)
    ids, scores, _ = beam_search(step, tf.constant(first[None]), (), config, 6, END, suppressed_tokens=suppressed)
    assert not np.isin(suppressed, ids) and np.isfinite(scores).any()


@pytest.mark.slow
def test_the_beam_width_may_be_a_tensor_of_a_graph():
    graph = tf.function(lambda beam_width: searched(BeamSearchConfig(beam_width)))
    for beam_width in (4, 2):
        for actual, expected in zip(
            graph(tf.constant(beam_width)), searched(BeamSearchConfig(beam_width)), strict=True
        ):
            assert len(actual) == beam_width
            np.testing.assert_allclose(actual, expected, rtol=1e-6)


def test_a_coverage_penalty_prefers_sequences_that_attend_to_every_source_token():
    first = tf.constant([[-9.0, 0.0, 0.1, -9.0, -9.0]])

    def step(tokens, covered):
        return 9.0 * tf.one_hot(tf.fill(tf.shape(tokens), END), V), covered + tf.one_hot(tokens, V)[:, 1:3]

    covered = tf.constant([[0.0, 1.0]])  # the second token of the source is covered already
    for weight, best in ((0.0, 2), (1.0, 1)):
        config = BeamSearchConfig(2, coverage_penalty=weight)
        ids, *_ = beam_search(step, first, covered, config, 3, END, coverage=lambda covered: covered)
        assert ids.numpy()[0, 0].tolist() == [best, END, 0]


def test_an_ensemble_is_the_mean_of_probabilities():
    probabilities = [[0.1, 0.2, 0.3, 0.2, 0.2], [0.5, 0.1, 0.1, 0.1, 0.2]]
    logits = mean_logits([tf.math.log(tf.constant([row])) + n for n, row in enumerate(probabilities)])
    np.testing.assert_allclose(tf.nn.softmax(logits), [np.mean(probabilities, 0)], rtol=1e-5)


def test_rows_end_at_their_limits_and_the_end_counts_in_the_score():
    first, follow = chain(1)
    step = lambda tokens, states: (tf.gather(follow, tokens), states)  # noqa: E731
    config, limits = BeamSearchConfig(3, 0.0, min_length=9), tf.constant([2, 4])
    ids, scores, _ = beam_search(
        step, tf.constant(np.stack([first] * 2)), tf.zeros((2, 1)), config, 8, END, limits=limits
    )
    of_first, of_next = (tf.nn.log_softmax(logits).numpy() for logits in (first, follow))
    for row, limit in enumerate(limits.numpy()):
        for sequence, score in zip(ids.numpy()[row], scores.numpy()[row], strict=True):
            assert sequence[limit - 1] == END and not sequence[limit:].any() and END not in sequence[: limit - 1]
            path = sequence[:limit].tolist()
            expected = of_first[path[0]] + sum(of_next[a, b] for a, b in itertools.pairwise(path))
            np.testing.assert_allclose(score, expected, rtol=1e-4)


@pytest.mark.parametrize(("size", "count"), [(512, 3), (513, 20), (1000, 1000), (640, 7)])
def test_the_best_of_a_long_row_are_those_of_top_k(size, count):
    values = np.random.default_rng(0).integers(0, 60, (9, size)).astype("float32")  # many are equal
    values[1], values[2, ::2] = 3.0, -np.inf
    top_k = tf.function(_top_k, input_signature=[tf.TensorSpec([None, size]), tf.TensorSpec([], tf.int32)])
    for actual, expected in zip(top_k(values, count), tf.math.top_k(values, count), strict=True):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    ("former", "current"), [("beams", "beam_width"), ("least", "min_length"), ("no_repeat", "no_repeat_ngram_size")]
)
def test_options_keep_their_former_names(former, current):
    with pytest.warns(FutureWarning, match=f"the argument {former} is now {current}"):
        config = BeamSearchConfig(**{former: 2})
    assert config == BeamSearchConfig(**{current: 2})


@pytest.mark.parametrize(("former", "current"), [("search", "config"), ("never", "suppressed_tokens")])
def test_arguments_keep_their_former_names(former, current):
    first, follow = chain(0)
    arguments = {"config": BeamSearchConfig(2), "suppressed_tokens": (1,), "length": 2, "end": END}
    arguments[former] = arguments.pop(current)
    with pytest.warns(FutureWarning, match=f"the argument {former} is now {current}"):
        ids, *_ = beam_search(lambda t, s: (tf.gather(follow, t), s), tf.constant(first[None]), (), **arguments)
    assert ids.shape == (1, 2, 2) and 1 not in ids.numpy()
