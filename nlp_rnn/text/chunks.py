"""Streams in chunks, so that no more than one chunk is held."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

MAX_WEIGHT = 4_000_000  # characters held at once
Item = TypeVar("Item")


def chunks(items: Iterable[Item], size: int, weigh: Callable[[Item], int] = lambda item: 0) -> Iterator[list[Item]]:
    """Cut a stream into lists of `size` items; of fewer, where they weigh more than 4 million together.

    Examples:
        >>> list(chunks("abcde", 2))
        [['a', 'b'], ['c', 'd'], ['e']]
    """
    chunk: list[Item] = []
    weight = 0
    for item in items:
        chunk.append(item)
        weight += weigh(item)
        if len(chunk) == size or weight > MAX_WEIGHT:
            yield chunk
            chunk, weight = [], 0
    if chunk:
        yield chunk
