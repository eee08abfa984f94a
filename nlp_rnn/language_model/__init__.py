"""Language models: next word, generation, infilling, scores."""

from nlp_rnn.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "documents": ["DocumentDataset", "open_documents"],
        "model": ["LanguageModel"],
        "pipeline": ["LanguagePipeline", "WordPrediction"],
    },
)
