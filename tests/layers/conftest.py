"""Fixtures that show which loop a test reaches."""

import pytest

from nlp_rnn.layers import scan
from nlp_rnn.layers.native import operation


@pytest.fixture
def native_runs(monkeypatch):
    """The program numbers of the native kernels that run, or are added to a graph, during the test."""
    programs, run = [], operation.run

    def record(program, *arguments):
        programs.append(program)
        return run(program, *arguments)

    monkeypatch.setattr(operation, "run", record)
    return programs


@pytest.fixture
def force_strategy(monkeypatch):
    """A function that makes all scans use one strategy."""

    def force(strategy):
        monkeypatch.setattr(scan, "choose_strategy", lambda *_: strategy)

    return force
