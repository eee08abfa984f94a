"""Training loops over time in machine code, generated from the cells' equations when first needed.

From the bottom up:

- `tracing.py` traces the equation of a cell and its gradient, and `kernel_spec.py` orders its columns;
- `simd.py` emits vector instructions, and `compiler.py` compiles them for this processor;
- `loop.py`, `forward.py`, `backward.py` and `outer_product.py` generate the loops;
- `kernel_base.py` and `kernels.py` generate the TensorFlow kernels around them, whose tensors `signatures.py` lists:
  `kernel_context.py` reads inputs and allocates outputs,
  `packing.py` lays out the weights, `thread_pool.py` owns the threads, `c_api.py` the C functions that all of it calls;
- `operation.py` registers the kernels with TensorFlow, and `differentiable.py` adds the gradient, for `scan.py` to use.
"""
