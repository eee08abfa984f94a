"""Training: it learns, it resumes as if nothing had happened, it stops when the loss is no number."""

import signal
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from nlp_rnn import recipes, training
from nlp_rnn.batching import LengthBuckets, encode
from nlp_rnn.checkpoints import Memory
from nlp_rnn.checks import CallError, InputError
from nlp_rnn.models import Classifier
from nlp_rnn.optimizers import depths
from nlp_rnn.text import TextEncoder, Vocabulary
from nlp_rnn.training import Plan, fit, plan_of

WORDS = [b"good", b"bad", b"film", b"it"]


@pytest.fixture
def split(tmp_path):
    def make(seed, name, texts=96):
        draw = np.random.default_rng(seed if seed is not None else 9)
        rows = [(("good ", "bad ")[n % 2] + "film it " * int(draw.integers(0, 9)), n % 2) for n in range(texts)]
        encoded = encode(rows, TextEncoder(Vocabulary(WORDS)), tmp_path / f"{name}.ids")
        return LengthBuckets(encoded, most_texts=16, seed=seed)

    return make


@pytest.fixture
def train_and_validation(split):
    return split(0, "train"), split(None, "validation")


def model():
    keras.utils.set_random_seed(0)
    return Classifier(len(WORDS) + 2, 2, embedding=4, units=4)


class Stop(keras.callbacks.Callback):
    """Stands for a kill in mid-epoch."""

    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations == 15:
            raise KeyboardInterrupt


def test_learns_and_keeps_the_best_epoch(train_and_validation, tmp_path):
    network = model()
    history = fit(network, *train_and_validation, Plan(epochs=8, learning_rate=0.05), tmp_path)
    best = min(history, key=lambda row: row["val_loss"])
    assert best["val_accuracy"] > 0.95
    loss = network.evaluate(train_and_validation[1].dataset(), verbose=0)[0]
    assert loss == pytest.approx(best["val_loss"], abs=1e-4)


def test_a_killed_run_goes_on_as_if_nothing_had_happened(train_and_validation, tmp_path, monkeypatch):
    plan = Plan(epochs=4, learning_rate=0.02, patience=9)
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    whole = model()
    expected = fit(whole, *train_and_validation, plan, tmp_path / "whole")
    ordinary = keras.Model.fit
    monkeypatch.setattr(
        keras.Model, "fit", lambda self, *a, callbacks, **k: ordinary(self, *a, callbacks=[*callbacks, Stop()], **k)
    )
    with pytest.raises(KeyboardInterrupt):
        fit(model(), *train_and_validation, plan, tmp_path / "cut")
    assert [p.name for p in (tmp_path / "cut").iterdir()] == ["checkpoint-00002"]
    monkeypatch.setattr(keras.Model, "fit", ordinary)
    resumed = model()
    history = fit(resumed, *train_and_validation, plan, tmp_path / "cut")
    for row, other in zip(history, expected, strict=True):
        assert {**row, "seconds": 0} == {**other, "seconds": 0}
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_same_seed_gives_the_same_result(train_and_validation, tmp_path):
    losses = []
    for name in "ab":
        (tmp_path / name).mkdir()
        losses.append(fit(model(), *train_and_validation, Plan(2, 0.02), tmp_path / name)[-1]["val_loss"])
    assert losses[0] == losses[1]


def test_stops_when_it_no_longer_gets_better(train_and_validation, tmp_path, monkeypatch):
    network = model()
    ordinary = training.Memory.remember
    monkeypatch.setattr(
        training.Memory, "remember", lambda self, row: ordinary(self, {**row, "val_loss": float(row["epoch"])})
    )
    history = fit(network, *train_and_validation, Plan(epochs=9, learning_rate=0.01, patience=1), tmp_path)
    assert len(history) == 3, "one best epoch, one to be patient with, one too many"


def test_a_loss_that_is_no_number_is_said_clearly(train_and_validation, tmp_path):
    network = model()
    network.build((None, None))
    network.head.kernel.assign(np.full(network.head.kernel.shape, np.nan))
    with pytest.raises(
        InputError, match=r"the loss became nan in epoch 1, by step 1: lower the learning rate \(now 0.01\)"
    ):
        fit(network, *train_and_validation, Plan(epochs=1, learning_rate=0.01), tmp_path)


