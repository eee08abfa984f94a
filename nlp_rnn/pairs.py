"""Pairs of texts as training batches of like lengths.

Shapes: B batch, S source tokens, T target tokens.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from nlp_rnn.batching import EncodedTexts, LengthBuckets, dataset_of, encode, padded
from nlp_rnn.text import TextEncoder


@dataclass(frozen=True)
class EncodedPairs:
    """Sources and targets as ids, pair by pair; targets end with `END`.

    Attributes:
        source, target: the two sides.
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
    def longest(self) -> int:
        """So many tokens has a target for each of its source, ten left out; nearly all have fewer. At least 2."""
        ratios = (self.target.lengths - 10) / np.maximum(self.source.lengths, 1)
        return max(2, math.ceil(np.quantile(ratios, 0.999)))

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """All that training depends on."""
        return (*self.source.arrays, *self.target.arrays)


def encode_pairs(pairs: Callable[[], Iterable], source: TextEncoder, target: TextEncoder, file: Path) -> EncodedPairs:
    """Encode pairs into arrays on disk.

    Args:
        pairs: gives the stream of pairs, each with `text` and `label`, anew at each call.
        source, target: encoders of the two sides.
        file: what the names of the files begin with.
    """
    sources = encode(((pair.text, 0) for pair in pairs()), source, file.with_name(f"{file.name}-source.ids"))
    targets = encode(((pair.label, 1) for pair in pairs()), target, file.with_name(f"{file.name}-target.ids"), end=True)
    return EncodedPairs(sources, targets)


class PairBuckets(LengthBuckets):
    """Batches of pairs of like length: source ids [B, S] and target ids [B, T], padded right; see `LengthBuckets`."""

    def _order(self, blur):
        """The pairs by their longer side, then by their source, blurred: either side is padded little."""
        return np.lexsort((self.texts.source.lengths * blur, self.texts.lengths))

    def padded(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Source and target ids of the pairs with these numbers."""
        return padded(self.texts.source, batch), padded(self.texts.target, batch)

    def dataset(self) -> tf.data.Dataset:
        """The batches of one epoch; asks `epoch` anew at each pass."""
        ids = tf.TensorSpec([None, None], tf.int32)
        return dataset_of(self._batches, (ids, ids), len(self))
