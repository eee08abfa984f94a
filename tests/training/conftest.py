"""A small classification problem: the first word of a text decides its class."""

import keras
import numpy as np
import pytest

from nlp_rnn.classification.model import Classifier
from nlp_rnn.text.batching import LengthBuckets, encode
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.vocabulary import Vocabulary

WORDS = [b"good", b"bad", b"film", b"it"]


@pytest.fixture(scope="session")
def make_batches(tmp_path_factory):
    """Makes batches of texts; without a seed they are sorted, as for validation."""

    def make(seed, texts=96):
        rng = np.random.default_rng(9 if seed is None else seed)
        rows = [(("good ", "bad ")[n % 2] + "film it " * int(rng.integers(0, 9)), n % 2) for n in range(texts)]
        file = tmp_path_factory.mktemp("batches") / "texts.ids"
        return LengthBuckets(encode(rows, TextEncoder(Vocabulary(WORDS)), file), max_texts=16, seed=seed)

    return make


@pytest.fixture
def data(make_batches):
    """Training and validation batches."""
    return make_batches(0), make_batches(None)


@pytest.fixture
def make_model():
    """Makes the same untrained classifier each time."""

    def make(units=4):
        keras.utils.set_random_seed(0)
        return Classifier(len(WORDS) + 2, 2, embedding=4, units=units)

    return make


@pytest.fixture
def add_callback(monkeypatch):
    """Adds a callback to every `fit` of Keras; gives a function that removes it again."""

    def add(callback):
        ordinary = keras.Model.fit

        def fit(self, *args, callbacks, **options):
            return ordinary(self, *args, callbacks=[*callbacks, callback], **options)

        monkeypatch.setattr(keras.Model, "fit", fit)
        return lambda: monkeypatch.setattr(keras.Model, "fit", ordinary)

    return add
