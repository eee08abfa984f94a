"""Loops over time in the machine code of this processor, made from the cells' equations when they are first run.

From below: `equations.py` reads the equation of a cell and its gradient, `kinds.py` puts its columns in order,
`emitter.py` writes vector instructions, `loop.py`, `forward.py` and `backward.py` write the loops, `compiling.py`
compiles them. `arrays.py` and `running.py` run them on NumPy arrays, and `differentiable.py` makes that a TensorFlow
operation, for `scan.py` to choose.
"""