def test_a_validation_loss_that_is_no_number_is_said_too(train_and_validation, tmp_path):
    network = model()
    spoil = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: (
            network.head.kernel.assign(network.head.kernel * np.nan) if batch == 5 else None
        )
    )
    ordinary = keras.Model.fit
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(InputError, match="the validation loss became nan in epoch 1"),
    ):
        patch.setattr(
            keras.Model, "fit", lambda self, *a, callbacks, **k: ordinary(self, *a, callbacks=[*callbacks, spoil], **k)
        )
        fit(network, *train_and_validation, Plan(epochs=1, learning_rate=0.01), tmp_path)
    assert not list(tmp_path.glob("checkpoint-*"))


def test_other_data_are_not_resumed_with(split, train_and_validation, tmp_path):
    fit(model(), *train_and_validation, Plan(epochs=1, learning_rate=0.02), tmp_path)
    with pytest.raises(CallError, match="was begun with other data"):
        fit(model(), split(1, "other", texts=80), train_and_validation[1], Plan(2, 0.02), tmp_path)
    with pytest.raises(CallError, match="was begun with another model"):
        keras.utils.set_random_seed(0)
        fit(Classifier(6, 2, embedding=4, units=5), *train_and_validation, Plan(2, 0.02), tmp_path)


def test_the_learning_rate_ends_at_zero(train_and_validation, tmp_path):
    network = model()
    fit(network, *train_and_validation, Plan(epochs=2, learning_rate=0.02, patience=9), tmp_path)
    assert float(network.optimizer.learning_rate) == pytest.approx(0, abs=1e-6)


def test_a_checkpoint_is_whole_or_absent(train_and_validation, tmp_path, monkeypatch):
    plan = Plan(epochs=3, learning_rate=0.02)
    fit(model(), *train_and_validation, Plan(epochs=1, learning_rate=0.02), tmp_path)
    before = sorted(p.name for p in tmp_path.glob("checkpoint-*"))

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space"):
        fit(model(), *train_and_validation, plan, tmp_path)
    assert sorted(p.name for p in tmp_path.glob("checkpoint-*")) == before
    assert not (tmp_path / "partial-checkpoint").exists()


def test_a_checkpoint_overwritten_at_its_beginning_is_damaged(train_and_validation, tmp_path):
    plan = Plan(epochs=1, learning_rate=0.02)
    fit(model(), *train_and_validation, plan, tmp_path)
    file = tmp_path / "checkpoint-00001" / "state.npz"
    file.write_bytes(b"\0" * len(file.read_bytes()))
    with pytest.raises(CallError, match="checkpoint-00001 is damaged"):
        fit(model(), *train_and_validation, plan, tmp_path)


@pytest.mark.parametrize("name", ["state.npz", "history.json"])
@pytest.mark.parametrize("left", [0, 100])
def test_a_damaged_checkpoint_is_said(train_and_validation, tmp_path, name, left):
    plan = Plan(epochs=1, learning_rate=0.02)
    fit(model(), *train_and_validation, plan, tmp_path)
    file = tmp_path / "checkpoint-00001" / name
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(CallError, match=r"checkpoint-00001 is damaged: remove .* and begin again"):
        fit(model(), *train_and_validation, plan, tmp_path)


def test_a_stop_while_the_last_checkpoint_is_written_is_heeded(train_and_validation, tmp_path, monkeypatch):
    whole = Memory._write

    def stopped(self):
        whole(self)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Memory, "_write", stopped)
    with pytest.raises(KeyboardInterrupt):
        fit(model(), *train_and_validation, Plan(epochs=1, learning_rate=0.02), tmp_path)
    assert list(tmp_path.glob("checkpoint-00001"))


def test_fine_tuning_keeps_known_vectors_and_adds_words():
    start = Classifier(4, 2, embedding=4, units=3)
    start.build((None, None))
    for same in ({0: 0, 1: 1}, {1: 0}, {}):
        network = Classifier(6, 2, embedding=4, units=3)
        network.build((None, None))
        network.start_from(start, same)
        vectors = start.embedding.get_weights()[0]
        np.testing.assert_array_equal(network.embedding.get_weights()[0][:4], vectors)
        np.testing.assert_allclose(network.embedding.get_weights()[0][4:], [vectors.mean(0)] * 2, rtol=1e-6)
        for here in range(2):
            column = network.head.get_weights()[0][:, here]
            assert any(np.array_equal(column, start.head.get_weights()[0][:, n]) for n in range(2)) == (here in same)


