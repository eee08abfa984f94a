"""Checks of labelled texts before training: their classes and the sizes of the splits."""

from collections import Counter

from nlp_rnn.checks import InputError
from nlp_rnn.progress import say
from nlp_rnn.text.batching import EncodedTexts
from nlp_rnn.text.labels import similarity_key, spellings
from nlp_rnn.text.truncation import truncated

SPLITS = ("train", "validation", "test")
LISTED = 8  # labels that a message names
MIN_TEXTS = 5  # minimum size of a split to conclude that its labels are written differently


def classes_of(labels: Counter, known: list[str] | None, drop: bool = False) -> list[str]:
    """The classes of all splits, in order: those of the run to start from first, with the same numbers.

    Prints the classes that no training text has, and how those of the run to start from differ from the data.

    Args:
        labels: number of texts by (label, split).
        known: the classes of the run to start from; None for none.
        drop: leave out those that the data do not have.

    Raises:
        InputError: there are fewer than two classes, or nearly as many as texts; two labels look alike; or no training
            text has a label of the validation or test split.
    """
    counts = _by_class(labels, known or [])
    named = {label for label, _ in counts}
    if len(named) == 1:
        raise InputError(f"two classes are needed, and all {labels.total():,} texts are of class '{named.pop()}'")
    new = named - set(known or [])
    if new and len(named) > max(labels.total() / 2, 2):
        raise InputError(f"{len(named):,} labels for {labels.total():,} texts: is it the right --label-column?")
    _check_similar(counts, known or [])
    _check_training(counts, known or [])
    if known:
        _say_known(known, named, drop)
    kept = [name for name in known or [] if name in named or not drop]
    return kept + sorted(new, key=lambda name: (int(name) if name.isdecimal() else 0, name))


def _by_class(labels, known):
    """The number of texts by (class, split), with one spelling of each class."""
    spelled = spellings({label for label, _ in labels}, known)
    if merged := [f"'{label}' as '{name}'" for label, name in sorted(spelled.items()) if label != name]:
        say(f"labels read as the same class: {', '.join(merged[:LISTED])}")
    counts = Counter()
    for (label, split), count in labels.items():
        counts[spelled[label], split] += count
    return counts


def _check_similar(counts, known):
    """Check that no two labels look alike, unless the run to start from has both."""
    alike = {}
    for name in sorted({*known, *(label for label, _ in counts)}, key=lambda name: (name not in known, name)):
        other = alike.setdefault(similarity_key(name), name)
        if other != name and not (name in known and other in known):
            raise InputError(
                f"labels {_where(other, counts, known)} and {_where(name, counts, known)} look alike: write one of "
                "them everywhere if they are the same class, or names that differ clearly"
            )


def _where(name, counts, known):
    """A label, and the splits that have it."""
    places = [f"{split} {counts[name, split]:,}" for split in SPLITS if counts[name, split]]
    return f"'{name}' ({', '.join([*places, *(['of the run'] if name in known else [])])})"


def _check_training(counts, known):
    """Check that the training texts share labels with each other split; print those that they lack."""
    trained = {label for label, split in counts if split == "train"}
    for split in ("validation", "test"):
        others = {label for label, of in counts if of == split}
        if trained and texts_in(counts, split) >= MIN_TEXTS and not others & trained:
            raise InputError(
                f"no training text has a label of the {split} split: {_listed(others)} there, {_listed(trained)} in "
                "train; write the same labels in both"
            )
    alone = sorted({label for label, _ in counts} - trained - set(known))
    if trained and alone:
        shown = ", ".join(_where(name, counts, []) for name in alone[:LISTED])
        say(f"labels that no training text has: {shown}{' …' if len(alone) > LISTED else ''}")


def _say_known(known, named, drop):
    """Print which classes are new to the run to start from, and which of its classes the data do not have."""
    new, absent = named - set(known), set(known) - named
    if new:
        say(f"classes that the run does not have: {_listed(new)}")
    if absent and drop:
        say(f"classes of the run that are dropped: {_listed(absent)}")
    elif absent:
        cure = "; --set drop_classes=true leaves them out" if len(absent) == len(known) else ""
        say(f"classes of the run without texts here, which it keeps: {_listed(absent)}{cure}")


def _listed(names):
    return ", ".join(sorted(names)[:LISTED]) + (" …" if len(names) > LISTED else "")


def check_sizes(name: str, labels: Counter) -> None:
    """Check that no split of the data set `name` is empty.

    Raises:
        InputError: one is.
    """
    if not labels:
        raise InputError(f"{name} has no rows")
    for split in SPLITS:
        if texts_in(labels, split) == 0:
            if split == "train" and len({of for _, of in labels}) > 1:
                raise InputError(f"{name}: no text is in the train split, and {labels.total():,} are in others")
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
