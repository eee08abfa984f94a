"""The conformance checks are really made: broken models and recipes fail, each for the promise that it breaks."""

import keras
import pytest
import tensorflow as tf

from nlp_rnn.checks import UsageError
from nlp_rnn.classification.model import Classifier
from nlp_rnn.forecasting.direct_model import DirectForecaster
from nlp_rnn.language_model.model import LanguageModel
from nlp_rnn.seq2seq.model import Seq2Seq
from tests import conformance


@keras.saving.register_keras_serializable("tests")
class SeesPadding(Classifier):
    """Broken on purpose: pools over padding too."""

    def call(self, ids, training=False):
        x = self.recurrent(self.embedding(ids), training=training)
        return self.head(self.pooling(x))


@keras.saving.register_keras_serializable("tests")
class DividesByNothing(Classifier):
    """Broken on purpose: a row of padding divides by zero."""

    def call(self, ids, training=False):
        mask = tf.cast(ids != 0, tf.float32)[..., None]
        x = self.recurrent(self.embedding(ids), mask=ids != 0)
        mean = tf.reduce_sum(x * mask, 1) / tf.reduce_sum(mask, 1)
        return self.head(tf.concat([mean, mean], -1))


@pytest.mark.parametrize(
    ("broken", "promise"), [(SeesPadding, "padding is seen"), (DividesByNothing, "head/kernel is not finite")]
)
def test_a_broken_model_is_rejected(broken, promise, tmp_path):
    with pytest.raises(AssertionError, match=promise):
        conformance.check_model(lambda: broken(20, 3, embedding=4, units=3, dropout=0.0, word_dropout=0.0), tmp_path)


@keras.saving.register_keras_serializable("tests")
class SeesTheNext(LanguageModel):
    """Broken on purpose: it reads the token that it is to predict."""

    def run(self, ids, states=None, mask=None, training=False):
        return super().run(tf.roll(ids, -1, 1), states, None, training)


@keras.saving.register_keras_serializable("tests")
class ForgetsItsState(LanguageModel):
    """Broken on purpose: what came before the piece is lost."""

    def run(self, ids, states=None, mask=None, training=False):
        return super().run(ids, None, mask, training)


@pytest.mark.parametrize(
    ("broken", "promise"), [(SeesTheNext, "the future is seen"), (ForgetsItsState, "the state does not carry on")]
)
def test_a_broken_language_model_is_rejected(broken, promise, tmp_path):
    with pytest.raises(AssertionError, match=promise):
        conformance.check_language_model(lambda: broken(20, embedding=4, units=4), tmp_path)


@keras.saving.register_keras_serializable("tests")
class AttendsToPadding(Seq2Seq):
    """Broken on purpose: the memory's mask is lost."""

    def encode(self, source, training=False):
        encoded = super().encode(source, training)
        return encoded._replace(memory=encoded.memory._replace(mask=tf.ones_like(encoded.memory.mask)))


@keras.saving.register_keras_serializable("tests")
class IgnoresTheSource(Seq2Seq):
    """Broken on purpose: all sources read the same."""

    def encode(self, source, training=False):
        return super().encode(tf.minimum(source, 1), training)


@pytest.mark.parametrize(
    ("broken", "promise"),
    [(AttendsToPadding, "padding is seen"), (IgnoresTheSource, "the source does not reach the target")],
)
def test_a_broken_seq2seq_is_rejected(broken, promise, tmp_path):
    with pytest.raises(AssertionError, match=promise):
        conformance.check_seq2seq(lambda: broken(20, 20, embedding=4, units=4, dropout=0.0), tmp_path)


@keras.saving.register_keras_serializable("tests")
class MixesWindows(DirectForecaster):
    """Broken on purpose: the forecast of a window depends on the others."""

    def scaled_quantiles(self, context, category, covariates=None, training=False):
        scale, quantiles = super().scaled_quantiles(context, category, covariates, training)
        return scale, quantiles + tf.reduce_mean(quantiles, 0, keepdims=True)


@keras.saving.register_keras_serializable("tests")
class KeepsTheUnit(DirectForecaster):
    """Broken on purpose: large series weigh more than small ones."""

    def window_losses(self, context, targets, category, covariates=None, training=False):
        losses, weights = super().window_losses(context, targets, category, covariates, training)
        return losses * tf.where(tf.math.is_nan(context[:, -1:]), 1.0, context[:, -1:]), weights


@keras.saving.register_keras_serializable("tests")
class TakesMissingForZero(DirectForecaster):
    """Broken on purpose: a missing target counts like a zero."""

    def window_losses(self, context, targets, category, covariates=None, training=False):
        filled = tf.where(tf.math.is_nan(targets), 0.0, targets)
        return super().window_losses(context, filled, category, covariates, training)


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (MixesWindows, "rows of a batch mix"),
        (KeepsTheUnit, "it depends on the unit of a series"),
        (TakesMissingForZero, "a missing target is counted"),
    ],
)
def test_a_broken_forecaster_is_rejected(broken, promise, tmp_path):
    columns = {"categories": 2, "covariates": 2, "num_future_covariates": 1}
    with pytest.raises(AssertionError, match=promise):
        conformance.check_forecaster(lambda length: broken(length, 4, segment=5, units=6, **columns), tmp_path)


RECIPE = '''"""A recipe: how are texts classified?"""
from dataclasses import dataclass

from nlp_rnn.training.settings import TrainingSettings

TASK = "text_classifier"
DATA = "movie_reviews"


@dataclass(frozen=True, kw_only=True)
class Config(TrainingSettings):
    pass


def load_data(): ...


def build_model(): ...


def train(): ...
'''


@pytest.mark.parametrize(
    ("whole", "broken", "promise"),
    [
        ("frozen=True, kw_only=True", "kw_only=True", "cannot inherit non-frozen|Config is frozen"),
        ("(TrainingSettings)", "", "Config extends Settings"),
        ('TASK = "text_classifier"', "", "a recipe names its task"),
        ('DATA = "movie_reviews"', "", "a recipe names its default data"),
        ("def train(): ...", "", "it lacks train"),
        ("\ndef load_data(): ...\n", "", "it lacks load_data"),
        ("A recipe: how are texts classified?", "", "the first line of the docstring"),
    ],
)
def test_a_broken_recipe_is_rejected(whole, broken, promise, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text(RECIPE)
    conformance.check_recipe(path)
    path.write_text(RECIPE.replace(whole, broken))
    with pytest.raises((AssertionError, TypeError, UsageError), match=promise):
        conformance.check_recipe(path)
