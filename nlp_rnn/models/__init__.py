"""Networks, one file per shape. They know ids and vectors, not text."""

from nlp_rnn.models.classifier import CELLS, Classifier

__all__ = ["CELLS", "Classifier"]
