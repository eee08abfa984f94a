"""Metrics of classifiers against sums done by hand."""

import numpy as np
import pytest

from nlp_rnn.classification import metrics


def test_metrics_of_three_classes():
    labels = np.array([0, 0, 1, 1, 2])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.3, 0.6, 0.1], [0.5, 0.25, 0.25]])
    report = metrics.classification(labels, probabilities, ["a", "b", "c"])
    assert report["accuracy"] == 3 / 5 and report["majority_accuracy"] == 2 / 5 and report["texts"] == 5
    assert report["classes"]["b"] == {"precision": 2 / 3, "recall": 1.0, "f1": pytest.approx(0.8), "texts": 2}
    assert report["macro_f1"] == pytest.approx((0.5 + 0.8 + 0) / 3)
    assert report["loss"] == pytest.approx(-np.log([0.8, 0.2, 0.8, 0.6, 0.25]).mean())


def test_a_class_that_does_not_occur_does_not_lower_f1():
    report = metrics.classification(np.array([0, 1]), np.eye(3)[:2], ["a", "b", "c"])
    assert report["macro_f1"] == 1.0 and np.isfinite(report["loss"])


def test_rows_of_a_confusion_matrix_are_true_classes():
    table = metrics.confusion(np.array([0, 1, 1, 2]), np.array([0, 0, 1, 0]), 3)
    assert table.tolist() == [[1, 0, 0], [1, 1, 0], [1, 0, 0]]
