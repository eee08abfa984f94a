"""Choices of the settings of a forecaster. Imports no TensorFlow, so that help is quick."""

MODELS = ("quantiles", "sample_paths")
SCALINGS = ("log", "deviation", "size", "centre")
COUNTS = "negative_binomial"  # separate from the other likelihoods, since it is of unscaled values
# What other settings need to have an effect.
QUANTILES, PATHS = ({"model": (model,)} for model in MODELS)
CENTRED = {"scaling": ("auto", "log", "deviation", "centre")}
LIKELIHOODS = ("normal", "student_t", COUNTS)
