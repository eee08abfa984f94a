"""Subwords in TensorFlow operations against the library that learned them."""

import io

import pytest
import tensorflow as tf

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.text import subwords
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.token_levels import SUBWORD
from nlp_rnn.text.vocabulary import Vocabulary

SENTENCES = [
    "Le chat dort.",
    "le chien  dort-il ?",
    "L'été, il dort\u202f!",
    "漢字 a 漢",
    "",
    "x" * 50,
    "chat" * 30 + " dort le",
    "naïve 😀😀!",
]


def test_subwords_are_those_of_the_library():
    import sentencepiece

    corpus = SENTENCES[:3] * 30
    pieces = subwords.learn(corpus, 40)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(" ".join(text.split()) for text in corpus), model_writer=model, model_type="bpe",
        vocab_size=40, hard_vocab_limit=False, normalization_rule_name="identity", bos_id=-1, eos_id=-1, minloglevel=2,
    )  # fmt: skip
    library = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    encoder = TextEncoder(Vocabulary(pieces).with_end(), SUBWORD, lowercase=False)
    for text in SENTENCES:
        expected = library.encode(" ".join(text.split()), out_type=str)
        known = [piece if library.piece_to_id(piece) != library.unk_id() else "\x00" for piece in expected]
        assert [piece.decode() for piece in encoder.tokens(text)] == known, text
    assert encoder.decode(encoder(tf.constant(["Le chat dort."]))).numpy()[0] == b"Le chat dort."


def test_one_long_word_does_not_widen_all_words(monkeypatch):
    shapes, merged = [], subwords._merged

    def recorded(symbols, ranks):
        shapes.append(tuple(symbols.shape))
        return merged(symbols, ranks)

    monkeypatch.setattr(subwords, "_merged", recorded)
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [0]), subwords.NO_PIECE)
    words = [f"{n}" for n in range(50)]
    subwords.split(tf.constant([" ".join([*words, "a" * 300])]), table)
    assert shapes == [(50, 3), (1, 301)]


def test_too_little_text_and_a_missing_package_are_reported(monkeypatch):
    with pytest.raises(InputError, match="no 4,000 subwords can be learned from these texts; give more text"):
        subwords.learn([], 4000)
    monkeypatch.setattr(subwords.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="subwords need the package sentencepiece"):
        subwords.learn(SENTENCES, 40)


def test_an_error_while_reading_the_texts_is_raised_as_it_is():
    def texts():
        yield from SENTENCES
        raise InputError("a.csv, line 9: no text")

    with pytest.raises(InputError, match=r"a\.csv, line 9"):
        subwords.learn(texts(), 40)
