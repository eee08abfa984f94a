"""What breaks a promise is found out: broken cells, layers, models and recipes do not pass the conformance checks."""

import keras
import pytest
import tensorflow as tf

from nlp_rnn.layers import LSTM
from nlp_rnn.layers.cells import Cell
from nlp_rnn.models import Classifier, DirectForecaster, LanguageModel, Seq2Seq
from tests import conformance
from tests.conformance import U


def mixes_rows(z, state):
    """Broken on purpose: one row sees another."""
    h = tf.tanh(z + tf.reduce_mean(z, axis=-2, keepdims=True))
    return (h,), {}


def ignores_the_past(wx, uh, state):
    """Broken on purpose: the recurrent product does not reach h."""
    return (tf.tanh(wx),), {}


def hides_a_gate(z, state):
    """Broken on purpose: it gives a gate that the cell does not name."""
    return (tf.tanh(z),), {"z": z}


@pytest.mark.parametrize("broken", [mixes_rows, ignores_the_past, hides_a_gate])
def test_a_broken_cell_is_rejected(broken):
    with pytest.raises(AssertionError):
        conformance.check_cell(Cell(broken, columns=1, gates=(), additive=broken is not ignores_the_past))


@keras.saving.register_keras_serializable("tests")
class ForgetsUnits(LSTM):
    """Broken on purpose: the saved config loses `units`."""

    def get_config(self):
        return keras.layers.Layer.get_config(self)


@keras.saving.register_keras_serializable("tests")
class ForgetsDropout(LSTM):
    """Broken on purpose: the saved config loses `dropout`."""

    def __init__(self, units, dropout=0.5, **kwargs):
        super().__init__(units, dropout=dropout, **kwargs)
        self.dropout = self.dropout if self.built else dropout * 0.5


@keras.saving.register_keras_serializable("tests")
class DeadInput(LSTM):
    """Broken on purpose: the input never reaches the gates."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        return super().call(0 * sequences, initial_state, mask, training)


@keras.saving.register_keras_serializable("tests")
class IgnoresMask(LSTM):
    """Broken on purpose: padding is read like text."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        return super().call(sequences, initial_state, None, training)


@pytest.mark.parametrize("broken", [ForgetsUnits, ForgetsDropout, DeadInput, IgnoresMask])
def test_a_broken_layer_is_rejected(broken, tmp_path):
    with pytest.raises((AssertionError, TypeError)):
        conformance.check_layer(lambda: broken(U), tmp_path)


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


@pytest.mark.parametrize("broken", [SeesPadding, DividesByNothing])
def test_a_broken_model_is_rejected(broken, tmp_path):
    with pytest.raises(AssertionError):
        conformance.check_model(lambda: broken(20, 3, embedding=4, units=3, dropout=0.0, word_dropout=0.0), tmp_path)


@keras.saving.register_keras_serializable("tests")
class SeesTheNext(LanguageModel):
    """Broken on purpose: it reads the token that it is to tell."""

    def run(self, ids, states=None, mask=None, training=False):
        return super().run(tf.roll(ids, -1, 1), states, None, training)


@keras.saving.register_keras_serializable("tests")
class ForgetsItsState(LanguageModel):
    """Broken on purpose: what came before the piece is lost."""

    def run(self, ids, states=None, mask=None, training=False):
        return super().run(ids, None, mask, training)


@pytest.mark.parametrize("broken", [SeesTheNext, ForgetsItsState])
def test_a_broken_language_model_is_rejected(broken, tmp_path):
    with pytest.raises(AssertionError):
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
        return super().encode(tf.ones_like(source), training)


@pytest.mark.parametrize("broken", [AttendsToPadding, IgnoresTheSource])
def test_a_broken_seq2seq_is_rejected(broken, tmp_path):
    with pytest.raises(AssertionError):
        conformance.check_seq2seq(lambda: broken(20, 20, embedding=4, units=4, dropout=0.0), tmp_path)


@keras.saving.register_keras_serializable("tests")
class MixesWindows(DirectForecaster):
    """Broken on purpose: a window is told by the others as well."""

    def measured(self, known, category, covariates=None, training=False):
        scale, told = super().measured(known, category, covariates, training)
        return scale, told + tf.reduce_mean(told, 0, keepdims=True)


@keras.saving.register_keras_serializable("tests")
class KeepsTheUnit(DirectForecaster):
    """Broken on purpose: large series weigh more than small ones."""

    def window_losses(self, known, following, category, covariates=None, training=False):
        losses, counted = super().window_losses(known, following, category, covariates, training)
        return losses * tf.where(tf.math.is_nan(known[:, -1:]), 1.0, known[:, -1:]), counted


@keras.saving.register_keras_serializable("tests")
class TakesMissingForZero(DirectForecaster):
    """Broken on purpose: a missing value to tell counts like a zero."""

    def window_losses(self, known, following, category, covariates=None, training=False):
        filled = tf.where(tf.math.is_nan(following), 0.0, following)
        return super().window_losses(known, filled, category, covariates, training)


@pytest.mark.parametrize("broken", [MixesWindows, KeepsTheUnit, TakesMissingForZero])
def test_a_broken_forecaster_is_rejected(broken, tmp_path):
    with pytest.raises(AssertionError):
        conformance.check_forecaster(
            lambda known: broken(known, 4, segment=5, units=6, kinds=2, covariates=2, ahead=1), tmp_path
        )


BROKEN_RECIPE = '''"""A recipe whose settings can be changed while it runs."""
from dataclasses import dataclass


@dataclass
class Config:
    seed: int = 0


def load_data(): ...


def build_model(): ...


def train(): ...
'''


def test_a_broken_recipe_is_rejected(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text(BROKEN_RECIPE)
    with pytest.raises(AssertionError):
        conformance.check_recipe(path)
