"""Memory that is freed stays with the process, to be used again in the next training step."""

import ctypes
import os
import sys

# Names of malloc.h.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4


def keep_freed() -> bool:
    """Tell glibc's allocator not to give large blocks back to the system; True if it took it.

    A training step allocates and frees some hundred megabytes in blocks of many. By default each such block is mapped
    anew, and the system hands it over page by page, every page filled with zeros: that took more than half of the time
    of a step. What a process holds at its peak it now keeps until it ends.

    Does nothing on other systems, or where the environment already says how to allocate (`MALLOC_...`,
    `GLIBC_TUNABLES`).
    """
    chosen = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    if chosen or not sys.platform.startswith("linux"):
        return False
    allocator = ctypes.CDLL(None)
    if not hasattr(allocator, "gnu_get_libc_version"):
        return False
    settings = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: 2**26}
    return all(allocator.mallopt(name, value) for name, value in settings.items())
