"""The figures of a language model on a text, against those of the text read in one go."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.checks import InputError
from nlp_rnn.language_model.bptt import DocumentStreams, Streams
from nlp_rnn.language_model.model import LanguageModel
from nlp_rnn.language_model.objective import NextToken
from nlp_rnn.language_model.perplexity import measure
from nlp_rnn.text.vocabulary import END
from tests.language_model.test_bptt import encoded, in_texts


def summed_loss(model, row):
    """The loss of a text read in one go, and its logits, [T, V]."""
    logits = model.logits(model.run(tf.constant([[END, *row[:-1]]]), model.initial_states(1)).raw)[0]
    return float(tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(row, logits))), logits.numpy()


def test_the_loss_over_windows_is_that_of_the_whole():
    """States and last tokens are carried over exactly."""
    texts, model = encoded(200), LanguageModel(20, embedding=6, units=6, layers=2, dropout=0.0)
    objective = NextToken(model, batch_size=2)
    figures = measure(objective, Streams(texts, 2, 16), characters=200)
    total, first, five = 0.0, 0, 0
    for row in (texts.ids[:100], texts.ids[100:]):
        loss, logits = summed_loss(model, row)
        ranks = np.sum(logits > np.take_along_axis(logits, row[:, None], 1), 1)
        total, first, five = total + loss, first + np.sum(ranks == 0), five + np.sum(ranks < 5)
    assert figures["tokens"] == 200 and first < five
    np.testing.assert_allclose([figures["top1"], figures["top5"]], [first / 200, five / 200])
    np.testing.assert_allclose(figures["loss"], total / 200, rtol=1e-5)
    np.testing.assert_allclose(figures["perplexity"], np.exp(total / 200), rtol=1e-5)
    np.testing.assert_allclose(figures["bits_per_character"], total / 200 / np.log(2), rtol=1e-5)
    shares = np.bincount(texts.ids)[np.bincount(texts.ids) > 0] / 200
    np.testing.assert_allclose(figures["frequency_perplexity"], np.exp(-np.sum(shares * np.log(shares))), rtol=1e-6)


def test_the_loss_of_independent_texts_is_that_of_each_alone():
    model, texts = LanguageModel(60, embedding=6, units=6, dropout=0.0), in_texts([5, 1, 12, 4, 4, 9])
    data = DocumentStreams(texts, 3, 4)
    figures = measure(NextToken(model, data.batch_size), data, characters=35)
    total = sum(summed_loss(model, row)[0] for row in np.split(texts.ids, texts.offsets[1:-1]))
    assert figures["tokens"] == 35
    np.testing.assert_allclose(figures["loss"], total / 35, rtol=1e-5)


def test_a_text_without_tokens_cannot_be_measured():
    texts = in_texts([4])
    texts.ids[:] = 0
    with pytest.raises(InputError, match="the test split is empty"):
        measure(NextToken(LanguageModel(9, embedding=4, units=4), 1), Streams(texts, 1, 4), characters=0)
