"""Threads that run loops for each other, without Python: its lock would hold up every step.

Each thread waits at a gate, a flag that is guarded by a mutex and told by a condition. Whoever has several jobs hands
them to threads that have none, does the first one itself, and those that nobody took. So the result depends on how the
work is cut, never on how many threads were free.
"""

import ctypes
import functools
import os
import threading

from llvmlite import ir

from nlp_rnn.layers.native.compiling import compiled
from nlp_rnn.layers.native.emitter import INT, Emitter, number
from nlp_rnn.layers.native.foreign import ANY, NOTHING, called, kept, system
from nlp_rnn.layers.native.loop import JOB

ERROR = ir.IntType(32)
TASK = ir.FunctionType(NOTHING, [JOB]).as_pointer()
TURNS = 10_000  # looks at a flag before a thread goes to sleep, in case it is opened at once
MOST = 64  # jobs that are handed on at a time
# Where the parts of a gate and of a thread are, in units of 8 bytes; the types of the system are smaller than that.
MUTEX, CONDITION, FLAG, GATE = 0, 16, 32, 40
START, DONE, BUSY, WHAT, WITH, THREAD = 0, GATE, 2 * GATE, 2 * GATE + 1, 2 * GATE + 2, 2 * GATE + 8


class _Writer(Emitter):
    """Writes one function of the module."""

    def __init__(self, module, name, result, *arguments):
        super().__init__(ir.Function(module, ir.FunctionType(result, arguments), name), 1)
        self.given = self.builder.function.args

    def place(self, base, *terms):
        """The address of a field."""
        return self.builder.gep(base, [self.index(*terms)])

    def system(self, name, *arguments):
        """Call a function of the system with addresses of fields."""
        pointers = [self.builder.bitcast(argument, ANY) for argument in arguments]
        return called(self.builder, system(), name, ERROR, *pointers)

    def looking(self, again):
        """A loop that ends where the condition that `again` writes does not hold."""
        head, end = (self.builder.append_basic_block() for _ in range(2))
        self.builder.branch(head)
        self.builder.position_at_end(head)
        again(head, end)
        self.builder.position_at_end(end)

    def flag(self, gate):
        """Whether a gate is open."""
        found = self.builder.load_atomic(self.place(gate, FLAG), "acquire", 8)
        return self.builder.icmp_signed("!=", found, number(0))


def _opening(module):
    """open(gate): let the thread that waits there go on."""
    e = _Writer(module, "open", NOTHING, JOB)
    (gate,) = e.given
    e.system("pthread_mutex_lock", e.place(gate, MUTEX))
    e.builder.store_atomic(number(1), e.place(gate, FLAG), "release", 8)
    e.system("pthread_cond_signal", e.place(gate, CONDITION))
    e.system("pthread_mutex_unlock", e.place(gate, MUTEX))
    e.builder.ret_void()
    return e.builder.function


def _waiting(module):
    """wait(gate): go on when it is open, and close it."""
    e = _Writer(module, "wait", NOTHING, JOB)
    (gate,) = e.given
    turns = e.builder.alloca(INT)
    e.builder.store(number(TURNS), turns)

    def look(head, end):
        left = e.builder.sub(e.builder.load(turns), number(1))
        e.builder.store(left, turns)
        more = e.builder.icmp_signed(">", left, number(0))
        e.builder.cbranch(e.builder.and_(more, e.builder.not_(e.flag(gate))), head, end)

    def sleep(head, end):
        asleep = e.builder.append_basic_block()
        e.builder.cbranch(e.flag(gate), end, asleep)
        e.builder.position_at_end(asleep)
        e.system("pthread_cond_wait", e.place(gate, CONDITION), e.place(gate, MUTEX))
        e.builder.branch(head)

    e.looking(look)
    e.system("pthread_mutex_lock", e.place(gate, MUTEX))
    e.looking(sleep)
    e.builder.store_atomic(number(0), e.place(gate, FLAG), "release", 8)
    e.system("pthread_mutex_unlock", e.place(gate, MUTEX))
    e.builder.ret_void()
    return e.builder.function


