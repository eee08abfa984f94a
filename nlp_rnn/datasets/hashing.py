"""Splits by hash: a text is in the same split on every machine, and duplicates never land in different splits."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping

WORD = re.compile(r"\w+")
MIN_UNNUMBERED = 20  # characters; shorter texts, such as "Chapter 7", may differ in the number at an end alone


def split_by_hash(key: str, shares: Mapping[str, float]) -> str:
    """The split of an example, from the SHA-256 of its key.

    Args:
        key: examples with the same key are in the same split.
        shares: the fraction of each split other than "train", in [0, 1).

    Examples:
        >>> [split_by_hash(word, {"test": 0.3, "validation": 0.3}) for word in ("one", "two")]
        ['validation', 'test']
    """
    digest = hashlib.sha256(key.encode()).hexdigest()
    return _split_at(int(digest[:8], 16) / 16**8, shares)


def split_by_seeded_hash(text: str, shares: Mapping[str, float], seed: int) -> str:
    """The split of a text, from a hash of its words in lower case and a seed.

    Args:
        text: texts that differ only in case or white space are in the same split.
        shares: as for `split_by_hash`.
        seed: another seed gives another assignment.
    """
    return _split_at(_hash64(f"{seed}:{' '.join(text.lower().split())}") / 2**64, shares)


def _split_at(position, shares):
    """The split whose part of [0, 1) holds a position, the shares laid end to end; "train" beyond them."""
    upper = 0.0
    for split, share in shares.items():
        upper += share
        if position < upper:
            return split
    return "train"


def text_hash(text: str) -> int:
    """A 64-bit hash of the words of a text in lower case; texts that differ only in case or white space have the same.

    Examples:
        >>> text_hash("A  film.") == text_hash("a film. ")
        True
    """
    return _hash64(" ".join(text.lower().split()))


def copy_key(text: str) -> int:
    """A 64-bit hash by which copies are recognised: it ignores case, white space, marks, numbers at the ends, and
    how accents are encoded.

    Examples:
        >>> copy_key("12. A film that nobody forgets!") == copy_key("a film that  nobody forgets [3]")
        True
        >>> copy_key("cafe\u0301") == copy_key("caf\u00e9")
        True
        >>> copy_key("Chapter 7") == copy_key("Chapter 8")
        False
    """
    words = WORD.findall(unicodedata.normalize("NFC", text).lower())
    first, last = 0, len(words)
    while first < last and words[first].isdigit():
        first += 1
    while first < last and words[last - 1].isdigit():
        last -= 1
    inner = " ".join(words[first:last])
    return _hash64(inner if len(inner) >= MIN_UNNUMBERED else " ".join(words) or text.strip())


def _hash64(text):
    return int.from_bytes(hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest(), "big")
