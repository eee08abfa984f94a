"""Word dropout; the wrappers of recurrent layers are in test_variants.py and test_conformance.py."""

import keras
import numpy as np
import pytest

from nlp_rnn.layers import WordDropout


def test_word_dropout_replaces_a_fraction_of_the_tokens_and_no_padding():
    keras.utils.set_random_seed(0)
    layer, ids = WordDropout(0.25), np.tile([5, 6, 7, 0], (1000, 5))
    np.testing.assert_array_equal(layer(ids), ids)
    out = layer(ids, training=True).numpy()
    assert not out[ids == 0].any()
    assert set(np.unique(out)) == {0, 1, 5, 6, 7}
    assert abs((out == 1).sum() / (ids != 0).sum() - 0.25) < 0.01
    assert layer.get_config()["rate"] == 0.25
    with pytest.raises(ValueError, match="rate must be a number from 0"):
        WordDropout(1.5)
