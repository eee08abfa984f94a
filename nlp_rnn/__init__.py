"""Recurrent networks for text and time series on Keras 3 and TensorFlow: layers, recipes, a command line, exports."""

from nlp_rnn import deprecation

__version__ = "0.2.0"

deprecation.install()
