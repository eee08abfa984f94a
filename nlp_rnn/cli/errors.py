"""How commands end: one clear line and the right exit code for errors that users can fix, a traceback for bugs."""

import contextlib
import errno
import logging
import os
import signal
import sys
from typing import NoReturn

import click

from nlp_rnn.checks import InputError
from nlp_rnn.cli.options import with_current_names
from nlp_rnn.progress import say

INTERRUPTED = 130  # what a shell reports of a command stopped by Ctrl-C


class Commands(click.Group):
    """A group whose commands turn errors into a message and an exit code."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; renamed options are accepted."""
        try:
            return super().parse_args(ctx, with_current_names(args))
        except InputError as error:
            _leave(f"Error: {error}", error.exit_code)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command and print errors that the user can fix as one line."""
        with contextlib.suppress(ValueError):  # outside the main thread, where no signal arrives
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's stop is like Ctrl-C
        try:
            return super().invoke(ctx)
        except InputError as error:
            _leave(f"Error: {error}", error.exit_code)
        except KeyboardInterrupt:
            _leave("Stopped.", INTERRUPTED)
        except BrokenPipeError:  # the reader, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except OSError as error:  # a full disk, a folder that may not be written to
            full = "; free some space and try again" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
            named = f"{error.filename}: {error.strerror}" if error.filename else str(error).splitlines()[0]
            _leave(f"Error: {named}{full}", 1)
        except Exception as error:
            if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":  # TensorFlow's
                raise
            _leave("Error: memory ran out; use smaller batches (--set batch_size) or shorter texts", 1)


def quiet_tensorflow() -> None:
    """Import TensorFlow without its messages on drivers and instruction sets, which bypass Python's standard error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # failures are raised as exceptions as well
    logging.getLogger("absl").setLevel(logging.ERROR)
    sys.stderr.flush()
    kept = os.dup(2)
    hidden = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(hidden, 2)
        import tensorflow as tf

        tf.constant(0)  # the last messages come with the first tensor
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(hidden)


def _leave(line: str, code: int) -> NoReturn:
    say(line)
    sys.exit(code)
