"""Progress on standard error: lines where there is no terminal, a bar where there is one."""

import sys

import pytest

from nlp_rnn import progress as module
from nlp_rnn.progress import progress, say, track


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_messages_go_to_standard_error(capsys):
    say("hello")
    assert capsys.readouterr() == ("", "hello\n")


def test_lines_come_after_two_seconds_and_then_every_ten(clock, capsys):
    with progress("training", 100) as update:
        for seconds, done in ((0, 0), (1, 10), (2, 20), (11, 50), (12, 60)):
            clock[0] = seconds
            update(done, f"loss {done}")
    assert (
        capsys.readouterr().err
        == "training: 20 % after 0:02, 0:08 left  loss 20\ntraining: 60 % after 0:12, 0:08 left  loss 60\n"
    )


def test_without_a_total_the_amount_is_shown(clock, capsys):
    with progress("reading", None) as update:
        for seconds in (0, 3):
            clock[0] = seconds
            update(1_000 * seconds, "")
    assert capsys.readouterr().err == "reading: 3,000 after 0:03\n"


def test_a_total_that_was_too_low_never_exceeds_a_hundred_per_cent(clock, capsys):
    with progress("reading", 10) as update:
        for seconds in (0, 3):
            clock[0] = seconds
            update(20 * seconds, "")
    assert capsys.readouterr().err == "reading: 100 % after 0:03, 0:00 left\n"


def test_a_tracked_iterable_gives_its_items_and_short_work_shows_nothing(capsys):
    assert list(track(iter(range(200)), "reading", 200)) == list(range(200))
    assert capsys.readouterr().err == ""


def test_a_terminal_shows_a_bar_after_two_seconds(clock, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with progress("training", 10) as update:
        update(1, "loss 1")
        assert "training" not in capsys.readouterr().err
        clock[0] = 3.0
        update(5, "loss 0.5")
    shown = capsys.readouterr().err
    assert "training" in shown and "50%" in shown and "loss 0.5" in shown
