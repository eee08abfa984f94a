"""Talk and progress, on standard error: results alone go to standard output."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

_QUIET = 2.0  # seconds of work before progress is shown at all
_PAUSE = 10.0  # seconds between two lines where there is no screen to draw on


def say(text: str) -> None:
    """Print one line to standard error."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def progress(title: str, total: float | None) -> Iterator[Callable[[float, str], None]]:
    """Show how far a piece of work is, and the time left.

    Gives a function to call with (done so far, a word on the state). On a screen it draws a bar, elsewhere it prints a
    line now and then. Work that ends within 2 seconds shows nothing.

    Args:
        title: what is being done.
        total: how much there is to do; None where nobody knows.
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
    begun = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=4) as bars:
        task = bars.add_task(title, total=total, state="", visible=False)

        def update(done, state=""):
            late = time.monotonic() - begun > _QUIET
            bars.update(task, completed=done, state=state, visible=late)

        yield update


class _Lines:
    def __init__(self, title, total):
        self.title, self.total = title, total
        self.next = time.monotonic() + _QUIET
        self.begun: tuple[float, float] | None = None

    def __call__(self, done, state=""):
        now = time.monotonic()
        if self.begun is None:
            self.begun = now, done  # the first piece has the start-up in it and says nothing of the pace
        elif now >= self.next:
            self._print(now, done, state)

    def _print(self, now, done, state):
        self.next = now + _PAUSE
        how_far = f"{done:,.0f}"
        begun, before = self.begun
        if self.total and done > before:
            left = (now - begun) * max(self.total - done, 0) / (done - before)
            how_far = f"{min(100, 100 * done / self.total):.0f} %, {_clock(left)} left"
        say(f"{self.title}: {how_far}  {state}".rstrip())


def track(items: Iterable, title: str, total: float | None = None) -> Iterator:
    """Walk through `items`, showing how many have been taken."""
    with progress(title, total) as update:
        for number, item in enumerate(items, 1):
            yield item
            if number % 64 == 0:
                update(number, "")


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
