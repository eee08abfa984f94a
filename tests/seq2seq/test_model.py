"""The sequence-to-sequence model."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.seq2seq.model import Seq2Seq


def test_new_ids_start_at_the_mean_and_all_other_weights_are_kept():
    old, new = (Seq2Seq(size, size - 2, embedding=6, units=4) for size in (9, 12))
    for model in (old, new):
        model.build((None, None))
    new.start_from(old)
    for layer in ("source_embedding", "target_embedding"):
        before, after = (getattr(model, layer).embeddings.numpy() for model in (old, new))
        np.testing.assert_array_equal(after[: len(before)], before)
        np.testing.assert_allclose(after[len(before) :], np.tile(before.mean(0), (3, 1)), rtol=1e-5)
    source, target = tf.constant([[4, 5, 8]]), tf.constant([[2, 6]])
    np.testing.assert_allclose(new((source, target))[..., :7], old((source, target)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"units": 5}, "units must be even, got 5"),
        ({"cell": "cnn"}, "cell must be one of"),
        ({"longest": 0}, "longest must be a positive int, got 0"),
        ({"attention": "none", "input_feeding": True}, "need attention"),
        ({"attention": "multiplicative", "coverage": True}, "coverage needs"),
    ],
)
def test_arguments_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Seq2Seq(9, 8, embedding=6, **{"units": 6, **settings})


@pytest.mark.parametrize(
    "options", [{}, {"input_feeding": True}, {"attention": "additive", "coverage": True}, {"attention": "none"}]
)
def test_decoding_step_by_step_gives_the_logits_of_teacher_forcing(options):
    model = Seq2Seq(9, 8, embedding=6, units=6, layers=2, **options)
    source, target = tf.constant([[3, 4, 5], [6, 0, 0]]), tf.constant([[2, 4, 5], [2, 6, 7]])
    expected = model((source, target))
    memory, state = model.encode(source)
    for t in range(3):
        logits, weights, state = model.step(target[:, t], memory, state)
        np.testing.assert_allclose(logits, expected[:, t], rtol=1e-4, atol=1e-5)
        assert weights.shape == (2, 3) and not np.any(weights[1, 1:])