def _working(module, wait, open_):
    """work(thread): run what is handed to a thread, for ever."""
    e = _Writer(module, "work", NOTHING, JOB)
    (thread,) = e.given

    def turn(head, _):
        e.builder.call(wait, [e.place(thread, START)])
        task = e.builder.inttoptr(e.builder.load(e.place(thread, WHAT)), TASK)
        e.builder.call(task, [e.builder.inttoptr(e.builder.load(e.place(thread, WITH)), JOB)])
        e.builder.call(open_, [e.place(thread, DONE)])
        e.builder.branch(head)

    e.looking(turn)
    e.builder.unreachable()


def _sharing(module, wait, open_, pool):
    """share(task, jobs, count, length): run `task` with each of `count` jobs, which are `length` numbers apart."""
    e = _Writer(module, "share", NOTHING, INT, JOB, INT, INT)
    task, jobs, count, length = e.given
    pool = e.builder.inttoptr(number(pool), JOB)
    taken = e.builder.alloca(INT, size=MOST)

    def hand(n):
        """To the first thread that has nothing to do."""
        e.builder.store(number(0), e.place(taken, n))
        with e.loop(number(0), e.builder.load(pool)) as k:
            thread = e.place(pool, 8, (k, THREAD))
            nobody = e.builder.icmp_signed("==", e.builder.load(e.place(taken, n)), number(0))
            with e.builder.if_then(nobody):
                order = ("acquire", "monotonic")
                free = e.builder.cmpxchg(e.place(thread, BUSY), number(0), number(1), *order)
                with e.builder.if_then(e.builder.extract_value(free, 1)):
                    e.builder.store(e.builder.ptrtoint(thread, INT), e.place(taken, n))
                    e.builder.store(task, e.place(thread, WHAT))
                    e.builder.store(e.builder.ptrtoint(e.place(jobs, (n, length)), INT), e.place(thread, WITH))
                    e.builder.call(open_, [e.place(thread, START)])

    def thread_of(n):
        thread = e.builder.load(e.place(taken, n))
        return e.builder.inttoptr(thread, JOB), e.builder.icmp_signed("!=", thread, number(0))

    with e.loop(number(1), count) as n:
        hand(n)
    e.builder.call(e.builder.inttoptr(task, TASK), [jobs])
    with e.loop(number(1), count) as n:
        _, handed = thread_of(n)
        with e.builder.if_then(e.builder.not_(handed)):
            e.builder.call(e.builder.inttoptr(task, TASK), [e.place(jobs, (n, length))])
    with e.loop(number(1), count) as n:
        thread, handed = thread_of(n)
        with e.builder.if_then(handed):
            e.builder.call(wait, [e.place(thread, DONE)])
            e.builder.store_atomic(number(0), e.place(thread, BUSY), "release", 8)
    e.builder.ret_void()


@functools.cache
def share() -> int:
    """The address of share(task, jobs, count, length): task an address, jobs an array, `MOST` or fewer of them.

    Starts the threads when it is first asked for, one for each core but one. The end of the process waits for none.
    """
    threads = cores() - 1
    pool = kept((ctypes.c_int64 * (8 + threads * THREAD))())
    address = ctypes.addressof(pool)
    module = ir.Module()
    wait, open_ = _waiting(module), _opening(module)
    _working(module, wait, open_)
    _sharing(module, wait, open_, address)
    engine = kept(compiled(module))
    work = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.get_function_address("work"))
    for n in range(threads):
        thread = address + 8 * (8 + n * THREAD)
        for gate in (START, DONE):
            system().pthread_mutex_init(ctypes.c_void_p(thread + 8 * (gate + MUTEX)), None)
            system().pthread_cond_init(ctypes.c_void_p(thread + 8 * (gate + CONDITION)), None)
        try:
            threading.Thread(target=work, args=(thread,), name="nlp-rnn", daemon=True).start()
        except RuntimeError:  # the system allows no more
            break
        pool[0] = n + 1
    os.register_at_fork(after_in_child=lambda: pool.__setitem__(0, 0))  # a copy of the process has none of them
    return engine.get_function_address("share")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
