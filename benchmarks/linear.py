"""A linear model of words and pairs of words (scikit-learn) on the reviews that a run of `sentiment` was trained on.

    make run && make .venv/installed-bench
    .venv/bin/python -m benchmarks.linear runs/sentiment

TF-IDF and logistic regression, what one should try first; and binary features of words and pairs, scaled by the log
ratios of naive Bayes (as in the NBSVM of Wang & Manning, 2012). The validation split chooses how much a model is held
back. Then the same on the 500 sentences of `benchmarks.finetuning`, alone and with the reviews.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from benchmarks.finetuning import of_run, write_few
from nlp_rnn import runs
from nlp_rnn.datasets.catalogue import open_text_dataset

STRENGTHS = (0.1, 1.0, 4.0, 16.0, 64.0)  # C: the larger, the less it is held back


def main(folder):
    run = runs.load(Path(folder))
    reviews = _read(of_run(run))
    _trials(reviews, 2)
    print(f"here: accuracy {run.metrics['accuracy']:.4f}")
    with tempfile.TemporaryDirectory() as place:
        few = Path(place) / "few"
        write_few(few)
        sentences = _read(open_text_dataset(str(few)))
    print("500 sentences:")
    _trials(sentences, 1)
    print("500 sentences and the reviews:")
    _trials({**sentences, "train": [*reviews["train"], *sentences["train"]]}, 2)


def _read(source):
    """Texts and labels by split."""
    return {split: [(row.text, row.label) for row in source.stream(split)] for split in ("train", "validation", "test")}


def _trials(data, least):
    """One of words alone, one of pairs of words as well, and one of these scaled by naive Bayes.

    Args:
        least: a word or pair counts from so many texts on.
    """
    texts = {split: [text for text, _ in rows] for split, rows in data.items()}
    labels = {split: [label for _, label in rows] for split, rows in data.items()}
    for most in (1, 2):
        words = TfidfVectorizer(ngram_range=(1, most), min_df=least, sublinear_tf=True)
        _trial(["words", "words and pairs"][most - 1], texts, labels, words)
    # With marks and words of one letter, which scikit-learn leaves out: on the validation split better with them.
    there = CountVectorizer(ngram_range=(1, 2), min_df=least, binary=True, token_pattern=r"\w+|[^\w\s]")
    _trial("naive Bayes, words and pairs", texts, labels, make_pipeline(there, LogRatios()))


class LogRatios(TransformerMixin, BaseEstimator):
    """Each column times a log ratio: its share of what the texts of one class of two have, to that of the other."""

    def fit(self, x, y):
        y = np.array(y) == y[0]
        one, other = (1 + np.asarray(x[part].sum(0)) for part in (y, ~y))
        self.ratios_ = np.log(one / one.sum() / (other / other.sum()))
        return self

    def transform(self, x):
        return x.multiply(self.ratios_).tocsr()


def _trial(kind, texts, labels, words):
    begun = time.monotonic()
    train, validation = words.fit_transform(texts["train"], labels["train"]), words.transform(texts["validation"])
    models = [LogisticRegression(C=strength, max_iter=1000).fit(train, labels["train"]) for strength in STRENGTHS]
    best = max(models, key=lambda model: model.score(validation, labels["validation"]))
    seconds = time.monotonic() - begun
    accuracy = best.score(words.transform(texts["test"]), labels["test"])
    print(f"{kind}: accuracy {accuracy:.4f}, {train.shape[1]:,} features, C {best.C:g}, trained in {seconds:.0f} s")
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
