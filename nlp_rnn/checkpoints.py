"""What a training run keeps after each epoch, to go on from there if it is interrupted."""

import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np

from nlp_rnn.checks import CallError
from nlp_rnn.progress import say


class Memory:
    """All that a run must remember from epoch to epoch, and its place on disk.

    A checkpoint is a folder that appears whole, by renaming; the one before goes only afterwards.

    Args:
        model: compiled, its optimizer built.
        folder: where checkpoints go.
        splits: what is trained and validated on, each with encoded `texts`.

    Attributes:
        history: a row an epoch, with its validation loss as val_loss.
        best: the weights of the epoch where that was least.
    """

    def __init__(self, model: keras.Model, folder: Path, *splits):
        self.model = model
        self.folder = folder
        self.fingerprint = _fingerprint(splits)
        self.history: list[dict] = []
        self.best: list[np.ndarray] = []

    def remember(self, row: dict) -> None:
        """Take in an epoch and write a checkpoint."""
        self.history.append(row)
        if self.waited() == 0:
            self.best = self.model.get_weights()
        self._write()

    def waited(self) -> int:
        """Epochs since the best one."""
        losses = [row["val_loss"] for row in self.history]
        return len(losses) - 1 - losses.index(min(losses)) if losses else 0

    def done(self, epochs: int, patience: int) -> bool:
        """Whether that was the last epoch, or the best one is longer ago than `patience`."""
        return len(self.history) >= epochs or self.waited() > patience

    def give_best(self) -> None:
        """Set the model to the weights of its best epoch."""
        if self.best:
            self.model.set_weights(self.best)

    def restore(self) -> None:
        """Take up the last checkpoint in the folder, if there is one.

        Raises:
            CallError: it was made with other data or another model, or is damaged.
        """
        checkpoints = [p for p in sorted(self.folder.glob("checkpoint-*")) if (p / "state.npz").exists()]
        if not checkpoints:
            return
        damaged = CallError(f"{checkpoints[-1]} is damaged: remove {self.folder} and begin again")
        try:
            about = json.loads((checkpoints[-1] / "history.json").read_text())
        except (OSError, ValueError):
            raise damaged from None
        if about["fingerprint"] != self.fingerprint:
            raise CallError(f"{self.folder} was begun with other data; resume with the same, or remove it")
        if not zipfile.is_zipfile(checkpoints[-1] / "state.npz"):
            raise damaged
        try:
            self._assign(checkpoints[-1] / "state.npz")
        except (OSError, EOFError, zipfile.BadZipFile):
            raise damaged from None
        except (ValueError, KeyError):
            raise CallError(f"{self.folder} was begun with another model; resume with the same, or remove it") from None
        self.history = about["history"]
        say(f"going on after epoch {len(self.history)}")

    def _assign(self, file):
        # Opened here, since NumPy leaves a damaged file open.
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
            np.savez(partial / "state.npz", **now, **best)
            about = {"fingerprint": self.fingerprint, "history": self.history}
            (partial / "history.json").write_text(json.dumps(about))
            for file in partial.iterdir():  # the checkpoint before it goes: this one has to be there after a power cut
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
    """SHA-256 of the encoded texts and labels: they change with the data, and with the vocabulary."""
    seen = hashlib.sha256()
    for split in splits:
        for array in split.texts.arrays:
            seen.update(np.ascontiguousarray(array))
    return seen.hexdigest()
