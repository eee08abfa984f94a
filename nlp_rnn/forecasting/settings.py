"""Choices of the settings of a forecaster. Imports no TensorFlow, so that help is quick."""

MODELS = ("quantiles", "sample_paths")
SCALINGS = ("log", "deviation", "size", "centre")
COUNTS = "negative_binomial"  # separate from the other likelihoods, since it is of unscaled values
LIKELIHOODS = ("normal", "student_t", COUNTS)
