"""Small untrained models for tests."""

from nlp_rnn.language_model.model import LanguageModel
from nlp_rnn.language_model.pipeline import LanguagePipeline
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.vocabulary import Vocabulary

LETTERS = tuple(bytes([letter]) for letter in range(ord("a"), ord("z") + 1))


def language_pipeline(tokens=LETTERS, token_level="word", **settings):
    """A language model whose vocabulary is these tokens, byte strings."""
    encoder = TextEncoder(Vocabulary(tokens).with_end(), token_level, max_tokens=10**9)
    return LanguagePipeline(encoder, LanguageModel(len(encoder.vocabulary), embedding=6, units=5, **settings))
