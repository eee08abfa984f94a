"""A classifier of texts in batches, two at a time."""

import numpy as np
import pytest

from nlp_rnn.classification import pipeline
from nlp_rnn.classification.model import Classifier
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.vocabulary import Vocabulary


@pytest.fixture
def classifier():
    model = Classifier(vocabulary_size=4, classes=2, embedding=4, units=4)
    model.build((None, None))
    encoder = TextEncoder(Vocabulary([b"good", b"dull"]), max_tokens=3)
    return pipeline.TextClassifier(encoder, model, ["no", "yes"])


def test_texts_keep_their_order_and_the_truncated_ones_are_counted(classifier, monkeypatch):
    texts = [" ".join(["good", "dull"][n % 2 :: n % 3 + 1] * (n % 4)) for n in range(23)]
    long = sum(len(text.split()) > 3 for text in texts)
    whole = list(classifier.predict(texts))
    assert classifier.cut == long > 0
    monkeypatch.setattr(pipeline, "_BATCH", 2)
    batches = list(classifier.predict(texts))
    assert classifier.cut == 2 * long and [one.text for one in batches] == texts
    for one, other in zip(whole, batches, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, rtol=1e-5)


def test_an_error_in_one_batch_is_raised(classifier, monkeypatch):
    def fail(texts):
        raise ValueError("no graph")

    monkeypatch.setattr(pipeline, "_BATCH", 1)
    monkeypatch.setattr(classifier, "_predict", fail)
    with pytest.raises(ValueError, match="no graph"):
        list(classifier.predict(["good", "dull"]))
