"""Which token level suits a text: words, unless its script has no spaces between them."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import Any

import tensorflow as tf

from nlp_rnn.progress import say
from nlp_rnn.text.tokenizer import to_tensor
from nlp_rnn.text.words import UNSPACED

SAMPLED_PIECES = 1_000  # of the text: they decide
MAX_UNSPACED = 0.3  # fraction of the letters; above it, spaces do not separate words


def lacks_spaces(texts: Iterable[str]) -> bool:
    """Whether texts are mostly in scripts without spaces between words, such as Chinese, Japanese or Thai.

    Examples:
        >>> lacks_spaces(["我爱北京天安门。"]), lacks_spaces(["Beijing (北京) is the capital."]), lacks_spaces([])
        (True, False, False)
    """
    sample = to_tensor(islice(texts, SAMPLED_PIECES))
    letters = _length(tf.strings.regex_replace(sample, r"[^\p{L}]", ""))
    unspaced = _length(tf.strings.regex_replace(sample, rf"[^{UNSPACED}]", ""))
    return unspaced > MAX_UNSPACED * letters


def _length(texts):
    return int(tf.reduce_sum(tf.strings.length(texts, unit="UTF8_CHAR")))


def choose_token_level(config: Any, dataset: Any) -> Any:
    """A config in which the token level "auto" is chosen by the training text; prints it if it is not "word".

    Args:
        config: settings of a recipe, a dataclass.
        dataset: the training text.
    """
    if config.token_level != "auto":
        return config
    by_words = config.line_breaks or config.pretokenized
    texts = (piece.text for piece in dataset.stream("train"))
    level = "character" if not by_words and lacks_spaces(texts) else "word"
    if level != "word":
        say(f"token level: {level}, as this text has no spaces between words (or --set token_level=word)")
    return replace(config, token_level=level)
