"""Training: it learns, it resumes as if nothing had happened, it follows its schedule."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from nlp_rnn.checks import UsageError
from nlp_rnn.text.batching import LengthBuckets
from nlp_rnn.training import trainer
from nlp_rnn.training.callbacks import CheckFinite
from nlp_rnn.training.checkpoints import CheckpointManager
from nlp_rnn.training.optimizers import FusedAdam, LayeredAdam
from nlp_rnn.training.settings import TrainingSettings
from nlp_rnn.training.trainer import TrainingPlan, fit, training_plan


class StopAtStep15(keras.callbacks.Callback):
    """Stands for a kill in the middle of an epoch."""

    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations == 15:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_learns_and_keeps_the_best_epoch(data, make_model, tmp_path):
    model = make_model()
    history = fit(model, *data, TrainingPlan(epochs=8, learning_rate=0.05), tmp_path)
    best = min(history, key=lambda row: row["val_loss"])
    assert best["val_accuracy"] > 0.95
    loss = model.evaluate(data[1].dataset(), verbose=0)[0]
    assert loss == pytest.approx(best["val_loss"], abs=1e-4)


@pytest.mark.slow
def test_a_killed_run_resumes_as_if_nothing_had_happened(data, make_model, tmp_path, add_callback):
    plan = TrainingPlan(epochs=4, learning_rate=0.02, patience=9)
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    whole = make_model()
    expected = fit(whole, *data, plan, tmp_path / "whole")
    remove = add_callback(StopAtStep15())
    with pytest.raises(KeyboardInterrupt):
        fit(make_model(), *data, plan, tmp_path / "cut")
    assert [p.name for p in (tmp_path / "cut").iterdir()] == ["checkpoint-00002"]
    remove()
    resumed = make_model()
    history = fit(resumed, *data, plan, tmp_path / "cut")
    for row, other in zip(history, expected, strict=True):
        assert {**row, "seconds": 0} == {**other, "seconds": 0}
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_a_finished_run_is_not_trained_again(data, make_model, tmp_path, capsys):
    plan = TrainingPlan(epochs=1, learning_rate=0.02)
    history = fit(make_model(), *data, plan, tmp_path)
    capsys.readouterr()
    assert fit(make_model(), *data, plan, tmp_path) == history
    assert capsys.readouterr().err == "resuming after epoch 1\n"


@pytest.mark.slow
def test_the_same_seed_gives_the_same_result(data, make_model, tmp_path):
    losses = []
    for name in "ab":
        (tmp_path / name).mkdir()
        losses.append(fit(make_model(), *data, TrainingPlan(2, 0.02), tmp_path / name)[-1]["val_loss"])
    assert losses[0] == losses[1]


@pytest.mark.slow
def test_stops_when_it_no_longer_gets_better(data, make_model, tmp_path, monkeypatch):
    add_epoch = CheckpointManager.add_epoch
    monkeypatch.setattr(
        CheckpointManager, "add_epoch", lambda self, row: add_epoch(self, {**row, "val_loss": float(row["epoch"])})
    )
    history = fit(make_model(), *data, TrainingPlan(epochs=9, learning_rate=0.01, patience=1), tmp_path)
    assert len(history) == 3, "one best epoch, one of patience, one too many"


@pytest.mark.slow
def test_every_epoch_has_an_order_of_its_own(data, make_model, tmp_path, monkeypatch):
    seen, plan = set(), LengthBuckets.plan
    monkeypatch.setattr(LengthBuckets, "plan", lambda self: seen.add(self.epoch) or plan(self))
    fit(make_model(), *data, TrainingPlan(epochs=3, learning_rate=0.02, patience=9), tmp_path)
    assert seen == {0, 1, 2}


@pytest.mark.slow
def test_the_learning_rate_ends_at_zero(data, make_model, tmp_path):
    model = make_model()
    fit(model, *data, TrainingPlan(epochs=2, learning_rate=0.02, patience=9), tmp_path)
    assert float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_the_learning_rate_rises_and_falls_once_per_cycle(data, make_model, tmp_path, monkeypatch):
    rates = []

    def record(self, batch, logs):
        rates.append(float(self.model.optimizer.learning_rate))  # of the next step

    monkeypatch.setattr(CheckFinite, "on_train_batch_end", record)
    fit(make_model(), *data, TrainingPlan(epochs=8, learning_rate=0.02, patience=9, cycles=4), tmp_path)
    cycles = np.reshape(rates, [4, 2 * len(data[0])])
    np.testing.assert_allclose(cycles, np.tile(cycles[0], (4, 1)), rtol=1e-5)
    top = np.argmax(cycles[0])
    assert cycles.max() == pytest.approx(0.02) and top == 2 and cycles[0, -1] == 0
    assert (np.diff(cycles[0, : top + 1]) > 0).all() and (np.diff(cycles[0, top:]) < 0).all()


def test_cycles_are_planned_with_patience_for_one_and_not_when_fine_tuning():
    config = TrainingSettings(learning_rate=0.1, finetuning_learning_rate=0.01, patience=2, cycles=3)
    assert training_plan(config, 12, finetune=False) == TrainingPlan(12, 0.1, patience=4, cycles=3)
    assert training_plan(config, 2, finetune=True) == TrainingPlan(2, 0.01)
    with pytest.raises(UsageError, match="at most one per epoch, and there are 2 epochs; got 3"):
        training_plan(config, 2, finetune=False)


def test_a_plan_has_the_settings_of_fine_tuning_only_when_fine_tuning():
    config = TrainingSettings(layerwise_decay=2.6, unfreeze_interval=1.5, global_clipnorm=0.3, patience=5)
    tuned = training_plan(config, 4, finetune=True, rate_factor=0.5)
    assert tuned == TrainingPlan(4, 0.5 * config.finetuning_learning_rate, 0.3, 5, 2.6, 1.5)
    assert training_plan(config, 4, finetune=False) == TrainingPlan(4, config.learning_rate, 0.3, 5)


def test_the_optimizer_is_layered_only_if_the_plan_is(data, make_model):
    model = make_model()
    model.build((None, None))
    plain = trainer._optimizer(model, TrainingPlan(2, 0.1, global_clipnorm=0.4), 0.1, 10)
    assert type(plain) is FusedAdam and plain.global_clipnorm == 0.4
    layered = trainer._optimizer(model, TrainingPlan(2, 0.1, unfreeze_interval=0.25), 0.1, 10)
    assert type(layered) is LayeredAdam and (layered.unfreeze_steps, layered.decay) == (2, 1.0)


@pytest.mark.parametrize(
    "limit, points, weights, steps", [(1, 10**9, 10**9, 1), (64, 10, 100, 64), (64, 10**4, 10**5, 8), (64, 10**9, 9, 1)]
)
def test_steps_run_together_only_where_they_are_short(limit, points, weights, steps):
    batches = SimpleNamespace(max_steps_per_execution=limit, points=points)
    assert trainer.steps_per_execution(batches, SimpleNamespace(count_params=lambda: weights)) == steps


@pytest.mark.slow
def test_tensorboard_writes_its_logs_or_says_what_it_needs(data, make_model, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    fit(make_model(), *data, TrainingPlan(1, 0.02), tmp_path, tensorboard=True)
    assert list(tmp_path.glob("tensorboard/train/events.*"))
    monkeypatch.setattr(trainer.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"--tensorboard needs the package tensorboard: pip install 'nlp-rnn\[tensor"):
        fit(make_model(), *data, TrainingPlan(2, 0.02), tmp_path, tensorboard=True)


def test_class_weights_weigh_the_loss_and_not_the_accuracy(data, make_model, tmp_path):
    model, weights = make_model(), np.array([3.0, 0.5], np.float32)
    [row] = fit(model, *data, TrainingPlan(epochs=1, learning_rate=1e-9), tmp_path, class_weights=weights)
    labels = np.concatenate([labels for _, labels in data[1].dataset()])
    logits = np.concatenate([model(ids) for ids, _ in data[1].dataset()])
    losses = np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(labels)), labels]
    assert row["val_loss"] == pytest.approx((weights[labels] * losses).mean(), rel=1e-4)
    assert row["val_accuracy"] == pytest.approx((logits.argmax(-1) == labels).mean())
