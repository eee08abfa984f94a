"""Options of text generation and their ranges. Imports no TensorFlow, so that the command line starts quickly."""

from collections.abc import Callable
from typing import Any

BLANK = "___"  # where a word is missing
DEFAULT_LENGTH, DEFAULT_TEMPERATURE = 100, 0.8  # of generated text
WORDS = 5  # predicted for a blank by default
MAX_WORDS = 256  # candidates for a blank
# For each option of `generate`: a test of a number or scalar tensor, and a description of the range.
GENERATION_RANGES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "length": (lambda n: (n >= 1) & (n <= 1_000_000), "from 1 to 1,000,000"),
    "temperature": (lambda t: (t >= 0) & (t <= 100), "from 0 to 100 (0 takes the most probable token)"),
    "top_k": (lambda k: (k >= 0) & (k <= 2**31 - 1), "from 0 to 2**31 - 1 (0 for all tokens)"),
    "top_p": (lambda p: (p > 0) & (p <= 1), "above 0 and up to 1"),
    "min_p": (lambda p: (p >= 0) & (p <= 1), "from 0 to 1"),
    "repetition_penalty": (lambda p: (p > 0) & (p <= 100), "above 0 and up to 100 (1 for none)"),
    "seed": (lambda n: (n >= 0) & (n <= 2**31 - 1), "from 0 to 2**31 - 1"),
}
