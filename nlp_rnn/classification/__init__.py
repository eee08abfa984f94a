"""Text classification: one label for a text."""

from nlp_rnn.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {"model": ["Classifier"], "pipeline": ["TextClassifier"]},
)
