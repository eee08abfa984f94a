"""From a stream of texts to training batches of like length.

Texts are encoded once, into one array of ids on disk, and batches are cut from it: memory stays flat however large
the set is. An epoch's order depends only on the seed and the epoch, so a resumed run sees what it would have seen.

Shapes: N texts, B batch, T tokens.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from nlp_rnn.checks import InputError
from nlp_rnn.text import END, PADDING, TextEncoder, chunks, to_tensor

SIZES = 16  # a batch holds a multiple of so many texts, or fewer


@dataclass(frozen=True)
class EncodedTexts:
    """Texts as ids, back to back, with their labels.

    Attributes:
        ids: int32, all texts back to back; as the other two, an array on disk.
        offsets: int64 [N + 1]; text n is ids[offsets[n]:offsets[n + 1]].
        labels: int32 [N].
        cut: how many texts were longer than the encoder's `max_tokens`.
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
        """All that training depends on."""
        return self.ids, self.offsets, self.labels


def encode(labelled: Iterable[tuple[str, int]], encoder: TextEncoder, file: Path, end: bool = False) -> EncodedTexts:
    """Encode a stream of (text, label) into arrays on disk; with `end`, `END` stands after texts of label 1.

    Args:
        file: where the ids go; offsets and labels go beside it, with `.offsets` and `.labels` at its end.
    """
    # The concrete function: of one made anew for each text TensorFlow warns as of one traced again and again.
    ragged = tf.function(encoder.ragged, input_signature=[tf.TensorSpec([None], tf.string)]).get_concrete_function()
    files = file, *(file.with_name(f"{file.name}{suffix}") for suffix in (".offsets", ".labels"))
    kinds = np.int32, np.int64, np.int32
    with contextlib.ExitStack() as opened:
        writers = [opened.enter_context(open(path, "wb")) for path in files]
        cut = _write(labelled, ragged, writers, encoder.max_tokens, end)
    return EncodedTexts(*(_array(path, kind) for path, kind in zip(files, kinds, strict=True)), cut)


def _write(labelled, ragged, writers, most, end):
    """Write ids, offsets and labels; how many texts were cut. Nothing is kept: there may be millions of lines."""
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
            writer.write(array.tobytes())  # `tofile` would not say that a disk is full
        cut += int(np.sum(before.numpy() > most))
    return cut


def _array(file, kind):
    return np.memmap(file, kind, "r") if file.stat().st_size else np.zeros(0, kind)


