"""Recurrent layers for Keras 3 on TensorFlow: RNN, LSTM, GRU and their relatives, both directions, stacks, pooling."""

from nlp_rnn.layers.pooling import MeanMaxPooling
from nlp_rnn.layers.recurrent import GRU, LSTM, RNN, Recurrent
from nlp_rnn.layers.regularization import WeightDrop, WordDropout, Zoneout
from nlp_rnn.layers.variants import CoupledLSTM, LayerNormLSTM, MinGRU, PeepholeLSTM, ProjectedLSTM
from nlp_rnn.layers.wrappers import Bidirectional, Stack

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Bidirectional",
    "CoupledLSTM",
    "LayerNormLSTM",
    "MeanMaxPooling",
    "MinGRU",
    "PeepholeLSTM",
    "ProjectedLSTM",
    "Recurrent",
    "Stack",
    "WeightDrop",
    "WordDropout",
    "Zoneout",
]
