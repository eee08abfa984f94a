"""From a stream of texts to training batches of similar length.

Texts are encoded once into one array of ids on disk, and batches are slices of it, so memory use does not grow with the
data set. The order of an epoch depends on the seed and the epoch alone, so a resumed run gets the same batches.

Shapes: N texts, B batch, T tokens.
"""

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
import tensorflow as tf

from nlp_rnn.batches import dataset_of
from nlp_rnn.checks import InputError
from nlp_rnn.graph import traced
from nlp_rnn.text.chunks import chunks
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.labels import label_key
from nlp_rnn.text.tokenizer import to_tensor
from nlp_rnn.text.vocabulary import END, PADDING

SIZE_STEP = 16  # the batch size is a multiple of this, or smaller


@dataclass(frozen=True)
class EncodedTexts:
    """Texts as ids, concatenated, with their labels.

    Attributes:
        ids: int32, all texts concatenated; an array on disk, like the other two.
        offsets: int64 [N + 1]; text n is ids[offsets[n]:offsets[n + 1]].
        labels: int32 [N].
        cut: number of texts that were longer than the encoder's `max_tokens`.
    """

    ids: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray
    cut: int

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each text, int64 [N]."""
        return np.diff(self.offsets)

    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]:
        """The ids [T] and the label of each text."""
        for begin, end, label in zip(self.offsets, self.offsets[1:], self.labels, strict=False):
            yield self.ids[begin:end], int(label)

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """All data that training depends on."""
        return self.ids, self.offsets, self.labels


def encode(labelled: Iterable[tuple[str, int]], encoder: TextEncoder, file: Path, end: bool = False) -> EncodedTexts:
    """Encode a stream of (text, label) into arrays on disk; with `end`, `END` follows texts of label 1.

    Args:
        labelled: the stream.
        encoder: texts to ids.
        file: the file of the ids; `.offsets` and `.labels` are appended to its name for the other two arrays.
        end: mark the ends of texts.
    """
    # The concrete function: TensorFlow warns of retracing if a new function is created for every data set.
    ragged = traced(encoder.ragged, [tf.TensorSpec([None], tf.string)]).get_concrete_function()
    files = file, *(file.with_name(f"{file.name}{suffix}") for suffix in (".offsets", ".labels"))
    kinds = np.int32, np.int64, np.int32
    with contextlib.ExitStack() as opened:
        writers = [opened.enter_context(open(path, "wb")) for path in files]
        cut = _write(labelled, ragged, writers, encoder.max_tokens, end)
    ids, offsets, labels = (_array(path, kind) for path, kind in zip(files, kinds, strict=True))
    return EncodedTexts(ids, offsets, labels, cut)


def _write(labelled, ragged, writers, most, end):
    """Write ids, offsets and labels, one chunk of the stream at a time; returns how many texts were truncated."""
    total, cut = np.zeros(1, np.int64), 0
    writers[1].write(total.tobytes())
    for chunk in chunks(labelled, 1024, lambda pair: len(pair[0])):
        labels = np.array([label for _, label in chunk], np.int32)
        ids, before = ragged(to_tensor(text for text, _ in chunk))
        if end:
            ends = tf.constant(labels, tf.int64)
            ids = tf.concat([ids, tf.RaggedTensor.from_row_lengths(tf.repeat(END, tf.reduce_sum(ends)), ends)], 1)
        offsets = total + np.cumsum(ids.row_lengths().numpy())
        total = offsets[-1:]
        for writer, array in zip(writers, (ids.flat_values.numpy(), offsets, labels), strict=True):
            writer.write(array.tobytes())  # `tofile` does not report a full disk
        cut += int(np.sum(before.numpy() > most))
    return cut


def _array(file, kind):
    return np.memmap(file, kind, "r") if file.stat().st_size else np.zeros(0, kind)


def numbered(examples: Iterable, classes: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Labelled examples as a stream of (text, class number); 1.0 counts as class 1, see `labels`.

    Raises:
        InputError: a label is not among the classes; the message says where.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    by_key = {label_key(name): number for name, number in reversed(numbers.items())}
    for example in examples:
        if example.label not in numbers:
            numbers[example.label] = by_key.get(label_key(example.label), -1)
        if numbers[example.label] < 0:
            raise InputError(
                f"{example.place}: label '{example.label}' is not one of the classes: {', '.join(classes[:20])}"
            )
        yield example.text, numbers[example.label]


class Measured(Protocol):
    """Texts or pairs of texts with lengths, which can be grouped into batches of similar length."""

    def __len__(self) -> int: ...

    @property
    def lengths(self) -> np.ndarray: ...

    @property
    def arrays(self) -> Sequence[np.ndarray]: ...


Texts = TypeVar("Texts", bound=Measured)


class Buckets(ABC, Generic[Texts]):
    """Batches of texts, or of pairs of texts, of similar length; see `batches.Batches`.

    Args:
        texts: the texts to group into batches.
        max_texts: maximum B, reached by short texts.
        max_tokens: bound on B * T, padding included, which the blurring of lengths may slightly exceed; a longer text
            is a batch by itself.
        seed: of the shuffling of texts of similar length, and of the batches, in every epoch; None keeps them sorted.
    """

    max_steps_per_execution = 1

    def __init__(self, texts: Texts, max_texts: int = 64, max_tokens: int = 16_000, seed: int | None = None):
        self.texts = texts
        self.max_texts = max_texts
        self.max_tokens = max_tokens
        self.seed = seed
        self.epoch = 0
        self.ready_times: list[float] = []

    def plan(self) -> list[np.ndarray]:
        """The numbers of the texts of each batch of this epoch; every epoch has the same number of batches."""
        if self.seed is None:
            return np.split(self._order(np.ones(len(self.texts))), self._cuts())
        shuffle = np.random.default_rng((self.seed, self.epoch))
        # Lengths are blurred by a tenth: neighbours change from epoch to epoch, padding stays low.
        batches = np.split(self._order(shuffle.uniform(0.9, 1.1, len(self.texts))), self._cuts())
        shuffle.shuffle(batches)
        return batches

    def _order(self, blur):
        """The texts by length, each multiplied by its factor in `blur`."""
        return np.argsort(self.texts.lengths * blur, kind="stable")

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return len(self._cuts()) + 1

    def _cuts(self):
        """Where the texts, sorted by length, are cut into batches."""
        cuts, begun = [], 0
        lengths = np.sort(self.texts.lengths)
        while begun < len(lengths):
            begun += self._fitting(lengths[begun : begun + self.max_texts])
            cuts.append(begun)
        return cuts[:-1]

    def _fitting(self, lengths):
        """How many of the next texts, sorted by length, fit into one batch."""
        texts = np.arange(1, len(lengths) + 1)
        most = max(1, int(np.sum(texts * lengths <= self.max_tokens)))
        # Few distinct batch sizes, since a program is compiled for each.
        return most if most == len(lengths) or most < SIZE_STEP else most - most % SIZE_STEP

    @property
    def arrays(self) -> Sequence[np.ndarray]:
        """All data that training depends on."""
        return self.texts.arrays

    @abstractmethod
    def padded(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The arrays of a batch of the texts with these numbers."""

    @abstractmethod
    def dataset(self) -> tf.data.Dataset:
        """The batches of one epoch; every pass uses the current value of `epoch`."""

    def _batches(self):
        self.ready_times = []
        for batch in self.plan():
            made = self.padded(batch)
            self.ready_times.append(time.monotonic())
            yield made


class LengthBuckets(Buckets[EncodedTexts]):
    """Batches of texts of similar length, bounded in texts and in tokens; see `Buckets`."""

    def padded(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ids [B, T], padded right, and labels [B] of the texts with these numbers."""
        return padded(self.texts, batch), self.texts.labels[batch]

    def dataset(self) -> tf.data.Dataset:
        """The batches of one epoch, as (ids [B, T], labels [B]); every pass uses the current `epoch`."""
        signature = (tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32))
        return dataset_of(self._batches, signature, len(self))


def padded(texts: EncodedTexts, batch: np.ndarray) -> np.ndarray:
    """Ids [B, T], padded right, of the texts with these numbers; T is at least 1."""
    begins, ends = texts.offsets[batch], texts.offsets[batch + 1]
    ids = np.full((len(batch), max(int((ends - begins).max()), 1)), PADDING, np.int32)
    for row, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        ids[row, : end - begin] = texts.ids[begin:end]
    return ids
