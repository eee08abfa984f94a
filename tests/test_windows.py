"""Windows over series: what is in them, and that nothing that follows is ever in what is known."""

import time
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.models import DirectForecaster, PathForecaster
from nlp_rnn.objectives import Forecasting
from nlp_rnn.panel import Panel, split_by_series
from nlp_rnn.training import Plan, _Numbers, fit, untold_steps
from nlp_rnn.windows import Windows


def panel(lengths, season=4, seed=0):
    values = np.random.default_rng(seed).normal(size=sum(lengths)).astype("float32")
    names = tuple(f"s{n}" for n in range(len(lengths)))
    return Panel("some", names, values, np.cumsum([0, *lengths]), season, np.zeros(len(lengths), np.int32))


def test_a_window_is_what_stands_there_and_nan_beyond():
    data = panel([10, 3])
    known, following, kinds = Windows(data, data.lengths, 5, 4).cut(np.array([0, 0, 1]), np.array([2, 8, 11]))
    first, second = data.series(0), data.series(1)
    np.testing.assert_array_equal(known[0], [np.nan] * 3 + list(first[:2]))
    np.testing.assert_array_equal(following[0], first[2:6])
    np.testing.assert_array_equal(known[1], first[3:8])
    np.testing.assert_array_equal(following[1], [*first[8:10], np.nan, np.nan])
    np.testing.assert_array_equal(known[2], [np.nan] * 4 + list(second[:1]))
    np.testing.assert_array_equal(following[2], [*second[1:], np.nan, np.nan])
    assert kinds.tolist() == [0, 0, 0]


def test_nothing_after_the_end_is_seen():
    """Another future gives the same windows, in training and in validation."""
    data = panel([40, 25, 60])
    ends = data.lengths - 8
    other = data.values.copy()
    for offset, end in zip(data.offsets[:-1], ends, strict=True):
        other[offset + end : offset + end + 8] = 1e6
    changed = Panel(data.name, data.names, other, data.offsets, 4, data.categories)
    for seed in (0, None):
        both = [Windows(one, ends, 12, 5, 16, 30, seed=seed) for one in (data, changed)]
        for here, there in zip(*(windows.batches() for windows in both), strict=True):
            for x, y in zip(here, there, strict=True):
                np.testing.assert_array_equal(x, y)
                assert not (np.abs(x) > 1e5).any()


def test_the_layers_know_how_many_windows_are_drawn():
    data = panel([40, 25, 60])
    for seed, rows in ((0, 16), (None, None)):
        known, *_ = Windows(data, data.lengths, 12, 5, 16, 30, seed=seed).dataset().element_spec
        assert known.shape.as_list() == [rows, 12]


def covered(lengths, ahead=1):
    """Series with two columns beside them, the first of them known for three steps to come."""
    data, draw = panel(lengths), np.random.default_rng(1)
    beside, future = (draw.normal(size=shape).astype("f") for shape in ((sum(lengths), 2), (len(lengths), 3, 2)))
    return replace(data, covariates=beside, columns=("price", "rain"), ahead=ahead, future=future)


def test_covariates_are_those_known_before_what_follows():
    data = covered([10, 4])
    *_, beside = Windows(data, data.lengths, 3, 4).cut(np.array([0, 1, 1]), np.array([5, 12, 14]))
    np.testing.assert_array_equal(beside[0, :3], data.covariates[2:5])
    np.testing.assert_array_equal(beside[0, 3:, 0], data.covariates[5:9, 0])
    assert np.isnan(beside[:, 3:, 1]).all() and np.isnan(beside[1, 0]).all()
    np.testing.assert_array_equal(beside[1, 1:5, 0], data.covariates[10:14, 0])
    np.testing.assert_array_equal(beside[2, 3:, 0], [*data.future[1, :, 0], np.nan])
    np.testing.assert_array_equal(
        data.all_beside([1], [2], 2, 3)[0][:, 0], [*data.covariates[10:14, 0], data.future[1, 0, 0]]
    )
    gap = data.future.copy()
    gap[0, 1, 0], gap[1, :, 1] = np.nan, np.nan
    assert replace(data, future=gap).known_ahead.tolist() == [1, 3]
    assert replace(data, future=gap, ahead=2).known_ahead.tolist() == [1, 0]
    assert replace(data, future=gap[:, :0]).known_ahead.tolist() == [0, 0]
    assert data.known_ahead.tolist() == [3, 3] and data.only(np.array([1])).covariates.shape == (4, 2)


def test_nothing_of_the_future_is_seen_beside_the_values_but_what_is_known_ahead():
    data = covered([40, 25])
    ends, other = data.lengths - 8, data.covariates.copy()
    for offset, end in zip(data.offsets[:-1], ends, strict=True):
        other[offset + end : offset + end + 8, 1] = 1e6
    for seed in (0, None):
        both = [Windows(one, ends, 12, 5, 16, 30, seed=seed) for one in (data, replace(data, covariates=other))]
        for here, there in zip(*(windows.batches() for windows in both), strict=True):
            np.testing.assert_array_equal(here[3], there[3])


def test_windows_are_drawn_over_all_series_and_places_and_anew_in_each_epoch():
    data = panel([30, 12])
    windows = Windows(data, data.lengths, 6, 3, 500, 4, least=4, seed=1)
    first = [batch[1] for batch in windows.batches()]
    assert all(np.array_equal(a, b[1]) for a, b in zip(first, windows.batches(), strict=True))
    windows.epoch = 1
    assert not np.array_equal(first[0], next(windows.batches())[1])
    begins = {float(row[0]) for batch in first for row in batch}
    allowed = {float(v) for n, length in enumerate((30, 12)) for v in data.series(n)[4 : length - 2]}
    assert begins == allowed
    assert not np.isnan(np.concatenate(first)).any()


