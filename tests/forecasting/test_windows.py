"""Windows over series: what is in them, and that the context never holds what follows it."""

import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from nlp_rnn.forecasting.panel import Panel
from nlp_rnn.forecasting.windows import Windows
from tests.forecasting.tables import normal_panel
from tests.forecasting.test_panel import with_covariates


def test_a_window_holds_the_values_around_a_position_and_nan_beyond_the_series():
    panel = normal_panel([10, 3])
    windows = Windows(panel, panel.lengths, 5, 4)
    context, targets, category = windows.cut(np.array([0, 0, 1]), np.array([2, 8, 11]))
    first, second = panel.series(0), panel.series(1)
    np.testing.assert_array_equal(context[0], [np.nan] * 3 + list(first[:2]))
    np.testing.assert_array_equal(targets[0], first[2:6])
    np.testing.assert_array_equal(context[1], first[3:8])
    np.testing.assert_array_equal(targets[1], [*first[8:10], np.nan, np.nan])
    np.testing.assert_array_equal(context[2], [np.nan] * 4 + list(second[:1]))
    np.testing.assert_array_equal(targets[2], [*second[1:], np.nan, np.nan])
    assert category.tolist() == [0, 0, 0]


@pytest.mark.parametrize("seed", [0, None])
def test_nothing_after_the_end_is_seen(seed):
    """Another future gives the same windows, in training and in validation."""
    panel = normal_panel([40, 25, 60])
    ends, values = panel.lengths - 8, panel.values.copy()
    for offset, end in zip(panel.offsets[:-1], ends, strict=True):
        values[offset + end : offset + end + 8] = 1e6
    changed = Panel(panel.name, panel.names, values, panel.offsets, 4, panel.category_ids)
    both = [Windows(one, ends, 12, 5, 16, 30, seed=seed) for one in (panel, changed)]
    for here, there in zip(*(windows.batches() for windows in both), strict=True):
        for x, y in zip(here, there, strict=True):
            np.testing.assert_array_equal(x, y)
            assert not (np.abs(x) > 1e5).any()


@pytest.mark.parametrize("seed", [0, None])
def test_no_covariate_of_the_future_is_seen_but_those_known_ahead(seed):
    panel = with_covariates([40, 25])
    ends, covariates = panel.lengths - 8, panel.covariates.copy()
    for offset, end in zip(panel.offsets[:-1], ends, strict=True):
        covariates[offset + end : offset + end + 8, 1] = 1e6
    changed = replace(panel, covariates=covariates)
    both = [Windows(one, ends, 12, 5, 16, 30, seed=seed) for one in (panel, changed)]
    for here, there in zip(*(windows.batches() for windows in both), strict=True):
        np.testing.assert_array_equal(here[3], there[3])


def test_windows_hold_the_covariates_of_context_and_horizon():
    panel = with_covariates([10, 4])
    *_, covariates = Windows(panel, panel.lengths, 3, 4).cut(np.array([0, 1]), np.array([5, 12]))
    np.testing.assert_array_equal(covariates, panel.covariate_windows(np.array([0, 1]), np.array([5, 12]), 3, 4))


@pytest.mark.parametrize(("seed", "rows"), [(0, 16), (None, None)])
def test_the_layers_know_the_number_of_sampled_windows(seed, rows):
    panel = normal_panel([40, 25, 60])
    context, *_ = Windows(panel, panel.lengths, 12, 5, 16, 30, seed=seed).dataset().element_spec
    assert context.shape.as_list() == [rows, 12]


def test_windows_are_sampled_from_all_positions_and_anew_in_each_epoch():
    panel = normal_panel([30, 12])
    windows = Windows(panel, panel.lengths, 6, 3, 500, 4, min_context=4, seed=1)
    first = [batch[1] for batch in windows.batches()]
    assert all(np.array_equal(a, b[1]) for a, b in zip(first, windows.batches(), strict=True))
    windows.epoch = 1
    assert not np.array_equal(first[0], next(windows.batches())[1])
    begins = {float(row[0]) for batch in first for row in batch}
    allowed = {float(v) for n, length in enumerate((30, 12)) for v in panel.series(n)[4 : length - 2]}
    assert begins == allowed and not np.isnan(np.concatenate(first)).any()


def test_without_a_seed_there_is_one_window_at_the_end_of_each_series():
    panel = normal_panel([30, 12, 1, 9])
    windows = Windows(panel, panel.lengths, 6, 3, 2)
    batches = list(windows.batches())
    assert len(batches) == len(windows) == 2
    for batch, made in zip(batches, windows.dataset(), strict=True):
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(batch, made, strict=True))
    assert len(windows.ready_times) == 2
    targets = np.concatenate([targets for _, targets, _ in batches])
    np.testing.assert_array_equal(targets, [panel.series(n)[-3:] for n in (0, 1, 3)])


def test_a_panel_of_too_short_series_is_refused():
    with pytest.raises(ValueError, match="two readable points"):
        Windows(normal_panel([5, 1]), np.array([1, 0]), 4, 2)


def test_arguments_of_version_0_1_are_understood():
    panel = normal_panel([30])
    with pytest.warns(FutureWarning, match="the argument (known|batch|steps|least) is now"):
        windows = Windows(panel, panel.lengths, known=6, horizon=3, batch=4, steps=5, least=2, seed=0)
    assert (windows.context_length, windows.batch_size, len(windows)) == (6, 4, 5)


def test_a_hundred_thousand_series_are_cut_in_seconds():
    panel = normal_panel([30] * 100_000)
    begun = time.perf_counter()
    list(Windows(panel, panel.lengths, 24, 12, 256, 100, seed=0).batches())
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("sizes", [[4, 4, 3], [4, 4, 3, 3, 4], [2] * 19])
def test_stacked_batches_are_those_that_come_alone(sizes):
    class Some(Windows):
        def batches(self):
            for size in sizes:
                yield self.cut(np.zeros(size, np.int64), np.arange(1, size + 1))

    panel = normal_panel([30])
    windows = Some(panel, panel.lengths, 3, 2, 4)
    windows._steps = len(sizes)
    made = [tuple(part.numpy() for part in batch) for batch in windows.dataset()]
    for here, there in zip(made, windows.batches(), strict=True):
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(here, there, strict=True))
    assert len(windows.ready_times) == len(sizes)


@pytest.mark.parametrize(
    ("shape", "batch_size", "weights", "steps"),
    [
        ((36, 18), 140, 50_000, 16),
        ((36, 18), 64, 800_000, 2),
        ((1_000, 500), 64, 50_000, 1),
        ((4_000, 500), 64, 50_000, 1),
    ],
)
def test_the_longer_a_step_the_fewer_there_are_of_one_execution(shape, batch_size, weights, steps):
    from nlp_rnn.training.trainer import steps_per_execution

    panel = normal_panel([30, 12])
    model = SimpleNamespace(count_params=lambda: weights)
    assert steps_per_execution(Windows(panel, panel.lengths, *shape, batch_size), model) == steps
