"""Teacher forcing: its loss, label smoothing, scheduled sampling."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.seq2seq.model import Seq2Seq
from nlp_rnn.seq2seq.objective import TeacherForcing, shifted
from nlp_rnn.text.vocabulary import END
from nlp_rnn.training.losses import cross_entropy


@pytest.fixture
def model():
    return Seq2Seq(9, 8, embedding=6, units=6, dropout=0.0)


def test_label_smoothing_follows_its_formula_in_chunks_of_any_size():
    shapes = [(5, 4), (7, 4), (7,)]
    variables = tuple(tf.constant(np.random.default_rng(n).normal(size=s), tf.float32) for n, s in enumerate(shapes))
    targets, weights = tf.constant([0, 3, 6, 2, 1]), tf.constant([1.0, 2.0, 0.0, 1.0, 1.0])
    with tf.GradientTape() as tape:
        tape.watch(variables)
        states, kernel, bias = variables
        labels = 0.8 * tf.one_hot(targets, 7) + 0.2 / 7
        losses = tf.nn.softmax_cross_entropy_with_logits(labels, tf.matmul(states, kernel, transpose_b=True) + bias)
        expected = tf.reduce_sum(weights * losses)
    expected = expected, *tape.gradient(expected, variables)
    for chunk in (7, 10_000):
        with tf.GradientTape() as tape:
            tape.watch(variables)
            loss = cross_entropy(*variables, targets, weights, chunk, label_smoothing=0.2)
        for actual, wanted in zip((loss, *tape.gradient(loss, variables)), expected, strict=True):
            np.testing.assert_allclose(actual, wanted, rtol=1e-4, atol=1e-5)


def test_scheduled_sampling_replaces_inputs_by_the_predictions_of_the_model(model):
    source, target = tf.constant([[3, 4, 5]]), tf.constant([[4, 5, 6, END]])
    objective = TeacherForcing(model, scheduled_sampling=0.999999)
    inputs = objective._sampled(source, shifted(target)).numpy()
    predicted = np.argmax(model((source, shifted(target))), -1)
    assert inputs[0, 0] == END and inputs[0, 1:].tolist() == predicted[0, :-1].tolist()
    loss, _, tokens = objective.loss_of(source, target, training=True)
    assert np.isfinite(loss) and tokens == 4


def test_padding_does_not_count_in_the_loss(model):
    source, target = tf.constant([[3, 0, 0], [3, 4, 5]]), tf.constant([[4, END, 0, 0], [4, 5, 6, END]])
    objective, ids = TeacherForcing(model), tf.TensorSpec([None, None], tf.int32)
    loss_of = tf.function(lambda *pair: objective.loss_of(*pair, training=False), input_signature=[ids, ids])
    loss, _, tokens = loss_of(source, target)
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(target, model((source, shifted(target)))).numpy()
    np.testing.assert_allclose(loss, each[target != 0].mean(), rtol=1e-5)
    assert tokens == 6


def test_arguments_keep_their_former_names(model):
    with pytest.warns(FutureWarning, match="smoothing is now label_smoothing"):
        objective = TeacherForcing(model, smoothing=0.1)
    assert objective.label_smoothing == 0.1 and objective.loss_is_estimated
