"""Ranges of the settings and options of translation. Imports no TensorFlow, so that help is quick."""

from nlp_rnn.checks import positive_int
from nlp_rnn.text.token_levels import SUBWORD, TOKEN_LEVELS

SIDE_TOKEN_LEVELS = ("auto", *TOKEN_LEVELS, SUBWORD)
ATTENTION_SCORES = ("multiplicative", "additive", "none")
MAX_BEAM_WIDTH = 100  # that a user may set: memory grows with it


def valid_beam_width(name: str, value: object) -> int:
    """Return `value` if it is an int from 1 to `MAX_BEAM_WIDTH`."""
    width = positive_int(name, value)
    if width > MAX_BEAM_WIDTH:
        raise ValueError(f"{name} must be at most {MAX_BEAM_WIDTH}, got {value}")
    return width


def even_int(name: str, value: object) -> int:
    """Return `value` if it is an even int above 0."""
    number = positive_int(name, value)
    if number % 2:
        raise ValueError(f"{name} must be even, got {value}")
    return number
