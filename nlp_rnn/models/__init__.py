"""Networks, one file per shape. They know ids and vectors, not text."""

from nlp_rnn.layers.recurrent import CELLS
from nlp_rnn.models.classifier import Classifier
from nlp_rnn.models.language_model import LanguageModel, Run

__all__ = ["CELLS", "Classifier", "LanguageModel", "Run"]
