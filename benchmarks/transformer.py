"""A transformer of PyTorch in place of the recurrent network, trained from scratch on the same texts.

    make run && make .venv/installed-bench
    .venv/bin/python -m benchmarks.transformer reviews runs/sentiment
    .venv/bin/python -m benchmarks.transformer characters runs/shakespeare

Nothing here is pretrained: the question is what to train on a laptop. Reviews go through the vocabulary and the batches
of the run, and each trial of `REVIEWS` takes `EPOCHS` epochs. Characters are read as in the run, and told with at least
half a window before them; each trial of `CHARACTERS` is given a share of the time that the run took to train, and the
best of them then all of it. The best trial is that with the least validation loss. PyTorch runs its operations one by
one.
"""

import csv
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.finetuning import of_run
from benchmarks.peers.torch_language import stepper
from benchmarks.peers.torch_transformer import Classifier, LanguageModel, train
from nlp_rnn import runs
from nlp_rnn.language_model.documents import open_documents
from nlp_rnn.text.batching import LengthBuckets, encode, numbered

REVIEWS = (  # of two layers each
    {"width": 64, "dropped_input": 0.1, "rate": 0.001},
    {"width": 64, "dropped_input": 0.4, "rate": 0.001},
    {"width": 128, "dropped_input": 0.4, "rate": 0.001},
)
CHARACTERS = (  # windows of so many characters, so many in a step
    {"width": 128, "layers": 4, "window": 128, "windows": 16, "rate": 0.002},
    {"width": 128, "layers": 4, "window": 64, "windows": 32, "rate": 0.002},
    {"width": 192, "layers": 4, "window": 128, "windows": 16, "rate": 0.002},
    {"width": 256, "layers": 4, "window": 128, "windows": 16, "rate": 0.001},
    {"width": 128, "layers": 2, "window": 256, "windows": 16, "rate": 0.002},
)
EPOCHS, SEED = 4, 0
SHARE, LOOKS = 6, 10  # a trial has a sixth of the time; validations in training
AT_ONCE = 16_384  # characters measured at once


def reviews(folder):
    """Train on what a run of `sentiment` was trained on; print the accuracy on its held-out texts."""
    run = runs.load(Path(folder))
    encoder, settings, data = run.pipeline.encoder, run.settings, {}
    source = of_run(run)
    with tempfile.TemporaryDirectory() as place:
        for split in ("train", "validation", "test"):
            texts = encode(numbered(source.stream(split), run.pipeline.classes), encoder, Path(place) / split)
            seed = SEED if split == "train" else None
            data[split] = LengthBuckets(texts, settings["batch"] or 64, settings["batch_tokens"], seed)
        trials = [_review_trial(data, encoder, len(run.pipeline.classes), **trial) for trial in REVIEWS]
    _, accuracy, model, told = min(trials, key=lambda trial: trial[0])
    print(f"here: accuracy {run.metrics['accuracy']:.4f}, trained in {_seconds(run):.0f} s")
    print(f"transformer, {told}: accuracy {accuracy:.4f}, {_size(model):.1f} MB")
    for length in (20, 200):
        print(f"transformer, one text of {length} words, ids given: {1000 * _latency(model, length):.1f} ms")


def _review_trial(data, encoder, classes, width, dropped_input, rate):
    """The validation loss, the accuracy on the test split, the model, and what it is."""
    torch.manual_seed(SEED)
    model = Classifier(len(encoder.vocabulary), classes, width, encoder.max_tokens, dropped_input)
    print(f"transformer, width {width}, input dropped {dropped_input}, learning rate {rate}:", flush=True)

    def losses(epoch):
        data["train"].epoch = epoch
        return (loss for loss, _, _ in _answered(model, data["train"]))

    def validate():
        return _measured(model, data["validation"])[0]

    begun = time.monotonic()
    least = train(model, losses, validate, EPOCHS, len(data["train"]), rate)
    told = f"width {width}, trained in {time.monotonic() - begun:.0f} s"
    with torch.inference_mode():
        accuracy = _measured(model, data["test"])[1]
    print(f"  accuracy {accuracy:.4f}", flush=True)
    return least, accuracy, model, told


def _answered(model, batches):
    """The mean loss, the right answers and the number of texts of each batch."""
    for plan in batches.plan():
        ids, labels = (torch.tensor(array).long() for array in batches.padded(plan))
        scores = model(ids)
        yield torch.nn.functional.cross_entropy(scores, labels), (scores.argmax(1) == labels).sum(), len(labels)


