"""Text from a network that gives the logits of the next token: sampling and beam search."""

from nlp_rnn.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "sampling": ["DecodingState", "SamplingConfig", "sample"],
        "beam": ["BeamSearchConfig", "beam_search", "mean_logits"],
    },
)
