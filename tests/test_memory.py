"""What the allocator is told, and when it is left alone."""

import subprocess
import sys

import pytest

FAULTS = """
import resource
import numpy as np
from nlp_rnn.memory import keep_freed
took = keep_freed()
for turn in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = np.ones(20_000_000)
    del block
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(took, faults > 1000)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
@pytest.mark.parametrize("environment, expected", [({}, "True False"), ({"MALLOC_ARENA_MAX": "4", "MALLOC_MMAP_THRESHOLD_": "1000000"}, "False True")])
def test_freed_blocks_are_used_again_unless_the_environment_decides(environment, expected):
    """160 MB are 40,000 pages of 4 KB: handed over anew each time, or kept."""
    answer = subprocess.run([sys.executable, "-c", FAULTS], env=environment, capture_output=True, text=True, check=True)
    if answer.stdout.split()[0] == "False" and not environment:
        pytest.skip("no glibc")
    assert answer.stdout.strip() == expected
