"""Contiguous streams for language models: each row of a batch goes on where it stood in the batch before.

Shapes: N tokens, B streams, T steps of a window.
"""

import heapq
import time
from collections.abc import Iterator
from itertools import zip_longest

import numpy as np
import tensorflow as tf

from nlp_rnn.batching import EncodedTexts, dataset_of
from nlp_rnn.text import PADDING

ANEW = 1 / 16  # chance of a window in training to begin from zeros


class Streams:
    """A long text cut into B streams side by side, read in windows of T tokens; every token is in one window.

    Args:
        texts: the text; its pieces stand back to back.
        batch: B; fewer where the text is too short for windows of half the length.
        steps: T.
        seed: where the text is entered in each epoch: it is read as a ring, so that windows and their beginnings
            change from epoch to epoch. None: from its start.

    `epoch` says which epoch comes next, and `ready` when each of its windows was made, as for `LengthBuckets`.
    """

    together = 1

    def __init__(self, texts: EncodedTexts, batch: int = 32, steps: int = 64, seed: int | None = None):
        self.texts = texts
        self.batch = max(1, min(batch, 2 * len(texts.ids) // steps))
        self.steps = steps
        self.seed = seed
        self.epoch = 0
        self.ready: list[float] = []

    def __len__(self) -> int:
        """The windows of an epoch."""
        return -(-self._length() // self.steps)

    def _length(self):
        """Tokens of a stream."""
        return -(-len(self.texts.ids) // self.batch)

    def windows(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Ids [B, T], and whether a stream begins there, [B]. The end of the last stream is filled up with padding.

        In training a stream is taken for a beginning now and then: the state after a whole epoch is far from zeros,
        and a network that has only ever seen such states fails on every prompt.
        """
        count, length = len(self.texts.ids), self._length()
        draw = None if self.seed is None else np.random.default_rng((self.seed, self.epoch))
        start = 0 if draw is None else int(draw.integers(count))
        begins = np.arange(self.batch) * length
        for window in range(len(self)):
            place = begins[:, None] + window * self.steps + np.arange(self.steps)
            inside = place < np.minimum(begins + length, count)[:, None]
            ids = np.where(inside, self.texts.ids[(start + np.minimum(place, count - 1)) % count], PADDING)
            anew = np.zeros(self.batch, bool) if draw is None else draw.random(self.batch) < ANEW
            yield ids.astype(np.int32), anew | (window == 0)

    def dataset(self) -> tf.data.Dataset:
        """The windows of one epoch; asks `epoch` anew at each pass."""
        signature = (tf.TensorSpec([self.batch, self.steps], tf.int32), tf.TensorSpec([self.batch], tf.bool))
        return dataset_of(self._timed, signature, len(self))

    def _timed(self):
        self.ready = []
        for window in self.windows():
            self.ready.append(time.monotonic())
            yield window


class DocumentStreams(Streams):
    """Texts read in windows as in `Streams`, but each from its own beginning: no state goes from one into the next.

    What the last window of a text has room for beyond its end is padding.

    Args:
        texts: their pieces stand back to back; the label of a piece is 1 where a text ends with it.
        batch: B; fewer where there are fewer texts.
        steps: T.
        seed: shuffles the texts of each stream anew in every epoch; None: from the first to the last.
    """

    def __init__(self, texts: EncodedTexts, batch: int = 32, steps: int = 64, seed: int | None = None):
        super().__init__(texts, batch, steps, seed)
        ends = texts.offsets[1:][texts.labels == 1]
        ends = np.unique([*ends, len(texts.ids)])  # the last text may be cut off
        self._ends = ends[ends > 0]
        self._begins = np.concatenate([[0], self._ends[:-1]]).astype(np.int64)
        self.batch = max(1, min(batch, len(self._ends)))
        self._counts = -(-(self._ends - self._begins) // steps)
        self._streams = _shared_out(self._counts, self.batch)

    def __len__(self) -> int:
        """The windows of an epoch."""
        return max(int(self._counts[texts].sum()) for texts in self._streams)

    def windows(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Ids [B, T], and whether a text begins there, [B]."""
        draw = None if self.seed is None else np.random.default_rng((self.seed, self.epoch))
        orders = [texts if draw is None else draw.permutation(texts) for texts in self._streams]
        for pieces in zip_longest(*map(self._pieces, orders), fillvalue=(np.zeros(0, np.int32), True)):
            ids = np.full((self.batch, self.steps), PADDING, np.int32)
            for row, (piece, _) in zip(ids, pieces, strict=True):
                row[: len(piece)] = piece
            yield ids, np.array([fresh for _, fresh in pieces])

    def _pieces(self, order):
        """The windows of one stream: ids, and whether a text begins."""
        for text in order:
            begin, end = self._begins[text], self._ends[text]
            for place in range(begin, end, self.steps):
                yield self.texts.ids[place : min(place + self.steps, end)], place == begin


def _shared_out(counts, streams):
    """Numbers of texts for each stream, so that all have about as many windows: the longest text first."""
    shares: list[list[int]] = [[] for _ in range(streams)]
    filled = [(0, stream) for stream in range(streams)]
    for text in np.argsort(-counts, kind="stable"):
        windows, stream = heapq.heappop(filled)
        shares[stream].append(int(text))
        heapq.heappush(filled, (windows + int(counts[text]), stream))
    return [np.sort(np.array(texts, np.int64)) for texts in shares]
