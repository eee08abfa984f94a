"""Loops over time in machine code, generated from the cells' equations when first needed; and the guard before them.

Whatever keeps this machine from running such code (no llvmlite, another TensorFlow, a processor unknown to LLVM, a
system that forbids executable memory, a kernel that fails its check) is said once, and TensorFlow's loops take over.
With NLP_RNN_NATIVE=0 in the environment they do so from the start.

From the bottom up:

- `tracing.py` traces the equation of a cell and its gradient, and `kernel_spec.py` orders its columns;
- `simd.py` emits vector instructions, and `compiler.py` compiles them for this processor;
- `loop.py`, `forward.py`, `backward.py` and `outer_product.py` generate the loops;
- `kernel_base.py` and `kernels.py` generate the TensorFlow kernels around them, whose tensors `signatures.py` lists:
  `kernel_context.py` reads inputs and allocates outputs,
  `packing.py` lays out the weights, `thread_pool.py` owns the threads, `c_api.py` the C functions that all of it calls;
- `support.py` says what they support, `operation.py` registers the kernels with TensorFlow, `self_check.py` compares
  each with the equation, and `differentiable.py` adds the gradient, for `scan.py` to use.
"""

import os
import warnings

from nlp_rnn.layers.cells import State
from nlp_rnn.layers.native.support import supports
from nlp_rnn.layers.scan_types import Masks, ScanInputs, ScanSpec

MIN_ROWS_PER_PART = 8  # with fewer rows, the matrix products of a part do not keep a core busy
SWITCH = "NLP_RNN_NATIVE"

_failures: list[Exception] = []


def ready(spec: ScanSpec, inputs: ScanInputs, masks: Masks, differentiable: bool) -> bool:
    """Return whether a scan can run in machine code here; its kernels are then compiled and checked.

    Args:
        spec, inputs, masks: as for `layers.scan.scan`.
        differentiable: save what the gradient needs.
    """
    if _failures or os.environ.get(SWITCH) == "0" or not supports(spec, inputs, masks):
        return False
    try:
        from nlp_rnn.layers.native.differentiable import compile_kernels

        compile_kernels(spec, masks, differentiable)
    except Exception as error:
        _failures.append(error)
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        message = f"recurrent layers run without machine code here, and more slowly ({reason}); {SWITCH}=0 says so too"
        warnings.warn(message, RuntimeWarning, stacklevel=2)
        return False
    return True


def run(
    spec: ScanSpec, inputs: ScanInputs, masks: Masks, reverse: bool, max_parts: int, differentiable: bool
) -> tuple[State, State]:
    """Run a scan that is `ready`; as `differentiable.native_scan`."""
    from nlp_rnn.layers.native.differentiable import native_scan

    return native_scan(spec, inputs, masks, reverse, max_parts, differentiable)
