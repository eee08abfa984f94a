"""Texts to ids."""

import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given

from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.token_levels import TOKEN_LEVELS
from nlp_rnn.text.tokenizer import to_tensor
from nlp_rnn.text.vocabulary import TokenCounter, Vocabulary


@pytest.mark.slow
@given(st.lists(st.text(max_size=40), min_size=1, max_size=4), st.sampled_from(TOKEN_LEVELS), st.integers(1, 12))
def test_a_batch_is_encoded_as_its_texts_are_alone(texts, token_level, max_tokens):
    counter = TokenCounter(token_level)
    counter.add(texts)
    encoder = TextEncoder(Vocabulary.from_counts(counter.counts, 10), token_level, max_tokens=max_tokens)
    together = encoder(to_tensor(texts)).numpy()
    assert together.shape[1] >= 1 and together.shape[1] <= max(max_tokens, 1)
    for row, text in zip(together, texts, strict=True):
        alone = encoder(to_tensor([text])).numpy()[0]
        np.testing.assert_array_equal(row[: len(alone)], alone)
        assert not row[len(alone) :].any()


def test_a_long_text_keeps_its_start_and_its_end():
    encoder = TextEncoder(Vocabulary(str(n).encode() for n in range(20)), max_tokens=8)
    text = " ".join(map(str, range(20)))
    ids, lengths = encoder.ragged(tf.constant([text, "1 2 3"]))
    assert [n - 2 for n in ids.to_list()[0]] == [0, 1, 14, 15, 16, 17, 18, 19]
    assert [n - 2 for n in ids.to_list()[1]] == [1, 2, 3]
    assert lengths.numpy().tolist() == [20, 3]
    assert encoder.tokens(text) == [b"0", b"1", b"14", b"15", b"16", b"17", b"18", b"19"]


def test_unknown_tokens_and_padding():
    encoder = TextEncoder(Vocabulary([b"c", b"a", b"b"]))
    assert encoder(tf.constant(["a rare c", ""])).numpy().tolist() == [[3, 1, 2], [0, 0, 0]]


def test_bytes_know_every_text():
    encoder = TextEncoder(Vocabulary.of_bytes(), "byte")
    assert 1 not in encoder(to_tensor(["é\0😀"])).numpy()


def test_an_empty_batch_and_an_empty_vocabulary():
    assert TextEncoder(Vocabulary([]))(tf.constant([], tf.string)).shape == (0, 1)
    assert TextEncoder(Vocabulary([]))(tf.constant(["a"])).numpy().tolist() == [[1]]


@pytest.mark.parametrize("key", ["token_level", "unit"])
def test_an_encoder_is_read_back_with_settings_of_today_and_of_version_0_1(tmp_path, key):
    encoder = TextEncoder(Vocabulary(["é".encode(), b"b"]), "character", lowercase=False, max_tokens=3)
    config = encoder.save(tmp_path / "vocabulary.txt")
    assert config == {"token_level": "character", "lowercase": False, "max_tokens": 3, "version": 2}
    config[key] = config.pop("token_level")
    read = TextEncoder.read(tmp_path / "vocabulary.txt", config)
    assert read.get_config() == encoder.get_config() and read.vocabulary.tokens == encoder.vocabulary.tokens


def test_the_argument_unit_of_version_0_1_is_accepted_with_a_warning():
    with pytest.warns(FutureWarning, match="the argument unit is now token_level"):
        assert TextEncoder(Vocabulary([]), unit="byte").token_level == "byte"


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match="token_level must be one of word, character, byte, subword, got 'line'"):
        TextEncoder(Vocabulary([]), "line")
    with pytest.raises(ValueError, match="max_tokens must be a positive int, got 0"):
        TextEncoder(Vocabulary([]), max_tokens=0)
