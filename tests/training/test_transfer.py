"""Weights taken over from a model with a smaller vocabulary."""

import numpy as np

from nlp_rnn.training.transfer import extend_rows


def test_new_rows_are_the_mean_of_the_old_ones():
    rows = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    extended = extend_rows(rows, 6)
    assert extended.dtype == np.float32
    np.testing.assert_array_equal(extended[:4], rows)
    np.testing.assert_array_equal(extended[4:], [rows.mean(0)] * 2)
    np.testing.assert_array_equal(extend_rows(rows, 4), rows)
    assert extend_rows(rows[:, 0], 5).shape == (5,)
