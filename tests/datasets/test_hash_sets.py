"""Sets of hashes: what they hold, how large they are, and how often they err."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from nlp_rnn.datasets import hash_sets
from nlp_rnn.datasets.hash_sets import HashSet
from nlp_rnn.datasets.hashing import text_hash

SOME = st.lists(st.integers(0, 2**64 - 1), max_size=20)


@pytest.mark.parametrize("wide", [10, 10**6])
def test_texts_are_recognised_by_their_hashes(monkeypatch, wide):
    monkeypatch.setattr(hash_sets, "WIDE", wide)
    hashes = [text_hash(f"text {n}") for n in range(1000)]
    some = HashSet.of(iter([*hashes, *hashes]))
    assert some.values.dtype == (np.uint32 if wide == 10 else np.uint64) and len(some.values) == 1000
    assert all(value in some and some.decides(value) for value in hashes)
    assert sum(text_hash(f"other {n}") in some for n in range(1000)) == 0
    assert 0 not in HashSet.of(())


@given(SOME, SOME)
def test_a_union_holds_what_either_holds(one, other):
    assert (HashSet.of(one) | HashSet.of(other)).values.tolist() == sorted({*one, *other})


def test_hashes_of_two_widths(monkeypatch):
    few, many = [text_hash(f"few {n}") for n in range(5)], [text_hash(f"many {n}") for n in range(50)]
    monkeypatch.setattr(hash_sets, "WIDE", 20)
    both = HashSet.of(few) | HashSet.of(many)
    assert all(value in both for value in [*few, *many]) and both.values.dtype == np.uint32


def test_many_hashes_take_less_than_a_megabyte():
    hashes = np.random.default_rng(0).integers(0, 2**64, 1_000_000, np.uint64)
    some = HashSet.of(map(int, hashes))
    assert some.values.nbytes <= 1_000_000 and some.sampled == 3
    decided = [value for value in map(int, hashes[:8_000]) if some.decides(value)]
    assert len(decided) == pytest.approx(1000, abs=150) and all(value in some for value in decided)
    others = map(int, np.random.default_rng(1).integers(0, 2**64, 80_000, np.uint64))
    wrong = sum(value in some for value in others if some.decides(value))
    assert wrong <= 10, "of about 10,000, and 1 in 4,295 is expected"


def test_a_union_is_limited_to_the_smaller_part(monkeypatch):
    monkeypatch.setattr(hash_sets, "WIDE", 10)
    monkeypatch.setattr(hash_sets, "MOST", 100)
    few, many = [text_hash(f"few {n}") for n in range(20)], [text_hash(f"many {n}") for n in range(900)]
    both = HashSet.of(many) | HashSet.of(few)
    assert both.sampled >= 3 and len(both.values) <= 100
    assert all((value in both) == both.decides(value) for value in [*few, *many])
