"""What the allocator is told, and when it is left alone."""

import platform
import subprocess
import sys

import pytest

REPORT = "from nlp_rnn.memory import keep_freed; print(keep_freed())"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_an_environment_that_decides_is_left_alone(name):
    value = "4" if name.startswith("MALLOC") else "glibc.malloc.arena_max=4"
    answer = subprocess.run(
        [sys.executable, "-c", REPORT], env={name: value}, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"


FAULTS = """
import ctypes, resource
from nlp_rnn.memory import keep_freed
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
@pytest.mark.parametrize("keep, faults", [("", "True"), ("assert keep_freed()", "False")])
def test_a_freed_block_is_used_again(keep, faults):
    """128 MB are 32,768 pages of 4 KB: handed over anew each time, or kept."""
    code = FAULTS.replace("KEEP", keep)
    answer = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == faults
