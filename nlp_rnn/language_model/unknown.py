"""The message about words that are not in the vocabulary."""

from collections.abc import Sequence

from nlp_rnn.progress import say
from nlp_rnn.report import one_line

LISTED_WORDS = 12  # further words are only counted


def say_unknown(words: Sequence[str]) -> None:
    """Print which words of the input are not in the vocabulary, if any."""
    if words:
        more = f" and {len(words) - LISTED_WORDS:,} more" if len(words) > LISTED_WORDS else ""
        say(f"not in the vocabulary, read as unknown: {' '.join(map(one_line, words[:LISTED_WORDS]))}{more}")
