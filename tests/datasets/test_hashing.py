"""Splits by hash."""

from collections import Counter

import hypothesis.strategies as st
import pytest
from hypothesis import given

from nlp_rnn.datasets.hashing import split_by_hash, split_by_seeded_hash

SHARES = {"test": 0.2, "validation": 0.1}


@pytest.mark.parametrize("split", [split_by_hash, lambda key, shares: split_by_seeded_hash(key, shares, 3)])
def test_each_split_gets_its_share(split):
    counts = Counter(split(f"text {n}", SHARES) for n in range(5_000))
    for name, share in {**SHARES, "train": 0.7}.items():
        assert counts[name] / 5_000 == pytest.approx(share, abs=0.02)


def test_the_splits_of_released_data_sets_stay():
    """As version 0.1 had them: a run that is fine-tuned must not train on what it was tested on."""
    words, thirds = ("one", "two", "three", "four", "five", "six"), {"test": 0.3, "validation": 0.3}
    assert [split_by_hash(word, thirds) for word in words] == [
        "validation", "test", "validation", "test", "test", "test",
    ]  # fmt: skip
    assert [split_by_seeded_hash(word, thirds, 0) for word in words] == [
        "validation", "validation", "train", "train", "validation", "train",
    ]  # fmt: skip


@pytest.mark.slow
@given(st.text(), st.integers(0, 2**32 - 1))
def test_case_and_white_space_do_not_decide_a_split(text, seed):
    assert split_by_seeded_hash(f"  {text}\n", SHARES, seed) == split_by_seeded_hash(text, SHARES, seed)
    assert split_by_seeded_hash(text, {}, seed) == "train"


def test_another_seed_gives_other_splits():
    first, second = ([split_by_seeded_hash(f"{n}", SHARES, seed) for n in range(100)] for seed in (0, 1))
    assert first != second
