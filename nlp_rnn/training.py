"""Train with Keras' `fit`: the best epoch kept, a checkpoint after each, NaN caught, resumed where it stopped."""

import importlib.util
import math
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import keras

from nlp_rnn.batching import LengthBuckets
from nlp_rnn.checkpoints import Memory
from nlp_rnn.checks import CallError, InputError
from nlp_rnn.optimizers import FusedAdam, LayeredAdam, depths
from nlp_rnn.progress import progress, say
from nlp_rnn.streams import Streams

WARMUP_STEPS = 50
WORK = 8 * 10**9  # points times weights of the steps that pass untold: less than half a second on two cores


@dataclass(frozen=True)
class Plan:
    """How to train.

    Attributes:
        epochs: at most so many.
        learning_rate: of Adam, at its peak; in each cycle it rises over at most 50 steps, then falls to zero as half a
            cosine.
        clip: bound on the norm of all gradients together.
        patience: so many epochs in a row may pass without a lower validation loss; one more ends the training.
        rate_decay: what the rate of a layer is divided by for the layer below it.
        unfreeze: epochs from when a layer begins to learn until the one below it does.
        cycles: so often the rate rises and falls (Loshchilov & Hutter, 2017, "SGDR"); the patience lasts for one
            at least, since the loss rises with the rate.
    """

    epochs: int
    learning_rate: float
    clip: float = 1.0
    patience: int = 2
    rate_decay: float = 1.0
    unfreeze: float = 0.0
    cycles: int = 1


def plan_of(config, epochs: int, going_on: bool, pace: float = 1.0) -> Plan:
    """How to train by a recipe's settings: from scratch at `learning_rate`, going on at `finetuning_rate`.

    Args:
        config: the settings of `Plan`, and these two; cycles where the recipe has it.
        epochs: how many, since a recipe may choose them.
        going_on: from the weights of another run; lower layers then learn later and slower as `config` says, in one
            cycle.
        pace: both rates are multiplied by this.

    Raises:
        CallError: there are more cycles than epochs.
    """
    if going_on:
        rate = pace * config.finetuning_rate
        return Plan(epochs, rate, config.clip, config.patience, config.rate_decay, config.unfreeze)
    cycles = getattr(config, "cycles", 1)
    if cycles > epochs:
        raise CallError(f"cycles: at most one an epoch, and there are {epochs} epochs; got {cycles}")
    patience = config.patience if cycles == 1 else max(config.patience, math.ceil(epochs / cycles))
    return Plan(epochs, pace * config.learning_rate, config.clip, patience, cycles=cycles)


def fit(
    model: keras.Model,
    train: LengthBuckets | Streams,
    validation: LengthBuckets | Streams,
    plan: Plan,
    folder: Path,
    tensorboard: bool = False,
) -> list[dict]:
    """Train `model` and leave it with the weights of its best epoch.

    Continues after the last whole epoch if `folder` holds a checkpoint: batches, dropout and optimizer then go on as if
    nothing had happened.

    Args:
        model: ids [B, T] to logits [B, C]; or an `Objective`, which has a loss of its own.
        train, validation: what to train on and what decides which epoch is best.
        plan: how to train.
        folder: where checkpoints go, and TensorBoard's logs if asked for.

    Returns:
        The history: a dict an epoch with loss, val_loss, seconds, and of classes accuracy and val_accuracy.

    Raises:
        InputError: the loss became NaN or infinite.
    """
    _compile(model, plan, train)
    memory = Memory(model, folder, train, validation)
    memory.restore()
    log = [_tensorboard(folder)] if tensorboard else []
    steps = len(train) + len(validation)
    with _Interrupts() as interrupts, progress("training", plan.epochs * steps) as update:
        follow = _Follow(train, len(validation), plan, update)
        callbacks = [interrupts, _Numbers(plan), follow, _Keep(plan, memory, follow), *log]
        begun = plan.epochs if memory.done(plan.epochs, plan.patience) else len(memory.history)
        options = {"shuffle": False, "verbose": 0, "callbacks": callbacks}  # the batches come shuffled
        validated = validation.dataset()
        model.fit(train.dataset(), validation_data=validated, epochs=plan.epochs, initial_epoch=begun, **options)
    memory.give_best()
    return memory.history


def _tensorboard(folder):
    if importlib.util.find_spec("tensorboard") is None:
        raise CallError("--tensorboard needs the package tensorboard: pip install 'nlp-rnn[tensorboard]'")
    return keras.callbacks.TensorBoard(folder / "tensorboard")


