"""Just-in-time compilation for the processor of this machine."""

import ctypes
import functools
import mmap

import llvmlite.binding as llvm
from llvmlite import ir

from nlp_rnn.layers.native.c_api import c_library

READ_EXECUTE = 1 | 4  # of mprotect


@functools.lru_cache
def vector_registers() -> tuple[int, int]:
    """Return how many float32 lanes a vector register of this processor has, and how many such registers exist."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 16, 32
    if features.get("avx"):
        return 8, 16
    return 4, 32 if llvm.get_default_triple().startswith(("aarch64", "arm64")) else 16


@functools.cache
def require_executable_memory() -> None:
    """Check that memory may be made executable: without it, LLVM ends the process.

    Raises:
        OSError: the system forbids it.
    """
    with mmap.mmap(-1, mmap.PAGESIZE) as page:
        first = ctypes.c_char.from_buffer(page)
        forbidden = c_library().mprotect(ctypes.c_void_p(ctypes.addressof(first)), mmap.PAGESIZE, READ_EXECUTE)
        del first  # a page in use cannot be unmapped
    if forbidden:
        raise OSError("this system forbids executable memory")


def compile_module(module: ir.Module) -> llvm.ExecutionEngine:
    """Compile a module to machine code; the returned engine owns that code."""
    require_executable_memory()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    features = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=3)
    # The code is vectorised already, and unrolling the loops of the products would only lengthen compilation.
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(parsed, builder)
    engine = llvm.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    return engine
