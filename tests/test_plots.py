"""Plots: the contents of the figure, and the file."""

import matplotlib.image
import numpy as np
import pytest

from nlp_rnn import plots


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are made."""
    figures, make = [], plots._figure
    monkeypatch.setattr(plots, "_figure", lambda *size: figures.append(make(*size)) or figures[-1])
    return figures


def lines(axes):
    """The lines of axes by label, each as (x, y)."""
    return {line.get_label(): tuple(list(map(float, part)) for part in line.get_data()) for line in axes.lines}


def assert_written(path, figure):
    """The file is the figure at 120 dots per inch, and no other file is left next to it."""
    height, width, _ = matplotlib.image.imread(path).shape
    assert (width, height) == tuple((figure.get_size_inches() * 120).round())
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_curves_show_loss_and_accuracy_and_mark_the_best_epoch(drawn, tmp_path):
    row = {"epoch": 1, "loss": 0.5, "accuracy": 0.7, "val_loss": 0.6, "val_accuracy": 0.6}
    history = [row, {**row, "epoch": 2, "val_loss": 0.4}, {**row, "epoch": 3, "loss": 0.2}]
    plots.curves(history, tmp_path / "curves.png")
    [figure] = drawn
    assert [axes.get_title() for axes in figure.axes] == ["Loss", "Accuracy"]
    loss = lines(figure.axes[0])
    assert loss["training"] == ([1, 2, 3], [0.5, 0.5, 0.2]) and loss["validation"] == ([1, 2, 3], [0.6, 0.4, 0.6])
    assert loss["best epoch"][0] == [2, 2]
    assert lines(figure.axes[1])["validation"][1] == [0.6] * 3
    assert_written(tmp_path / "curves.png", figure)


def test_curves_without_accuracy_have_one_chart(drawn, tmp_path):
    plots.curves([{"epoch": n, "loss": 1.0, "val_loss": 1.0} for n in range(1, 31)], tmp_path / "curves.png")
    assert len(drawn[0].axes) == 1
    assert drawn[0].axes[0].get_xticks().tolist() == list(range(1, 31, 3)), "not a number for every epoch"


@pytest.mark.parametrize("classes", [2, 60])
def test_a_confusion_matrix_has_names_and_counts_unless_there_are_many_classes(drawn, tmp_path, classes):
    names = [f"class {n} with a name longer than fits" for n in range(classes)]
    counts = np.eye(classes, dtype=int)
    counts[0] = 3, 1, *[0] * (classes - 2)
    plots.confusion_matrix(counts, names, tmp_path / "confusion.png")
    axes = drawn[0].axes[0]
    [image] = axes.images
    assert image.get_array()[0, :2].tolist() == [0.75, 0.25] and image.get_array()[1, 1] == 1, "shares of a true class"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    shown = [text.get_text() for text in axes.texts], [label.get_text() for label in axes.get_xticklabels()]
    if classes == 2:
        assert shown == (["3", "1", "0", "1"], ["class 0 with a name lon…", "class 1 with a name lon…"])
    else:
        assert shown[0] == [] and not any(text.startswith("class") for text in shown[1])
    assert_written(tmp_path / "confusion.png", drawn[0])


def test_a_class_without_texts_divides_by_nothing(drawn, tmp_path):
    plots.confusion_matrix(np.array([[2, 0], [0, 0]]), ["a", "b"], tmp_path / "confusion.png")
    assert drawn[0].axes[0].images[0].get_array().tolist() == [[1, 0], [0, 0]]


def test_lines_that_coincide_are_all_seen(drawn, tmp_path):
    named = {"LSTM": {0.0: 0.5, 1.0: 0.25}, "GRU": {0.0: 0.5, 1.0: 0.25}}
    plots.lines(named, "Accuracy", "distance", "share", tmp_path / "lines.png")
    axes = drawn[0].axes[0]
    assert lines(axes) == {name: ([0, 1], [0.5, 0.25]) for name in named}
    widths = [line.get_linewidth() for line in axes.lines]
    assert widths[0] > widths[1] and axes.lines[0].get_color() != axes.lines[1].get_color()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["LSTM", "GRU"]
    assert_written(tmp_path / "lines.png", drawn[0])


def test_attention_has_the_source_on_top_and_the_target_on_the_left(drawn, tmp_path):
    weights = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])
    plots.attention(["$a", "漢字", "c"], ["x", "∎"], weights, tmp_path / "attention.png")
    axes = drawn[0].axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), weights)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["$a", "漢字", "c"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["x", "∎"]
    assert_written(tmp_path / "attention.png", drawn[0])


def test_precision_and_recall_of_rare_classes(drawn, tmp_path):
    curves = {"a $class": (np.array([1.0, 0.5]), np.array([0.5, 1.0])), "other": (np.array([0.2]), np.array([1.0]))}
    points = {"a $class": {"threshold": 0.25, "precision_at_threshold": 0.5, "recall_at_threshold": 1.0}, "other": {}}
    plots.precision_recall(curves, points, tmp_path / "precision_recall.png")
    axes = drawn[0].axes[0]
    first, dot, second = (line.get_xydata().tolist() for line in axes.lines)
    assert first == [[0, 1], [0.5, 1], [1, 0.5]] and dot == [[1, 0.5]] and second == [[0, 0.2], [1, 0.2]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("recall", "precision")
    assert [text.get_text() for text in axes.texts] == ["0.25"]
    assert_written(tmp_path / "precision_recall.png", drawn[0])


@pytest.mark.parametrize(
    ("levels", "pairs", "alone"),
    [
        ([0.1, 0.5, 0.9, 0.97], [(0, 2)], [1, 3]),
        ([0.025, 0.1, 0.3, 0.5, 0.7, 0.9, 0.975], [(0, 6), (1, 5), (2, 4)], [3]),
        ([0.1, 0.2], [], [0, 1]),
    ],
)
def test_bands_are_of_quantiles_as_far_below_the_median_as_above(levels, pairs, alone):
    assert plots._intervals(levels) == (pairs, alone)


def test_fans_show_history_intervals_and_actual_values(drawn, tmp_path):
    history, quantiles = np.array([1.0, 2.0, 3.0]), np.array([[3.0, 4.0, 5.0], [2.0, 4.0, 6.0]])
    one = plots.Fan("a", history, quantiles, [0.1, 0.5, 0.9], actual=np.array([4.5, 5.5]))
    times = np.datetime64("2024-01-01") + np.arange(5)
    plots.fans([one, one._replace(name="b", times=times, levels=[0.1, 0.5, 0.95], actual=None)], tmp_path / "fans.png")
    [figure] = drawn
    first, second = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    assert lines(first)["history"] == ([0, 1, 2], [1, 2, 3]) and lines(first)["median"] == ([3, 4], [4, 4])
    assert lines(first)["actual"] == ([3, 4], [4.5, 5.5])
    [band] = first.collections
    assert band.get_label() == "80% interval" and band.get_datalim(first.transData).extents.tolist() == [3, 2, 4, 6]
    labels = {line.get_label() for line in second.lines}
    assert not second.collections and labels >= {"quantile 0.1", "median", "quantile 0.95"} and "actual" not in labels
    assert_written(tmp_path / "fans.png", figure)


def test_values_without_neighbours_are_drawn_as_points(drawn, tmp_path):
    history = np.array([1, np.nan, 2, 3, np.nan, np.nan, 4])
    plots.fans([plots.Fan("a", history, np.ones((2, 1)), [0.5])], tmp_path / "fans.png")
    points = next(line for line in drawn[0].axes[0].lines if line.get_marker() == ".")
    assert points.get_xydata().tolist() == [[0, 1], [6, 4]]
    assert plots._isolated(np.array([1.0])).tolist() == [True]


def test_a_plot_appears_whole_or_not_at_all(drawn, tmp_path, monkeypatch):
    def full(self, path, **options):
        path.write_bytes(b"\x89PNG")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    with pytest.raises(OSError, match="No space left"):
        plots.lines({"a": {0.0: 1.0}}, "t", "x", "y", tmp_path / "lines.png")
    assert not (tmp_path / "lines.png").exists()