class _Cycles(keras.optimizers.schedules.LearningRateSchedule):
    """A rise and half a cosine, again and again.

    Args:
        rate: the peak.
        steps: of training.
        cycles: how often; all take as long.
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
        steps_per_execution=untold_steps(train, model),
    )
    model.optimizer.build(model.trainable_variables)


def untold_steps(train: LengthBuckets | Streams, model: keras.Model) -> int:
    """How many steps may pass before Keras, and with it whoever waits or wants it to stop, hears of them.

    Args:
        train: what is trained on; where it allows of several, it says how many `points` a batch has.
        model: built.
    """
    if train.together == 1:
        return 1
    return max(1, min(train.together, WORK // (train.points * max(model.count_params(), 1))))


def _optimizer(model, plan, schedule, steps):
    if plan.rate_decay == 1.0 and not plan.unfreeze:
        return FusedAdam(schedule, global_clipnorm=plan.clip)
    rest = round(plan.unfreeze * steps)
    return LayeredAdam(schedule, depths(model), plan.rate_decay, rest, global_clipnorm=plan.clip)


class _Interrupts(keras.callbacks.Callback):
    """Ctrl-C, or a scheduler's stop, taken at the end of a step or a few: raised in their midst it may be swallowed."""

    def __enter__(self):
        self.asked = False
        self.before = {}
        if threading.current_thread() is threading.main_thread():  # no signal arrives anywhere else
            self.before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, kind, *error):
        for number, handler in self.before.items():
            signal.signal(number, handler)
        if self.asked and kind is None:  # while the last checkpoint was written
            raise KeyboardInterrupt

    def _ask(self, number, frame):
        self.asked = True

    def on_train_batch_end(self, batch, logs=None):
        if self.asked:
            raise KeyboardInterrupt

    on_test_batch_end = on_train_batch_end


class _Numbers(keras.callbacks.Callback):
    """Stop at once when the loss is no number any more."""

    def __init__(self, plan):
        super().__init__()
        self.plan = plan
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self._check(logs["loss"], "loss", f"epoch {self.epoch + 1}, by step {min(batch + 1, self.params['steps'])}")

    def on_epoch_end(self, epoch, logs=None):
        self._check(logs["val_loss"], "validation loss", f"epoch {epoch + 1}")

    def _check(self, loss, name, where):
        if not math.isfinite(loss):
            raise InputError(
                f"the {name} became {loss} in {where}: lower the learning rate (now {self.plan.learning_rate:g}) "
                f"or clip (now {self.plan.clip:g})"
            )


class _Follow(keras.callbacks.Callback):
    """Show progress, tell the batches which epoch they are in, and add up the seconds of waiting for one."""

    def __init__(self, train, validation, plan, update):
        super().__init__()
        self.train, self.plan, self.update = train, plan, update
        self.steps, self.validation = len(train), validation
        self.state, self.waited = "", 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.train.epoch = epoch
        self.before = epoch * (self.steps + self.validation)
        self.epoch = epoch + 1
        self.waited, self.ended = 0.0, math.inf  # the first batch is made after the program is traced: no waiting

    def on_train_batch_end(self, batch, logs=None):
        done = min(batch + 1, self.steps)  # Keras counts on beyond an epoch's end
        self.waited += max(0.0, self.train.ready[done - 1] - self.ended)  # made after the steps before had ended
        self.ended = time.monotonic()
        self.state = f"epoch {self.epoch}/{self.plan.epochs}, loss {logs['loss']:.3f}"
        self.update(self.before + done, self.state)

    def on_test_batch_end(self, batch, logs=None):
        done = self.steps + min(batch + 1, self.validation)
        self.update(self.before + done, f"{self.state}, validating")


class _Keep(keras.callbacks.Callback):
    """After each epoch: say how it went, remember it, stop when it no longer gets better."""

    def __init__(self, plan, memory, follow):
        super().__init__()
        self.plan, self.memory, self.follow = plan, memory, follow

    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        seconds = round(time.monotonic() - self.begun, 1)
        names = [name for name in ("loss", "accuracy", "val_loss", "val_accuracy") if name in logs]
        row = {"epoch": epoch + 1, **{name: float(logs[name]) for name in names}, "seconds": seconds}
        self.memory.remember(row)
        of_tokens = getattr(self.model, "of_tokens", True)
        exact = of_tokens and not getattr(self.model, "estimated", False)
        trained, validated = (", ".join(_worded(row, *of)) for of in (("", exact), ("val_", of_tokens)))
        say(
            f"epoch {epoch + 1}/{self.plan.epochs}: {trained}; validation {validated}; "
            f"{seconds:.0f} s, {self.follow.waited / max(seconds, 0.1):.0%} of it waiting for data"
        )
        self.model.stop_training = self.memory.done(self.plan.epochs, self.plan.patience)


def _worded(row, prefix, exact):
    """The figures of an epoch as said to a person; the perplexity where there is no accuracy and the loss is exact."""
    yield f"loss {row[f'{prefix}loss']:.4f}"
    if "accuracy" in row:
        yield f"accuracy {row[f'{prefix}accuracy']:.4f}"
    elif exact:
        yield f"perplexity {math.exp(min(row[f'{prefix}loss'], 50)):.1f}"
