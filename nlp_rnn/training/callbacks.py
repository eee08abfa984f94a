"""Callbacks of training: Ctrl-C, non-finite losses, progress, checkpoints."""

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import keras

from nlp_rnn.batches import Batches
from nlp_rnn.checks import InputError
from nlp_rnn.interrupts import Stopped, handled
from nlp_rnn.progress import say
from nlp_rnn.training.checkpoints import CheckpointManager
from nlp_rnn.training.objective import reports_perplexity


class HandleInterrupts(keras.callbacks.Callback):
    """Raises `Stopped` for Ctrl-C and other signals between steps; within a step it might be swallowed."""

    def __enter__(self):
        self.requested = 0  # the number of the signal
        self.handled = ExitStack()
        self.handled.enter_context(handled(self._request))
        return self

    def __exit__(self, kind, *error):
        self.handled.close()
        if kind is None:  # while the last checkpoint was written
            self.on_train_batch_end(None)

    def _request(self, number, frame):
        self.requested = number

    def on_train_batch_end(self, batch, logs: Any = None):
        if self.requested:
            raise Stopped(self.requested)

    on_test_batch_end = on_train_batch_end


class CheckFinite(keras.callbacks.Callback):
    """Raises an InputError as soon as the loss is not finite.

    Args:
        learning_rate, global_clipnorm: the settings, for the message.
    """

    def __init__(self, learning_rate: float, global_clipnorm: float):
        super().__init__()
        self.cure = f"lower learning_rate (now {learning_rate:g}) or global_clipnorm (now {global_clipnorm:g})"
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs: Any = None):
        self._check(logs["loss"], "loss", f"epoch {self.epoch + 1}, by step {min(batch + 1, self.params['steps'])}")

    def on_epoch_end(self, epoch, logs: Any = None):
        self._check(logs["val_loss"], "validation loss", f"epoch {epoch + 1}")

    def _check(self, loss, name, where):
        if not math.isfinite(loss):
            raise InputError(f"the {name} became {loss} in {where}: {self.cure}")


class ShowProgress(keras.callbacks.Callback):
    """Shows progress, sets the epoch of the batches, and adds up the seconds spent waiting for them.

    Args:
        train: the training batches.
        validation: number of validation batches.
        epochs: maximum number of epochs.
        update: the function that `progress.progress` yields.
    """

    def __init__(self, train: Batches, validation: int, epochs: int, update: Callable[[float, str], None]):
        super().__init__()
        self.train, self.epochs, self.update = train, epochs, update
        self.steps, self.validation = len(train), validation
        self.state, self.waited = "", 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.train.epoch = epoch
        self.before = epoch * (self.steps + self.validation)
        self.epoch = epoch + 1
        self.waited, self.ended = 0.0, math.inf  # the first batch is made after tracing: no waiting

    def on_train_batch_end(self, batch, logs: Any = None):
        done = min(batch + 1, self.steps)  # Keras counts past the end of an epoch
        self.waited += max(0.0, self.train.ready_times[done - 1] - self.ended)  # made after the steps before had ended
        self.ended = time.monotonic()
        self.state = f"epoch {self.epoch}/{self.epochs}, loss {logs['loss']:.3f}"
        self.update(self.before + done, self.state)

    def on_test_batch_end(self, batch, logs=None):
        done = self.steps + min(batch + 1, self.validation)
        self.update(self.before + done, f"{self.state}, validating")


class KeepBestEpoch(keras.callbacks.Callback):
    """After each epoch: prints its metrics, writes a checkpoint, and stops when the patience is exhausted.

    Args:
        epochs, patience: see `TrainingPlan`.
        checkpoints: stores the best epoch.
        shown: records the seconds spent waiting for data.
    """

    def __init__(self, epochs: int, patience: int, checkpoints: CheckpointManager, shown: ShowProgress):
        super().__init__()
        self.epochs, self.patience, self.checkpoints, self.shown = epochs, patience, checkpoints, shown

    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.monotonic()

    def on_epoch_end(self, epoch, logs: Any = None):
        seconds = round(time.monotonic() - self.begun, 1)
        names = [name for name in ("loss", "accuracy", "val_loss", "val_accuracy") if name in logs]
        row = {"epoch": epoch + 1, **{name: float(logs[name]) for name in names}, "seconds": seconds}
        self.checkpoints.add_epoch(row)
        trained, validated = (
            ", ".join(_figures(row, prefix, reports_perplexity(self.model, training=not prefix)))
            for prefix in ("", "val_")
        )
        say(
            f"epoch {epoch + 1}/{self.epochs}: {trained}; validation {validated}; "
            f"{seconds:.0f} s, {self.shown.waited / max(seconds, 0.1):.0%} of it waiting for data"
        )
        self.model.stop_training = self.checkpoints.done(self.epochs, self.patience)


def _figures(row, prefix, perplexity):
    """The metrics of an epoch as text; with the perplexity where there is no accuracy and the loss gives one."""
    yield f"loss {row[f'{prefix}loss']:.4f}"
    if "accuracy" in row:
        yield f"accuracy {row[f'{prefix}accuracy']:.4f}"
    elif perplexity:
        yield f"perplexity {math.exp(min(row[f'{prefix}loss'], 50)):.1f}"
