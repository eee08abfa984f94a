"""A text file in pieces of bounded length, each with the place where it begins and whether a text ends with it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from nlp_rnn.datasets.hashing import copy_key
from nlp_rnn.datasets.lines import read_lines
from nlp_rnn.language_model.text_forms import Form

MAX_WORD = 100  # characters without a space; a longer word may be split
MAX_KEY = 10_000  # characters; copies are recognised by their first ones


class Piece(NamedTuple):
    """A part of a file.

    Attributes:
        offset: the byte of the file at which its line begins.
        text: its characters.
        ends: whether a text ends with it.
    """

    offset: int
    text: str
    ends: bool


def pieces_of(file: Path, form: Form, raw: bool, longest: int) -> Iterator[Piece]:
    """The pieces of a file.

    Args:
        file: a text file, plain or gzipped.
        form: where its texts end.
        raw: keep blank lines; the pieces then concatenate to the file.
        longest: number of characters after which a line is split.
    """
    within = longest if raw else max(longest, MAX_WORD)
    offset, held, gap = 0, None, False
    for line in read_lines(file):
        blank = not line.strip()
        if raw or not blank:
            if held:
                yield from _cut(*held, longest, within, ends=not blank and form.begins(line, gap))
            held = (offset, line)
        gap = blank
        offset += len(line.encode())
    if held:
        yield from _cut(*held, longest, within, ends=True)


def _cut(offset, line, longest, within, ends):
    """A line in pieces of about `longest` characters, split at a space if there is one before `within`."""
    begun = 0
    while len(line) - begun > longest:
        at = line.rfind(" ", begun + 1, begun + longest)
        at = at if at > begun else line.find(" ", begun + longest, begun + within)
        at = at if at > begun else begun + within
        if at >= len(line):
            break
        yield Piece(offset, line[begun:at], False)
        offset += len(line[begun:at].encode())
        begun = at
    yield Piece(offset, line[begun:], ends)


def with_keys(pieces: Iterable[Piece]) -> Iterator[tuple[int, Piece]]:
    """Each piece with the key of its text, `copy_key` of the first `MAX_KEY` characters; copies have the same key."""
    held, length, key = [], 0, None
    for piece in pieces:
        held.append(piece)
        length += len(piece.text)
        if piece.ends or length >= MAX_KEY:
            if key is None:
                key = copy_key("".join(one.text for one in held)[:MAX_KEY])
            yield from ((key, one) for one in held)
            held = []
        if piece.ends:
            length, key = 0, None
