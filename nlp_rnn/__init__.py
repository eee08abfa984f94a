"""Recurrent networks for text on Keras 3 and TensorFlow: layers, recipes, a command line, and one artefact to serve."""

__version__ = "0.1.0"
