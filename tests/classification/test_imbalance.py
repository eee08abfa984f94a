"""Rare classes: weights, precision and recall, and thresholds, compared with their definitions."""

import json
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from nlp_rnn.classification.evaluation import ClassificationReport
from nlp_rnn.classification.imbalance import (
    balanced_weights,
    best_thresholds,
    figures_of,
    precision_recall,
    rare_classes,
)
from tests.conftest import SMALL

SCORED = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=1, max_size=40)


def test_balanced_weights_are_those_of_scikit_learn():
    """compute_class_weight("balanced"): n / (classes * count), here 10 / (2 * 8) and 10 / (2 * 2)."""
    np.testing.assert_allclose(balanced_weights(np.array([0] * 8 + [1] * 2), 2), [0.625, 2.5])
    labels = np.array([0] * 5 + [2] * 15)
    weights = balanced_weights(labels, 3)
    assert weights[1] == 1 and weights[labels].sum() == pytest.approx(len(labels)), "no text of class 1"


@given(SCORED.filter(lambda pairs: any(truth for truth, _ in pairs)))
def test_every_threshold_has_the_precision_and_recall_of_its_definition(pairs):
    truth, scores = np.array([t for t, _ in pairs]), np.array([s / 8 for _, s in pairs])
    curve = precision_recall(truth, scores)
    assert curve.thresholds.tolist() == sorted(set(scores.tolist()), reverse=True)
    previous, expected = 0.0, 0.0
    for precision, recall, threshold in zip(*curve, strict=True):
        predicted = scores >= threshold
        assert precision == pytest.approx(truth[predicted].mean())
        assert recall == pytest.approx((truth & predicted).sum() / truth.sum())
        expected, previous = expected + (recall - previous) * precision, recall
    assert curve.average_precision == pytest.approx(expected)
    best = figures_of(truth, scores, curve.best_threshold)
    assert best["f1_at_threshold"] == pytest.approx(curve.f1.max())


def test_the_example_of_scikit_learn():
    """average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) is 0.83 in its documentation."""
    curve = precision_recall(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]))
    assert curve.average_precision == pytest.approx(0.8333, abs=1e-4)


def test_classes_with_under_a_tenth_of_the_texts_are_rare():
    labels = np.array([0] * 90 + [1] * 8 + [2] * 2)
    assert rare_classes(labels, 4) == [2, 1] and rare_classes(np.array([0] * 9 + [1]), 2) == []


def test_a_threshold_is_chosen_on_some_texts_and_measured_on_others():
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.6, 0.4]])
    assert best_thresholds(np.array([0, 1, 1]), probabilities, ["no", "yes"])["yes"] == 0.3
    assert list(best_thresholds(np.array([0, 0, 0]), probabilities, ["no", "yes"])) == ["no"]
    report = ClassificationReport({"classes": {"yes": {}}})
    report.rare["yes"] = np.array([True, False, False]), np.array([0.35, 0.3, 0.2])
    report.add_thresholds({"yes": 0.3})
    at = report.figures["classes"]["yes"]
    assert at["average_precision"] == 1 and at["threshold"] == 0.3
    assert (at["precision_at_threshold"], at["recall_at_threshold"]) == (0.5, 1.0)
    assert at["f1_at_threshold"] == pytest.approx(2 / 3)
    report.add_thresholds({})
    assert figures_of(np.array([True]), np.array([0.1]), 0.5)["f1_at_threshold"] == 0, "nothing is predicted"


@pytest.mark.slow
def test_a_rare_class_is_reported_with_its_threshold(cli):
    rows = [
        f"film {n} was {'awful' if n % 20 == 0 else 'good'},{'bad' if n % 20 == 0 else 'fine'}\n" for n in range(600)
    ]
    Path("rare.csv").write_text("text,label\n" + "".join(rows))
    fast = ("--set", "epochs=3", "--set", "learning_rate=0.02", "--set", "class_weights=balanced")
    result = cli("run", "sentiment", "--data", "rare.csv", "--out", "run", *SMALL, *fast)
    assert result.exit_code == 0, result.output
    classes = json.loads(Path("run/metrics.json").read_text())["classes"]
    assert classes["bad"]["average_precision"] > 0.9 and classes["bad"]["f1_at_threshold"] > 0.9
    assert "average_precision" not in classes["fine"] and Path("run/plots/precision_recall.png").stat().st_size
    assert f"bad: average precision {classes['bad']['average_precision']:.4f}\n" in result.stdout
    assert "the best on the validation split: precision" in result.stdout
    again = json.loads(cli("evaluate", "run", "--json").stdout)["classes"]["bad"]
    assert again == pytest.approx(classes["bad"]), "the threshold is that of the run"
