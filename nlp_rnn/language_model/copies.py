"""Copies among texts: how many there are, and how much of the held-out text also stands in the training text."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from nlp_rnn.datasets.hashing import copy_key, split_by_hash
from nlp_rnn.language_model.passages import MIN_PASSAGE
from nlp_rnn.language_model.pieces import pieces_of, with_keys
from nlp_rnn.language_model.text_forms import FILE, PROGRESS_LINES, Form
from nlp_rnn.progress import progress

POSITION, HASH = "position", "hash"
MIN_COPIED = 0.05  # fraction of the text, or of the held-out text; with more copies, texts are split by a hash
MIN_LEAKED = 0.01  # fraction of the held-out text; less is not worth a line
MIN_DISTINCT = 100  # texts; of fewer, a split by hash would hold out a handful of which no copy is trained on
MIN_SPLIT = 0.25  # of its share: the least size of a split by hash
SAMPLE = 2**17  # distinct texts; of more, a part is looked at that their keys decide


def split_of_key(key: int, shares: Mapping[str, float], seed: int) -> str:
    """The split of all texts with this key, `copy_key`; the shares are those of `split_by_hash`."""
    return split_by_hash(f"{seed}:{key:016x}", shares)


class CopyCounter:
    """Counts copies in bounded memory: all copies of a text are in the sample, or none is."""

    def __init__(self, sample: int = SAMPLE):
        self._sample = sample
        self._below = 2**64
        self._seen: dict[int, list[int]] = {}  # characters to divide; texts to divide; trained on or not; held out

    def add(self, key: int, characters: int, split: str, divided: bool) -> None:
        """Count a text.

        Args:
            key: `copy_key` of the text.
            characters: its length.
            split: its split, if it has to be given by position.
            divided: whether it is one of those to be divided into splits.
        """
        if key >= self._below:
            return
        seen = self._seen.setdefault(key, [0, 0, 0, 0])
        if divided:
            seen[0] += characters
            seen[1] += 1
        if split == "train":
            seen[2] = 1
        else:
            seen[3] += characters
        while len(self._seen) > self._sample:
            self._below //= 2
            self._seen = {one: counts for one, counts in self._seen.items() if one < self._below}

    def copied(self) -> float:
        """The fraction of the characters to divide that are in texts with copies."""
        return _share(
            sum(characters for characters, texts, *_ in self._seen.values() if texts > 1),
            sum(characters for characters, *_ in self._seen.values()),
        )

    def leaked(self) -> float:
        """The fraction of the held-out characters whose text also stands in the training text."""
        return _share(
            sum(held_out for *_, trained, held_out in self._seen.values() if trained),
            sum(held_out for *_, held_out in self._seen.values()),
        )

    def distinct(self) -> int:
        """The number of different texts to divide, of those in the sample."""
        return sum(texts > 0 for _, texts, *_ in self._seen.values())

    def smallest(self, shares: Mapping[str, float], seed: int) -> float:
        """The size of the smallest split if texts are split by their keys, relative to its share; 0 if it is empty."""
        total, sizes = 0, dict.fromkeys([*shares, "train"], 0)
        for key, (characters, *_) in self._seen.items():
            sizes[split_of_key(key, shares, seed)] += characters
            total += characters
        wanted = {**shares, "train": 1 - sum(shares.values())}
        return min(_share(sizes[split], share * total) for split, share in wanted.items())


class Copies(NamedTuple):
    """The copies in some files.

    Attributes:
        texts: counts whole texts.
        passages: counts the lines of texts, or in a file that was wrapped by hand its paragraphs.
    """

    texts: CopyCounter
    passages: CopyCounter

    def split_by(self, shares: Mapping[str, float], seed: int) -> str:
        """How files are split: "hash" where many texts are copies and no split would be too small; else "position".

        Args:
            shares: the fraction of each split to be held out of the files to divide.
            seed: that of the hash.
        """
        many = max(self.texts.copied(), self.texts.leaked()) >= MIN_COPIED and self.texts.distinct() >= MIN_DISTINCT
        return HASH if shares and many and self.texts.smallest(shares, seed) >= MIN_SPLIT else POSITION

    def lines(self, split_by: str, forms: Sequence[Form]) -> Iterator[str]:
        """What the user should know about the copies, if there are many.

        Args:
            split_by: how the files are split.
            forms: where the texts of each file end.
        """
        if split_by == HASH:
            unit = " or ".join(dict.fromkeys(form.unit for form in forms))
            copied = f"{self.texts.copied():.0%} of the text are copies of each other"
            yield f"{copied}: split by a hash of each {unit}, so that copies are in one split"
        elif self.passages.leaked() >= MIN_LEAKED:
            inner = next((form.inner for form in forms if form.unit == FILE and form.inner != FILE), None)
            cure = f"; --set documents={inner} keeps copies in one split" if inner else ""
            yield f"{self.passages.leaked():.1%} of the held-out text also stands in the training text{cure}"


def count_copies(files: Iterable[tuple[Path, Form, bool, Callable[[int], str]]], longest: int, size: int) -> Copies:
    """Count the copies in files.

    Args:
        files: each with the form of its texts, whether it is to be divided into splits, and a function that returns the
            split of each of its bytes.
        longest: number of characters after which a line is cut.
        size: the size of all files in bytes, to show progress.
    """
    copies, done = Copies(CopyCounter(), CopyCounter()), 0
    with progress("looking for copies", size) as update:
        for file, form, divided, split_at in files:
            begun = done
            pieces = with_keys(pieces_of(file, form.within(), False, longest))
            for number, text in enumerate(_texts(pieces, copies.passages if form.has_lines else None, split_at)):
                done += text.characters
                split = split_at(text.offset)
                if not form.has_lines:
                    copies.passages.add(text.key, text.characters, split, divided)
                if form.unit != FILE:
                    copies.texts.add(text.key, text.characters, split, divided)
                if number % PROGRESS_LINES == 0:
                    update(done, "")
            update(done, "")
            if form.unit == FILE:
                copies.texts.add(_key_of(pieces_of(file, form, False, longest)), done - begun, split_at(0), divided)
    return copies


class _Text(NamedTuple):
    key: int
    offset: int
    characters: int


def _texts(pieces, lines, split_at):
    """The texts of a file; their lines are counted by `lines`, if any, except short ones, which recur by chance."""
    offset, characters = None, 0
    for key, piece in pieces:
        offset = piece.offset if offset is None else offset
        characters += len(piece.text)
        if lines is not None and len(piece.text) >= MIN_PASSAGE:
            lines.add(copy_key(piece.text), len(piece.text), split_at(piece.offset), False)
        if piece.ends:
            yield _Text(key, offset, characters)
            offset, characters = None, 0


def _key_of(pieces):
    """The key of a file that is one text."""
    return next((key for key, _ in with_keys(pieces)), 0)


def _share(part, whole):
    return part / whole if whole else 0.0
