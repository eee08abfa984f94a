"""Contiguous streams for language models: each row of a batch goes on where it stood in the batch before.

Shapes: N tokens, B streams, T steps of a window.
"""

import time
from collections.abc import Iterator

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