def numbered(examples: Iterable, classes: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The text and the class number of labelled examples, a stream.

    Raises:
        InputError: a label is not among the classes; says where.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    for example in examples:
        if example.label not in numbers:
            raise InputError(
                f"{example.place}: label '{example.label}' is not one of the classes: {', '.join(classes[:20])}"
            )
        yield example.text, numbers[example.label]


class LengthBuckets:
    """Batches of texts of like length, at most so many texts and about so many tokens, padding counted.

    Args:
        texts: what to cut into batches.
        most_texts: B of a batch of short texts.
        most_tokens: bound on B * T, but for what the shuffling of lengths adds; a longer text is a batch by itself.
        seed: shuffles texts of like length, and the batches, anew in every epoch; None keeps them sorted.

    `epoch` says which epoch's order comes next; who trains sets it at the start of each. `ready` says when each batch
    of the epoch being read was made, in seconds of `time.monotonic`. `together` is how many steps of training may pass
    untold, where they are short.
    """

    together = 1

    def __init__(self, texts: EncodedTexts, most_texts: int = 64, most_tokens: int = 16_000, seed: int | None = None):
        self.texts = texts
        self.most_texts = most_texts
        self.most_tokens = most_tokens
        self.seed = seed
        self.epoch = 0
        self.ready: list[float] = []

    def plan(self) -> list[np.ndarray]:
        """The texts of each batch of this epoch, by number; every epoch has as many batches."""
        if self.seed is None:
            return np.split(self._order(np.ones(len(self.texts))), self._cuts())
        shuffle = np.random.default_rng((self.seed, self.epoch))
        # Lengths blurred by a tenth: neighbours change from epoch to epoch, padding stays low.
        batches = np.split(self._order(shuffle.uniform(0.9, 1.1, len(self.texts))), self._cuts())
        shuffle.shuffle(batches)
        return batches

    def _order(self, blur):
        """The texts by length; one factor for each blurs it."""
        return np.argsort(self.texts.lengths * blur, kind="stable")

    def __len__(self) -> int:
        """The batches of an epoch."""
        return len(self._cuts()) + 1

    def _cuts(self):
        """Where the texts in order of length are cut into batches."""
        cuts, begun = [], 0
        lengths = np.sort(self.texts.lengths)
        while begun < len(lengths):
            begun += self._fitting(lengths[begun : begun + self.most_texts])
            cuts.append(begun)
        return cuts[:-1]

    def _fitting(self, lengths):
        """How many of the next texts, sorted, go into one batch."""
        texts = np.arange(1, len(lengths) + 1)
        most = max(1, int(np.sum(texts * lengths <= self.most_tokens)))
        # Few sizes of a batch: a compiled program serves one size.
        return most if most == len(lengths) or most < SIZES else most - most % SIZES

    def padded(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ids [B, T], padded right, and labels [B] of the texts with these numbers."""
        return padded(self.texts, batch), self.texts.labels[batch]

    def dataset(self) -> tf.data.Dataset:
        """The batches of one epoch, as (ids [B, T], labels [B]); asks `epoch` anew at each pass."""
        signature = (tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32))
        return dataset_of(self._batches, signature, len(self))

    def _batches(self):
        self.ready = []
        for batch in self.plan():
            made = self.padded(batch)
            self.ready.append(time.monotonic())
            yield made


def padded(texts: EncodedTexts, batch: np.ndarray) -> np.ndarray:
    """Ids [B, T], padded right, of the texts with these numbers; T is at least 1."""
    begins, ends = texts.offsets[batch], texts.offsets[batch + 1]
    ids = np.full((len(batch), max(int((ends - begins).max()), 1)), PADDING, np.int32)
    for row, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        ids[row, : end - begin] = texts.ids[begin:end]
    return ids


def dataset_of(batches: Callable[[], Iterator], signature: tuple, count: int, slices: bool = False) -> tf.data.Dataset:
    """What a generator function yields, `count` batches of this signature, a few of them made ahead.

    One pass at a time: where another one begins, one that has not ended fails.

    Args:
        slices: it yields several batches at a time, stacked; the signature is that of the stack.
    """
    made = _Passes(batches, [spec.dtype.as_numpy_dtype for spec in signature], count, slices)

    def item(current, _):
        current, *arrays = tf.numpy_function(made, [current], [tf.int64, *(spec.dtype for spec in signature)])
        parts = (tf.ensure_shape(array, spec.shape) for array, spec in zip(arrays, signature, strict=True))
        return tf.ensure_shape(current, []), tuple(parts)

    # Not `from_generator`, which takes a small network's steps of time to begin.
    data = tf.data.Dataset.range(count).scan(np.int64(0), item)
    if slices:
        data = data.unbatch().take(count)
    options = tf.data.Options()
    options.autotune.enabled = False  # nothing to tune here, and its thread may keep the end of an epoch for seconds
    return data.apply(tf.data.experimental.assert_cardinality(count)).prefetch(4).with_options(options)


class _Passes:
    """What a generator function yields, an item a call, which says for which pass: 0 begins one, and only that goes on.

    Args:
        items: the function.
        types: of an item's arrays.
        count: of the batches of a pass.
        slices: an item is several of them, stacked.
    """

    def __init__(self, items, types, count, slices):
        self.items, self.types, self.count, self.slices = items, types, count, slices
        self.newest, self.lock = 0, threading.Lock()  # what is made ahead for a pass that nobody reads may still come

    def __call__(self, current):
        with self.lock:
            if current == 0:
                current = self.newest = self.newest + 1
                self.passing, self.left = self.items(), self.count
            if current != self.newest:
                raise RuntimeError("another pass over the same batches has begun")
            arrays = self._next()
        return np.int64(current), *map(np.asarray, arrays, self.types)

    def _next(self):
        """The next item; the last one only where the generator then ends, or data would be lost unseen."""
        arrays = next(self.passing, None)
        self.left -= len(arrays[0]) if self.slices and arrays is not None else 1
        more = arrays is not None and self.left <= 0 and next(self.passing, None) is not None
        if arrays is None or self.left < 0 or more:
            raise RuntimeError(f"there must be {self.count} batches, got {'fewer' if arrays is None else 'more'}")
        return arrays
