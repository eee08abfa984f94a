"""Checkpoints: written after each epoch, to resume training if it is interrupted."""

import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from nlp_rnn.batches import Batches
from nlp_rnn.checks import UsageError
from nlp_rnn.progress import say


class CheckpointManager:
    """The history of training, the weights of its best epoch, and the newest checkpoint on disk.

    A checkpoint is a folder that is renamed when complete; the previous one is removed only afterwards.

    Args:
        model: a compiled model with a built optimizer.
        folder: the folder for the checkpoints.
        splits: the training and validation data.

    Attributes:
        history: one row per epoch, with its validation loss as val_loss.
        best: the weights of the epoch with the lowest validation loss.
    """

    def __init__(self, model: keras.Model, folder: Path, *splits: Batches):
        self.model = model
        self.folder = folder
        self.fingerprint = _fingerprint(splits)
        self.history: list[dict] = []
        self.best: list[np.ndarray] = []

    def add_epoch(self, row: dict) -> None:
        """Add an epoch to the history and write a checkpoint."""
        self.history.append(row)
        if self.epochs_since_best() == 0:
            self.best = self.model.get_weights()
        self._write()

    def epochs_since_best(self) -> int:
        """The number of epochs since the best one."""
        losses = [row["val_loss"] for row in self.history]
        return len(losses) - 1 - losses.index(min(losses)) if losses else 0

    def done(self, epochs: int, patience: int) -> bool:
        """Whether all epochs are done, or more than `patience` have passed since the best one."""
        return len(self.history) >= epochs or self.epochs_since_best() > patience

    def restore_best(self) -> None:
        """Set the model to the weights of its best epoch."""
        if self.best:
            self.model.set_weights(self.best)

    def restore(self) -> None:
        """Restore the last checkpoint in the folder, if there is one.

        Raises:
            UsageError: it belongs to other data or another model, or is damaged.
        """
        checkpoints = [p for p in sorted(self.folder.glob("checkpoint-*")) if (p / "state.npz").exists()]
        if not checkpoints:
            return
        damaged = UsageError(f"{checkpoints[-1]} is damaged: remove {self.folder} and start again")
        try:
            about = json.loads((checkpoints[-1] / "history.json").read_text())
        except (OSError, ValueError):
            raise damaged from None
        if about["fingerprint"] != self.fingerprint:
            raise UsageError(f"{self.folder} was started with other data; resume with the same, or remove it")
        if not zipfile.is_zipfile(checkpoints[-1] / "state.npz"):
            raise damaged
        try:
            self._assign(checkpoints[-1] / "state.npz")
        except (OSError, EOFError, zipfile.BadZipFile):
            raise damaged from None
        except (ValueError, KeyError):
            raise UsageError(
                f"{self.folder} was started with another model; resume with the same, or remove it"
            ) from None
        self.history = about["history"]
        say(f"resuming after epoch {len(self.history)}")

    def _assign(self, file):
        # Opened here, since NumPy does not close a damaged file.
        with open(file, "rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            for number, variable in enumerate(self._variables()):
                variable.assign(arrays[f"now_{number}"])
            self.best = [arrays[f"best_{number}"] for number in range(len(self.model.weights))]

    def _variables(self):
        """Weights, the random state of dropout, and the optimizer's moments and step count."""
        return [*self.model.variables, *self.model.optimizer.variables]

    def _write(self):
        partial = self.folder / "partial-checkpoint"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            now = {f"now_{n}": v.numpy() for n, v in enumerate(self._variables())}
            best = {f"best_{n}": array for n, array in enumerate(self.best)}
            arrays: dict[str, Any] = {**now, **best}
            np.savez(partial / "state.npz", **arrays)
            about = {"fingerprint": self.fingerprint, "history": self.history}
            (partial / "history.json").write_text(json.dumps(about))
            for file in partial.iterdir():  # before the older checkpoint is removed: this one must survive a power cut
                with open(file, "rb") as written:
                    os.fsync(written.fileno())
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        before = list(self.folder.glob("checkpoint-*"))
        os.replace(partial, self.folder / f"checkpoint-{len(self.history):05d}")
        for checkpoint in before:
            shutil.rmtree(checkpoint)


def _fingerprint(splits):
    """SHA-256 of the training data as arrays, which depend on the data and on the vocabulary."""
    seen = hashlib.sha256()
    for split in splits:
        for array in split.arrays:
            seen.update(np.ascontiguousarray(array).data)
    return seen.hexdigest()
