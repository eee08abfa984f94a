"""Windows over streams: every token once, rows that go on, and what a model makes of them."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.batching import EncodedTexts
from nlp_rnn.language_data import _cut
from nlp_rnn.language_evaluation import measure
from nlp_rnn.models import LanguageModel
from nlp_rnn.objectives import NextToken
from nlp_rnn.streams import DocumentStreams, Streams
from nlp_rnn.text import END


def encoded(count, vocabulary=20, seed=0):
    ids = np.random.default_rng(seed).integers(3, vocabulary, count).astype(np.int32)
    return EncodedTexts(ids, np.array([0, count]), np.array([1]), 0)


@pytest.mark.parametrize("count, batch, steps", [(1000, 4, 10), (1003, 4, 10), (7, 3, 5), (64, 1, 64), (65, 8, 64)])
def test_every_token_is_read_once_and_rows_go_on(count, batch, steps):
    texts = encoded(count)
    streams = Streams(texts, batch, steps)
    windows = list(streams.windows())
    assert len(windows) == len(streams)
    rows = np.concatenate([ids for ids, _ in windows], 1)
    assert np.concatenate([row[row != 0] for row in rows]).tolist() == texts.ids.tolist()
    assert [fresh.all() for _, fresh in windows] == [True] + [False] * (len(windows) - 1)


def test_an_epoch_enters_the_ring_elsewhere_and_can_be_repeated():
    texts = encoded(500)
    streams = Streams(texts, 4, 10, seed=3)
    first = [ids.tolist() for ids, _ in streams.windows()]
    assert first == [ids.tolist() for ids, _ in streams.windows()]
    streams.epoch = 1
    second = [ids.tolist() for ids, _ in streams.windows()]
    assert first != second
    for windows in (first, second):
        assert sorted(np.array(windows).ravel()[np.array(windows).ravel() > 0]) == sorted(texts.ids)


def test_the_loss_over_windows_is_the_loss_of_the_whole():
    """State and last token are carried over exactly."""
    texts, model = encoded(200), LanguageModel(20, embedding=6, units=6, layers=2, dropout=0.0)
    streams = Streams(texts, 2, 16)
    reader = NextToken(model, batch=2)
    reader.build((None, None))
    figures = measure(reader, streams, characters=200)
    total, first, five = 0.0, 0, 0
    for row in (texts.ids[:100], texts.ids[100:]):
        inputs = tf.constant([[END, *row[:-1]]])
        logits = model.logits(model.run(inputs, model.initial_states(1)).raw)
        total += float(tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(row[None], logits)))
        ranks = np.sum(logits[0] > np.take_along_axis(logits[0].numpy(), row[:, None], 1), 1)
        first, five = first + np.sum(ranks == 0), five + np.sum(ranks < 5)
    assert figures["tokens"] == 200 and first < five
    np.testing.assert_allclose([figures["top1"], figures["top5"]], [first / 200, five / 200])
    np.testing.assert_allclose(figures["loss"], total / 200, rtol=1e-5)
    np.testing.assert_allclose(figures["perplexity"], np.exp(total / 200), rtol=1e-5)


def test_training_learns_a_text_of_one_repeated_word_and_one_that_alternates():
    for pattern in ([5], [5, 6, 7]):
        ids = np.array(pattern * (600 // len(pattern)), np.int32)
        texts = EncodedTexts(ids, np.array([0, len(ids)]), np.array([1]), 0)
        keras.utils.set_random_seed(0)
        reader = NextToken(LanguageModel(10, embedding=16, units=16, dropout=0.0), batch=4)
        reader.compile(keras.optimizers.Adam(0.02), jit_compile=False)
        history = reader.fit(Streams(texts, 4, 16, seed=0).dataset(), epochs=15, shuffle=False, verbose=0)
        assert history.history["loss"][-1] < 0.6
        assert reader.evaluate(Streams(texts, 4, 16).dataset(), verbose=0) < 0.1


def test_rows_are_read_by_themselves_without_carrying():
    model = LanguageModel(20, embedding=6, units=6, dropout=0.0)
    reader = NextToken(model)
    reader.build((None, None))
    ids, labels = tf.constant([[4, 5, 6, 0], [7, 8, 0, 0]]), tf.constant([1, 1])
    once, again = (reader.read(ids, labels).raw for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_in_training_a_stream_begins_anew_now_and_then():
    texts = encoded(64 * 2000)
    fresh = np.stack([fresh for _, fresh in Streams(texts, 8, 16, seed=0).windows()])
    assert fresh[0].all() and 0.04 < fresh[1:].mean() < 0.09
    assert not np.stack([fresh for _, fresh in Streams(texts, 8, 16).windows()])[1:].any()


def test_a_fresh_row_forgets_and_the_others_go_on():
    model = LanguageModel(20, embedding=6, units=6, dropout=0.0)
    reader = NextToken(model, batch=2)
    ids, more = tf.constant([[4, 5, 6], [7, 8, 9]]), tf.constant([[3, 4, 5], [6, 7, 8]])
    reader.read(ids, tf.constant([True, True]))
    raw = reader.read(more, tf.constant([True, False])).raw
    zeros = model.initial_states(1)
    alone = model.run(tf.constant([[END, 3, 4]]), zeros).raw
    whole = model.run(tf.constant([[END, 7, 8, 9, 6, 7]]), zeros).raw
    np.testing.assert_allclose(raw[0], alone[0], atol=1e-6)
    np.testing.assert_allclose(raw[1], whole[0, 3:], atol=1e-6)


def test_regularization_of_activations_is_as_the_paper_writes_it():
    model = LanguageModel(20, embedding=6, units=6, dropout=0.0)
    reader = NextToken(model, activation=2.0, slowness=3.0)
    ids, ends = tf.constant([[4, 5, 6], [7, 8, 9]]), tf.constant([1, 1])
    raw = reader.read(ids, ends).raw.numpy()
    expected = 2 * np.mean(raw**2) + 3 * np.mean((raw[:, 1:] - raw[:, :-1]) ** 2)
    np.testing.assert_allclose(reader.loss_of(ids, ends, training=True)[1], expected, rtol=1e-5)


def test_no_thread_tunes_the_data_and_holds_up_the_end_of_an_epoch():
    assert Streams(encoded(100), 2, 8).dataset().options().autotune.enabled is False


def in_texts(lengths, cut_off=False):
    ids = np.arange(3, 3 + sum(lengths), dtype=np.int32)
    labels = np.ones(len(lengths), np.int32)
    labels[-1] = not cut_off
    return EncodedTexts(ids, np.cumsum([0, *lengths]), labels, 0)


@pytest.mark.parametrize("cut_off", [False, True])
def test_texts_apart_are_read_whole_each_from_its_beginning(cut_off):
    lengths = [5, 1, 12, 4, 4, 9]
    texts = in_texts(lengths, cut_off)
    data = DocumentStreams(texts, 2, 4, seed=0)
    begins = set(texts.ids[texts.offsets[:-1]].tolist())
    orders = []
    for data.epoch in (0, 1):
        windows = list(data.windows())
        assert len(windows) == len(data) == 6  # 11 windows, shared out over 2 streams
        read = np.concatenate([ids.ravel() for ids, _ in windows])
        assert sorted(read[read > 0]) == texts.ids.tolist()
        for ids, fresh in windows:
            assert [row[0] in begins or row[0] == 0 for row in ids] == fresh.tolist()
        orders.append(read.tolist())
    assert orders[0] != orders[1]


def test_a_batch_holds_more_of_short_passages():
    config = SimpleNamespace(batch=4, seed=0)
    for length, rows in ((10, 16), (50, 8), (100, 4), (200, 2)):
        buckets = _cut(config, in_texts([length] * 48), apart=True, short=True, train=True)
        assert {len(batch) for batch in buckets.plan()} == {rows}


def test_pieces_of_one_text_go_on_in_one_stream():
    texts = EncodedTexts(np.arange(3, 13, dtype=np.int32), np.array([0, 4, 8, 10]), np.array([0, 1, 1]), 0)
    windows = list(DocumentStreams(texts, 4, 3).windows())
    assert [ids.tolist() for ids, _ in windows] == [
        [[3, 4, 5], [11, 12, 0]],
        [[6, 7, 8], [0] * 3],
        [[9, 10, 0], [0] * 3],
    ]
    assert [fresh.tolist() for _, fresh in windows] == [[True, True], [False, True], [False, True]]


def test_the_loss_of_texts_apart_is_that_of_each_alone():
    model, texts = LanguageModel(60, embedding=6, units=6, dropout=0.0), in_texts([5, 1, 12, 4, 4, 9])
    data = DocumentStreams(texts, 3, 4)
    found = measure(NextToken(model, data.batch), data, characters=35)
    total = 0.0
    for begin, end in zip(texts.offsets[:-1], texts.offsets[1:], strict=True):
        row = texts.ids[begin:end]
        logits = model(tf.constant([[END, *row[:-1]]]))
        total += float(tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(row[None], logits)))
    assert found["tokens"] == 35
    np.testing.assert_allclose(found["loss"], total / 35, rtol=1e-5)
