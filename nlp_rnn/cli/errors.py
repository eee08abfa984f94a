"""How commands end: one clear line and the right exit code for errors that users can fix, a traceback for bugs."""

import contextlib
import errno
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import click

from nlp_rnn.checks import InputError
from nlp_rnn.cli.options import with_current_names
from nlp_rnn.interrupts import Stopped, handled, stop
from nlp_rnn.progress import say
from nlp_rnn.streams import OUTPUT, drop_output, open_standard_streams

READER_GONE = 141  # what a shell reports of a command that SIGPIPE ended


class Commands(click.Group):
    """A group whose commands turn errors into a message and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command line."""
        open_standard_streams()
        return super().main(*args, **kwargs)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; renamed options are accepted."""
        with clear_errors():
            return super().parse_args(ctx, with_current_names(args))

    def invoke(self, ctx: click.Context) -> object:
        """Run the command and print errors that the user can fix as one line."""
        with handled(stop), clear_errors():
            return super().invoke(ctx)


@contextlib.contextmanager
def clear_errors() -> Iterator[None]:
    """End the process with one line and an exit code where its user can fix what failed."""
    try:
        yield
    except InputError as error:
        _leave(f"Error: {error}", error.exit_code)
    except KeyboardInterrupt as error:
        _leave("Stopped.", (error if isinstance(error, Stopped) else Stopped()).exit_code)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        drop_output()
        sys.exit(READER_GONE)
    except OSError as error:  # a full disk, a folder that may not be written to
        drop_output()
        _leave(f"Error: {_reason(error)}", 1)
    except Exception as error:
        if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":  # TensorFlow's
            raise
        _leave("Error: memory ran out; use smaller batches (--set batch_size) or shorter texts", 1)


def _reason(error):
    """What failed, in one line, with the cure if there is one."""
    if error.filename == OUTPUT and error.errno == errno.EBADF:
        return f"{OUTPUT} is closed, so the results cannot be written: redirect it to a file"
    full = "; free some space and try again" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return (f"{error.filename}: {error.strerror}" if error.filename else str(error).splitlines()[0]) + full


def quiet_tensorflow() -> None:
    """Import TensorFlow without its messages on drivers and instruction sets, which bypass Python's standard error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # failures are raised as exceptions as well
    logging.getLogger("absl").setLevel(logging.ERROR)
    sys.stderr.flush()
    kept = os.dup(2)
    hidden = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(hidden, 2)
        with _without("matplotlib.pyplot"):  # which Keras imports for galleries of images, in a third of a second
            import tensorflow as tf

            _ = tf.keras.layers  # imports Keras
        tf.constant(0)  # the last messages come with the first tensor
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(hidden)


@contextlib.contextmanager
def _without(module: str) -> Iterator[None]:
    """Within it, the import of an optional module fails, unless it has been imported before."""
    missing = module not in sys.modules
    if missing:
        sys.modules[module] = None  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        if missing:
            del sys.modules[module]


def _leave(line: str, code: int) -> NoReturn:
    say(line)
    sys.exit(code)
