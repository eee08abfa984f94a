"""Reuse weights of a model with a smaller vocabulary."""

import numpy as np


def extend_rows(rows: np.ndarray, size: int) -> np.ndarray:
    """A weight with one row per id, extended to [size, ...]; each new row is the mean of the old ones.

    Args:
        rows: [N, ...].
        size: number of rows of the result, at least N.

    Examples:
        >>> extend_rows(np.array([[1.0, 2.0], [3.0, 6.0]]), 3).tolist()
        [[1.0, 2.0], [3.0, 6.0], [2.0, 4.0]]
    """
    mean = rows.mean(axis=0, keepdims=True)
    return np.concatenate([rows, np.repeat(mean, size - len(rows), axis=0)])
