"""Fingerprints of the passages of a text, by which it is recognised in any file, under any name and in any part.

A passage is a sentence or a line. A short one may stand in any text, so it is identified together with those before it,
and with those after it. A very long one is cut after some of its words, which depends on the words alone.
"""

import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from nlp_rnn.datasets.hashing import text_hash
from nlp_rnn.datasets.splits import Example

SENTENCE_END = re.compile(r"[.!?…。！？\n]+")
MIN_PASSAGE = 20  # characters; shorter ones may occur in any text
MAX_PASSAGE = 300  # characters; longer ones are cut
CUT_EVERY = 8  # words, on average


@dataclass(eq=False)
class Fingerprinted:
    """A piece of text with the fingerprints of the passages that it is part of.

    Attributes:
        text, split, ends: as those of an `Example`.
        number: its place among the pieces.
        hashes: the fingerprints.
    """

    text: str
    split: str
    ends: bool
    number: int
    hashes: list[int] = field(default_factory=list)


def fingerprinted(pieces: Iterable[Example]) -> Iterator[Fingerprinted]:
    """Pieces of running text with their fingerprints, which do not depend on where the text is cut into pieces."""
    reader = _Reader()
    for number, piece in enumerate(pieces):
        yield from reader.read(Fingerprinted(piece.text, piece.split, piece.ends, number))
    yield from reader.waiting


def recognises(
    known: Callable[[int], bool], decides: Callable[[int], bool] = lambda value: True
) -> Callable[[Fingerprinted], bool]:
    """A function that returns for each piece in turn whether one of its passages is known; without any, as before.

    Args:
        known: whether a fingerprint is known.
        decides: whether it would be known; of very many, only a part is recorded.
    """
    before = False

    def recognised(piece: Fingerprinted) -> bool:
        nonlocal before
        hashes = [value for value in piece.hashes if decides(value)]
        before = any(map(known, hashes)) if hashes else before
        return before

    return recognised


class _Reader:
    """Reads pieces one after the other, and returns them as soon as their fingerprints are complete."""

    def __init__(self):
        self.waiting: deque[Fingerprinted] = deque()
        self._sentence: list[tuple[str, Fingerprinted]] = []  # unfinished, with the pieces that it is part of
        self._length = 0
        self._recent: deque[str] = deque(maxlen=MIN_PASSAGE)
        self._open: list[list] = []  # short passages, as text and pieces, which lack those after them

    def read(self, piece):
        """Read a piece; yields the pieces that are complete."""
        self.waiting.append(piece)
        *ended, rest = SENTENCE_END.split(piece.text)
        for part in ended:
            self._add(part, piece)
            self._end()
        self._add(rest, piece)
        if piece.ends:
            self._end()
        first = min((pieces[0].number for pieces in self._incomplete()), default=piece.number + 1)
        while self.waiting and self.waiting[0].number < first:
            yield self.waiting.popleft()

    def _incomplete(self):
        if self._open:
            yield self._open[0][1]
        if self._sentence:
            yield [self._sentence[0][1]]

    def _add(self, part, piece):
        """Add a part to the sentence, which is cut if it has become too long."""
        if not part:
            return
        self._sentence.append((part, piece))
        self._length += len(part)
        if self._length > MAX_PASSAGE:
            self._cut()

    def _cut(self):
        """End a passage after each word that ends one by its hash, and anywhere if there has been none for long."""
        parts, self._sentence = self._sentence, []
        for part, piece in parts:
            words = []
            for word in part.split() if " " in part else [part]:
                words.append(word)
                if zlib.crc32(word.lower().encode(errors="replace")) % CUT_EVERY == 0:
                    self._sentence.append((" " + " ".join(words), piece))
                    self._end(more=True)
                    words = []
            if words:
                self._sentence.append((" " + " ".join(words), piece))
        if sum(len(part) for part, _ in self._sentence) > 10 * MAX_PASSAGE:
            self._end(more=True)

    def _end(self, more=False):
        """End a passage; `more` of the sentence may follow."""
        parts, self._sentence = self._sentence, []
        self._length = self._length if more else 0
        text = " ".join("".join(part for part, _ in parts).split())
        if text:
            self._passage(text, list(dict.fromkeys(piece for _, piece in parts)))

    def _passage(self, text, pieces):
        for window in self._open:
            window[0] += f" {text}"
            if len(window[0]) >= MIN_PASSAGE:
                _record(window[1], f"> {window[0]}")
        self._open = [window for window in self._open if len(window[0]) < MIN_PASSAGE]
        if len(text) >= MIN_PASSAGE:
            _record(pieces, text)
        else:
            self._open.append([text, pieces])
            before = text
            for earlier in reversed(self._recent):
                before = f"{earlier} {before}"
                if len(before) >= MIN_PASSAGE:
                    _record(pieces, f"< {before}")
                    break
        self._recent.append(text)


def _record(pieces, text):
    value = text_hash(text)
    for piece in pieces:
        piece.hashes.append(value)
