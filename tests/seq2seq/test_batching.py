"""Batches of pairs."""

import numpy as np
import pytest

from nlp_rnn.datasets.splits import Example
from nlp_rnn.seq2seq.batching import PairBuckets, encode_pairs
from nlp_rnn.text.batching import encode
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.vocabulary import END, Vocabulary


@pytest.fixture
def encoder():
    return TextEncoder(Vocabulary([b"a", b"b"]).with_end())


@pytest.mark.slow
def test_batches_hold_pairs_of_like_length(encoder, tmp_path):
    rows = [Example("a " * (n % 7 + 1), "b " * (n % 5), "") for n in range(50)]
    pairs = encode_pairs(lambda: iter(rows), encoder, encoder, tmp_path / "x")
    assert len(pairs) == 50 and pairs.lengths.max() == 7 and pairs.max_length_ratio == 2
    seen = 0
    for source, target in PairBuckets(pairs, 8, 40, seed=0).dataset():
        assert source.shape[0] == target.shape[0] <= 8
        assert (np.sum(target.numpy() == END, 1) == 1).all()
        seen += len(source)
    assert seen == 50


@pytest.mark.slow
def test_neither_side_has_much_padding(encoder, tmp_path):
    draw = np.random.default_rng(0)
    rows = [Example("a " * int(n), "b " * int(m), "") for n, m in draw.integers(3, 15, (4000, 2))]
    pairs = encode_pairs(lambda: iter(rows), encoder, encoder, tmp_path / "x")
    for side in (0, 1):
        ids = [pair[side].numpy() for pair in PairBuckets(pairs, 32, 4000, seed=0).dataset()]
        assert sum(np.count_nonzero(batch) for batch in ids) > 0.85 * sum(batch.size for batch in ids)


def test_a_long_source_is_cut(tmp_path):
    texts = encode([("a " * 10_000, 0)], TextEncoder(Vocabulary([b"a"]), max_tokens=20), tmp_path / "x")
    assert texts.lengths.tolist() == [20] and texts.cut == 1
