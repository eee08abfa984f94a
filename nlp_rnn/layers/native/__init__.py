"""Loops over time in the machine code of this processor, made from the cells' equations when they are first run.

From below: `equations.py` reads the equation of a cell and its gradient, `kinds.py` puts its columns in order,
`emitter.py` writes vector instructions, `loop.py`, `forward.py`, `backward.py` and `outer.py` write the loops, and
`compiling.py` compiles them. `kernels.py` writes the TensorFlow kernels around them: `tensors.py` takes and makes
tensors, `packing.py` puts weights in order, `pool.py` has the threads, `foreign.py` the C functions that all of it
calls. `operation.py` makes the kernels known to TensorFlow, and `differentiable.py` gives them their gradient, for
`scan.py` to choose.
"""
