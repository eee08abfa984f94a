"""Batches for truncated backpropagation through time: each row continues where it ended in the previous batch.

Shapes: N tokens, B streams, T tokens of a window.
"""

import heapq
import time
from collections.abc import Iterator, Sequence
from itertools import zip_longest

import numpy as np
import tensorflow as tf

from nlp_rnn.batches import dataset_of
from nlp_rnn.deprecation import renamed_arguments
from nlp_rnn.text.batching import EncodedTexts
from nlp_rnn.text.vocabulary import PADDING

RESET_PROBABILITY = 1 / 16  # of a stream restarting from a zero state in a training window
_FORMER = {"batch": "batch_size", "steps": "sequence_length"}


class Streams:
    """A long text cut into B parallel streams, read in windows of T tokens; see `batches.Batches`.

    Each token is in one window.

    Args:
        texts: the pieces of the text, in order.
        batch_size: B, the number of streams; fewer if the text is too short for windows of half the length.
        sequence_length: T, the tokens of a window.
        seed: of the position where reading starts in each epoch: the text is read as a ring, so that windows change
            from epoch to epoch. None: from the beginning.
    """

    max_steps_per_execution = 1

    @renamed_arguments(_FORMER)
    def __init__(self, texts: EncodedTexts, batch_size: int = 32, sequence_length: int = 64, seed: int | None = None):
        self.texts = texts
        self.batch_size = max(1, min(batch_size, 2 * len(texts.ids) // sequence_length))
        self.sequence_length = sequence_length
        self.seed = seed
        self.epoch = 0
        self.ready_times: list[float] = []

    def __len__(self) -> int:
        """The number of windows per epoch."""
        return -(-self._length() // self.sequence_length)

    def _length(self):
        """Tokens per stream."""
        return -(-len(self.texts.ids) // self.batch_size)

    @property
    def points(self) -> int:
        """Tokens per window, of all streams."""
        return self.batch_size * self.sequence_length

    @property
    def arrays(self) -> Sequence[np.ndarray]:
        """All data that training depends on."""
        return self.texts.arrays

    def windows(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Ids [B, T], and whether each stream starts from a zero state, bool [B]. The last stream ends with padding.

        In training, streams are reset at random: the state after a whole epoch is far from zero, and a network trained
        only on such states fails at the beginning of a prompt.
        """
        count, length = len(self.texts.ids), self._length()
        random = None if self.seed is None else np.random.default_rng((self.seed, self.epoch))
        start = 0 if random is None else int(random.integers(count))
        begins = np.arange(self.batch_size) * length
        for window in range(len(self)):
            place = begins[:, None] + window * self.sequence_length + np.arange(self.sequence_length)
            inside = place < np.minimum(begins + length, count)[:, None]
            ids = np.where(inside, self.texts.ids[(start + np.minimum(place, count - 1)) % count], PADDING)
            none = np.zeros(self.batch_size, bool)
            reset = none if random is None else random.random(self.batch_size) < RESET_PROBABILITY
            yield ids.astype(np.int32), reset | (window == 0)

    def dataset(self) -> tf.data.Dataset:
        """The windows of one epoch; every pass uses the current value of `epoch`."""
        ids = tf.TensorSpec([self.batch_size, self.sequence_length], tf.int32)
        return dataset_of(self._timed, (ids, tf.TensorSpec([self.batch_size], tf.bool)), len(self))

    def _timed(self):
        self.ready_times = []
        for window in self.windows():
            self.ready_times.append(time.monotonic())
            yield window


class DocumentStreams(Streams):
    """Independent texts in windows like those of `Streams`: each text starts from a zero state.

    The last window of a text ends with padding.

    Args:
        texts: the pieces of the texts, in order; the label of the last piece of a text is 1.
        batch_size: B, the number of streams; fewer if there are fewer texts.
        sequence_length: T, the tokens of a window.
        seed: of the shuffling of the texts of each stream in every epoch; None keeps their order.
    """

    @renamed_arguments(_FORMER)
    def __init__(self, texts: EncodedTexts, batch_size: int = 32, sequence_length: int = 64, seed: int | None = None):
        super().__init__(texts, batch_size, sequence_length, seed)
        ends = texts.offsets[1:][texts.labels == 1]
        ends = np.unique([*ends, len(texts.ids)])  # the last text may be incomplete
        self._ends = ends[ends > 0]
        self._begins = np.concatenate([[0], self._ends[:-1]]).astype(np.int64)
        self.batch_size = max(1, min(batch_size, len(self._ends)))
        self._counts = -(-(self._ends - self._begins) // sequence_length)
        self._streams = _balanced(self._counts, self.batch_size)

    def __len__(self) -> int:
        """The number of windows per epoch."""
        return max(int(self._counts[texts].sum()) for texts in self._streams)

    def windows(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Ids [B, T], and whether a text begins, bool [B]."""
        random = None if self.seed is None else np.random.default_rng((self.seed, self.epoch))
        orders = [texts if random is None else random.permutation(texts) for texts in self._streams]
        for pieces in zip_longest(*map(self._pieces, orders), fillvalue=(np.zeros(0, np.int32), True)):
            ids = np.full((self.batch_size, self.sequence_length), PADDING, np.int32)
            for row, (piece, _) in zip(ids, pieces, strict=True):
                row[: len(piece)] = piece
            yield ids, np.array([begins for _, begins in pieces])

    def _pieces(self, order):
        """The windows of one stream: ids, and whether a text begins."""
        for text in order:
            begin, end = self._begins[text], self._ends[text]
            for place in range(begin, end, self.sequence_length):
                yield self.texts.ids[place : min(place + self.sequence_length, end)], place == begin


def _balanced(counts, streams):
    """The numbers of the texts of each stream, so that all have about as many windows; assigns the longest first."""
    shares: list[list[int]] = [[] for _ in range(streams)]
    filled = [(0, stream) for stream in range(streams)]
    for text in np.argsort(-counts, kind="stable"):
        windows, stream = heapq.heappop(filled)
        shares[stream].append(int(text))
        heapq.heappush(filled, (windows + int(counts[text]), stream))
    return [np.sort(np.array(texts, np.int64)) for texts in shares]
