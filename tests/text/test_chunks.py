"""Streams in chunks."""

import importlib

import hypothesis.strategies as st
import pytest
from hypothesis import given

from nlp_rnn.text.chunks import chunks

module = importlib.import_module("nlp_rnn.text.chunks")  # the package gives the function of that name


def test_chunks():
    assert list(chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]


@pytest.mark.slow
@given(st.lists(st.integers(0, 9)), st.integers(1, 8))
def test_nothing_is_lost_and_every_chunk_but_the_last_is_full(items, size):
    cut = list(chunks(items, size))
    assert [item for chunk in cut for item in chunk] == items
    assert all(len(chunk) == size for chunk in cut[:-1]) and all(cut)


def test_a_chunk_ends_when_it_is_heavy(monkeypatch):
    monkeypatch.setattr(module, "MAX_WEIGHT", 10)
    assert list(chunks([4, 4, 4, 1, 20, 1], 9, lambda item: item)) == [[4, 4, 4], [1, 20], [1]]
