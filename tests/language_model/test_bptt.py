"""Windows over streams: each token once, rows that continue, and texts that are read by themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp_rnn.language_model.bptt import DocumentStreams, Streams
from nlp_rnn.text.batching import EncodedTexts


def encoded(count, vocabulary=20, seed=0):
    ids = np.random.default_rng(seed).integers(3, vocabulary, count).astype(np.int32)
    return EncodedTexts(ids, np.array([0, count]), np.array([1]), 0)


def in_texts(lengths, cut_off=False):
    """Texts of these lengths, all tokens distinct; the end of the last one may be missing."""
    ids = np.arange(3, 3 + sum(lengths), dtype=np.int32)
    labels = np.ones(len(lengths), np.int32)
    labels[-1] = not cut_off
    return EncodedTexts(ids, np.cumsum([0, *lengths]), labels, 0)


def assert_read_once(texts, streams):
    """Each token is in one window, in the order of the text, and a stream begins only in the first window."""
    windows = list(streams.windows())
    assert len(windows) == len(streams)
    rows = np.concatenate([ids for ids, _ in windows], 1)
    assert np.concatenate([row[row != 0] for row in rows]).tolist() == texts.ids.tolist()
    assert [begins.all() for _, begins in windows] == [True] + [False] * (len(windows) - 1)


@pytest.mark.parametrize("count, batch, steps", [(1000, 4, 10), (1003, 4, 10), (7, 3, 5), (64, 1, 64), (65, 8, 64)])
def test_every_token_is_read_once_and_rows_continue(count, batch, steps):
    texts = encoded(count)
    assert_read_once(texts, Streams(texts, batch, steps))


@given(count=st.integers(1, 300), batch=st.integers(1, 9), steps=st.integers(1, 40))
def test_every_token_of_any_text_is_read_once(count, batch, steps):
    texts = encoded(count)
    assert_read_once(texts, Streams(texts, batch, steps))


def test_an_epoch_starts_elsewhere_in_the_ring_and_can_be_repeated():
    texts = encoded(500)
    streams = Streams(texts, 4, 10, seed=3)
    first = [ids.tolist() for ids, _ in streams.windows()]
    assert first == [ids.tolist() for ids, _ in streams.windows()]
    streams.epoch = 1
    second = [ids.tolist() for ids, _ in streams.windows()]
    assert first != second
    for windows in (first, second):
        ids = np.array(windows).ravel()
        assert sorted(ids[ids > 0]) == sorted(texts.ids)


def test_in_training_a_stream_is_reset_now_and_then():
    texts = encoded(64 * 2000)
    begins = np.stack([begins for _, begins in Streams(texts, 8, 16, seed=0).windows()])
    assert begins[0].all() and 0.04 < begins[1:].mean() < 0.09
    assert not np.stack([begins for _, begins in Streams(texts, 8, 16).windows()])[1:].any()


def test_no_autotuning_thread_delays_the_end_of_an_epoch():
    assert Streams(encoded(100), 2, 8).dataset().options().autotune.enabled is False


@pytest.mark.parametrize("cut_off", [False, True])
def test_independent_texts_are_read_whole_each_from_its_beginning(cut_off):
    texts = in_texts([5, 1, 12, 4, 4, 9], cut_off)
    data = DocumentStreams(texts, 2, 4, seed=0)
    first_tokens = set(texts.ids[texts.offsets[:-1]].tolist())
    orders = []
    for data.epoch in (0, 1):
        windows = list(data.windows())
        assert len(windows) == len(data) == 6  # 11 windows in 2 streams
        read = np.concatenate([ids.ravel() for ids, _ in windows])
        assert sorted(read[read > 0]) == texts.ids.tolist()
        for ids, begins in windows:
            assert [row[0] in first_tokens or row[0] == 0 for row in ids] == begins.tolist()
        orders.append(read.tolist())
    assert orders[0] != orders[1]


def test_the_pieces_of_one_text_are_read_in_one_stream():
    texts = EncodedTexts(np.arange(3, 13, dtype=np.int32), np.array([0, 4, 8, 10]), np.array([0, 1, 1]), 0)
    windows = list(DocumentStreams(texts, 4, 3).windows())
    assert [ids.tolist() for ids, _ in windows] == [
        [[3, 4, 5], [11, 12, 0]],
        [[6, 7, 8], [0] * 3],
        [[9, 10, 0], [0] * 3],
    ]
    assert [begins.tolist() for _, begins in windows] == [[True, True], [False, True], [False, True]]


@pytest.mark.parametrize("kind", [Streams, DocumentStreams])
def test_the_former_names_of_arguments_are_understood(kind):
    with pytest.warns(FutureWarning, match="is now"):
        streams = kind(in_texts([50, 50]), batch=2, steps=7)
    assert (streams.batch_size, streams.sequence_length) == (2, 7)
