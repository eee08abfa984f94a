"""Callbacks: losses that are not finite, Ctrl-C, progress and the time spent waiting for data."""

import signal
import threading
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.interrupts import Stopped
from nlp_rnn.training import callbacks
from nlp_rnn.training.callbacks import HandleInterrupts, ShowProgress
from nlp_rnn.training.checkpoints import CheckpointManager
from nlp_rnn.training.trainer import TrainingPlan, fit

ONE_EPOCH = TrainingPlan(epochs=1, learning_rate=0.01)


def test_a_loss_that_is_not_finite_is_reported_with_its_step_and_the_cure(data, make_model, tmp_path):
    model = make_model()
    model.build((None, None))
    model.head.kernel.assign(np.full(model.head.kernel.shape, np.nan))
    message = (
        r"the loss became nan in epoch 1, by step 1: lower learning_rate \(now 0.01\) or global_clipnorm \(now 1\)"
    )
    with pytest.raises(InputError, match=message):
        fit(model, *data, ONE_EPOCH, tmp_path)


@pytest.mark.slow
def test_a_validation_loss_that_is_not_finite_is_reported_too(data, make_model, tmp_path, add_callback):
    model = make_model()

    def spoil(batch, logs):
        if batch == 5:
            model.head.kernel.assign(model.head.kernel * np.nan)

    add_callback(keras.callbacks.LambdaCallback(on_train_batch_end=spoil))
    with pytest.raises(InputError, match="the validation loss became nan in epoch 1: lower learning_rate"):
        fit(model, *data, ONE_EPOCH, tmp_path)
    assert not list(tmp_path.glob("checkpoint-*"))


@pytest.mark.slow
def test_ctrl_c_while_the_last_checkpoint_is_written_is_heeded(data, make_model, tmp_path, monkeypatch):
    write = CheckpointManager._write

    def interrupted(self):
        write(self)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(CheckpointManager, "_write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(make_model(), *data, ONE_EPOCH, tmp_path)
    assert list(tmp_path.glob("checkpoint-00001"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_training_after_the_step_and_its_handler_is_restored(number):
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as stopped, HandleInterrupts() as interrupts:
        interrupts.on_train_batch_end(0)
        signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            interrupts.on_test_batch_end(0)
    assert signal.getsignal(number) is before and stopped.value.exit_code == 128 + number


def test_training_outside_the_main_thread_leaves_signals_alone():
    handlers = []

    def train():
        with HandleInterrupts() as interrupts:
            handlers.append(signal.getsignal(signal.SIGINT) == interrupts._request)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert handlers == [False]


def test_waiting_is_counted_where_a_batch_was_made_after_the_step_before_it_ended(monkeypatch):
    shown, _ = second_epoch(ready_times=[0.0, 1.0, 7.0])
    for batch, now in enumerate((3.0, 5.0, 8.0)):
        monkeypatch.setattr(callbacks.time, "monotonic", lambda now=now: now)
        shown.on_train_batch_end(batch, {"loss": 1.0})
    assert shown.waited == 2.0, "batch 2 was made at 7, the step before ended at 5"


def test_of_steps_run_together_only_the_last_batch_is_waited_for_and_no_step_is_counted_twice(monkeypatch):
    shown, updates = second_epoch(ready_times=[0.0, 1.0, 4.0, 7.0, 9.0])
    for batch, now in ((1, 3.0), (3, 8.0), (5, 10.0)):
        monkeypatch.setattr(callbacks.time, "monotonic", lambda now=now: now)
        shown.on_train_batch_end(batch, {"loss": 1.0})
    shown.on_test_batch_end(1)
    assert shown.waited == 5.0, "the second two were made at 7, the first ended at 3; the last at 9 after 8"
    assert updates == [
        (8, "epoch 2/2, loss 1.000"), (10, "epoch 2/2, loss 1.000"), (11, "epoch 2/2, loss 1.000"),
        (12, "epoch 2/2, loss 1.000, validating"),
    ], "the first epoch had 5 steps, and one of validation"  # fmt: skip


def second_epoch(ready_times):
    """The progress of a second epoch whose batches were made at these times, and its updates."""

    class Train(SimpleNamespace):
        def __len__(self):
            return len(self.ready_times)

    updates = []
    shown = ShowProgress(Train(ready_times=ready_times), 1, 2, lambda *update: updates.append(update))
    shown.on_epoch_begin(1)
    return shown, updates


@pytest.mark.slow
def test_each_epoch_is_reported_in_one_line(data, make_model, tmp_path, capsys):
    fit(make_model(), *data, TrainingPlan(epochs=2, learning_rate=0.01), tmp_path)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch")]
    assert len(lines) == 2 and lines[0].startswith("epoch 1/2: loss 0.")
    assert "; validation loss 0." in lines[0] and " accuracy " in lines[0]
    assert lines[0].endswith("of it waiting for data")


@pytest.mark.parametrize(
    "row, perplexity, words",
    [
        ({"loss": 0.5, "accuracy": 0.75}, True, ["loss 0.5000", "accuracy 0.7500"]),
        ({"loss": 2.0}, True, ["loss 2.0000", "perplexity 7.4"]),
        ({"loss": 2.0}, False, ["loss 2.0000"]),
        ({"loss": 1e6}, True, ["loss 1000000.0000", f"perplexity {np.exp(50):.1f}"]),
    ],
)
def test_the_figures_of_an_epoch(row, perplexity, words):
    assert list(callbacks._figures(row, "", perplexity)) == words
