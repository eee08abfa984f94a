"""A small language pair: English numbers, and the same in French from right to left."""

import random

ENGLISH = ("one", "two", "three", "four", "five")
FRENCH = ("un", "deux", "trois", "quatre", "cinq")
SMALL = (
    "units=24",
    "embedding=24",
    "vocabulary=60",
    "batch_size=32",
    "label_smoothing=0",
    "dropout=0",
    "source_token_level=word",
    "target_token_level=word",
)


def assignments(*settings):
    """Settings as words of a command line."""
    return [word for setting in settings for word in ("--set", setting)]


def pairs(number=900):
    """Pairs of one to five numbers."""
    draw = random.Random(0)
    for _ in range(number):
        digits = [draw.randrange(5) for _ in range(draw.randint(1, 5))]
        yield " ".join(ENGLISH[n] for n in digits), " ".join(FRENCH[n] for n in reversed(digits))
