"""Recurrent layers for Keras 3 on TensorFlow: RNN, LSTM, GRU, their variants, wrappers, attention and decoder."""

from nlp_rnn.layers.attention import Attention
from nlp_rnn.layers.bag import BagOfBigrams
from nlp_rnn.layers.base import Recurrent
from nlp_rnn.layers.decoder import Decoder
from nlp_rnn.layers.pooling import MeanMaxPooling
from nlp_rnn.layers.recurrent import GRU, LSTM, RNN
from nlp_rnn.layers.regularization import WeightDrop, WordDropout, Zoneout
from nlp_rnn.layers.variants import CoupledLSTM, LayerNormLSTM, MinGRU, PeepholeLSTM, ProjectedLSTM
from nlp_rnn.layers.wrappers import Bidirectional, Stack

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Attention",
    "BagOfBigrams",
    "Bidirectional",
    "CoupledLSTM",
    "Decoder",
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
