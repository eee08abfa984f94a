"""A transformer of PyTorch in place of the recurrent network, trained from scratch on the same texts.

    make run && .venv/bin/python -m benchmarks.transformer reviews runs/sentiment
    .venv/bin/python -m benchmarks.transformer characters input.txt 14

Nothing here is pretrained: the question is what to train on a laptop. Of the reviews, which go through the very
vocabulary and batches of the run, the transformer is given several widths and rates and as many epochs as it can use,
and is told by its best validation loss. Of the characters it is given minutes, and read so that each has at least half
a window before it.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.peers.torch_transformer import Classifier, LanguageModel, train
from nlp_rnn import runs
from nlp_rnn.batching import LengthBuckets, encode, numbered
from nlp_rnn.sources import open_source
from nlp_rnn.sources.documents import open_texts

REVIEWS = ((64, 0.002), (64, 0.001), (128, 0.001), (128, 0.0005))  # width, learning rate
EPOCHS, LAYERS, DROPOUT, SEED = 5, 2, 0.1, 0
CHARACTERS = {"width": 192, "layers": 4, "longest": 192, "dropout": 0.1}
WINDOWS, RATE, HELD_OUT_WINDOWS = 24, 0.002, 64  # windows in a step; the rate; windows measured at once


def reviews(folder):
    """Train on what a run of `sentiment` was trained on; print the accuracy on its held-out texts."""
    run = runs.load(Path(folder))
    encoder, classes = run.pipeline.encoder, run.pipeline.classes
    source = open_source(run.data["name"])
    with tempfile.TemporaryDirectory() as place:
        data = {}
        for split in ("train", "validation", "test"):
            labelled = numbered(source.stream(split), classes)
            texts = encode(labelled, encoder, Path(place) / split)
            data[split] = LengthBuckets(texts, 64, run.settings["batch_tokens"], SEED if split == "train" else None)
        trials = [_trial(data, encoder, len(classes), *chosen) for chosen in REVIEWS]
    _, accuracy, model, told = min(trials, key=lambda trial: trial[0])
    print(f"here: accuracy {run.metrics['accuracy']:.4f}")
    print(f"transformer, {told}: accuracy {accuracy:.4f}, {_size(model):.1f} MB")
    for length in (20, 200):
        print(f"transformer, one text of {length} words, ids given: {1000 * _latency(model, length):.1f} ms")


def _trial(data, encoder, classes, width, rate):
    """The validation loss, the accuracy on the test split, the model, and what it is."""
    torch.manual_seed(SEED)
    most, words = encoder.max_tokens, len(encoder.vocabulary)
    model = Classifier(words, classes, width, LAYERS, most, DROPOUT, word_dropout=0.2)
    told = f"width {width}, learning rate {rate}"
    print(f"transformer, {told}:", flush=True)

    def losses(epoch):
        data["train"].epoch = epoch
        return (loss for loss, _, _ in _answered(model, data["train"]))

    def validate():
        return _measured(model, data["validation"])[0]

    begun = time.monotonic()
    least = train(model, losses, validate, EPOCHS, len(data["train"]), rate)
    with torch.inference_mode():
        _, accuracy = _measured(model, data["test"])
    print(f"  test accuracy {accuracy:.4f}, {time.monotonic() - begun:.0f} s", flush=True)
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


def characters(file, minutes):
    """Train on the first nine tenths of a file for so many minutes; print the nats of a character of the rest."""
    source = open_texts(file, raw=True)
    texts = {name: "".join(piece.text for piece in source.stream(name)) for name in ("train", "validation", "test")}
    numbers = {character: number for number, character in enumerate(sorted(set("".join(texts.values()))), 1)}
    ids = {split: torch.tensor([numbers[character] for character in text]) for split, text in texts.items()}
    steps, draw = len(ids["train"]) // (WINDOWS * CHARACTERS["longest"]), np.random.default_rng(SEED)

    def trained(epochs, steps):
        torch.manual_seed(SEED)
        model = LanguageModel(len(numbers) + 1, **CHARACTERS)

        def losses(_):
            return (_loss(model, _drawn(ids["train"], draw)) for _ in range(steps))

        train(model, losses, lambda: _held_out(model, ids["validation"]), epochs, steps, RATE)
        return model

    begun = time.monotonic()
    trained(1, 20)  # how long a step takes
    epochs = max(1, int(60 * float(minutes) / (time.monotonic() - begun) * 20 / steps))
    begun = time.monotonic()
    model = trained(epochs, steps)
    took = (time.monotonic() - begun) / 60
    with torch.inference_mode():
        told = ", ".join(f"{split} {_held_out(model, ids[split]):.3f}" for split in ("validation", "test"))
    print(f"transformer, {_size(model):.1f} MB, {epochs} epochs in {took:.1f} minutes: {told} nats a character")


def _drawn(ids, draw):
    """Windows from anywhere, [B, T + 1]."""
    length = CHARACTERS["longest"] + 1
    return torch.stack([ids[begin : begin + length] for begin in draw.integers(len(ids) - length, size=WINDOWS)])


def _loss(model, windows):
    return torch.nn.functional.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())


def _held_out(model, ids):
    """Nats of a character, those of the first half window left out: of each window the second half is told."""
    length = CHARACTERS["longest"]
    half = length // 2
    begins, total, told = range(0, len(ids) - length - 1, half), 0.0, 0
    for first in range(0, len(begins), HELD_OUT_WINDOWS):
        windows = torch.stack([ids[begin : begin + length + 1] for begin in begins[first : first + HELD_OUT_WINDOWS]])
        losses = torch.nn.functional.cross_entropy(model(windows[:, :-1]).mT, windows[:, 1:], reduction="none")
        losses = losses[:, half:]
        total, told = total + float(losses.sum()), told + losses.numel()
    return total / told


if __name__ == "__main__":
    {"reviews": reviews, "characters": characters}[sys.argv[1]](*sys.argv[2:])
