"""Signals that stop a command."""

import signal

import pytest

from nlp_rnn.interrupts import Stopped, handled, stop

STOPPING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_stops_with_the_exit_code_that_shells_give_it(number):
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as stopped, handled(stop):
        signal.raise_signal(number)
    assert stopped.value.exit_code == 128 + number and signal.getsignal(number) is before


def test_what_the_parent_has_ignored_stays_ignored():
    """Such as the end of a terminal, under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with handled(stop):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
