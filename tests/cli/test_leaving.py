"""How a command ends its process, and what it leaves out of the import of TensorFlow."""

import subprocess
import sys
import threading

import pytest

from nlp_rnn.cli import __main__ as command
from nlp_rnn.cli.errors import _without

LEAVE = """
import atexit, sys, types
from nlp_rnn.cli.__main__ import leave_at_once
class Large:
    def __del__(self):
        print("freed")
large = Large()
atexit.register(print, "cleaned up")
if {tensorflow}:
    sys.modules["tensorflow"] = types.ModuleType("tensorflow")
sys.stdout.write("result, ")
leave_at_once(3)
sys.exit(4)
"""


@pytest.mark.parametrize(("tensorflow", "code", "written"), [(1, 3, "result, cleaned up"), (0, 4, "freed")])
def test_the_process_ends_at_once_after_cleaning_up_if_tensorflow_was_used(tensorflow, code, written):
    words = [sys.executable, "-c", LEAVE.format(tensorflow=tensorflow)]
    ended = subprocess.run(words, capture_output=True, text=True)
    assert ended.returncode == code and written in ended.stdout, ended.stderr
    assert ("freed" in ended.stdout) == (not tensorflow)


def test_a_message_or_a_thread_is_waited_for(monkeypatch):
    monkeypatch.setattr(command.os, "_exit", lambda code: pytest.fail("it ended"))
    monkeypatch.setitem(sys.modules, "tensorflow", sys.modules.get("tensorflow", sys))
    command.leave_at_once("a message")
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    command.leave_at_once(0)
    release.set()
    thread.join()


def test_an_optional_module_is_missing_for_a_while(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with _without("colorsys"), pytest.raises(ImportError):
        import colorsys
    import colorsys

    with _without("colorsys"):
        import colorsys as again  # it was imported before
    assert again is colorsys
