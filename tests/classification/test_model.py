"""The classifier: what it takes over from another one."""

import numpy as np
import pytest

from nlp_rnn.classification.model import Classifier
from nlp_rnn.training.optimizers import layer_depths


def test_fine_tuning_keeps_known_vectors_and_adds_words():
    start = Classifier(4, 2, embedding=4, units=3)
    start.build((None, None))
    for same in ({0: 0, 1: 1}, {1: 0}, {}):
        model = Classifier(6, 2, embedding=4, units=3)
        model.build((None, None))
        model.start_from(start, same)
        vectors = start.embedding.get_weights()[0]
        np.testing.assert_array_equal(model.embedding.get_weights()[0][:4], vectors)
        np.testing.assert_allclose(model.embedding.get_weights()[0][4:], [vectors.mean(0)] * 2, rtol=1e-6)
        for here in range(2):
            column = model.head.get_weights()[0][:, here]
            assert any(np.array_equal(column, start.head.get_weights()[0][:, n]) for n in range(2)) == (here in same)


def test_fine_tuning_keeps_the_weights_of_bigrams():
    start, model = (Classifier(size, 2, embedding=4, units=3, bigrams=8) for size in (4, 6))
    for each in (start, model):
        each.build((None, None))
    start.bag.table.assign(np.random.default_rng(0).normal(size=(12, 2)))
    model.start_from(start, {0: 1, 1: 0})
    ids = np.array([[2, 3, 2]])
    np.testing.assert_allclose(model(ids).numpy()[:, ::-1], start(ids), rtol=1e-5)
    assert sorted(layer_depths(model)) == [0] * 3 + [1] * 6 + [2]


def test_models_with_and_without_bigrams_do_not_fit():
    models = [Classifier(4, 2, embedding=4, units=3, bigrams=bigrams) for bigrams in (0, 8)]
    for model in models:
        model.build((None, None))
    for model, start, bigrams in ((*models, 8), (*reversed(models), 0)):
        with pytest.raises(ValueError, match=f"bigrams must be {bigrams}, as in the model to start from"):
            model.start_from(start, {0: 0})
