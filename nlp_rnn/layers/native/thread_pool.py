"""A thread pool for the native loops that never holds Python's global interpreter lock.

Each thread waits for an event: a flag guarded by a mutex and announced by a condition variable. A caller with several
jobs gives them to idle threads, runs the first job itself, and then those that no thread was idle for. So the results
depend on how the work is split, never on how many threads happened to be idle.
"""

import ctypes
import functools
import os
import threading

import llvmlite.binding as llvm
from llvmlite import ir

from nlp_rnn.layers.cores import tensorflow_threads
from nlp_rnn.layers.native.c_api import C_INT, VOID, VOID_POINTER, c_library, emit_call, keep_alive
from nlp_rnn.layers.native.compiler import compile_module
from nlp_rnn.layers.native.loop import JOB
from nlp_rnn.layers.native.simd import I64, SimdBuilder, i64

TASK = ir.FunctionType(VOID, [JOB]).as_pointer()
SPINS = 2_000  # times a thread polls an event before it sleeps, as the event may be set at once
MAX_JOBS = 64  # of one call
# Offsets of fields in units of 8 bytes; the mutex and the condition variable of every system fit into their fields.
# The pool has the number of its threads in the first of `POOL_HEADER` units, and then the threads, `THREAD_SIZE` each.
MUTEX, CONDITION, FLAG, EVENT_SIZE = 0, 16, 32, 40
START, DONE, BUSY = 0, EVENT_SIZE, 2 * EVENT_SIZE
TASK_FIELD, JOB_FIELD, THREAD_SIZE = BUSY + 1, BUSY + 2, BUSY + 8
POOL_HEADER = 8


class _FunctionBuilder(SimdBuilder):
    """Builds one function of the module."""

    def __init__(self, module, name, result, *parameters):
        super().__init__(ir.Function(module, ir.FunctionType(result, parameters), name), 1)
        self.arguments = self.builder.function.args

    def field(self, base, *offsets):
        """The address of a field."""
        return self.builder.gep(base, [self.index(*offsets)])

    def call_c(self, name, *fields):
        """Call a function of the C library with the addresses of fields."""
        pointers = [self.builder.bitcast(field, VOID_POINTER) for field in fields]
        return emit_call(self.builder, c_library(), name, C_INT, *pointers)

    def call_task(self, task, job):
        """Call a task, given its address as an integer, with a job."""
        self.builder.call(self.builder.inttoptr(task, TASK), [job])

    def repeat(self, body):
        """A loop; `body(head, end)` emits it, with branches to `head` to repeat it and to `end` to leave it."""
        head, end = (self.builder.append_basic_block() for _ in range(2))
        self.builder.branch(head)
        self.builder.position_at_end(head)
        body(head, end)
        self.builder.position_at_end(end)

    def is_set(self, event):
        """Whether an event is set."""
        flag = self.builder.load_atomic(self.field(event, FLAG), "acquire", 8)
        return self.builder.icmp_signed("!=", flag, i64(0))


def _emit_signal(module):
    """signal(event): set an event, and wake the thread that waits for it."""
    fn = _FunctionBuilder(module, "signal", VOID, JOB)
    (event,) = fn.arguments
    fn.call_c("pthread_mutex_lock", fn.field(event, MUTEX))
    fn.builder.store_atomic(i64(1), fn.field(event, FLAG), "release", 8)
    fn.call_c("pthread_cond_signal", fn.field(event, CONDITION))
    fn.call_c("pthread_mutex_unlock", fn.field(event, MUTEX))
    fn.builder.ret_void()
    return fn.builder.function


def _emit_pause(fn):
    """Let the other thread of the core go first, on processors with an instruction for it."""
    triple, arguments = llvm.get_default_triple(), []
    if triple.startswith(("x86_64", "i686")):
        name = "llvm.x86.sse2.pause"
    elif triple.startswith(("aarch64", "arm64")):
        name, arguments = "llvm.aarch64.hint", [C_INT(1)]  # yield
    else:
        return
    signature = ir.FunctionType(VOID, [argument.type for argument in arguments])
    fn.builder.call(fn.module.globals.get(name) or ir.Function(fn.module, signature, name), arguments)


def _emit_wait(module):
    """wait(event): wait until an event is set, and clear it."""
    fn = _FunctionBuilder(module, "wait", VOID, JOB)
    (event,) = fn.arguments
    spins = fn.builder.alloca(I64)
    fn.builder.store(i64(SPINS), spins)

    def spin(head, end):
        _emit_pause(fn)
        left = fn.builder.sub(fn.builder.load(spins), i64(1))
        fn.builder.store(left, spins)
        more = fn.builder.icmp_signed(">", left, i64(0))
        fn.builder.cbranch(fn.builder.and_(more, fn.builder.not_(fn.is_set(event))), head, end)

    def sleep(head, end):
        asleep = fn.builder.append_basic_block()
        fn.builder.cbranch(fn.is_set(event), end, asleep)
        fn.builder.position_at_end(asleep)
        fn.call_c("pthread_cond_wait", fn.field(event, CONDITION), fn.field(event, MUTEX))
        fn.builder.branch(head)

    fn.repeat(spin)
    fn.call_c("pthread_mutex_lock", fn.field(event, MUTEX))
    fn.repeat(sleep)
    fn.builder.store_atomic(i64(0), fn.field(event, FLAG), "release", 8)
    fn.call_c("pthread_mutex_unlock", fn.field(event, MUTEX))
    fn.builder.ret_void()
    return fn.builder.function


