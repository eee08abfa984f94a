"""Metrics of classifiers and of the naive baseline.

Shapes: N texts, C classes.
"""

from collections.abc import Sequence

import numpy as np


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts [C, C]: row the true class, column the predicted one.

    Examples:
        >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
        [[1, 0], [1, 1]]
    """
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (labels, predicted), 1)
    return table


def classification(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict:
    """Accuracy, macro F1, cross-entropy in nats, and per class precision, recall and F1.

    `majority_accuracy` is the baseline: the accuracy of always predicting the most frequent class.

    Args:
        labels: int [N], N at least 1.
        probabilities: [N, C].
        classes: the C names.

    Examples:
        >>> report = classification(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]), ["no", "yes"])
        >>> report["accuracy"], report["majority_accuracy"], report["classes"]["no"]["precision"]
        (0.5, 0.5, 0.5)
    """
    table = confusion(labels, probabilities.argmax(-1), len(classes))
    right, predicted, true = np.diag(table), table.sum(0), table.sum(1)
    precision, recall = right / np.maximum(predicted, 1), right / np.maximum(true, 1)
    f1 = 2 * right / np.maximum(predicted + true, 1)
    of_label = np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1)
    columns = zip(classes, precision, recall, f1, true, strict=True)
    return {
        "accuracy": float(right.sum() / len(labels)),
        "majority_accuracy": float(true.max() / len(labels)),
        "macro_f1": float(f1[true > 0].mean()),
        "loss": float(-np.log(of_label).mean()),
        "texts": len(labels),
        "classes": {
            name: {"precision": float(p), "recall": float(r), "f1": float(f), "texts": int(n)}
            for name, p, r, f, n in columns
        },
    }
