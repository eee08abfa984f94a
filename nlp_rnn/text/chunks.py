"""Streams in chunks, so that only one chunk is in memory at a time."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

MAX_WEIGHT = 4_000_000  # characters in memory at once
Item = TypeVar("Item")


def chunks(items: Iterable[Item], size: int, weigh: Callable[[Item], int] = lambda item: 0) -> Iterator[list[Item]]:
    """Cut a stream into lists of `size` items, or fewer if their total weight would exceed 4 million.

    If the stream has a method `idle`, a list is also complete when that is true: no further item has arrived.

    Examples:
        >>> list(chunks("abcde", 2))
        [['a', 'b'], ['c', 'd'], ['e']]
    """
    chunk: list[Item] = []
    weight = 0
    idle = getattr(items, "idle", None)
    for item in items:
        chunk.append(item)
        weight += weigh(item)
        if len(chunk) == size or weight > MAX_WEIGHT or (idle and idle()):
            yield chunk
            chunk, weight = [], 0
    if chunk:
        yield chunk