def _emit_worker(module, wait, signal):
    """worker(thread): run the jobs given to a thread, forever."""
    fn = _FunctionBuilder(module, "worker", VOID, JOB)
    (thread,) = fn.arguments

    def run_one(head, _):
        fn.builder.call(wait, [fn.field(thread, START)])
        task = fn.builder.inttoptr(fn.builder.load(fn.field(thread, TASK_FIELD)), TASK)
        job = fn.builder.inttoptr(fn.builder.load(fn.field(thread, JOB_FIELD)), JOB)
        fn.builder.call(task, [job])
        fn.builder.call(signal, [fn.field(thread, DONE)])
        fn.builder.branch(head)

    fn.repeat(run_one)
    fn.builder.unreachable()


class _RunJobs:
    """Emits run_jobs(task, jobs, count, length): run `task` with each of `count` jobs, `length` integers apart."""

    def __init__(self, module, wait, signal, pool):
        self.fn = fn = _FunctionBuilder(module, "run_jobs", VOID, I64, JOB, I64, I64)
        self.task, self.jobs, count, self.length = fn.arguments
        self.wait, self.signal = wait, signal
        self.pool = fn.builder.inttoptr(i64(pool), JOB)
        self.assigned = fn.builder.alloca(I64, size=MAX_JOBS)  # the thread of each job, or null
        with fn.loop(i64(1), count) as n:
            self._assign(n)
        fn.builder.call(fn.builder.inttoptr(self.task, TASK), [self.jobs])
        with fn.loop(i64(1), count) as n:
            _, has_thread = self._thread_of(n)
            with fn.builder.if_then(fn.builder.not_(has_thread)):
                fn.call_task(self.task, fn.field(self.jobs, (n, self.length)))
        with fn.loop(i64(1), count) as n:
            thread, has_thread = self._thread_of(n)
            with fn.builder.if_then(has_thread):
                fn.builder.call(wait, [fn.field(thread, DONE)])
                fn.builder.store_atomic(i64(0), fn.field(thread, BUSY), "release", 8)
        fn.builder.ret_void()

    def _assign(self, n):
        """Give job n to the first idle thread, if there is one."""
        fn = self.fn
        fn.builder.store(i64(0), fn.field(self.assigned, n))
        with fn.loop(i64(0), fn.builder.load(self.pool)) as k:
            thread = fn.field(self.pool, POOL_HEADER, (k, THREAD_SIZE))
            unassigned = fn.builder.icmp_signed("==", fn.builder.load(fn.field(self.assigned, n)), i64(0))
            with fn.builder.if_then(unassigned):
                order = ("acquire", "monotonic")
                claimed = fn.builder.cmpxchg(fn.field(thread, BUSY), i64(0), i64(1), *order)
                with fn.builder.if_then(fn.builder.extract_value(claimed, 1)):
                    self._start(thread, n)

    def _start(self, thread, n):
        fn = self.fn
        fn.builder.store(fn.builder.ptrtoint(thread, I64), fn.field(self.assigned, n))
        fn.builder.store(self.task, fn.field(thread, TASK_FIELD))
        job = fn.builder.ptrtoint(fn.field(self.jobs, (n, self.length)), I64)
        fn.builder.store(job, fn.field(thread, JOB_FIELD))
        fn.builder.call(self.signal, [fn.field(thread, START)])

    def _thread_of(self, n):
        thread = self.fn.builder.load(self.fn.field(self.assigned, n))
        return self.fn.builder.inttoptr(thread, JOB), self.fn.builder.icmp_signed("!=", thread, i64(0))


@functools.cache
def run_jobs_address() -> int:
    """Return the address of the C function run_jobs(task, jobs, count, length).

    It runs `task`, the address of a function of a job, with each of `count` jobs, at most `MAX_JOBS`, that are `length`
    64-bit integers each. The first call starts the threads, one fewer than TensorFlow uses within an operation. They
    are daemons: the process does not wait for them when it ends.
    """
    threads = tensorflow_threads("intra") - 1
    pool = keep_alive((ctypes.c_int64 * (POOL_HEADER + threads * THREAD_SIZE))())
    address = ctypes.addressof(pool)
    module = ir.Module()
    wait, signal = _emit_wait(module), _emit_signal(module)
    _emit_worker(module, wait, signal)
    _RunJobs(module, wait, signal, address)
    engine = keep_alive(compile_module(module))
    worker = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.get_function_address("worker"))
    for n in range(threads):
        if not _start_thread(worker, address + 8 * (POOL_HEADER + n * THREAD_SIZE)):
            break
        pool[0] = n + 1
    os.register_at_fork(after_in_child=lambda: pool.__setitem__(0, 0))  # a forked process has none of the threads
    return engine.get_function_address("run_jobs")


def _start_thread(worker, address) -> bool:
    """Start a thread, whose fields are at an address; False if the system allows no more threads."""
    for event in (START, DONE):
        c_library().pthread_mutex_init(ctypes.c_void_p(address + 8 * (event + MUTEX)), None)
        c_library().pthread_cond_init(ctypes.c_void_p(address + 8 * (event + CONDITION)), None)
    try:
        threading.Thread(target=worker, args=(address,), name="nlp-rnn", daemon=True).start()
    except RuntimeError:
        return False
    return True
