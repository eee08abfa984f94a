"""Running text, without labels: plain files, a folder of them, or a glob, split by position.

A folder whose files or folders are named train, valid and test has these splits. A document ends with its file; in a
text that is read as words also at a blank line, or with every line where there are no blank lines, as in files of a
sentence a line.
"""

import glob
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from nlp_rnn.checks import CallError, InputError
from nlp_rnn.sources import Example, Source, open_source
from nlp_rnn.sources.folders import SPLIT_NAMES, is_hidden, split_of
from nlp_rnn.sources.lineage import is_among
from nlp_rnn.sources.tables import count_lines, is_table, lines

SHARE = 0.05  # of the bytes: for validation, and for the test, where there is no such split
LONGEST = 100_000  # characters of a piece; a longer line is cut
LONGEST_WORD = 100  # characters without a space; from there on it is no word, and may be cut


class Documents:
    """Plain text files, read anew each time they are walked through.

    Args:
        name: what the user called them.
        files: in the order in which they are read.
        splits: of each file, where they come in splits; else None.
        raw: keep line ends and blank lines, for characters and bytes; the pieces then join to the file.
        left_out: so many tables stand beside them and are not read.
    """

    def __init__(
        self, name: str, files: list[Path], raw: bool, left_out: int = 0, splits: Sequence[str | None] | None = None
    ):
        self.name = name
        self.files = files
        self.raw = raw
        self.splits = list(splits) if splits else [None] * len(files)
        self.notes = [f"{len(files):,} text files"] if len(files) > 1 else []
        self.notes += [f"splits as they are given: {', '.join(sorted(set(splits)))}"] if splits else []
        self.notes += [f"tables beside them, which are not read: {left_out:,}"] if left_out else []
        self._bytes = [_size(file) for file in files]
        self._total = sum(size for size, split in zip(self._bytes, self.splits, strict=True) if _is_cut(split))
        self._bounds = _bounds({"validation", "test"} - set(self.splits))
        if not self._total:
            raise InputError(f"{name} is empty: give some text")

    def walk(self) -> Iterator[Example]:
        """Pieces of text, each with its split."""
        begun = 0
        for file, size, given in zip(self.files, self._bytes, self.splits, strict=True):
            for offset, piece, ends in self._pieces(file):
                split = self._split_at(begun + offset) if _is_cut(given) else given
                yield Example(piece, "", f"{file}, byte {offset}", split, ends)
            begun += size if _is_cut(given) else 0

    def _split_at(self, offset):
        """The split of a byte of what is cut into splits; of one beyond the end, since a file may grow, the last."""
        return next((split for split, bound in self._bounds if offset < bound * self._total), self._bounds[-1][0])

    def stream(self, split: str) -> Iterator[Example]:
        """The pieces of "train", "validation" or "test"."""
        return (piece for piece in self.walk() if piece.split == split)

    def size(self, split: str | None = None) -> float | None:
        """About how many pieces there are, or a split has, for showing progress; None where counting costs too much."""
        counts = [count_lines(file) for file in self.files]
        if None in counts:
            return None
        total = 0.0
        for lines_there, given in zip(counts, self.splits, strict=True):
            shares = self._shares() if _is_cut(given) else {given: 1.0}
            total += lines_there * (1.0 if split is None else shares.get(split, 0.0))
        return total

    def _shares(self):
        """The share of each split in what is cut into splits."""
        begun, shares = 0.0, {}
        for split, bound in self._bounds:
            shares[split], begun = bound - begun, bound
        return shares

    def held_out(self, trained_on: Sequence[str]) -> Iterator[Example]:
        """What to evaluate on: the test split of what was trained on, or comes in splits; all of any other text."""
        return self.walk() if self.is_whole(trained_on) else self.stream("test")

    def is_whole(self, trained_on: Sequence[str]) -> bool:
        """Whether all of this text may be evaluated on: it has no splits, and is not among what was trained on."""
        return not any(self.splits) and not is_among(self.name, trained_on)

    def _pieces(self, file):
        """Offset in bytes, text, and whether a document ends with it."""
        paragraphs = not self.raw and _has_paragraphs(file)
        # A piece lies in one split: so that each split gets some, it is a hundredth of the text at most, or a word.
        longest = min(LONGEST, max(2, self._total // 100))
        within = longest if self.raw else max(longest, LONGEST_WORD)
        offset, held = 0, None
        for line in lines(file):
            blank = not line.strip()
            if held and (self.raw or not blank):
                yield from _cut(*held, longest, within, ends=not self.raw and not paragraphs)
                held = None
            if held:
                yield from _cut(*held, longest, within, ends=True)
                held = None
            if self.raw or not blank:
                held = (offset, line)
            offset += len(line.encode())
        if held:
            yield from _cut(*held, longest, within, ends=True)


def _is_cut(split):
    """Whether a file of this split is cut into splits: of what is there to be trained on, those that are missing."""
    return split in (None, "train")


def _bounds(missing):
    """Where each split ends that is cut from one text, in their order, as a share of its bytes."""
    ends = {"train": 1 - SHARE * len(missing), "validation": 1.0 if "test" not in missing else 1 - SHARE, "test": 1.0}
    return [(split, end) for split, end in ends.items() if split == "train" or split in missing]


def _has_paragraphs(file):
    """Whether blank lines stand between others."""
    return " " in "".join("x" if line.strip() else " " for line in islice(lines(file), 1000)).strip()


def _cut(offset, line, longest, within, ends):
    """A line in pieces of about `longest` characters, cut at a space where there is one before `within`."""
    begun = 0
    while len(line) - begun > longest:
        at = line.rfind(" ", begun + 1, begun + longest)
        at = at if at > begun else line.find(" ", begun + longest, begun + within)
        at = at if at > begun else begun + within
        if at >= len(line):
            break
        yield offset, line[begun:at], False
        offset += len(line[begun:at].encode())
        begun = at
    yield offset, line[begun:], ends


def _size(file):
    if file.suffix == ".gz":
        return sum(len(line.encode()) for line in lines(file))
    return file.stat().st_size


def find_documents(data: str, raw: bool) -> Documents | None:
    """The plain text that `data` names: a file, a folder of files, or a glob; None where it is something else.

    Raises:
        CallError: a glob finds nothing.
        InputError: there is no text, or a file is binary.
    """
    path, left_out, splits = Path(data), 0, None
    if path.is_file() and not is_table(path):
        files = [path]
    elif path.is_dir():
        visible = [f for f in sorted(path.rglob("*")) if f.is_file() and not is_hidden(f.relative_to(path))]
        if not visible:
            raise InputError(f"{data} is an empty folder: put text files into it")
        if any(split_of(file) == "train" for file in visible if file.parent == path):
            return None
        files = [f for f in visible if not is_table(f)]
        left_out = len(visible) - len(files)
        named = [SPLIT_NAMES.get(f.relative_to(path).parts[0].split(".")[0].lower()) for f in files]
        if "train" in named:
            splits = [split for split in named if split]
            files = [file for file, split in zip(files, named, strict=True) if split]
    elif glob.has_magic(data):
        try:
            found = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
            files = sorted(file for file in found if file.is_file())
        except ValueError as error:
            raise CallError(f"{data}: {error}") from None
        if not files:
            raise CallError(f"{data}: no file has a name like this")
    else:
        return None
    if not files:
        return None
    for file in files[:100]:
        _check_text(file)
    return Documents(data, files, raw, left_out, splits)


def _check_text(file):
    first = next(lines(file), "")
    if "\0" in first:
        raise InputError(f"{file} is binary, not text: its first line holds a zero byte")


def open_texts(data: str, text_column: str | None = None, raw: bool = False, seed: int = 0) -> Source | Documents:
    """Open text for a language model.

    Args:
        data: a text file, a folder or glob of such files, a table, the name of a set, or "tfds:NAME".
        text_column: of a table; guessed where None.
        raw: keep line ends, for characters and bytes.
        seed: decides, with the text, who goes into a split that a table lacks; files are split by position.

    Raises:
        CallError: no such set, file or column.
        InputError: the data are broken; says where.
    """
    return find_documents(data, raw) or open_source(data, text_column, None, seed, labelled=False)
