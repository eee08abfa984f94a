"""Running text, without labels: plain files, a folder of them, or a glob, in splits.

A folder whose files or sub-folders are named train, valid and test has these splits. Other files are split by position;
by a hash of each text if many of the texts are copies. Where a text ends is decided from each file, see `text_forms`.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.catalogue import open_text_dataset
from nlp_rnn.datasets.hash_sets import HashSet
from nlp_rnn.datasets.lineage import FORMER_SPLIT, HeldOut, Lineage
from nlp_rnn.datasets.lines import count_lines, read_lines
from nlp_rnn.datasets.splits import Example, TextDataset
from nlp_rnn.language_model.copies import HASH, Copies, count_copies, split_of_key
from nlp_rnn.language_model.passages import fingerprinted, recognises
from nlp_rnn.language_model.pieces import pieces_of, with_keys
from nlp_rnn.language_model.text_files import TextFiles, find_text_files
from nlp_rnn.language_model.text_forms import FILE, Form, former_form, forms_of, read_as
from nlp_rnn.language_model.token_level import lacks_spaces
from nlp_rnn.progress import say, track

SHARE = 0.05  # fraction of the text for validation, and for the test, if there is no such split
MAX_PIECE = 100_000  # characters; a longer line is split
WHOLE = "whole "  # begins the digest of a text with its splits


class DocumentDataset:
    """Plain text files in splits, streamed on each pass.

    The files are split by position; by a hash of each text if many of the texts are copies of others.

    Args:
        name: the name of the data, as the user gave it.
        files: the files.
        raw: keep line ends and blank lines, for characters and bytes; the pieces then concatenate to the file.
        documents: where a text ends: "line", "paragraph" or "file"; "auto" to decide it from each file.
        split_by: "position" or "hash"; None to decide it by the number of copies; `FORMER_SPLIT` for the splits and
            texts of earlier versions.
        seed: the seed of the hash.
    """

    def __init__(
        self,
        name: str,
        files: TextFiles,
        raw: bool,
        documents: str = "auto",
        split_by: str | None = None,
        seed: int = 0,
    ):
        self.name = name
        self.files = files.paths
        self.splits: Sequence[str | None] = files.splits or [None] * len(files.paths)
        self.raw = raw
        self._notes = files.notes()
        self._documents = documents
        self._split_by = split_by
        self._seed = seed
        self._bytes = [_size(file) for file in files.paths]
        self._total = sum(size for size, split in zip(self._bytes, self.splits, strict=True) if _is_divided(split))
        self._bounds = _bounds({"validation", "test"} - set(self.splits))
        self._lineage: Lineage | None = None
        if not self._total:
            raise InputError(f"{name} is empty: give some text")

    @cached_property
    def forms(self) -> list[Form]:
        """Where the texts of each file end."""
        if self._split_by == FORMER_SPLIT:
            return [former_form(file, self.raw) for file in self.files]
        unit = self._documents if self._documents != "auto" else FILE if self.raw else None
        return forms_of(self.files, unit, sum(self._bytes))

    @property
    def notes(self) -> list[str]:
        """What was guessed, for the user to see."""
        guessed = self._split_by != FORMER_SPLIT and not (self.raw and self._documents == "auto")
        return [*self._notes, *([read_as(self.forms)] if guessed else [])]

    @cached_property
    def copies(self) -> Copies:
        """The copies among the texts, if they were split by position."""
        return count_copies(self._files_to_count(), self._longest(), sum(self._bytes))

    @property
    def split_by(self) -> str:
        """How files without splits are split: "position" or "hash", or `FORMER_SPLIT`."""
        if self._split_by is None:
            self._split_by = self.copies.split_by(self._held_out_shares(), self._seed)
        return self._split_by

    def say_split(self) -> None:
        """Print how copies are split, or how much of the held-out text also stands in the training text."""
        for line in self.copies.lines(self.split_by, self.forms):
            say(line)

    def walk(self) -> Iterator[Example]:
        """All pieces of text, each with its split."""
        for file, begun, form, given in self._each_file():
            pieces = pieces_of(file, form, self.raw, self._longest())
            for split, piece in self._with_splits(pieces, begun, given):
                yield Example(piece.text, "", f"{file}, byte {piece.offset}", split, piece.ends)

    def texts(self) -> Iterator[str]:
        """All pieces of text, without their splits, which may take a pass over the files to decide."""
        for file, form in zip(self.files, self.forms, strict=True):
            yield from (piece.text for piece in pieces_of(file, form, self.raw, self._longest()))

    def _each_file(self):
        """Each file, the number of bytes to divide that precede it, where its texts end, and its split if given."""
        begun = 0
        for file, size, form, given in zip(self.files, self._bytes, self.forms, self.splits, strict=True):
            yield file, begun, form, given
            begun += size if _is_divided(given) else 0

    def _with_splits(self, pieces, begun, given):
        if _is_divided(given) and self.split_by == HASH:
            shares = self._held_out_shares()
            return ((split_of_key(key, shares, self._seed), piece) for key, piece in with_keys(pieces))
        split_at = self._by_position(begun, given)
        return ((split_at(piece.offset), piece) for piece in pieces)

    def _by_position(self, begun: int, given: str | None) -> Callable[[int], str]:
        """A function that returns the split of a byte of a file, where some bytes to divide precede it."""
        if given is None or _is_divided(given):
            return lambda offset: self._split_at(begun + offset)
        return lambda offset: given

    def _files_to_count(self):
        for file, begun, form, given in self._each_file():
            yield file, form, _is_divided(given), self._by_position(begun, given)

    def _longest(self):
        """Characters of a piece: a piece is in one split, so it is at most a hundredth of the text, if not a word."""
        return min(MAX_PIECE, max(2, self._total // 100))

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

    def _held_out_shares(self):
        return {split: share for split, share in self._shares().items() if split != "train"}

    def held_out(self, lineage: Lineage, own: bool = False, also: Lineage | None = None) -> HeldOut[Any]:
        """The pieces that a run may be evaluated on: the test split of its own text, else all it was not trained on.

        Args:
            lineage: what the run was trained on.
            own: the run is being trained on this text.
            also: what is trained on after this text; it is left out as well.
        """
        if not own and lineage.knows(self.name):
            own = True
            say(f"{self.name} is known by its path only: if it has changed since training, what was trained on counts")
        own = own or self._is_among(lineage)
        # Its test split may repeat passages of its training text, but not of other text that was trained on.
        mine = self.lineage() if own else Lineage()
        if own and also is None and lineage.digests <= mine.digests:
            return HeldOut(lambda: self.stream("test"), lambda piece: False, whole=False)

        other = also or Lineage()

        def known(value):
            return (value in lineage and value not in mine) or value in other

        def decides(value):
            return lineage.decides(value) and other.decides(value)

        whole = not own and not any(self.splits)
        return HeldOut(lambda: self._fingerprinted(None if whole else "test"), recognises(known, decides), whole)

    def _fingerprinted(self, split):
        """The pieces of a split, or all, with the fingerprints of their passages."""
        return (piece for piece in fingerprinted(self.walk()) if split in (None, piece.split))

    def _is_among(self, lineage):
        """Whether a run was trained on this very text, with the same test split."""
        # Runs before the test split was part of a digest have the other one alone.
        whole = {digest for digest in lineage.digests if digest.startswith(WHOLE)}
        return bool(lineage.digests) and bool((whole or lineage.digests) & self.lineage().digests)

    def lineage(self) -> Lineage:
        """What a run that is trained on this text has seen: the passages outside the test split; and digests."""
        if self._lineage is None:
            trained, whole = (hashlib.blake2b(digest_size=16) for _ in range(2))

            def hashes():
                for piece in fingerprinted(track(self.walk(), "recording what was trained on", self.size())):
                    content = piece.text.encode(errors="replace")
                    whole.update(piece.split.encode() + content)
                    if piece.split != "test":
                        trained.update(content)
                        yield from piece.hashes

            recorded = HashSet.of(hashes())
            self._lineage = Lineage(recorded, frozenset([trained.hexdigest(), WHOLE + whole.hexdigest()]))
        return self._lineage


def _is_divided(split: str | None) -> bool:
    """Whether files of this split are divided: those without a split, and "train" if another split is missing."""
    return split in (None, "train")


def _bounds(missing):
    """Where each split of the files to divide ends, in order, as a fraction of their bytes."""
    ends = {"train": 1 - SHARE * len(missing), "validation": 1.0 if "test" not in missing else 1 - SHARE, "test": 1.0}
    return [(split, end) for split, end in ends.items() if split == "train" or split in missing]


def _size(file):
    if file.suffix == ".gz":
        return sum(len(line.encode()) for line in read_lines(file))
    return file.stat().st_size


def open_documents(
    data: str,
    text_column: str | None = None,
    raw: bool | None = False,
    seed: int = 0,
    split_column: str | None = None,
    documents: str = "auto",
    split_by: str | None = None,
) -> TextDataset | DocumentDataset:
    """Open the text for a language model.

    Args:
        data: a text file, a folder or glob of such files, a table, the name of a data set, or "tfds:NAME".
        text_column: the column of texts of a table; None to detect it by common names.
        raw: keep line ends, for characters and bytes; None: if the text lacks spaces between words.
        seed: the seed of the hash that splits texts: those of a table without splits, or of files with many copies.
        split_column: the column of a table that names the split of each row; None to detect it; "none" if there is
            none.
        documents, split_by: of plain text files, as for `DocumentDataset`.

    Raises:
        UsageError: no such data set, file or column.
        InputError: the data are broken; the message says where.
    """
    files = find_text_files(data)
    if files is None:
        return open_text_dataset(data, text_column, None, seed, labelled=False, split_column=split_column)
    dataset = DocumentDataset(data, files, bool(raw), documents, split_by, seed)
    if raw is None and lacks_spaces(dataset.texts()):
        return DocumentDataset(data, files, True, documents, split_by, seed)
    return dataset
