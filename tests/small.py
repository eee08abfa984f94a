"""Small untrained models for tests."""

from nlp_rnn.language import LanguagePipeline
from nlp_rnn.models import LanguageModel
from nlp_rnn.text import TextEncoder, Vocabulary


def language_pipeline(tokens, unit="word", **settings):
    """A language model that knows these tokens, byte strings."""
    encoder = TextEncoder(Vocabulary(tokens).with_end(), unit, max_tokens=10**9)
    return LanguagePipeline(encoder, LanguageModel(len(encoder.vocabulary), embedding=6, units=5, **settings))
