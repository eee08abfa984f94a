"""Training a language model: the state carried from batch to batch, regularization, and that it learns."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.language_model.bptt import Streams
from nlp_rnn.language_model.model import LanguageModel
from nlp_rnn.language_model.objective import NextToken
from nlp_rnn.text.batching import EncodedTexts
from nlp_rnn.text.vocabulary import END


@pytest.mark.slow
@pytest.mark.parametrize("pattern", [[5], [5, 6, 7]])
def test_a_periodic_text_is_learned(pattern):
    ids = np.array(pattern * (600 // len(pattern)), np.int32)
    texts = EncodedTexts(ids, np.array([0, len(ids)]), np.array([1]), 0)
    keras.utils.set_random_seed(0)
    objective = NextToken(LanguageModel(10, embedding=16, units=16, dropout=0.0), batch_size=4)
    objective.compile(keras.optimizers.Adam(0.02), jit_compile=False)
    history = objective.fit(Streams(texts, 4, 16, seed=0).dataset(), epochs=15, shuffle=False, verbose=0)
    assert history.history["loss"][-1] < 0.6
    assert objective.evaluate(Streams(texts, 4, 16).dataset(), verbose=0) < 0.1


def test_without_a_batch_size_rows_are_independent():
    objective = NextToken(LanguageModel(20, embedding=6, units=6, dropout=0.0))
    objective.build((None, None))
    ids, labels = tf.constant([[4, 5, 6, 0], [7, 8, 0, 0]]), tf.constant([1, 1])
    once, again = (objective.read(ids, labels).raw for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_a_row_that_begins_is_reset_and_the_others_continue():
    model = LanguageModel(20, embedding=6, units=6, dropout=0.0)
    objective = NextToken(model, batch_size=2)
    ids, more = tf.constant([[4, 5, 6], [7, 8, 9]]), tf.constant([[3, 4, 5], [6, 7, 8]])
    objective.read(ids, tf.constant([True, True]))
    raw = objective.read(more, tf.constant([True, False])).raw
    zeros = model.initial_states(1)
    alone = model.run(tf.constant([[END, 3, 4]]), zeros).raw
    whole = model.run(tf.constant([[END, 7, 8, 9, 6, 7]]), zeros).raw
    np.testing.assert_allclose(raw[0], alone[0], atol=1e-6)
    np.testing.assert_allclose(raw[1], whole[0, 3:], atol=1e-6)


def test_activation_regularization_is_that_of_the_paper():
    model = LanguageModel(20, embedding=6, units=6, dropout=0.0)
    objective = NextToken(model, activation_regularization=2.0, temporal_activation_regularization=3.0)
    ids, ends = tf.constant([[4, 5, 6], [7, 8, 9]]), tf.constant([1, 1])
    raw = objective.read(ids, ends).raw.numpy()
    expected = 2 * np.mean(raw**2) + 3 * np.mean((raw[:, 1:] - raw[:, :-1]) ** 2)
    np.testing.assert_allclose(objective.loss_of(ids, ends, training=True)[1], expected, rtol=1e-5)


def test_the_former_names_of_arguments_are_understood():
    with pytest.warns(FutureWarning, match="is now"):
        objective = NextToken(LanguageModel(9, embedding=4, units=4), batch=2, activation=1.0, slowness=2.0, samples=3)
    assert (objective.batch_size, objective.softmax_samples, objective.loss_is_estimated) == (2, 3, True)
    assert (objective.activation_regularization, objective.temporal_activation_regularization) == (1.0, 2.0)
