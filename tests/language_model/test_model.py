"""The network of a language model. What all networks promise is in the conformance tests."""

import numpy as np
import tensorflow as tf

from nlp_rnn.language_model.model import LanguageModel


def test_a_dropped_word_is_dropped_wherever_it_occurs():
    model = LanguageModel(20, embedding=4, units=4, word_dropout=0.5)
    model.build((None, None))
    ids = tf.constant([[3, 4, 3, 5], [5, 3, 4, 4]])
    x = tf.ones((2, 4, 4))
    dropped = model._drop_words(x, ids, training=True).numpy()[..., 0]
    for word in (3, 4, 5):
        assert len(set(dropped[ids.numpy() == word])) == 1
    many = model._drop_words(tf.ones((1, 20, 4)), tf.range(20)[None], training=True).numpy()
    assert set(np.unique(many)) == {0.0, 2.0}
    np.testing.assert_array_equal(model._drop_words(x, ids, training=False), x)