def _measured(model, batches):
    """Loss and accuracy."""
    sums = np.sum([[float(loss) * count, int(right), count] for loss, right, count in _answered(model, batches)], 0)
    return sums[0] / sums[2], sums[1] / sums[2]


def _seconds(run):
    """How long the training of a run took."""
    with open(run.path / "history.csv", encoding="utf-8") as file:
        return sum(float(row["seconds"]) for row in csv.DictReader(file))


def _size(model):
    return sum(weight.numel() * 4 for weight in model.parameters()) / 1e6


def _latency(model, length):
    """The median seconds of an answer."""
    ids, times = torch.randint(2, 1000, (1, length)), []
    with torch.inference_mode():
        for _ in range(110):
            begun = time.perf_counter()
            model(ids)
            times.append(time.perf_counter() - begun)
    return statistics.median(times[10:])


def characters(folder):
    """Train on the text of a run of `generation` for as long as the run; print the nats of a held-out character."""
    run = runs.load(Path(folder))
    source = open_documents(run.data["name"], raw=True)
    texts = {name: "".join(piece.text for piece in source.stream(name)) for name in ("train", "validation", "test")}
    numbers = {character: number for number, character in enumerate(sorted(set("".join(texts.values()))), 1)}
    ids = {split: torch.tensor([numbers[character] for character in text]) for split, text in texts.items()}
    trials = [_character_trial(ids, len(numbers) + 1, _seconds(run) / SHARE, **trial)[0] for trial in CHARACTERS]
    best = CHARACTERS[int(np.argmin(trials))]
    _, told = _character_trial(ids, len(numbers) + 1, _seconds(run), **best)
    with open(run.path / "history.csv", encoding="utf-8") as file:
        least = min(float(row["val_loss"]) for row in csv.DictReader(file))
    print(f"here: validation {least:.3f}, test {run.metrics['loss']:.3f} nats, trained in {_seconds(run) / 60:.1f} min")
    print(f"transformer, {told}")


def _character_trial(ids, tokens, seconds, width, layers, window, windows, rate):
    """The validation loss, and what to print."""
    torch.manual_seed(SEED)
    draw, model = np.random.default_rng(SEED), LanguageModel(tokens, width, layers, window)

    def drawn():
        """Windows from anywhere, [B, T + 1]."""
        begins = draw.integers(len(ids["train"]) - window, size=windows)
        return torch.stack([ids["train"][n : n + window + 1] for n in begins])

    steps = _steps_in(LanguageModel(tokens, width, layers, window), drawn, ids["validation"], window, seconds)
    about = f"{layers} layers of {width}, {windows} windows of {window}, learning rate {rate}"
    print(f"transformer, {about}, {LOOKS} times {steps} steps:", flush=True)

    def losses(_):
        return (_loss(model, drawn()) for _ in range(steps))

    begun = time.monotonic()
    least = train(model, losses, lambda: _held_out(model, ids["validation"], window), LOOKS, steps, rate)
    minutes = (time.monotonic() - begun) / 60
    with torch.inference_mode():
        test = _held_out(model, ids["test"], window)
    told = f"{about}: validation {least:.3f}, test {test:.3f} nats, trained in {minutes:.1f} min"
    print(f"  {told}, {_size(model):.1f} MB", flush=True)
    return least, told


def _steps_in(model, drawn, validation, window, seconds):
    """The steps before each of `LOOKS` validations that so many seconds allow."""
    step = stepper(list(model.parameters()), 0.0, 1.0, 100)
    times = []
    for _ in range(25):
        begun = time.monotonic()
        step(_loss(model, drawn()))
        times.append(time.monotonic() - begun)
    begun = time.monotonic()
    with torch.inference_mode():
        _held_out(model.eval(), validation, window)
    return int((seconds / LOOKS - (time.monotonic() - begun)) / statistics.median(times[5:]))


def _loss(model, windows):
    return torch.nn.functional.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())


def _held_out(model, ids, window):
    """Nats of a character: of each window the second half is told, so that all are but the first and last few."""
    half, total, told, count = window // 2, 0.0, 0, AT_ONCE // window
    begins = range(0, len(ids) - window, half)
    for first in range(0, len(begins), count):
        windows = torch.stack([ids[n : n + window + 1] for n in begins[first : first + count]])
        losses = torch.nn.functional.cross_entropy(model(windows[:, :-1]).mT, windows[:, 1:], reduction="none")
        total, told = total + float(losses[:, half:].sum()), told + losses[:, half:].numel()
    return total / told


if __name__ == "__main__":
    {"reviews": reviews, "characters": characters}[sys.argv[1]](*sys.argv[2:])
