"""Checks of labelled texts before training: their classes and the sizes of the splits."""

from collections import Counter

from nlp_rnn.checks import InputError
from nlp_rnn.progress import say
from nlp_rnn.text.batching import EncodedTexts
from nlp_rnn.text.truncation import truncated


def classes_of(labels: Counter, known: list[str] | None) -> list[str]:
    """The classes of all splits, in order; `known` if it holds them all.

    Args:
        labels: number of texts by (label, split).
        known: the classes of the run to start from; None for none.

    Raises:
        InputError: there are fewer than two classes, or nearly as many as texts.
    """
    named = {label for label, _ in labels}
    if len(named) == 1:
        raise InputError(f"two classes are needed, and all {labels.total():,} texts are of class '{named.pop()}'")
    if known is not None and named <= set(known):
        return known
    if len(named) > max(labels.total() / 2, 2):
        raise InputError(f"{len(named):,} labels for {labels.total():,} texts: is it the right --label-column?")
    return sorted(named, key=lambda name: (int(name) if name.isdecimal() else 0, name))


def check_sizes(name: str, labels: Counter) -> None:
    """Check that no split of the data set `name` is empty.

    Raises:
        InputError: one is.
    """
    if not labels:
        raise InputError(f"{name} has no rows")
    for split in ("train", "validation", "test"):
        if texts_in(labels, split) == 0:
            raise InputError(
                f"{name}: the {split} split is empty: {labels.total()} texts are too few, or copies; give more"
            )


def texts_in(labels: Counter, split: str) -> int:
    """How many texts a split has."""
    return sum(count for (_, of), count in labels.items() if of == split)


def say_size(split: str, texts: EncodedTexts, max_tokens: int) -> None:
    """Print how many texts and tokens a split has, and how many texts were truncated to `max_tokens`."""
    cut = f"; {truncated(texts.cut, max_tokens)}" if texts.cut else ""
    say(f"{split}: {len(texts):,} texts, {texts.lengths.sum():,} tokens{cut}")
