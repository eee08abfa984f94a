"""Training with Keras' `fit`: keeps the best epoch, writes checkpoints, resumes from them, and detects NaN."""

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nlp_rnn.allocator import keep_freed_memory
from nlp_rnn.batches import Batches
from nlp_rnn.checks import UsageError
from nlp_rnn.progress import progress
from nlp_rnn.training.callbacks import CheckFinite, HandleInterrupts, KeepBestEpoch, ShowProgress
from nlp_rnn.training.checkpoints import CheckpointManager
from nlp_rnn.training.optimizers import FusedAdam, LayeredAdam, layer_depths
from nlp_rnn.training.settings import TrainingSettings

WARMUP_STEPS = 50
MAX_WORK = 8 * 10**9  # points times weights per call of the train function: less than half a second on two cores


@dataclass(frozen=True)
class TrainingPlan:
    """How to train.

    Attributes:
        epochs: maximum number of epochs.
        learning_rate: of Adam, at its peak; in each cycle it rises over at most 50 steps, then falls to zero as half a
            cosine.
        global_clipnorm: gradients are clipped to this global norm.
        patience: epochs in a row without a lower validation loss before training stops.
        layerwise_decay: the learning rate of a layer divided by that of the layer below; 1 for equal rates.
        unfreeze_interval: epochs until the next lower layer is unfrozen; 0 to train all at once.
        cycles: number of cycles of the learning rate (Loshchilov & Hutter, 2017, "SGDR"); the patience is at least one
            cycle, since the loss rises with the learning rate.
    """

    epochs: int
    learning_rate: float
    global_clipnorm: float = 1.0
    patience: int = 2
    layerwise_decay: float = 1.0
    unfreeze_interval: float = 0.0
    cycles: int = 1


def training_plan(config: TrainingSettings, epochs: int, finetune: bool, rate_factor: float = 1.0) -> TrainingPlan:
    """The training plan of a recipe's settings.

    Args:
        config: the settings.
        epochs: maximum number of epochs, which a recipe may have chosen.
        finetune: start from the weights of another run, with `finetuning_learning_rate`, gradual unfreezing and
            discriminative learning rates as the settings say, in one cycle.
        rate_factor: multiplies the learning rate.

    Raises:
        UsageError: there are more cycles than epochs.
    """
    if finetune:
        rate, decay = rate_factor * config.finetuning_learning_rate, config.layerwise_decay
        return TrainingPlan(epochs, rate, config.global_clipnorm, config.patience, decay, config.unfreeze_interval)
    cycles = config.cycles
    if cycles > epochs:
        raise UsageError(f"cycles: at most one per epoch, and there are {epochs} epochs; got {cycles}")
    patience = config.patience if cycles == 1 else max(config.patience, math.ceil(epochs / cycles))
    rate = rate_factor * config.learning_rate
    return TrainingPlan(epochs, rate, config.global_clipnorm, patience, cycles=cycles)


def fit(
    model: keras.Model,
    train: Batches,
    validation: Batches,
    plan: TrainingPlan,
    folder: Path,
    tensorboard: bool = False,
    class_weights: np.ndarray | None = None,
) -> list[dict]:
    """Train `model` and leave it with the weights of its best epoch.

    Resumes after the last complete epoch if `folder` holds a checkpoint, with the batches, dropout masks and optimizer
    state of an uninterrupted run.

    Args:
        model: maps ids [B, T] to logits [B, C]; or an `Objective`, which computes its own loss.
        train, validation: the training data, and the data that decide which epoch is best.
        plan: how to train.
        folder: the folder for checkpoints, and for TensorBoard logs if requested.
        tensorboard: write TensorBoard logs.
        class_weights: [C], the weight in the loss of texts of each class; None for equal weights.

    Returns:
        The history: a dict per epoch with loss, val_loss, seconds, and for classifiers accuracy and val_accuracy.

    Raises:
        InputError: the loss became NaN or infinite.
    """
    keep_freed_memory()
    _compile(model, plan, train)
    checkpoints = CheckpointManager(model, folder, train, validation)
    checkpoints.restore()
    log = [_tensorboard(folder)] if tensorboard else []
    total = plan.epochs * (len(train) + len(validation))
    with HandleInterrupts() as interrupts, progress("training", total) as update:
        shown = ShowProgress(train, len(validation), plan.epochs, update)
        kept = KeepBestEpoch(plan.epochs, plan.patience, checkpoints, shown)
        callbacks = [interrupts, CheckFinite(plan.learning_rate, plan.global_clipnorm), shown, kept, *log]
        done = checkpoints.done(plan.epochs, plan.patience)
        begun = plan.epochs if done else len(checkpoints.history)
        options = {"shuffle": False, "verbose": 0, "callbacks": callbacks}  # the batches come shuffled
        trained, validated = (_weighted(split.dataset(), class_weights) for split in (train, validation))
        model.fit(trained, validation_data=validated, epochs=plan.epochs, initial_epoch=begun, **options)
    checkpoints.restore_best()
    return checkpoints.history


def _weighted(batches, class_weights):
    """Batches of ids and labels, with the weight of each label as a third part if there are weights."""
    if class_weights is None:
        return batches
    return batches.map(lambda ids, labels: (ids, labels, tf.gather(class_weights, labels)))


def _tensorboard(folder):
    if importlib.util.find_spec("tensorboard") is None:
        raise UsageError("--tensorboard needs the package tensorboard: pip install 'nlp-rnn[tensorboard]'")
    return keras.callbacks.TensorBoard(folder / "tensorboard")


class _Cycles(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up and half a cosine, once per cycle.

    Args:
        rate: the peak learning rate.
        steps: total number of training steps.
        cycles: number of cycles, all of the same length.
    """

    def __init__(self, rate, steps, cycles):
        self.config = {"rate": rate, "steps": steps, "cycles": cycles}
        self.length = steps / cycles
        warmup = min(WARMUP_STEPS, int(self.length / 4))
        decay = {"decay_steps": self.length - warmup, "warmup_target": rate, "warmup_steps": warmup}
        self.one = keras.optimizers.schedules.CosineDecay(0.0, **decay)

    def __call__(self, step):
        return self.one(keras.ops.cast(step, "float32") % self.length)

    def get_config(self):
        return self.config


def _compile(model, plan, train):
    steps = len(train)
    if not model.built:
        model.build((None, None))
    model.compile(
        _optimizer(model, plan, _Cycles(plan.learning_rate, plan.epochs * steps, plan.cycles), steps),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        jit_compile=False,  # XLA compiles anew for every length
        steps_per_execution=steps_per_execution(train, model),
    )
    model.optimizer.build(model.trainable_variables)


def steps_per_execution(train: Batches, model: keras.Model) -> int:
    """The number of steps to run before Keras, and with it a progress bar or Ctrl-C, regains control.

    Args:
        train: the training data; if they allow several steps, `points` is the size of a batch.
        model: a built model.
    """
    limit = train.max_steps_per_execution
    if limit == 1:
        return 1
    return max(1, min(limit, MAX_WORK // (train.points * max(model.count_params(), 1))))


def _optimizer(model, plan, schedule, steps):
    if plan.layerwise_decay == 1.0 and not plan.unfreeze_interval:
        return FusedAdam(schedule, global_clipnorm=plan.global_clipnorm)
    interval = round(plan.unfreeze_interval * steps)
    clipnorm = {"global_clipnorm": plan.global_clipnorm}
    return LayeredAdam(schedule, layer_depths(model), plan.layerwise_decay, interval, **clipnorm)
