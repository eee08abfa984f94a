"""Sequence to sequence: translation and the like."""

from nlp_rnn.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {"model": ["Seq2Seq"], "pipeline": ["Translator"]},
)
