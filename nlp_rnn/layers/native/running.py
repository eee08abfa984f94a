"""The loops run on NumPy arrays, the rows of a batch shared by the cores.

Arrays have the names that `forward.arrays` and `backward.arrays` give them. Shapes: B batch, T time steps, F features,
U units, W units of whole vectors.
"""

import concurrent.futures
import ctypes
import functools
import os
import queue
import threading
from typing import NamedTuple

import numpy as np

from nlp_rnn.layers.native import backward, forward
from nlp_rnn.layers.native.arrays import copied, empty, narrowed, ordered, panels, restored, spaced, widened
from nlp_rnn.layers.native.compiling import program
from nlp_rnn.layers.native.kinds import Kind
from nlp_rnn.layers.native.loop import NUMBERS

LOOP = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * len(NUMBERS), ctypes.c_void_p)
WEIGHTS = ("kernel", "bias", "recurrent_kernel", "recurrent_bias")
FEWEST_ROWS = 8  # of a part of the batch: with fewer, its matrix products no longer fill a core
TABLE = 64  # rows of the table of `backward.py`, of several steps where one has fewer
Arrays = dict[str, np.ndarray]


class Sizes(NamedTuple):
    """Of what a loop runs over: B, T, W, F, U, the units that are fed back, and the features told their gradient."""

    batch: int
    steps: int
    units: int
    features: int
    fed: int
    told: int


def run_forward(kind: Kind, reverse: bool, parts: int, given: Arrays) -> list[np.ndarray]:
    """The sequences [B, T, U], the final states [B, U], and what is kept.

    Args:
        kind: what it is made for.
        reverse: run from the last step to the first.
        parts: into how many the batch may be cut.
        given: x, `initial_0` and so on, the weights as a layer has them, the mask and the factors on h.
    """
    sizes, loop = _sizes(kind, given), program(kind).forward
    arrays = _forward_arrays(kind, given, sizes)
    _run(loop, forward.arrays(kind), [arrays] * _parts(parts, sizes), sizes, reverse, _Table(1, 0, 0))
    states = [arrays[f"h_{sizes.steps % 2}"], *(arrays[f"state_{n}"] for n in range(1, kind.cell.states))]
    sequences = [arrays[f"sequence_{n}"] for n in range(kind.sequences)]
    units = given["initial_0"].shape[1]
    return [*(narrowed(found, units) for found in [*sequences, *states]), arrays["kept"]]


