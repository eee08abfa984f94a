"""What the allocator is told, and when it is left alone."""

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


def test_answers_whether_it_took():
    answer = subprocess.run([sys.executable, "-c", REPORT], env={}, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() in ("True", "False")
