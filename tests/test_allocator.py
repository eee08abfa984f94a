"""The settings of the C allocator, and when they are left unchanged."""

import platform
import subprocess
import sys

import pytest

REPORT = "from nlp_rnn.allocator import keep_freed_memory; print(keep_freed_memory())"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_settings_of_the_environment_have_precedence(name):
    value = "4" if name.startswith("MALLOC") else "glibc.malloc.arena_max=4"
    result = subprocess.run(
        [sys.executable, "-c", REPORT], env={name: value}, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"


FAULTS = """
import ctypes, resource
from nlp_rnn.allocator import keep_freed_memory
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes, size = ctypes.c_void_p, [ctypes.c_void_p], 1 << 27
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
KEEP
for turn in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = libc.malloc(size)
    libc.memset(block, 1, size)
    libc.free(block)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before > 1000)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc only")
@pytest.mark.parametrize("keep, faults", [("", "True"), ("assert keep_freed_memory()", "False")])
def test_a_freed_block_is_reused(keep, faults):
    """128 MB are 32,768 pages of 4 KB: without the settings, each of them causes a page fault at every allocation."""
    code = FAULTS.replace("KEEP", keep)
    result = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == faults
