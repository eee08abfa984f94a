"""Arrays in the form in which the loops take them, and back.

Shapes: U units, W of them when filled up to whole vectors of L floats; G columns of the cell for each unit.
"""

import math
from collections.abc import Sequence

import numpy as np

Array = np.ndarray
LINE = 16  # floats of a line of the cache; TensorFlow takes an array as it is where it begins with one


def empty(*shape: int) -> Array:
    """An array that TensorFlow need not copy, float32."""
    count = math.prod(shape)
    raw = np.empty(count + LINE, np.float32)
    start = -(raw.ctypes.data // 4) % LINE
    return raw[start : start + count].reshape(shape)


def widened(array: Array, wide: int) -> Array:
    """[..., U] as [..., W], with zeros; the array itself where U is W."""
    more = wide - array.shape[-1]
    return np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, more)]) if more else array


def narrowed(array: Array, units: int) -> Array:
    """[..., W] as [..., U]; the array itself where U is W."""
    if array.shape[-1] == units:
        return array
    found = empty(*array.shape[:-1], units)
    found[...] = array[..., :units]
    return found


def copied(array: Array, wide: int) -> Array:
    """A copy, widened, to be written to."""
    found = empty(*array.shape[:-1], wide)
    found[..., : array.shape[-1]] = array
    found[..., array.shape[-1] :] = 0
    return found


def ordered(weights: Array, columns: Sequence[int], units: int, wide: int) -> Array:
    """The columns of [..., G U] that are named, in this order, each widened; the weights themselves if that is all."""
    if units == wide and list(columns) == list(range(weights.shape[-1] // units)):
        return weights
    by_column = weights.reshape(*weights.shape[:-1], -1, units)[..., list(columns), :]
    return widened(by_column, wide).reshape(*weights.shape[:-1], len(columns) * wide)


def restored(found: Array, columns: Sequence[int], units: int, wide: int) -> Array:
    """[..., G W], columns in this order, as the weights [..., G U] that `ordered` would make it of."""
    if units == wide and list(columns) == list(range(len(columns))):
        return np.ascontiguousarray(found)
    restored = empty(*found.shape[:-1], len(columns), units)
    restored[..., list(columns), :] = found.reshape(*found.shape[:-1], len(columns), wide)[..., :units]
    return restored.reshape(*found.shape[:-1], len(columns) * units)


def panels(kernel: Array, lanes: int) -> Array:
    """A kernel [rows, columns] as [columns / L, rows, L], the last one filled up with zeros."""
    kernel = widened(kernel, -(-kernel.shape[1] // lanes) * lanes)
    return np.ascontiguousarray(kernel.reshape(len(kernel), -1, lanes).transpose(1, 0, 2))


def spaced(columns: int) -> int:
    """How far apart rows of so many numbers are put: an odd number of lines, or they share few places of a cache."""
    return LINE * (-(-columns // LINE) | 1)
