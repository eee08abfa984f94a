"""Checkpoints: complete or absent, and only for the same data and the same model."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from nlp_rnn.checks import UsageError
from nlp_rnn.training.checkpoints import CheckpointManager
from nlp_rnn.training.trainer import TrainingPlan, fit


@pytest.fixture
def make_manager(tmp_path):
    """Makes checkpoints of a model of few weights, trained on the numbers up to `count`."""

    def make(units=1, count=3):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(units, use_bias=False)])
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
        return CheckpointManager(model, tmp_path, SimpleNamespace(arrays=[np.arange(count)]))

    return make


@pytest.fixture
def manager(make_manager):
    return make_manager()


def test_the_best_epoch_is_the_first_of_the_lowest_validation_loss(manager):
    assert manager.epochs_since_best() == 0 and not manager.done(1, 0)
    for weight, loss in enumerate([3.0, 1.0, 2.0, 1.0]):
        manager.model.set_weights([np.full((1, 1), float(weight))])
        manager.add_epoch({"val_loss": loss})
    assert manager.epochs_since_best() == 2
    assert manager.done(9, 1) and not manager.done(9, 2) and manager.done(4, 2)
    manager.restore_best()
    assert manager.model.get_weights()[0] == 1.0


def test_a_checkpoint_replaces_the_one_before_and_is_restored(manager, make_manager, tmp_path, capsys):
    for weight in (1.0, 2.0):
        manager.model.set_weights([np.full((1, 1), weight)])
        manager.add_epoch({"val_loss": weight})
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-00002"]
    again = make_manager()
    again.restore()
    assert again.history == manager.history and again.model.get_weights()[0] == 2.0 and again.best[0] == 1.0
    assert capsys.readouterr().err == "resuming after epoch 2\n"


def test_a_folder_without_a_checkpoint_restores_nothing(manager, tmp_path):
    (tmp_path / "checkpoint-00001").mkdir()  # without its arrays
    manager.restore()
    assert manager.history == [] and manager.best == []


def test_other_data_or_another_model_are_refused(manager, make_manager):
    manager.add_epoch({"val_loss": 1.0})
    with pytest.raises(UsageError, match="was started with other data; resume with the same, or remove it"):
        make_manager(count=4).restore()
    with pytest.raises(UsageError, match="was started with another model; resume with the same, or remove it"):
        make_manager(units=2).restore()


@pytest.mark.slow
def test_training_is_not_resumed_with_other_data(data, make_batches, make_model, tmp_path):
    plan = TrainingPlan(epochs=1, learning_rate=0.02)
    fit(make_model(), *data, plan, tmp_path)
    for others in ((make_batches(1, texts=80), data[1]), (data[0], make_batches(None, texts=80))):
        with pytest.raises(UsageError, match="was started with other data"):
            fit(make_model(), *others, plan, tmp_path)


def test_a_checkpoint_is_whole_or_absent(manager, tmp_path, monkeypatch):
    manager.add_epoch({"val_loss": 1.0})

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left on device"):
        manager.add_epoch({"val_loss": 0.5})
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-00001"]


def test_a_checkpoint_overwritten_with_zeros_is_damaged(manager, make_manager, tmp_path):
    manager.add_epoch({"val_loss": 1.0})
    file = tmp_path / "checkpoint-00001" / "state.npz"
    file.write_bytes(b"\0" * len(file.read_bytes()))
    with pytest.raises(UsageError, match="checkpoint-00001 is damaged"):
        make_manager().restore()


@pytest.mark.parametrize("name", ["state.npz", "history.json"])
@pytest.mark.parametrize("left", [0, 50])
def test_a_truncated_checkpoint_is_damaged(manager, make_manager, tmp_path, name, left):
    manager.add_epoch({"val_loss": 1.0})
    file = tmp_path / "checkpoint-00001" / name
    assert len(file.read_bytes()) > left
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(UsageError, match=r"checkpoint-00001 is damaged: remove .* and start again"):
        make_manager().restore()
