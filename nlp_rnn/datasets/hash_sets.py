"""Sets of hashes of texts in at most 1 MB, whatever the number of texts."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

WIDE = 120_000  # hashes that are kept with all of their 64 bits; of more, the upper 32 bits are kept
MOST = 240_000  # hashes in all; of more texts, a part of the hash space is kept
_BATCH = 2**16


@dataclass(frozen=True, eq=False)
class HashSet:
    """A set of 64-bit hashes.

    Up to `WIDE` hashes are kept whole, and up to `MOST` with 32 bits. Of more, those in a half, a quarter, … of all
    hashes are kept: of hashes outside this part, the set does not know whether they were added, see `decides`. Of N
    hashes above `WIDE`, N / 2^32 of all others seem to be in the set: 1 in 17,000 of 240,000, 1 in 4,300 of a million.

    Attributes:
        values: sorted, uint64 [N], or uint32 [N] for the upper 32 bits.
        sampled: only hashes whose upper 32 bits end in so many zeros are kept.
    """

    values: "np.ndarray"
    sampled: int = 0

    @classmethod
    def of(cls, hashes: Iterable[int]) -> "HashSet":
        """The set of some hashes; reads them in batches.

        Examples:
            >>> some = HashSet.of([3 << 40, 5])
            >>> 5 in some, 6 in some, len(some.values)
            (True, False, 2)
        """
        import numpy as np

        hashes, some = iter(hashes), cls(np.zeros(0, np.uint64))
        while len(batch := np.fromiter(islice(hashes, _BATCH), np.uint64)):
            some = some | cls(batch)
        return some

    def decides(self, text_hash: int) -> bool:
        """Whether the set knows of a hash if it was added."""
        return not (text_hash >> 32) & ((1 << self.sampled) - 1)

    def __contains__(self, text_hash: int) -> bool:
        if not len(self.values):
            return False
        wanted = self.values.dtype.type(text_hash >> (64 - 8 * self.values.itemsize))
        at = int(self.values.searchsorted(wanted))
        return at < len(self.values) and self.values[at] == wanted

    def __or__(self, other: "HashSet") -> "HashSet":
        """The hashes in either; both may shrink to the same part of all hashes."""
        import numpy as np

        sampled = max(self.sampled, other.sampled)
        parts = [_sampled(values, sampled) for values in (self.values, other.values)]
        values = _distinct(np.concatenate(_of_one_width(parts)))
        if len(values) > WIDE:
            values = _distinct(_narrow(values))
        while len(values) > MOST:
            sampled += 1
            values = _sampled(values, sampled)
        return HashSet(values, sampled)

    def without(self, other: "HashSet") -> "HashSet":
        """The hashes that are not in another set."""
        import numpy as np

        mine, others = _of_one_width([self.values, other.values])
        return HashSet(np.setdiff1d(mine, others, assume_unique=True), self.sampled)


def _sampled(values, sampled):
    """The hashes whose upper 32 bits end in some zeros."""
    if not sampled:
        return values
    return values[_narrow(values) & ((1 << sampled) - 1) == 0]


def _narrow(values):
    import numpy as np

    return values if values.dtype == np.uint32 else (values >> np.uint64(32)).astype(np.uint32)


def _of_one_width(parts):
    """Arrays of hashes, all as uint64, or all as uint32 if one is."""
    narrow = any(part.dtype.itemsize == 4 for part in parts)
    return list(map(_narrow, parts)) if narrow else parts


def _distinct(hashes):
    """Sorted hashes without duplicates; sorts in place, since `np.unique` takes several times the memory."""
    import numpy as np

    hashes.sort()
    repeated = hashes[1:] == hashes[:-1]
    return hashes if not repeated.any() else hashes[~np.append(False, repeated)]
