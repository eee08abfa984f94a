"""Running text, without labels: plain files, a folder of them, or a glob, split by position.

A folder whose files or sub-folders are named train, valid and test has these splits. A document ends with its file;
in text that is read as words, also at each blank line, or at each line if there are no blank lines, as in files with
one sentence per line.
"""

import glob
import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.catalogue import open_text_dataset
from nlp_rnn.datasets.folders import SPLIT_NAMES, is_hidden, split_of
from nlp_rnn.datasets.hash_sets import HashSet
from nlp_rnn.datasets.hashing import text_hash
from nlp_rnn.datasets.lineage import HeldOut, Lineage
from nlp_rnn.datasets.lines import count_lines, read_lines
from nlp_rnn.datasets.splits import Example, TextDataset
from nlp_rnn.datasets.tables import is_table
from nlp_rnn.progress import track

SHARE = 0.05  # fraction of the bytes for validation, and for the test, if there is no such split
MAX_PIECE = 100_000  # characters; a longer line is split
MAX_WORD = 100  # characters without a space; a longer word may be split
SENTENCE_END = re.compile(r"[.!?…。！？\n]+")
MIN_SENTENCE = 20  # characters; shorter ones may occur in any text


class DocumentDataset:
    """Plain text files in splits, streamed on each pass.

    Args:
        name: the name of the data, as the user gave it.
        files: the files, in reading order.
        raw: keep line ends and blank lines, for characters and bytes; the pieces then concatenate to the file.
        tables: number of tables in the same folder, which are not read.
        splits: the split of each file, if the files come in splits.
    """

    def __init__(self, name: str, files: list[Path], raw: bool, tables: int = 0, splits: Sequence[str] | None = None):
        self.name = name
        self.files = files
        self.raw = raw
        self.splits: list[str | None] = list(splits) if splits else [None] * len(files)
        self.notes = [f"{len(files):,} text files"] if len(files) > 1 else []
        self.notes += [f"splits as given: {', '.join(sorted(set(splits)))}"] if splits else []
        self.notes += [f"tables in the same folder, which are not read: {tables:,}"] if tables else []
        self._bytes = [_size(file) for file in files]
        self._total = sum(size for size, split in zip(self._bytes, self.splits, strict=True) if _is_divided(split))
        self._bounds = _bounds({"validation", "test"} - set(self.splits))
        self._lineage: Lineage | None = None
        if not self._total:
            raise InputError(f"{name} is empty: give some text")

    def walk(self) -> Iterator[Example]:
        """All pieces of text, each with its split."""
        begun = 0
        for file, size, given in zip(self.files, self._bytes, self.splits, strict=True):
            for offset, piece, ends in self._pieces(file):
                split = self._split_at(begun + offset) if given is None or _is_divided(given) else given
                yield Example(piece, "", f"{file}, byte {offset}", split, ends)
            begun += size if _is_divided(given) else 0

    def _split_at(self, offset):
        """The split of a byte of the files to divide; beyond their end the last split, since a file may grow."""
        return next((split for split, bound in self._bounds if offset < bound * self._total), self._bounds[-1][0])

    def stream(self, split: str) -> Iterator[Example]:
        """The pieces of "train", "validation" or "test"."""
        return (piece for piece in self.walk() if piece.split == split)

    def size(self, split: str | None = None) -> float | None:
        """The approximate number of pieces, in all or in a split, to show progress; None if counting takes too long."""
        counts = [count for file in self.files if (count := count_lines(file)) is not None]
        if len(counts) < len(self.files):
            return None
        total = 0.0
        for count, given in zip(counts, self.splits, strict=True):
            shares = self._shares() if _is_divided(given) else {given: 1.0}
            total += count * (1.0 if split is None else shares.get(split, 0.0))
        return total

    def _shares(self):
        """The fraction of each split in the files to divide."""
        begun, shares = 0.0, {}
        for split, bound in self._bounds:
            shares[split], begun = bound - begun, bound
        return shares

    def held_out(self, lineage: Lineage, own: bool = False) -> HeldOut[Example]:
        """The pieces that a run may be evaluated on: the test split of its own text, else all it was not trained on.

        Args:
            lineage: what the run was trained on.
            own: the run is being trained on this text.
        """
        own = own or lineage.knows(self.name) or bool(lineage.digests and lineage.digests & self.lineage().digests)
        if own:  # not by sentences: one of its test split may also occur in its training text
            return HeldOut(lambda: self.stream("test"), lambda piece: False, whole=False)
        if any(self.splits):
            return HeldOut(lambda: self.stream("test"), _trained_on(lineage), whole=False)
        return HeldOut(self.walk, _trained_on(lineage), whole=True)

    def lineage(self) -> Lineage:
        """What a run that is trained on this text has seen: the sentences outside the test split, and their digest."""
        if self._lineage is None:
            digest = hashlib.blake2b(digest_size=16)

            def hashes():
                for piece in track(self.walk(), "recording what was trained on", self.size()):
                    if piece.split != "test":
                        digest.update(piece.text.encode(errors="replace"))
                        yield from _sentence_hashes(piece.text)

            self._lineage = Lineage(HashSet.of(hashes()), frozenset([digest.hexdigest()]))
        return self._lineage

    def _pieces(self, file):
        """The byte offset of each piece, its text, and whether a document ends with it."""
        by_line = not self.raw and not _has_paragraphs(file)
        # A piece is in one split; it is at most a hundredth of the text, or a word, so that no split is empty.
        longest = min(MAX_PIECE, max(2, self._total // 100))
        within = longest if self.raw else max(longest, MAX_WORD)
        offset, held = 0, None
        for line in read_lines(file):
            if not offset and "\0" in line:
                raise InputError(f"{file} is binary, not text: its first line holds a zero byte")
            blank = not line.strip()
            if held:
                yield from _cut(*held, longest, within, ends=not self.raw and (blank or by_line))
                held = None
            if self.raw or not blank:
                held = (offset, line)
            offset += len(line.encode())
        if held:
            yield from _cut(*held, longest, within, ends=True)


def _sentence_hashes(text):
    """The hashes of the sentences and lines of a text, except short ones."""
    return (text_hash(part) for part in SENTENCE_END.split(text) if len(part.strip()) >= MIN_SENTENCE)


def _trained_on(lineage):
    """Whether a piece has a sentence that was trained on; one whose sentences do not decide, as the previous piece."""
    seen = False

    def trained_on(piece):
        nonlocal seen
        hashes = [value for value in _sentence_hashes(piece.text) if lineage.decides(value)]
        seen = any(value in lineage for value in hashes) if hashes else seen
        return seen

    return trained_on


def _is_divided(split: str | None) -> bool:
    """Whether files of this split are divided: those without a split, and "train" if another split is missing."""
    return split in (None, "train")


def _bounds(missing):
    """Where each split of the files to divide ends, in order, as a fraction of their bytes."""
    ends = {"train": 1 - SHARE * len(missing), "validation": 1.0 if "test" not in missing else 1 - SHARE, "test": 1.0}
    return [(split, end) for split, end in ends.items() if split == "train" or split in missing]


def _has_paragraphs(file):
    """Whether there are blank lines between other lines."""
    return " " in "".join("x" if line.strip() else " " for line in islice(read_lines(file), 1000)).strip()


def _cut(offset, line, longest, within, ends):
    """A line in pieces of about `longest` characters, split at a space if there is one before `within`."""
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
        return sum(len(line.encode()) for line in read_lines(file))
    return file.stat().st_size


def find_documents(data: str, raw: bool) -> DocumentDataset | None:
    """The plain text that `data` names: a file, a folder of files, or a glob; None if it is something else.

    Raises:
        UsageError: no file matches a glob.
        InputError: there is no text.
    """
    path = Path(data)
    files, tables, splits = [], 0, None
    if path.is_file() and not is_table(path):
        files = [path]
    elif path.is_dir():
        files, tables, splits = _in_folder(path)
    elif glob.has_magic(data):
        files = _matching(data)
    return DocumentDataset(data, files, raw, tables, splits) if files else None


def _in_folder(path):
    """The text files of a folder, how many tables are among them, and the splits of the files, if they have any.

    No files if the folder holds tables of splits.
    """
    visible = [f for f in sorted(path.rglob("*")) if f.is_file() and not is_hidden(f.relative_to(path))]
    if not visible:
        raise InputError(f"{path} is an empty folder: put text files into it")
    if any(split_of(file) == "train" for file in visible if file.parent == path):
        return [], 0, None
    files = [f for f in visible if not is_table(f)]
    tables = len(visible) - len(files)
    named = [SPLIT_NAMES.get(f.relative_to(path).parts[0].split(".")[0].lower()) for f in files]
    if "train" not in named:
        return files, tables, None
    in_splits = [(file, split) for file, split in zip(files, named, strict=True) if split]
    return [file for file, _ in in_splits], tables, [split for _, split in in_splits]


def _matching(data):
    """The files that match a glob."""
    path = Path(data)
    try:
        matches = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
        files = sorted(file for file in matches if file.is_file())
    except ValueError as error:
        raise UsageError(f"{data}: {error}") from None
    if not files:
        raise UsageError(f"{data}: no file has a name like this")
    return files


def open_documents(
    data: str, text_column: str | None = None, raw: bool = False, seed: int = 0, split_column: str | None = None
) -> TextDataset | DocumentDataset:
    """Open the text for a language model.

    Args:
        data: a text file, a folder or glob of such files, a table, the name of a data set, or "tfds:NAME".
        text_column: the column of texts of a table; None to detect it by common names.
        raw: keep line ends, for characters and bytes.
        seed: the seed of the hash that splits the rows of a table without splits; files are split by position.
        split_column: the column of a table that names the split of each row; None to detect it; "none" if there is
            none.

    Raises:
        UsageError: no such data set, file or column.
        InputError: the data are broken; the message says where.
    """
    documents = find_documents(data, raw)
    return documents or open_text_dataset(data, text_column, None, seed, labelled=False, split_column=split_column)
