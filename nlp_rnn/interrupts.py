"""Signals that stop a command: Ctrl-C, a scheduler's SIGTERM, the SIGHUP of a terminal that was closed."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class Stopped(KeyboardInterrupt):
    """A signal stopped the command.

    Attributes:
        exit_code: 128 and the number of the signal, as shells report it: 130 for Ctrl-C, 143 for SIGTERM.
    """

    def __init__(self, number: int = signal.SIGINT):
        super().__init__()
        self.exit_code = 128 + number


def stop(number: int, frame: FrameType | None) -> NoReturn:
    """A signal handler that stops at once."""
    raise Stopped(number)


@contextmanager
def handled(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Handle the signals that stop a command; those that its parent has it ignore, as `nohup` does, stay ignored.

    Does nothing outside the main thread, where no signal arrives.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
            if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
