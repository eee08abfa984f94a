"""Recurrent layers for Keras 3 on TensorFlow: RNN, LSTM, GRU, both directions, stacks, pooling."""

from nlp_rnn.layers.pooling import MeanMaxPooling
from nlp_rnn.layers.recurrent import GRU, LSTM, RNN, Recurrent
from nlp_rnn.layers.regularization import WordDropout
from nlp_rnn.layers.wrappers import Bidirectional, Stack

__all__ = ["GRU", "LSTM", "RNN", "Bidirectional", "MeanMaxPooling", "Recurrent", "Stack", "WordDropout"]
