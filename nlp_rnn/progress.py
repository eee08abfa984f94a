"""Messages and progress on standard error; standard output is for results."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO, TypeVar

Item = TypeVar("Item")
_DELAY = 2.0  # seconds before progress is shown, so that short work shows none
_INTERVAL = 10.0  # seconds between two lines of progress where standard error is not a terminal


def say(text: str) -> None:
    """Print one line to standard error; it is dropped if it cannot be written, as when its reader has gone."""
    if sys.stderr is not None:  # print takes None for standard output, which is for results
        with contextlib.suppress(OSError, ValueError):
            print(text, file=sys.stderr, flush=True)


@contextmanager
def progress(title: str, total: float | None) -> Iterator[Callable[[float, str], None]]:
    """Show the progress of some work and the time left.

    Yields a function to call with the amount done so far and a few words about the state. On a terminal it draws a bar;
    elsewhere it prints a line every ten seconds, with the time so far. Work of less than 2 seconds shows nothing.

    Args:
        title: what is being done.
        total: the amount of work; None if unknown.
    """
    if draws(sys.stderr):
        with _bar(title, total) as update:
            yield update
    else:
        yield _Lines(title, total)


def draws(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal on which a bar can be drawn."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


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
    drawn = {"console": Console(stderr=True), "transient": True, "refresh_per_second": 4}
    with Progress(*columns, **drawn, redirect_stdout=False) as bars:  # results do not belong on standard error
        task = bars.add_task(title, total=total, state="", visible=False)

        def update(done, state=""):
            visible = time.monotonic() - started > _DELAY
            bars.update(task, completed=done, state=state, visible=visible)

        yield update


class _Lines:
    """Prints progress as lines."""

    def __init__(self, title, total):
        self.title, self.total = title, total
        self.begun = time.monotonic()
        self.next = self.begun + _DELAY
        self.first: tuple[float, float] | None = None  # time and amount done at the first call

    def __call__(self, done, state=""):
        now = time.monotonic()
        if self.first is None:
            self.first = now, done  # the time before it is start-up, which would distort the estimate
        elif now >= self.next:
            self._print(now, done, state, self.first)

    def _print(self, now, done, state, first):
        self.next = now + _INTERVAL
        amount, left = f"{done:,.0f}", ""
        started, before = first
        if self.total and done > before:
            left = f", {_clock((now - started) * max(self.total - done, 0) / (done - before))} left"
            amount = f"{min(100, 100 * done / self.total):.0f} %"
        say(f"{self.title}: {amount} after {_clock(now - self.begun)}{left}  {state}".rstrip())


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