def run_backward(kind: Kind, reverse: bool, parts: int, told: bool, given: Arrays) -> list[np.ndarray]:
    """The gradients for x where it is told its own, the initial states and, in the order of `WEIGHTS`, the weights.

    Args:
        kind, reverse, parts: as forward.
        told: whether x has a use for its gradient.
        given: as forward, and what was kept, the sequence of h, and the gradients `d_sequence_0`, `d_state_0`...
    """
    sizes, loop = _sizes(kind, given, told), program(kind).backward
    arrays, parts = _backward_arrays(kind, given, sizes), _parts(parts, sizes)
    rows = -(-sizes.batch // parts)
    table = _Table.of(kind, sizes, rows)
    each = [arrays | table.arrays(kind, sizes, rows) for _ in range(parts)]
    _run(loop, backward.arrays(kind), each, sizes, not reverse, table)
    d_weights = each[0]["d_weights"]
    for one in each[1:]:
        d_weights += one["d_weights"]
    units = given["initial_0"].shape[1]
    d_states = [narrowed(arrays[f"d_state_{n}"], units) for n in range(kind.cell.states)]
    return [*([arrays["d_x"]] if told else []), *d_states, *_of_weights(kind, d_weights, given, sizes)]


class _Table(NamedTuple):
    """Of how many steps it is, and how far apart its rows are on the left and on the right."""

    span: int
    left: int
    right: int

    @classmethod
    def of(cls, kind, sizes, rows):
        """For a part of so many rows."""
        span = max(1, min(sizes.steps, TABLE // max(1, rows)))
        return cls(span, spaced(sizes.features + sizes.units + 1), spaced(kind.order.count * sizes.units))

    def arrays(self, kind, sizes, rows):
        """The table of a part, and the sum that it makes."""
        d_weights = np.zeros((sizes.features + sizes.units + 1, kind.order.count * sizes.units), np.float32)
        left, right = (empty(rows * self.span, wide) for wide in (self.left, self.right))
        return {"left": left, "right": right, "d_weights": d_weights}


def _forward_arrays(kind, given, sizes):
    units, order = given["initial_0"].shape[1], kind.order
    as_ordered = functools.partial(ordered, units=units, wide=sizes.units)
    none = np.zeros(kind.cell.columns * units, np.float32)
    bias, recurrent_bias = (given.get(name, none) for name in ("bias", "recurrent_bias"))
    arrays = {name: given[name] for name in ("x", "mask") if name in given}
    arrays["kernel"] = panels(as_ordered(given["kernel"], order.x), kind.lanes)
    shared = as_ordered(bias + recurrent_bias, order.shared)
    arrays["bias"] = np.concatenate([as_ordered(bias, order.of_x), shared])
    if kind.cell.recurrent:
        arrays["recurrent_kernel"] = panels(_recurrent(kind, given, sizes.units), kind.lanes)
        arrays["recurrent_bias"] = as_ordered(recurrent_bias, order.of_h)
    arrays |= _states(kind, given, sizes)
    arrays |= {f"sequence_{n}": empty(sizes.batch, sizes.steps, sizes.units) for n in range(kind.sequences)}
    arrays["kept"] = empty(sizes.steps, sizes.batch, len(kind.kept), sizes.units)
    return arrays


def _backward_arrays(kind, given, sizes):
    units = given["initial_0"].shape[1]
    arrays = {name: given[name] for name in ("x", "kept", "mask") if name in given}
    wide = {"h_0": "initial_0", "h": "h", "drop": "drop", **{n: n for n in given if n.startswith("d_sequence")}}
    arrays |= {name: widened(given[there], sizes.units) for name, there in wide.items() if there in given}
    kernel = ordered(given["kernel"], kind.order.x, units, sizes.units)
    arrays["kernel"] = panels(kernel.T, kind.lanes)
    if kind.cell.recurrent:
        arrays["recurrent_kernel"] = panels(_recurrent(kind, given, sizes.units).T, kind.lanes)
    d_states = {f"d_state_{n}": copied(given[f"d_state_{n}"], sizes.units) for n in range(kind.cell.states)}
    arrays |= d_states | ({"d_x": empty(*given["x"].shape)} if sizes.told else {})
    return arrays


def _sizes(kind, given, told=False):
    """The sizes, where all arrays are of them: the loops would read and write beyond one that is not.

    Raises:
        ValueError: an array has another shape or type.
    """
    (batch, steps, _), (features, columns) = given["x"].shape, given["kernel"].shape
    units = columns // kind.cell.columns
    sequence, state = (batch, steps, units), (batch, units)
    wanted = {"x": (batch, steps, features), "mask": (batch, steps), "drop": state, "h": sequence}
    wanted |= {"bias": (columns,), "recurrent_bias": (columns,), "recurrent_kernel": (units, columns)}
    wanted |= {name: state for name in given if name.startswith(("initial_", "d_state_"))}
    wanted |= {name: sequence for name in given if name.startswith("d_sequence_")}
    for name, array in given.items():
        shape, kind_of = wanted.get(name, array.shape), np.bool_ if name == "mask" else np.float32
        if array.shape != shape or array.dtype != kind_of:
            raise ValueError(
                f"{name} must be {list(shape)} of {kind_of.__name__}, got {list(array.shape)} of {array.dtype}"
            )
    return Sizes(batch, steps, -(-units // kind.lanes) * kind.lanes, features, units, features * told)


def _recurrent(kind, given, wide):
    """U, [U, ...], its columns in order."""
    return ordered(given["recurrent_kernel"], kind.order.h, given["initial_0"].shape[1], wide)


def _states(kind, given, sizes):
    """The initial states, to be written over, and room for h after a step; with factors, h times these as well."""
    states = [copied(given[f"initial_{n}"], sizes.units) for n in range(kind.cell.states)]
    found = {"h_0": states[0], "h_1": empty(*states[0].shape)}
    found |= {f"state_{n}": state for n, state in enumerate(states) if n}
    if kind.dropped:
        drop = widened(given["drop"], sizes.units)
        found |= {"drop": drop, "fed_0": states[0] * drop, "fed_1": empty(*drop.shape)}
    return found


def _of_weights(kind, d_weights, given, sizes):
    """The gradients for `WEIGHTS`, those that there are, of the sums that a loop has made."""
    order, units, wide = kind.order, given["initial_0"].shape[1], sizes.units
    past = sizes.features + wide
    of_x, of_h = d_weights[:, : len(order.x) * wide], d_weights[:, len(order.of_x) * wide :]
    found = {"kernel": of_x[: sizes.features], "bias": of_x[past]}
    found = {name: restored(d, order.x, units, wide) for name, d in found.items()}
    if kind.cell.recurrent:
        of_h = {"recurrent_kernel": of_h[sizes.features :][:units], "recurrent_bias": of_h[past]}
        found |= {name: restored(d, order.h, units, wide) for name, d in of_h.items()}
    return [found[name] for name in WEIGHTS if name in given]


def _parts(wanted, sizes):
    return max(1, min(wanted, sizes.batch // FEWEST_ROWS))


def _run(address, names, given, sizes, from_last, table):
    """Run a loop, a part of the rows with each of the arrays that are given."""
    if not sizes.batch or not sizes.steps:
        return
    parts, loop = len(given), LOOP(address)
    cuts = [n * sizes.batch // parts for n in range(parts + 1)]
    rest = *sizes, *((sizes.steps - 1, -1) if from_last else (0, 1)), *table

    def run(n):
        pointers = _addresses(names, given[n])  # held here, as the arrays are, whatever becomes of who waits
        loop(*cuts[n : n + 2], *rest, ctypes.addressof(pointers))

    others = [_threads(os.getpid()).submit(run, n) for n in range(1, parts)]
    run(0)
    for other in others:
        other.result()


def _addresses(names, arrays):
    found = (arrays[name].ctypes.data if name in arrays else None for name in names)
    return (ctypes.c_void_p * len(names))(*found)


class _Threads:
    """One for each core; the end of the process waits for none of them."""

    def __init__(self):
        self.tasks = queue.SimpleQueue()
        for _ in range(os.cpu_count() or 1):
            threading.Thread(target=self._work, name="nlp-rnn", daemon=True).start()

    def submit(self, function, argument):
        """Have a function called; its result, when there is one."""
        future = concurrent.futures.Future()
        self.tasks.put((future, function, argument))
        return future

    def _work(self):
        while True:
            self._do(*self.tasks.get())

    def _do(self, future, function, argument):
        try:
            future.set_result(function(argument))
        except BaseException as error:
            future.set_exception(error)


@functools.cache
def _threads(process):  # a process that was forked has none of its parent's threads
    return _Threads()