def test_fine_tuning_keeps_what_pairs_of_words_weigh():
    start, network = (
        Classifier(4, 2, embedding=4, units=3, bigrams=8),
        Classifier(6, 2, embedding=4, units=3, bigrams=8),
    )
    for model in (start, network):
        model.build((None, None))
    start.bag.table.assign(np.random.default_rng(0).normal(size=(12, 2)))
    network.start_from(start, {0: 1, 1: 0})
    ids = np.array([[2, 3, 2]])
    np.testing.assert_allclose(network(ids).numpy()[:, ::-1], start(ids), rtol=1e-5)
    assert sorted(depths(network)) == [0] * 3 + [1] * 6 + [2]
    for a, b in ((start, Classifier(6, 2, embedding=4, units=3)), (Classifier(4, 2, embedding=4, units=3), network)):
        with pytest.raises(ValueError, match="bigrams must be"):
            b.start_from(a, {0: 0})


def test_every_epoch_has_an_order_of_its_own(train_and_validation, tmp_path, monkeypatch):
    seen, ordinary = set(), LengthBuckets.plan
    monkeypatch.setattr(LengthBuckets, "plan", lambda self: seen.add(self.epoch) or ordinary(self))
    fit(model(), *train_and_validation, Plan(epochs=3, learning_rate=0.02, patience=9), tmp_path)
    assert seen == {0, 1, 2}


def test_waiting_is_counted_where_a_batch_came_after_the_step_before_had_ended(monkeypatch):
    follow, _ = following([0.0, 1.0, 7.0])
    for batch, now in enumerate((3.0, 5.0, 8.0)):
        monkeypatch.setattr(training.time, "monotonic", lambda now=now: now)
        follow.on_train_batch_end(batch, {"loss": 1.0})
    assert follow.waited == 2.0, "batch 2 was made at 7, the step before ended at 5"


def test_of_steps_taken_together_the_last_batch_is_waited_for_and_no_step_is_counted_twice(monkeypatch):
    follow, told = following([0.0, 1.0, 4.0, 7.0, 9.0])
    for batch, now in ((1, 3.0), (3, 8.0), (5, 10.0)):
        monkeypatch.setattr(training.time, "monotonic", lambda now=now: now)
        follow.on_train_batch_end(batch, {"loss": 1.0})
    follow.on_test_batch_end(1)
    assert follow.waited == 5.0, "the second two were made at 7, the first ended at 3; the last at 9 after 8"
    assert told == [8, 10, 11, 12], "the epoch before had 5 steps, and one of validation"


def following(ready):
    """What follows a second epoch whose batches were made then, and validation of one; and the steps that it tells."""

    class Train(SimpleNamespace):
        def __len__(self):
            return len(self.ready)

    told = []
    follow = training._Follow(Train(ready=ready), 1, SimpleNamespace(epochs=2), lambda steps, _: told.append(steps))
    follow.on_epoch_begin(1)
    return follow, told


def test_next_word_fits_its_epochs_and_memory_to_the_text():
    recipe = recipes.load("next_word")
    for given, tokens, gaps, epochs, memory in (
        ({}, 1_388_607, True, 3, recipe.LONG),
        ({}, 60_000, False, 30, 1),
        ({"epochs": 2, "memory": 20}, 60_000, True, 2, 20),
    ):
        fitted = recipe._fitted_to(recipe.Config(**given), tokens, gaps)
        assert (fitted.epochs, fitted.memory) == (epochs, memory)


def test_the_rate_rises_and_falls_as_often_as_asked(train_and_validation, tmp_path, monkeypatch):
    rates = []

    def note(self, batch, logs):
        rates.append(float(self.model.optimizer.learning_rate))  # which the next step will have

    monkeypatch.setattr(training._Numbers, "on_train_batch_end", note)
    network = model()
    fit(network, *train_and_validation, Plan(epochs=8, learning_rate=0.02, patience=9, cycles=4), tmp_path)
    cycles = np.reshape(rates, [4, 2 * len(train_and_validation[0])])
    np.testing.assert_allclose(cycles, np.tile(cycles[0], (4, 1)), rtol=1e-5)
    top = np.argmax(cycles[0])
    assert cycles.max() == pytest.approx(0.02) and top == 2 and cycles[0, -1] == 0
    assert (np.diff(cycles[0, : top + 1]) > 0).all() and (np.diff(cycles[0, top:]) < 0).all()


def test_cycles_are_planned_with_patience_for_one_and_from_scratch_alone():
    config = {"learning_rate": 0.1, "finetuning_rate": 0.01, "clip": 1.0, "patience": 2, "rate_decay": 1.0}
    config = SimpleNamespace(**config, unfreeze=0.0, cycles=3)
    assert plan_of(config, 12, going_on=False) == Plan(12, 0.1, patience=4, cycles=3)
    assert plan_of(config, 2, going_on=True) == Plan(2, 0.01)
    with pytest.raises(CallError, match="at most one an epoch, and there are 2 epochs; got 3"):
        plan_of(config, 2, going_on=False)
