"""Adam in one operation, discriminative learning rates, gradual unfreezing; and training with sampled softmax."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.classification.model import Classifier
from nlp_rnn.language_model.bptt import Streams
from nlp_rnn.language_model.model import LanguageModel
from nlp_rnn.language_model.objective import NextToken
from nlp_rnn.text.batching import encode
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.vocabulary import Vocabulary
from nlp_rnn.training.optimizers import FusedAdam, LayeredAdam, layer_depths
from nlp_rnn.training.trainer import TrainingPlan, fit

SENTENCE = "the clouds are in the sky ."


@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam_in_one_operation_is_keras_adam(amsgrad):
    rng = np.random.default_rng(0)
    start, rows = rng.normal(size=(5, 3)), np.array([4, 1, 4])
    results = []
    for optimizer_class in (keras.optimizers.Adam, FusedAdam):
        table, kernel = keras.Variable(start), keras.Variable(start[0])
        optimizer = optimizer_class(0.1, global_clipnorm=0.5, amsgrad=amsgrad)
        optimizer.build([table, kernel])
        rng = np.random.default_rng(1)
        for _ in range(4):
            slices = tf.IndexedSlices(tf.constant(rng.normal(size=(3, 3)), tf.float32), rows, (5, 3))
            optimizer.apply([slices, tf.constant(rng.normal(size=3), tf.float32)], [table, kernel])
        results.append([table.numpy(), kernel.numpy()])
    for theirs, ours in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_lower_layers_learn_later_and_slower():
    top, bottom = keras.Variable([0.0], name="top"), keras.Variable([0.0], name="bottom")
    optimizer = LayeredAdam(0.1, [0, 2], decay=2.0, unfreeze_steps=3)
    optimizer.build([top, bottom])
    moved = []
    for _ in range(8):
        before = float(top[0]), float(bottom[0])
        optimizer.apply([tf.ones(1), tf.ones(1)], [top, bottom])
        moved.append((before[0] - float(top[0]), before[1] - float(bottom[0])))
    np.testing.assert_allclose([step[0] for step in moved], 0.1, rtol=1e-4)
    np.testing.assert_allclose([step[1] for step in moved], [0.0] * 6 + [0.025] * 2, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("decay", "unfreeze_steps"), [(0.0, 1), (2.0, -1)])
def test_a_decay_or_an_interval_out_of_range_is_refused(decay, unfreeze_steps):
    message = f"decay must be above 0 and unfreeze_steps at least 0, got {decay} and {unfreeze_steps}"
    with pytest.raises(ValueError, match=message):
        LayeredAdam(0.1, [0], decay, unfreeze_steps)


def test_a_layered_optimizer_is_saved_as_version_0_1_saved_it_and_read_back():
    optimizer = LayeredAdam(0.1, [0, 1], decay=2.0, unfreeze_steps=3)
    config = optimizer.get_config()
    assert {key: config[key] for key in ("depths", "decay", "rest")} == {"depths": [0, 1], "decay": 2.0, "rest": 3}
    read = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(read) is LayeredAdam and {**read.get_config(), "name": config["name"]} == config


def test_the_argument_rest_of_version_0_1_is_accepted_with_a_warning():
    with pytest.warns(FutureWarning, match="the argument rest is now unfreeze_steps"):
        assert LayeredAdam(0.1, [0], rest=4).unfreeze_steps == 4


def test_the_layers_of_a_model_are_counted_from_its_output():
    model = LanguageModel(9, embedding=4, units=3, layers=2, name="language_model")
    model.build((None, None))
    depths = dict(zip((v.path for v in model.trainable_variables), layer_depths(model), strict=True))
    assert {path.split("/")[-2]: depth for path, depth in depths.items() if "/" in path} == {
        "projection": 0, "lstm_1": 1, "lstm_0": 2, "embedding": 3, "language_model": 0,
    }  # fmt: skip
    assert layer_depths(NextToken(model)) == layer_depths(model)
    classifier = Classifier(9, 2, embedding=4, units=3)
    classifier.build((None, None))
    assert sorted(layer_depths(classifier)) == [0] * 2 + [1] * 6 + [2]


@pytest.mark.slow
def test_the_embedding_stays_frozen_until_the_plan_unfreezes_it(streams, tmp_path):
    model = LanguageModel(len(ENCODER.vocabulary), embedding=6, units=6, dropout=0.0)
    objective = NextToken(model, streams.batch_size)
    before = model.embedding.get_weights()[0].copy()
    fit(objective, streams, streams, TrainingPlan(2, 0.01, unfreeze_interval=9.0), tmp_path)
    np.testing.assert_array_equal(model.embedding.get_weights()[0], before)
    fit(objective, streams, streams, TrainingPlan(4, 0.01, layerwise_decay=2.0), tmp_path)
    assert np.abs(model.embedding.get_weights()[0] - before).max() > 0.001


@pytest.mark.thorough
def test_sampled_softmax_learns_what_the_full_softmax_measures(streams, tmp_path):
    keras.utils.set_random_seed(0)
    model = LanguageModel(len(ENCODER.vocabulary), embedding=16, units=16, dropout=0.0)
    objective = NextToken(model, streams.batch_size, softmax_samples=4)
    history = fit(objective, streams, streams, TrainingPlan(30, 0.03, patience=30), tmp_path)
    assert history[-1]["val_loss"] < 0.3 < history[0]["val_loss"]  # over all words


ENCODER = TextEncoder(Vocabulary(sorted(set(SENTENCE.encode().split()))).with_end(), max_tokens=10**9)


@pytest.fixture
def streams(tmp_path):
    return Streams(encode([(SENTENCE, 1)] * 60, ENCODER, tmp_path / "text.ids", end=True), 4, 8, 0)
