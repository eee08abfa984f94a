"""Exports of a run, verified before they are reported as successful."""

from nlp_rnn.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {"savedmodel": ["export"]},
)
