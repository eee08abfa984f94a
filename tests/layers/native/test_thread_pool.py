"""The thread pool of the native loops: results do not depend on which threads are idle."""

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
from nlp_rnn.layers.cores import available_cores
from nlp_rnn.layers.native import kernel_base, operation
from nlp_rnn.layers.native.loop import JOB_FIELDS
from nlp_rnn.layers.scan_types import ScanSpec
from tests.conformance import normal
from tests.layers.native.test_kernels import NATIVE, problem, results


def test_several_models_train_at_once(force_strategy, native_runs):
    force_strategy(NATIVE)
    problems = [problem("GRU", 32 + n, 40 - n, 8 + n, 16 + n, masked=False, dropout=False) for n in range(4)]
    alone = [results(scan.scan, ScanSpec(cell), *tensors, False) for cell, *tensors in problems]
    assert len(native_runs) == 2 * len(problems)
    concurrent = {}

    def train(n):
        cell, inputs, masks = problems[n]
        for _ in range(10):
            concurrent[n] = results(scan.scan, ScanSpec(cell), inputs, masks, False)

    threads = [threading.Thread(target=train, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(4):
        for expected, got in zip(alone[n], concurrent[n], strict=True):
            np.testing.assert_array_equal(got, expected)


def test_threads_are_started_once(native_runs):
    for _ in range(3):
        layers.GRU(8)(tf.constant(normal(32, 4, 3)), training=True)
    assert len(native_runs) == 3
    started = [thread for thread in threading.enumerate() if thread.name == "nlp-rnn"]
    assert len(started) == available_cores() - 1
    assert all(thread.daemon for thread in started), "the process does not wait for them when it ends"


@pytest.mark.slow
def test_the_parts_of_a_batch_are_not_too_small(monkeypatch, force_strategy):
    jobs = []

    def run_jobs(task, first, count, length):
        jobs.append(np.ctypeslib.as_array((ctypes.c_int64 * (count * length)).from_address(first)).reshape(count, -1))
        jobs[-1] = jobs[-1][:, : len(JOB_FIELDS)].copy()
        for n in range(count):
            ctypes.CFUNCTYPE(None, ctypes.c_int64)(task)(first + 8 * n * length)

    callback = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)(run_jobs)
    monkeypatch.setattr(kernel_base, "run_jobs_address", lambda: ctypes.cast(callback, ctypes.c_void_p).value)
    monkeypatch.setattr(operation, "program", operation._program.__wrapped__)
    force_strategy(NATIVE._replace(parts=4))
    for rows, parts in {1: 1, 15: 1, 16: 2, 31: 3, 32: 4, 99: 4}.items():
        cell, inputs, masks = problem("GRU", rows, 3, 2, 16, masked=False, dropout=False)
        results(scan.scan, ScanSpec(cell), inputs, masks, False)
        for job in jobs[-2:]:
            begin, end = job[:, JOB_FIELDS.index("begin")], job[:, JOB_FIELDS.index("end")]
            assert len(job) == parts
            assert begin[0] == 0
            assert end[-1] == rows
            np.testing.assert_array_equal(begin[1:], end[:-1])


AFTER_A_FORK = """
import ctypes, os
from llvmlite import ir
from nlp_rnn.layers.native import compiler, loop, thread_pool
module = ir.Module()
function = ir.Function(module, ir.FunctionType(ir.VoidType(), [loop.JOB]), "double")
builder = ir.IRBuilder(function.append_basic_block())
job = function.args[0]
builder.store(builder.add(builder.load(job), builder.load(job)), job)
builder.ret_void()
engine = compiler.compile_module(module)
task = engine.get_function_address("double")
run_jobs = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(
    thread_pool.run_jobs_address()
)
def doubled():
    jobs = (ctypes.c_int64 * 9)(*range(9))
    run_jobs(task, jobs, 3, 3)
    return list(jobs) == [0, 1, 2, 6, 4, 5, 12, 7, 8]
assert all(doubled() for _ in range(1000))
child = os.fork()
if not child:
    os._exit(0 if doubled() else 1)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_each_job_runs_once_also_without_threads_in_a_forked_process():
    subprocess.run([sys.executable, "-W", "ignore", "-c", AFTER_A_FORK], check=True, timeout=120)
