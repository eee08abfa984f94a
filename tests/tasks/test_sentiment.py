"""The recipe of sentiment: what its linear model starts from, and what it chooses by the size of the data."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from nlp_rnn import recipes
from nlp_rnn.classification.model import Classifier
from nlp_rnn.classification.pipeline import TextClassifier
from nlp_rnn.language_model.model import LanguageModel
from nlp_rnn.language_model.pipeline import LanguagePipeline
from nlp_rnn.layers import BagOfBigrams
from nlp_rnn.text.batching import LengthBuckets, encode
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.vocabulary import Vocabulary

WORDS = [b"good", b"bad", b"film", b"it"]


@pytest.fixture
def some(tmp_path):
    rows = [(("good ", "bad ")[n % 2] + "film it " * (n % 7), n % 2) for n in range(96)]
    return LengthBuckets(encode(rows, TextEncoder(Vocabulary(WORDS)), tmp_path / "some.ids"))


@pytest.fixture
def counting(some):
    """The recipe's data, its settings, and a way to build models of them."""
    recipe = recipes.load("sentiment")
    config = recipe.Config(embedding=4, units=3, bigram_buckets=8, bidirectional=False)

    def build(start=None, classes=("bad", "good"), **settings):
        data = recipe.Data(TextEncoder(Vocabulary(WORDS)), list(classes), some, some)
        return recipe.build_model(replace(config, **settings), data, start)

    return recipe, build


def counted_of(texts, classes, bigrams):
    bag = BagOfBigrams(len(WORDS) + 2, classes, bigrams)
    bag.build((None, None))
    bag.start_from_texts(texts)
    return bag.table.numpy()


def test_the_recipe_counts_first_but_what_another_run_has_learnt_counts_more(counting, some):
    _, build = counting
    counted, model = counted_of(some.texts, 2, 8), build()
    good, bad = (WORDS.index(word) + 2 for word in (b"good", b"bad"))
    assert counted[good, 0] > 0.01 > counted[good, 1] and counted[bad, 1] > 0.01
    np.testing.assert_array_equal(model.bag.table, counted)
    small = Classifier(len(WORDS) + 1, 2, embedding=4, units=3, bidirectional=False, bigrams=8)
    small.build((None, None))
    small.bag.table.assign(small.bag.table + 1)
    start = TextClassifier(TextEncoder(Vocabulary(WORDS[:-1])), small, ["good", "fine"])
    table = build(start).bag.table.numpy()
    np.testing.assert_array_equal(table[:, 0], counted[:, 0])
    new = len(WORDS) + 1
    assert (np.delete(table[:, 1], new) == 1).all() and table[new, 1] == counted[new, 1]


def test_counts_are_used_alone_if_the_start_has_no_common_class_or_no_bag(counting, some, monkeypatch):
    recipe, build = counting
    spoken = LanguageModel(len(WORDS) + 2, embedding=4, units=3)
    spoken.build((None, None))
    counted = counted_of(some.texts, 2, 8)
    start = LanguagePipeline(TextEncoder(Vocabulary(WORDS)), spoken)
    np.testing.assert_array_equal(build(start).bag.table, counted)
    trained = build()
    monkeypatch.setattr(recipe, "MAX_WEIGHTS", 2 * (len(WORDS) + 2 + 5))
    for known, bigrams in ((["new", "other"], 5), (["new", "good"], 8)):
        assert build(TextClassifier(start.encoder, trained, known)).settings["bigrams"] == bigrams


@pytest.mark.parametrize(("classes", "bigrams"), [(2, 2**20), (4, 2**20), (5, 970_000), (500, 0)])
def test_many_classes_have_fewer_pairs(classes, bigrams):
    recipe = recipes.load("sentiment")
    data = SimpleNamespace(classes=range(classes), encoder=SimpleNamespace(vocabulary=range(30_000)))
    assert recipe._bigram_buckets(recipe.Config(), data, None) == bigrams


@pytest.mark.parametrize(("texts", "batch", "epochs"), [(20_128, 64, 2), (10**7, 64, 2), (500, 10, 12), (9, 8, 30)])
def test_sentiment_chooses_batch_and_epochs_by_the_number_of_texts(texts, batch, epochs):
    recipe = recipes.load("sentiment")
    sized = recipe._sized(recipe.Config(), texts)
    assert (sized.batch_size, sized.epochs) == (batch, epochs)
