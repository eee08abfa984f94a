"""Messages and progress on standard error; standard output is for results."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
_DELAY = 2.0  # seconds before progress is shown, so that short work shows none
_INTERVAL = 10.0  # seconds between two lines of progress where standard error is not a terminal


def say(text: str) -> None:
    """Print one line to standard error."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def progress(title: str, total: float | None) -> Iterator[Callable[[float, str], None]]:
    """Show the progress of some work and the time left.

    Yields a function to call with the amount done so far and a few words about the state. On a terminal it draws a bar;
    elsewhere it prints a line every ten seconds. Work that takes less than 2 seconds shows nothing.

    Args:
        title: what is being done.
        total: the amount of work; None if unknown.
    """
    if sys.stderr.isatty():
        with _bar(title, total) as update:
            yield update
    else:
        yield _Lines(title, total)


@contextmanager
def _bar(title, total):
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f}%" if total else "{task.completed:,.0f}"),
        TimeElapsedColumn(),
        *([TextColumn("left"), TimeRemainingColumn()] if total else []),
        TextColumn("{task.fields[state]}"),
    )
    started = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=4) as bars:
        task = bars.add_task(title, total=total, state="", visible=False)

        def update(done, state=""):
            visible = time.monotonic() - started > _DELAY
            bars.update(task, completed=done, state=state, visible=visible)

        yield update


class _Lines:
    """Prints progress as lines."""

    def __init__(self, title, total):
        self.title, self.total = title, total
        self.next = time.monotonic() + _DELAY
        self.first: tuple[float, float] | None = None  # time and amount done at the first call

    def __call__(self, done, state=""):
        now = time.monotonic()
        if self.first is None:
            self.first = now, done  # the time before it is start-up, which would distort the estimate
        elif now >= self.next:
            self._print(now, done, state, self.first)

    def _print(self, now, done, state, first):
        self.next = now + _INTERVAL
        amount = f"{done:,.0f}"
        started, before = first
        if self.total and done > before:
            left = (now - started) * max(self.total - done, 0) / (done - before)
            amount = f"{min(100, 100 * done / self.total):.0f} %, {_clock(left)} left"
        say(f"{self.title}: {amount}  {state}".rstrip())


def track(items: Iterable[Item], title: str, total: float | None = None) -> Iterator[Item]:
    """Iterate over `items` and show the progress.

    Args:
        items: anything; not held in memory.
        title, total: as for `progress`; the total is that of the items.
    """
    with progress(title, total) as update:
        for number, item in enumerate(items, 1):
            yield item
            if number % 64 == 0:
                update(number, "")


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
