"""Run folders: create and load them. A folder is complete or absent."""

from nlp_rnn.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "folder": ["Run", "digest", "load", "save", "versions", "write_json", "write_rows"],
        "job": ["Job", "NewRun", "new", "workplace"],
        "paths": ["has_checkpoint"],
    },
)
