"""How a scan is run: in machine code, or in the loops of TensorFlow, compiled with XLA or not.

A step of a recurrent network is many small operations, and TensorFlow takes longer to launch each than to compute it.
So most scans run in machine code (`native`), generated for this processor from the cell's equation: all training, and
inference wherever the graph cannot be saved (`graph.stays_in_process`). What that does not support (cells with weights
of their own, zoneout, large kernels, training on few rows, a single step, other types than float32, a GPU) runs in the
loops of `loops.py`, compiled with XLA in graphs. Three measures make this work for all inputs:

- the batch is split into parts, one for each core: their loops are independent, so that a core never waits for another
  at the end of a step, which would cost more than a small step itself;
- if the number of steps is unknown, a loop over chunks of `CHUNK_STEPS` steps calls one compiled program, which
  sequences of all lengths share, and a batch of unknown size is padded to a multiple of a few rows;
- everything else, such as a served model whose batches may have any shape, runs the same loops uncompiled.

Shapes: B batch, T time steps, U units, K columns of the cell.
"""

from typing import NamedTuple

import tensorflow as tf

from nlp_rnn.graph import stays_in_process
from nlp_rnn.layers import native
from nlp_rnn.layers.batch_split import MIN_NATIVE_ROWS, concurrent_splits, usable_cores
from nlp_rnn.layers.cells import Tensor
from nlp_rnn.layers.native import MIN_ROWS_PER_PART
from nlp_rnn.layers.scan_types import Masks, ScanInputs, ScanSpec

CHUNK_STEPS = 64
SHORT_CHUNK_STEPS = 16  # for sequences of up to this many steps, which would mostly be padding in a chunk of 64
LARGE_KERNEL = 2**19  # entries of W or U; from here on, sharing its products beats reading all of it on each core
NARROW_INPUT = 262144  # entries of W; up to here it stays in the private cache of a core
HUGE_KERNEL = 2**21  # entries of U; from here on, TensorFlow's own product of a few rows with U is faster than XLA's


class ScanStrategy(NamedTuple):
    """How a scan is run.

    Attributes:
        compile_forward, compile_backward: whether this loop is compiled with XLA.
        parts: into how many parts the batch is split.
        chunk_steps: the most steps that one program runs, see `_chunk_steps`; None for all steps.
        product_in_loop: whether the input product is computed step by step in the forward loop.
        native: whether the scan runs in machine code; of the other fields, `parts` alone is then used.
    """

    compile_forward: bool
    compile_backward: bool
    parts: int = 1
    chunk_steps: int | Tensor | None = None
    product_in_loop: bool = False
    native: bool = False


def choose_strategy(
    spec: ScanSpec, inputs: ScanInputs, masks: Masks, training: bool, concurrent: int = 1
) -> ScanStrategy:
    """Return the strategy that was measured to be the fastest for tensors of this shape (benchmarks/README.md).

    Args:
        spec, inputs, masks, training, concurrent: as for `scan`.
    """
    batch, steps, _ = inputs.x.shape
    small = all(_entries(kernel) < LARGE_KERNEL for kernel in (inputs.kernel, inputs.recurrent_kernel))
    enough = (batch is None or batch >= MIN_NATIVE_ROWS) if training else stays_in_process()
    if small and enough and steps != 1 and not _has_gpu() and native.ready(spec, inputs, masks, training):
        concurrent = 1 if tf.executing_eagerly() else concurrent * concurrent_splits()  # eagerly, one after the other
        return ScanStrategy(False, False, max(1, usable_cores() // concurrent), native=True)
    return portable_strategy(inputs, training, concurrent)


def portable_strategy(inputs: ScanInputs, training: bool, concurrent: int = 1) -> ScanStrategy:
    """As `choose_strategy`, without machine code.

    Args:
        inputs, training, concurrent: as for `scan`.
    """
    batch, steps, _ = inputs.x.shape
    if tf.executing_eagerly() or not (training or None not in (batch, steps)):
        return ScanStrategy(False, False)
    concurrent *= concurrent_splits()
    entries = _entries(inputs.recurrent_kernel)
    rows = 32 if batch is None else batch
    parts = 1 if entries >= LARGE_KERNEL or _has_gpu() else usable_cores()
    parts = max(1, min(parts // concurrent if training else parts, rows // MIN_ROWS_PER_PART))
    narrow = inputs.kernel is not None and _entries(inputs.kernel) <= NARROW_INPUT
    product_in_loop = narrow and entries < HUGE_KERNEL and not training and rows >= MIN_ROWS_PER_PART
    return ScanStrategy(entries < HUGE_KERNEL, True, parts, CHUNK_STEPS if steps is None else None, product_in_loop)


def _has_gpu():
    return bool(tf.config.list_logical_devices("GPU"))


def _entries(kernel):
    return 0 if kernel is None else kernel.shape.num_elements()
