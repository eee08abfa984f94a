"""Data sets in splits, from files, folders and names."""

from nlp_rnn.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {"catalogue": ["open_text_dataset"], "splits": ["Example", "TextDataset"], "tables": ["Table", "open_table"]},
)
