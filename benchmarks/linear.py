"""A linear model of words and pairs of words (scikit-learn) on the reviews that a run of `sentiment` was trained on.

    make run && make .venv/installed-bench
    .venv/bin/python -m benchmarks.linear runs/sentiment

TF-IDF and logistic regression, what one should try first: the validation split chooses how much it is held back.
"""

import statistics
import sys
import time
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from nlp_rnn import runs
from nlp_rnn.sources import open_source

STRENGTHS = (1.0, 4.0, 16.0, 64.0)  # C: the larger, the less it is held back


def main(folder):
    run = runs.load(Path(folder))
    source = open_source(run.data["name"], run.data["text_column"], run.data["label_column"], run.settings["seed"])
    texts, labels = {}, {}
    for split in ("train", "validation", "test"):
        rows = list(source.stream(split))
        texts[split], labels[split] = [row.text for row in rows], [row.label for row in rows]
    for most in (1, 2):
        _trial(texts, labels, most)
    print(f"here: accuracy {run.metrics['accuracy']:.4f}")


def _trial(texts, labels, most):
    begun = time.monotonic()
    words = TfidfVectorizer(ngram_range=(1, most), min_df=2, sublinear_tf=True)
    train, validation = words.fit_transform(texts["train"]), words.transform(texts["validation"])
    models = [LogisticRegression(C=strength, max_iter=1000).fit(train, labels["train"]) for strength in STRENGTHS]
    best = max(models, key=lambda model: model.score(validation, labels["validation"]))
    seconds = time.monotonic() - begun
    accuracy = best.score(words.transform(texts["test"]), labels["test"])
    features = len(words.vocabulary_)
    print(
        f"up to {most} words: accuracy {accuracy:.4f}, {features:,} features, C {best.C:g}, trained in {seconds:.0f} s"
    )
    print(f"  one text: {1000 * _latency(words, best, texts['test'][0]):.2f} ms", flush=True)


def _latency(words, model, text):
    """The median seconds of an answer."""
    times = []
    for _ in range(110):
        begun = time.perf_counter()
        model.predict_proba(words.transform([text]))
        times.append(time.perf_counter() - begun)
    return statistics.median(times[10:])


if __name__ == "__main__":
    main(sys.argv[1])
