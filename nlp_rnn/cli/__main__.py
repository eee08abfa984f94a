"""The command `nlp-rnn`, which is also `python -m nlp_rnn.cli`."""

import atexit
import os
import sys
import threading

from nlp_rnn.cli.main import main


def run() -> None:
    """Run the command line of this process, and end the process."""
    try:
        main(prog_name="nlp-rnn")
    except SystemExit as ended:
        leave_at_once(ended.code or 0)
        raise


def leave_at_once(code: int | str) -> None:
    """End the process without freeing TensorFlow's objects one by one, which takes most of a second.

    Returns without TensorFlow, or if something is left to do: a message to print, or a thread to wait for.
    """
    waited_for = [thread for thread in threading.enumerate() if not thread.daemon]
    if "tensorflow" not in sys.modules or not isinstance(code, int) or waited_for != [threading.main_thread()]:
        return
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
