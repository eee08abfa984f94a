"""The threads that the loops in machine code share: whose results do not depend on which of them were free."""

import ctypes
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import layers
from nlp_rnn.layers import scan
from nlp_rnn.layers.native import differentiable, kernels, operation
from nlp_rnn.layers.native.loop import NUMBERS
from nlp_rnn.layers.native.pool import cores
from nlp_rnn.layers.recurrence import Recurrence
from tests.conformance import normal
from tests.test_native import NATIVE, problem, results


def test_two_models_may_train_at_once(monkeypatch):
    monkeypatch.setattr(scan, "choose", lambda *_: NATIVE)
    problems = [problem("GRU", 32 + n, 40 - n, 8 + n, 16 + n, masked=False, dropped=False) for n in range(4)]
    alone = [results(scan.scan, Recurrence(cell), *given, False) for cell, *given in problems]
    found = {}

    def train(n):
        cell, inputs, fixed = problems[n]
        for _ in range(10):
            found[n] = results(scan.scan, Recurrence(cell), inputs, fixed, False)

    threads = [threading.Thread(target=train, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(4):
        for expected, got in zip(alone[n], found[n], strict=True):
            np.testing.assert_array_equal(got, expected)


def test_threads_are_started_once():
    for _ in range(3):
        layers.GRU(8)(tf.constant(normal(32, 4, 3)), training=True)
    started = [thread for thread in threading.enumerate() if thread.name == "nlp-rnn"]
    assert len(started) == cores() - 1
    assert all(thread.daemon for thread in started), "the end of a process waits for none"


def test_the_parts_of_a_batch_are_not_too_small(monkeypatch):
    jobs = []

    def share(task, first, count, length):
        jobs.append(np.ctypeslib.as_array((ctypes.c_int64 * (count * length)).from_address(first)).reshape(count, -1))
        jobs[-1] = jobs[-1][:, : len(NUMBERS)].copy()
        for n in range(count):
            ctypes.CFUNCTYPE(None, ctypes.c_int64)(task)(first + 8 * n * length)

    called = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)(share)
    monkeypatch.setattr(kernels, "share", lambda: ctypes.cast(called, ctypes.c_void_p).value)
    monkeypatch.setattr(differentiable.operation, "program", operation._program.__wrapped__)
    monkeypatch.setattr(scan, "choose", lambda *_: NATIVE._replace(parts=4))
    for rows, wanted in {1: 1, 15: 1, 16: 2, 31: 3, 32: 4, 99: 4}.items():
        cell, inputs, fixed = problem("GRU", rows, 3, 2, 16, masked=False, dropped=False)
        results(scan.scan, Recurrence(cell), inputs, fixed, False)
        for found in jobs[-2:]:
            assert len(found) == wanted
            assert found[0, 0] == 0
            assert found[-1, 1] == rows
            np.testing.assert_array_equal(found[1:, 0], found[:-1, 1])


AFTER_A_FORK = """
import ctypes, os
from llvmlite import ir
from nlp_rnn.layers.native import compiling, loop, pool
module = ir.Module()
function = ir.Function(module, ir.FunctionType(ir.VoidType(), [loop.JOB]), "double")
builder = ir.IRBuilder(function.append_basic_block())
place = function.args[0]
builder.store(builder.add(builder.load(place), builder.load(place)), place)
builder.ret_void()
engine = compiling.compiled(module)
task = engine.get_function_address("double")
share = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(pool.share())
def doubled():
    jobs = (ctypes.c_int64 * 9)(*range(9))
    share(task, jobs, 3, 3)
    return list(jobs) == [0, 1, 2, 6, 4, 5, 12, 7, 8]
assert all(doubled() for _ in range(1000))
child = os.fork()
if not child:
    os._exit(0 if doubled() else 1)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_jobs_are_done_once_and_without_threads_in_a_copy_of_the_process():
    subprocess.run([sys.executable, "-W", "ignore", "-c", AFTER_A_FORK], check=True, timeout=120)
