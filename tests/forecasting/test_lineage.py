"""Points that a forecaster was trained on are not in its test split, whatever the file is called."""

from types import SimpleNamespace

import numpy as np
import pytest

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.lineage import Lineage
from nlp_rnn.forecasting.checks import check_held_out
from nlp_rnn.forecasting.lineage import trained_points
from tests.forecasting.tables import panel_of

SERIES = [np.arange(40.0) ** 1.5, 9 + np.cos(np.arange(60.0))]


def run_of(lineage):
    settings = {"horizon": 5, "origins": 2}
    return SimpleNamespace(path="run", data={}, settings=settings, lineage=lineage)


def test_the_points_before_the_test_split_are_recorded():
    lineage = trained_points(panel_of(*SERIES), 5, 2)
    assert sorted(lineage.series.values()) == [30, 50] and len(set(lineage.series)) == 2


def test_series_that_grow_may_be_measured_and_shorter_ones_may_not():
    run = run_of(trained_points(panel_of(*SERIES), 5, 2))
    check_held_out(None, panel_of(*SERIES), 9)
    check_held_out(run, panel_of(*SERIES), 2)
    check_held_out(run, panel_of(*(np.append(one, one[:20]) for one in SERIES)), 2)
    check_held_out(run, panel_of(*(one[:30] + 1 for one in SERIES)), 2)
    with pytest.raises(UsageError, match=r"run was trained on the first 30 points of series '.*', and here the t"):
        check_held_out(run, panel_of(*(one[:-1] for one in SERIES)), 2)
    with pytest.raises(UsageError, match="origins=3: run held out 2 of the last horizons"):
        check_held_out(run, panel_of(*SERIES), 3)


def test_runs_of_earlier_versions_are_known_by_the_name_of_their_data():
    panel = panel_of(*SERIES)
    run = run_of(Lineage(names=(panel.name,)))
    check_held_out(run, panel, 2)
    for given in (panel, panel.name):
        with pytest.raises(UsageError, match="origins=3: run held out 2"):
            check_held_out(run, given, 3)
