"""Networks, one file per shape. They know ids, vectors and numbers, not text."""

from nlp_rnn.layers.recurrent import CELLS
from nlp_rnn.models.classifier import Classifier
from nlp_rnn.models.forecaster import DirectForecaster
from nlp_rnn.models.language_model import LanguageModel, Run
from nlp_rnn.models.path_forecaster import PathForecaster
from nlp_rnn.models.seq2seq import Encoded, Seq2Seq

__all__ = ["CELLS", "Classifier", "DirectForecaster", "Encoded", "LanguageModel", "PathForecaster", "Run", "Seq2Seq"]
