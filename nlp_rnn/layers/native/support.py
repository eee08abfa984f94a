"""What the native loops support; llvmlite is not needed to know it."""

import tensorflow as tf

from nlp_rnn.layers.native.tracing import trace
from nlp_rnn.layers.scan_types import Masks, ScanInputs, ScanSpec, present


def supports(spec: ScanSpec, inputs: ScanInputs, masks: Masks) -> bool:
    """Return whether a native loop exists for these arguments, and whether the current graph can contain it."""
    kernel = inputs.kernel
    if kernel is None or masks.update is not None or inputs.cell or _within_xla():
        return False
    floats = all(tensor.dtype == tf.float32 for tensor in tf.nest.flatten(present(inputs)))
    return floats and kernel.shape[0] > 0 and trace(spec.cell) is not None


def _within_xla():
    """Whether XLA compiles the graph that is being built; True if it is not known."""
    if tf.executing_eagerly():
        return False
    try:  # there is no public API for this
        from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext
    except ImportError:
        return True
    return GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
