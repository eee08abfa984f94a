"""From text to ids and back, in TensorFlow operations that training and exports share."""

from nlp_rnn.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "tokenizer": ["Tokenizer", "detokenize", "to_tensor", "tokenize"],
        "vocabulary": ["END", "PADDING", "UNKNOWN", "TokenCounter", "Vocabulary", "fit_vocabulary"],
        "encoder": ["TextEncoder"],
    },
)
