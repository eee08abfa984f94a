"""Ask a trained pipeline about labelled texts, and keep what a person wants to see: figures, confusion, mistakes.

Shapes: N texts, C classes.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import tee
from pathlib import Path

import numpy as np

from nlp_rnn import metrics, plots
from nlp_rnn.batching import numbered
from nlp_rnn.checks import InputError
from nlp_rnn.pipelines import TextClassifier
from nlp_rnn.progress import say, track
from nlp_rnn.runs import write_rows

MISTAKES = 50  # the most confident ones kept


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Attributes:
        classes: the C names.
        figures: see `metrics.classification`.
        counts: confusion, [C, C].
        mistakes: dicts of text, label, predicted and probability, the most confident first.
    """

    classes: Sequence[str]
    figures: dict
    counts: np.ndarray
    mistakes: list[dict]

    def write(self, folder: Path, history: Sequence[dict]) -> None:
        """Write the pictures and the mistakes into a run folder."""
        (folder / "plots").mkdir(exist_ok=True)
        if history:
            plots.curves(history, folder / "plots" / "curves.png")
        plots.confusion_matrix(self.counts, self.classes, folder / "plots" / "confusion.png")
        if self.mistakes:
            write_rows(folder / "mistakes.csv", self.mistakes)


def evaluate(pipeline: TextClassifier, examples: Iterable, size: float | None = None) -> Evaluation:
    """Predict every text of a stream and compare.

    Args:
        pipeline: what to ask.
        examples: with text, label and place.
        size: about how many there are, for showing progress.

    Raises:
        InputError: there is no text, or a label is not among the classes.
    """
    asked, answered = tee(numbered(examples, pipeline.classes))
    predictions = pipeline.predict(text for text, _ in asked)
    labels, rows, mistakes = [], [], []
    for (_, label), prediction in zip(answered, track(predictions, "evaluating", size), strict=True):
        labels.append(label)
        rows.append(prediction.probabilities)
        _keep_mistake(mistakes, len(labels), prediction, pipeline.classes[label])
    say_cut(pipeline)
    if not labels:
        raise InputError("there is no text to evaluate on: the test split is empty")
    known, probabilities = np.array(labels), np.array(rows)
    figures = metrics.classification(known, probabilities, pipeline.classes)
    if figures["accuracy"] <= figures["majority_accuracy"]:
        say("no better than always saying the most frequent class: give more texts, or train for more epochs")
    return Evaluation(
        pipeline.classes,
        figures,
        metrics.confusion(known, probabilities.argmax(-1), len(pipeline.classes)),
        [row for *_, row in sorted(mistakes, reverse=True)],
    )


def say_cut(pipeline: TextClassifier) -> None:
    """Say how many of the texts predicted were longer than the model reads, if any were."""
    if pipeline.cut:
        most = pipeline.encoder.max_tokens
        say(f"predicted: {pipeline.cut:,} longer than {most} tokens were cut to their start and end")


def _keep_mistake(mistakes, number, prediction, label):
    if prediction.label == label:
        return
    probability = float(prediction.probabilities.max())
    row = {"label": label, "predicted": prediction.label, "probability": round(probability, 4)}
    heapq.heappush(mistakes, (probability, number, {**row, "text": prediction.text}))
    if len(mistakes) > MISTAKES:
        heapq.heappop(mistakes)
