"""Class imbalance: class weights in the loss, precision-recall curves, and the choice of a threshold.

Shapes: N texts, C classes, K distinct scores.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

RARE = 0.1  # fraction of the texts: figures and a plot are for classes below it
WEIGHTS = ("none", "balanced")  # choices of the setting


def balanced_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """The weight of each class, float32 [C]: N over the number of classes with texts times the texts of the class.

    Args:
        labels: int [N], of the training texts.
        classes: C; a class without texts has weight 1.

    Examples:
        >>> balanced_weights(np.array([0, 0, 0, 4]), 6)[[1, 4]].tolist()
        [1.0, 2.0]
    """
    counts = np.bincount(labels, minlength=classes)
    weights = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.where(counts > 0, weights, 1.0).astype(np.float32)


class PrecisionRecall(NamedTuple):
    """Precision and recall of a class predicted at or above each threshold, [K] each, thresholds descending."""

    precision: np.ndarray
    recall: np.ndarray
    thresholds: np.ndarray

    @property
    def average_precision(self) -> float:
        """The sum of the precisions, each weighted by the increase in recall."""
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))

    @property
    def best_threshold(self) -> float:
        """The threshold with the highest F1; the highest of several."""
        return float(self.thresholds[self.f1.argmax()])

    @property
    def f1(self) -> np.ndarray:
        """F1 by threshold."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / np.where(both > 0, both, 1)


def precision_recall(truth: np.ndarray, scores: np.ndarray) -> PrecisionRecall:
    """Precision and recall by threshold.

    Args:
        truth: bool [N], whether a text is of the class; at least one is.
        scores: [N], the probability of the class.

    Examples:
        >>> curve = precision_recall(np.array([True, False, True]), np.array([0.9, 0.8, 0.4]))
        >>> curve.recall.tolist(), curve.best_threshold
        ([0.5, 0.5, 1.0], 0.4)
    """
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # of the texts with the same score
    right = np.cumsum(truth[order])[last]
    return PrecisionRecall(right / (last + 1), right / right[-1], scores[order][last])


def rare_classes(labels: np.ndarray, classes: int) -> list[int]:
    """The classes with some, but under a tenth of the texts, the rarest first."""
    counts = np.bincount(labels, minlength=classes)
    return [int(n) for n in np.argsort(counts, kind="stable") if 0 < counts[n] < RARE * len(labels)]


def best_thresholds(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """The threshold of each class with the highest F1.

    Args:
        labels: int [N], of the validation texts.
        probabilities: [N, C].
        classes: the C names; those without texts are left out.
    """
    present = [n for n in range(len(classes)) if (labels == n).any()]
    return {classes[n]: precision_recall(labels == n, probabilities[:, n]).best_threshold for n in present}


def figures_of(truth: np.ndarray, scores: np.ndarray, threshold: float | None) -> Mapping[str, float]:
    """Average precision of a class, and precision, recall and F1 if it is predicted at or above a threshold.

    Args:
        truth: bool [N], at least one is true.
        scores: [N], the probability of the class.
        threshold: chosen on other texts; None if there is none.
    """
    figures = {"average_precision": precision_recall(truth, scores).average_precision}
    if threshold is None:
        return figures
    predicted = scores >= threshold
    right = np.count_nonzero(predicted & truth)
    precision, recall = right / max(np.count_nonzero(predicted), 1), right / np.count_nonzero(truth)
    f1 = 2 * right / (np.count_nonzero(predicted) + np.count_nonzero(truth))
    at = {"precision": precision, "recall": recall, "f1": f1}
    return figures | {"threshold": threshold, **{f"{name}_at_threshold": float(value) for name, value in at.items()}}
