"""Levels of tokenization. Imports no TensorFlow."""

TOKEN_LEVELS = ("word", "character", "byte")
SUBWORD = "subword"  # of encoders whose vocabulary comes from `subwords.learn`
