"""Evaluation of a classifier on labelled texts: figures, confusion matrix, mistakes.

Shapes: N texts, C classes.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nlp_rnn import plots
from nlp_rnn.checks import InputError
from nlp_rnn.classification import metrics
from nlp_rnn.classification.imbalance import (
    best_thresholds,
    figures_of,
    precision_recall,
    rare_classes,
)
from nlp_rnn.classification.pipeline import TextClassifier
from nlp_rnn.datasets.lineage import lineage_of
from nlp_rnn.datasets.splits import TextDataset
from nlp_rnn.progress import say, track
from nlp_rnn.runs.folder import write_rows
from nlp_rnn.runs.original import figures_on_original
from nlp_rnn.task import Report
from nlp_rnn.text.batching import numbered
from nlp_rnn.text.labels import label_key
from nlp_rnn.text.truncation import truncated

if TYPE_CHECKING:
    from nlp_rnn.task import Run

MISTAKES = 50  # written to the run folder, the most confident ones
SHOWN = 3  # printed by `evaluate`


@dataclass
class ClassificationReport(Report):
    """How good a classifier is.

    Attributes:
        classes: the C names.
        counts: confusion matrix, [C, C]; row the true class, column the predicted one.
        mistakes: dicts of text, label, predicted and probability, the most confident first.
        rare: for each class with under a tenth of the texts, whether each text is of it, and its probability, [N] each.
    """

    compared: Sequence[str] = ("accuracy", "macro_f1", "loss", "old_accuracy")
    classes: Sequence[str] = ()
    counts: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    mistakes: list[dict] = field(default_factory=list)
    rare: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def add_thresholds(self, thresholds: Mapping[str, float]) -> None:
        """Add the figures of the rare classes if each is predicted at or above its threshold, chosen on other texts."""
        for name, (truth, scores) in self.rare.items():
            self.figures["classes"][name] |= figures_of(truth, scores, thresholds.get(name))

    def write(self, folder: Path) -> None:
        """Write the confusion matrix, the mistakes, and the curves of rare classes into a run folder."""
        plots.confusion_matrix(self.counts, self.classes, folder / "plots" / "confusion.png")
        if self.mistakes:
            write_rows(folder / "mistakes.csv", self.mistakes)
        if self.rare:
            curves = {name: precision_recall(*texts) for name, texts in self.rare.items()}
            points = {name: self.figures["classes"][name] for name in curves}
            plots.precision_recall(curves, points, folder / "plots" / "precision_recall.png")


def evaluate_run(run: "Run", data: TextDataset, before: bool = False) -> ClassificationReport:
    """Evaluate a run on texts that it was not trained on; when fine-tuning, also on those of the original run.

    `old_accuracy` is the accuracy on the original texts, where classes that were dropped count as mistakes.

    Args:
        run: a run that is finished or being created.
        data: labelled texts.
        before: the run is about to be fine-tuned.

    Raises:
        InputError: there is no text, or a label is not among the classes.
    """
    start = run.start.pipeline if run.start is not None and run.start.task is run.task else run.pipeline
    new = sorted(set(run.pipeline.classes) - set(start.classes))
    measured = start if before else run.pipeline
    old = figures_on_original(run, data, before, lambda texts: {"old_accuracy": accuracy(measured, texts)})
    if before and new:
        say(f"not evaluated on these texts before fine-tuning: the run does not have the class {new[0]}")
        return ClassificationReport(old)
    held_out = data.held_out(lineage_of(run), own=run.lineage is not None)
    report = evaluate(run.pipeline, held_out, data.size() if held_out.whole else data.size("test"))
    if not before and report.rare:
        report.add_thresholds(_thresholds(run, data))
    report.figures |= old
    report.measured_on = held_out.measured_on
    return report


def _thresholds(run, data):
    """The thresholds of classes by name: those of a finished run, or the best on the validation split of a new one."""
    if run.lineage is None:
        of_class = run.metrics.get("classes", {}).items()
        return {name: row["threshold"] for name, row in of_class if "threshold" in row}
    labels, probabilities, _ = _predicted(run.pipeline, data.stream("validation"), data.size("validation"))
    return best_thresholds(labels, probabilities, run.pipeline.classes)


def accuracy(pipeline: TextClassifier, examples: Iterable) -> float:
    """The fraction of texts whose class is predicted; a label that is not among the classes counts as a mistake.

    Args:
        pipeline: the classifier.
        examples: objects with text and label.

    Raises:
        InputError: there is no text.
    """
    texts, labelled = tee(examples)
    predictions = track(pipeline.predict(example.text for example in texts), "evaluating on the original texts")
    same = [label_key(p.label) == label_key(e.label) for e, p in zip(labelled, predictions, strict=True)]
    if not same:
        raise InputError("their test split is empty")
    return sum(same) / len(same)


def evaluate(pipeline: TextClassifier, examples: Iterable, size: float | None = None) -> ClassificationReport:
    """Predict every text of a stream and compare with its label.

    Args:
        pipeline: the classifier.
        examples: objects with text, label and place.
        size: approximate number of examples, to show progress; None if unknown.

    Raises:
        InputError: there is no text, or a label is not among the classes.
    """
    labels, probabilities, mistakes = _predicted(pipeline, examples, size)
    say_cut(pipeline)
    if not len(labels):
        raise InputError("there is no text to evaluate on: the test split is empty")
    return _report(pipeline.classes, labels, probabilities, sorted(mistakes, reverse=True))


def _predicted(pipeline, examples, size):
    """The class numbers [N] of labelled texts, the predicted probabilities [N, C], and the worst mistakes."""
    texts, labelled = tee(numbered(examples, pipeline.classes))
    predictions = pipeline.predict(text for text, _ in texts)
    labels, rows, mistakes = [], [], []
    for (_, label), prediction in zip(labelled, track(predictions, "evaluating", size), strict=True):
        labels.append(label)
        rows.append(prediction.probabilities)
        _keep_mistake(mistakes, len(labels), prediction, pipeline.classes[label])
    return np.array(labels, np.int64), np.array(rows).reshape(len(rows), len(pipeline.classes)), mistakes


def _report(classes, labels, probabilities, mistakes):
    figures = metrics.classification(labels, probabilities, classes)
    if figures["accuracy"] <= figures["majority_accuracy"]:
        say("no better than always predicting the most frequent class: give more texts, or train for more epochs")
    counts = metrics.confusion(labels, probabilities.argmax(-1), len(classes))
    rows = [row for *_, row in mistakes]
    examples = [_mistake_line(row) for row in rows[:SHOWN]]
    report = ClassificationReport(figures, examples=examples, classes=classes, counts=counts, mistakes=rows)
    for number in rare_classes(labels, len(classes)):
        report.rare[classes[number]] = truth, scores = labels == number, probabilities[:, number]
        figures["classes"][classes[number]] |= figures_of(truth, scores, None)
    return report


def say_cut(pipeline: TextClassifier) -> None:
    """Print how many of the predicted texts were truncated, if any were."""
    if pipeline.cut:
        say(f"predicted: {truncated(pipeline.cut, pipeline.encoder.max_tokens)}")


def _keep_mistake(mistakes, number, prediction, label):
    if prediction.label == label:
        return
    probability = float(prediction.probabilities.max())
    row = {"label": label, "predicted": prediction.label, "probability": round(probability, 4)}
    heapq.heappush(mistakes, (probability, number, {**row, "text": prediction.text}))
    if len(mistakes) > MISTAKES:
        heapq.heappop(mistakes)


def _mistake_line(row):
    text = " ".join(row["text"].split())
    return f"mistaken  {row['label']}, predicted {row['predicted']} ({row['probability']:.2f}): {text[:100]}"