def test_without_a_seed_each_series_is_told_once_at_its_end():
    data = panel([30, 12, 1, 9])
    windows = Windows(data, data.lengths, 6, 3, 2)
    batches = list(windows.batches())
    assert len(batches) == len(windows) == 2
    for batch, (known, following, kinds) in zip(batches, windows.dataset(), strict=True):
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(batch, (known, following, kinds), strict=True))
    assert len(windows.ready) == 2
    told = np.concatenate([following for _, following, _ in batches])
    np.testing.assert_array_equal(told, [data.series(n)[-3:] for n in (0, 1, 3)])


def test_no_series_to_see_is_said():
    with pytest.raises(ValueError, match="two points to be seen"):
        Windows(panel([5, 1]), np.array([1, 0]), 4, 2)


def test_of_many_series_some_validate_and_of_few_their_ends():
    few = panel([30, 12])
    train, validation = split_by_series(few, few.lengths, 5, 0)
    assert train.tolist() == [25, 7] and validation.tolist() == [30, 12]
    many = panel([20] * 300)
    train, validation = split_by_series(many, many.lengths, 5, 0)
    assert ((train == 20) ^ (validation == 20)).all() and (validation == 20).sum() == 30
    short = panel([3] * 200 + [20] * 12)
    train, validation = split_by_series(short, short.lengths, 5, 0)
    assert train[-1] == 15 and validation[-1] == 20


def test_a_hundred_thousand_series_are_cut_in_no_time():
    data = panel([30] * 100_000)
    begun = time.perf_counter()
    list(Windows(data, data.lengths, 24, 12, 256, 100, seed=0).batches())
    assert time.perf_counter() - begun < 5


def test_categories_are_renumbered_by_name():
    data = Panel("x", ("a", "b", "c"), np.zeros(3, "f"), np.arange(4), 1, np.array([1, 2, 0]), ("red", "blue"))
    assert data.matched(["blue", "green"]).categories.tolist() == [0, 1, 0]
    assert data.only(np.array([2, 1])).names == ("c", "b")


def test_few_steps_pass_untold_where_they_are_long():
    data = panel([30, 12])
    sizes = [(140, 36, 18, 50_000), (64, 36, 18, 800_000), (64, 1_000, 500, 50_000), (64, 4_000, 500, 50_000)]
    of = [untold_steps(Windows(data, data.lengths, *shape, batch), has(weights)) for batch, *shape, weights in sizes]
    assert of == [16, 2, 1, 1]


def has(weights):
    return SimpleNamespace(count_params=lambda: weights)


@pytest.mark.parametrize(("steps", "said"), [(19, "by step 16"), (5, "by step 5")])
def test_a_loss_that_is_no_number_is_told_by_the_steps_that_have_passed(steps, said, tmp_path):
    data = panel([60] * 20)
    windows = Windows(data, data.lengths - 3, 12, 3, 32, steps, seed=0), Windows(data, data.lengths, 12, 3, 8)
    model = PathForecaster(4, units=8)
    model.build((None, None))
    model.telling.kernel.assign(np.full(model.telling.kernel.shape, np.nan))
    with pytest.raises(InputError, match=f"the loss became nan in epoch 1, {said}: "):
        fit(Forecasting(model), *windows, Plan(epochs=1, learning_rate=0.01), tmp_path)


@pytest.mark.parametrize("sizes", [[4, 4, 3], [4, 4, 3, 3, 4], [2] * 19])
def test_batches_that_come_together_are_those_that_come_alone(sizes):
    class Some(Windows):
        def batches(self):
            for size in sizes:
                yield self.cut(np.zeros(size, np.int64), np.arange(1, size + 1))

    data = panel([30])
    windows = Some(data, data.lengths, 3, 2, 4)
    windows._steps = len(sizes)
    found = [tuple(part.numpy() for part in batch) for batch in windows.dataset()]
    for here, there in zip(found, windows.batches(), strict=True):
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(here, there, strict=True))
    assert len(windows.ready) == len(sizes)


@pytest.mark.parametrize(
    "model", [PathForecaster, lambda season, **settings: DirectForecaster(12, 3, season, **settings)]
)
def test_steps_taken_together_learn_what_they_learn_alone(model, tmp_path, monkeypatch):
    data = panel([60] * 20)

    steps, ordinary = [], _Numbers.on_train_batch_end
    monkeypatch.setattr(
        _Numbers, "on_train_batch_end", lambda self, step, logs: (steps.append(step + 1), ordinary(self, step, logs))
    )

    def trained(together):
        keras.utils.set_random_seed(1)
        windows = Windows(data, data.lengths - 3, 12, 3, 32, 19, seed=0), Windows(data, data.lengths, 12, 3, 8)
        for one in windows:
            one.together = together
        objective = Forecasting(model(4, units=16, dropout=0.2))
        folder = tmp_path / str(together)
        folder.mkdir()
        history = fit(objective, *windows, Plan(epochs=2, learning_rate=0.01), folder)
        return [[row["loss"], row["val_loss"]] for row in history], objective.get_weights()

    alone, together = trained(1), trained(16)
    assert steps == 2 * [*range(1, 20)] + 2 * [16, 32]
    np.testing.assert_allclose(alone[0], together[0], rtol=1e-5)
    for here, there in zip(alone[1], together[1], strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-6)
