"""Training batches of pairs of similar length.

Shapes: N pairs, B batch, S source tokens, T target tokens.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from nlp_rnn.batches import dataset_of
from nlp_rnn.datasets.splits import Example
from nlp_rnn.text.batching import Buckets, EncodedTexts, encode, padded
from nlp_rnn.text.encoder import TextEncoder


@dataclass(frozen=True)
class EncodedPairs:
    """N sources and targets as ids; targets end with `END`.

    Attributes:
        source, target: the two sides; the n-th texts of both form a pair.
    """

    source: EncodedTexts
    target: EncodedTexts

    def __len__(self) -> int:
        return len(self.source)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of the longer side of each pair, int64 [N]."""
        return np.maximum(self.source.lengths, self.target.lengths)

    @property
    def max_length_ratio(self) -> int:
        """Target tokens per source token, in addition to 10, that hardly any pair exceeds; at least 2."""
        ratios = (self.target.lengths - 10) / np.maximum(self.source.lengths, 1)
        return max(2, math.ceil(np.quantile(ratios, 0.999)))

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """All data that training depends on."""
        return (*self.source.arrays, *self.target.arrays)


def encode_pairs(
    pairs: Callable[[], Iterable[Example]], source: TextEncoder, target: TextEncoder, file: Path
) -> EncodedPairs:
    """Encode pairs into arrays on disk.

    Args:
        pairs: returns a new stream of the pairs at each call, the source of each as `text`, the target as `label`.
        source, target: encoders of the two sides.
        file: the prefix of the names of the files.
    """
    sources = encode(((pair.text, 0) for pair in pairs()), source, file.with_name(f"{file.name}-source.ids"))
    targets = encode(((pair.label, 1) for pair in pairs()), target, file.with_name(f"{file.name}-target.ids"), end=True)
    return EncodedPairs(sources, targets)


class PairBuckets(Buckets[EncodedPairs]):
    """Batches of pairs of similar length: source ids [B, S] and target ids [B, T], padded right; see `Buckets`."""

    def _order(self, blur):
        """The pairs by their longer side, then by their source, blurred, so that both sides have little padding."""
        return np.lexsort((self.texts.source.lengths * blur, self.texts.lengths))

    def padded(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Source ids [B, S] and target ids [B, T] of the pairs with these numbers."""
        return padded(self.texts.source, batch), padded(self.texts.target, batch)

    def dataset(self) -> tf.data.Dataset:
        """The batches of one epoch, as (source ids [B, S], target ids [B, T]); uses the current `epoch`."""
        ids = tf.TensorSpec([None, None], tf.int32)
        return dataset_of(self._batches, (ids, ids), len(self))
