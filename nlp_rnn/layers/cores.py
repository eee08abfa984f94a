"""How many cores this process may use: as TensorFlow is configured, or as the system allows."""

import math
import os
from pathlib import Path

import tensorflow as tf

CGROUP = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Return how many cores the affinity of this process and the quota of its container allow."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _quota() or cores))


def tensorflow_threads(kind: str) -> int:
    """Return TensorFlow's threads between ("inter") or within ("intra") operations: as configured, or one per core."""
    configured = getattr(tf.config.threading, f"get_{kind}_op_parallelism_threads")()
    variable = os.environ.get(f"TF_NUM_{kind.upper()}OP_THREADS", "")
    return configured or (int(variable) if variable.isdecimal() else 0) or available_cores()


def _quota():
    """The cores of processor time that a container may use, rounded up; None if it is not limited."""
    for quota, period in (("cpu.max", None), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # versions 2 and 1
        try:
            words = (CGROUP / quota).read_text().split()
            words += (CGROUP / period).read_text().split() if period else []
            return math.ceil(int(words[0]) / int(words[1])) if int(words[0]) > 0 else None
        except (OSError, ValueError, IndexError, ZeroDivisionError):  # no such file, or "max"
            continue
    return None
