"""Settings of the memory allocator that make training steps faster."""

import ctypes
import os
import sys

# Constants of malloc.h.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> bool:
    """Make glibc's allocator keep large blocks for reuse instead of returning them to the system.

    A training step allocates and frees hundreds of megabytes in large blocks. By default each block is mapped anew, and
    the kernel zeroes every page of it, which took more than half of the time of a step. With this setting a process
    keeps its peak memory until it exits.

    `training.fit` calls it, and so all recipes do. It is for the whole process, so importing the package does not.

    Does nothing with other C libraries, or if the environment configures the allocator (`MALLOC_...`,
    `GLIBC_TUNABLES`).

    Returns:
        Whether the settings took effect.
    """
    configured = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    if configured or not sys.platform.startswith("linux"):
        return False
    allocator = ctypes.CDLL(None)
    if not hasattr(allocator, "gnu_get_libc_version"):
        return False
    settings = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: 2**26}
    return all(allocator.mallopt(name, value) for name, value in settings.items())
