"""Plots of a run, as PNG files. A file is complete or absent."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

_TRAIN, _VALIDATION = "#7a8fa6", "#c2571a"
_LINES = ("#c2571a", "#3d7ea6", "#5b5b5b", "#7a9a3a", "#8c5fa8")
_MAX_NAMES = 40  # a confusion matrix with more classes shows neither names nor counts


def _figure(width, height):
    from matplotlib.figure import Figure  # without pyplot: no window system, no global state

    return Figure(figsize=(width, height), layout="constrained")


def _save(figure, path):
    partial = path.with_name(f"{path.name}.partial")
    figure.savefig(partial, dpi=120, format="png")
    partial.replace(path)


def curves(history: Sequence[dict], path: Path) -> None:
    """Loss and, if recorded, accuracy of training and validation by epoch; the best epoch is marked.

    Args:
        history: a dict per epoch: epoch, loss and val_loss, optionally accuracy and val_accuracy.
        path: a new PNG file.
    """
    names = [name for name in ("loss", "accuracy") if name in history[0]]
    figure = _figure(4 * len(names), 3.2)
    epochs = [row["epoch"] for row in history]
    best = min(history, key=lambda row: row["val_loss"])["epoch"]
    drawn = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(drawn, names, strict=True):
        axes.plot(epochs, [row[name] for row in history], "o-", color=_TRAIN, label="training")
        axes.plot(epochs, [row[f"val_{name}"] for row in history], "o-", color=_VALIDATION, label="validation")
        axes.axvline(best, color="0.7", linestyle=":", label="best epoch")
        axes.set(title=name.capitalize(), xlabel="epoch", xticks=_ticks(epochs))
        axes.spines[["top", "right"]].set_visible(False)
    drawn[-1].legend(frameon=False)
    _save(figure, path)


def confusion_matrix(counts: np.ndarray, classes: Sequence[str], path: Path) -> None:
    """A confusion matrix, coloured by the fraction of each true class.

    Args:
        counts: [C, C]; rows are true classes, columns predicted ones.
        classes: the C names.
        path: a new PNG file.
    """
    size = max(3.6, min(12, 1.6 + 0.7 * len(classes)))
    figure = _figure(size + 1, size)
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, label="fraction of the true class")
    axes.set(xlabel="predicted", ylabel="true")
    if len(classes) <= _MAX_NAMES:
        names = [name if len(name) <= 24 else name[:23] + "…" for name in classes]
        axes.set_xticks(range(len(classes)), names, rotation=45 if len(classes) > 3 else 0, parse_math=False)
        axes.set_yticks(range(len(classes)), names, parse_math=False)
        for (row, column), count in np.ndenumerate(counts):
            dark = shares[row, column] > 0.5
            axes.text(column, row, f"{count:,}", ha="center", va="center", color="white" if dark else "black")
    _save(figure, path)


def precision_recall(
    curves: Mapping[str, tuple[np.ndarray, ...]], points: Mapping[str, Mapping[str, float]], path: Path
) -> None:
    """Precision by recall of some classes; a dot marks the threshold of a class.

    Args:
        curves: precision and recall of each class by threshold; the first five are drawn.
        points: figures of each class: precision_at_threshold, recall_at_threshold and threshold, where there is one.
        path: a new PNG file.
    """
    figure = _figure(5.5, 4)
    axes = figure.subplots()
    for (name, (precision, recall, *_)), colour in zip(curves.items(), _LINES, strict=False):
        steps = np.append(0.0, recall), np.append(precision[:1], precision)
        axes.step(*steps, where="pre", color=colour, label=name if len(name) <= 24 else f"{name[:23]}…")
        if "threshold" in points[name]:
            at = points[name]["recall_at_threshold"], points[name]["precision_at_threshold"]
            axes.plot(*at, "o", color=colour)
            axes.annotate(f"{points[name]['threshold']:.2f}", at, textcoords="offset points", xytext=(5, 5), fontsize=8)
    axes.set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.02), ylim=(-0.02, 1.05))
    axes.spines[["top", "right"]].set_visible(False)
    for text in axes.legend(frameon=False).get_texts():
        text.set_parse_math(False)
    _save(figure, path)


def lines(named: dict[str, dict[float, float]], title: str, xlabel: str, ylabel: str, path: Path) -> None:
    """A line chart of fractions from 0 to 1.

    Args:
        named: the lines by name, each a dict of x to y; at most five.
        title, xlabel, ylabel: of the chart and its axes.
        path: a new PNG file.
    """
    figure = _figure(7, 4)
    axes = figure.subplots()
    for n, ((name, points), marker, colour) in enumerate(zip(named.items(), "osD^v", _LINES, strict=False)):
        over = len(named) - 1 - n  # lines drawn over this one, which is wider so that it shows where they coincide
        style = {"color": colour, "linewidth": 1.5 + over, "markersize": 4 + 2 * over}
        axes.plot(list(points), list(points.values()), f"{marker}-", label=name, **style)
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel, ylim=(-0.02, 1.02))
    axes.locator_params(axis="x", integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="center right")
    _save(figure, path)


def attention(source: Sequence[str], target: Sequence[str], weights: np.ndarray, path: Path) -> None:
    """The attention of each target token to each source token, darker where higher.

    Args:
        source, target: the S and T tokens.
        weights: [T, S]; the sum of each row is 1.
        path: a new PNG file.
    """
    figure = _figure(max(3.5, 1.5 + 0.42 * len(source)), max(3.0, 1.2 + 0.36 * len(target)))
    axes = figure.subplots()
    image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    figure.colorbar(image, label="attention weight")
    turned = {"rotation": 45, "ha": "left"} if max(map(len, source), default=0) > 3 else {}
    axes.set_xticks(range(len(source)), source, parse_math=False, **turned)
    axes.set_yticks(range(len(target)), target, parse_math=False)
    axes.xaxis.set_tick_params(top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.set(ylabel="translation (∎: end)", title="source")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)  # a box is drawn instead
        _save(figure, path)


class Fan(NamedTuple):
    """A series and its forecast, to draw.

    Attributes:
        name: of the series.
        history: the values before the forecast, [T]; NaN where one is missing.
        quantiles: [H, Q], in ascending order.
        levels: the Q levels.
        actual: [H], the values that followed; None where they are unknown.
        times: datetime64 [T + H]; None where there are none.
    """

    name: str
    history: np.ndarray
    quantiles: np.ndarray
    levels: Sequence[float]
    actual: np.ndarray | None = None
    times: np.ndarray | None = None


def fans(series: Sequence[Fan], path: Path) -> None:
    """Fan charts of series: intervals as bands; the median and unpaired quantiles as lines.

    Args:
        series: what to draw.
        path: a new PNG file.
    """
    columns = min(3, len(series))
    rows = -(-len(series) // columns)
    figure = _figure(4.6 * columns, 2.7 * rows) if len(series) > 1 else _figure(8, 3.6)
    for axes, one in zip(figure.subplots(rows, columns, squeeze=False).flat, series, strict=False):
        _fan(axes, one)
    for axes in figure.axes[len(series) :]:
        axes.set_axis_off()
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    partial = path.with_name(f"{path.name}.partial")
    figure.savefig(partial, dpi=120, format="png")
    partial.replace(path)


def _fan(axes, one):
    begin = len(one.history)
    times = np.arange(begin + len(one.quantiles)) if one.times is None else one.times
    axes.plot(times[:begin], one.history, color=_TRAIN, linewidth=1.2, label="history")
    isolated = _isolated(one.history)
    axes.plot(times[:begin][isolated], one.history[isolated], ".", color=_TRAIN, markersize=4)
    _bands(axes, times[begin:], one)
    if one.actual is not None:
        axes.plot(times[begin:], one.actual, ".", color="0.25", markersize=4, label="actual")
    axes.set_title(one.name, fontsize=9, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    if times.dtype.kind == "M":
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        places = AutoDateLocator(minticks=3)
        axes.xaxis.set_major_locator(places)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(places))


def _bands(axes, times, one):
    """The quantiles of a forecast."""
    pairs, alone = _intervals(one.levels)
    for shade, (low, high) in enumerate(pairs):
        share = f"{one.levels[high] - one.levels[low]:.0%} interval"
        look = {"color": _VALIDATION, "alpha": 0.2 + 0.15 * shade, "linewidth": 0}
        axes.fill_between(times, one.quantiles[:, low], one.quantiles[:, high], label=share, **look)
    for n in alone:
        median = one.levels[n] == 0.5
        look = {"linewidth": 1.6} if median else {"linewidth": 1.0, "linestyle": "--"}
        label = "median" if median else f"quantile {one.levels[n]:g}"
        axes.plot(times, one.quantiles[:, n], color=_VALIDATION, label=label, **look)


def _isolated(values):
    """Which values have no neighbour: a line plot does not show them."""
    there = np.isfinite(values)
    padded = np.concatenate([[False], there, [False]])
    return there & ~padded[:-2] & ~padded[2:]


def _intervals(levels):
    """Pairs of quantiles symmetric about the median, the outermost first, and the unpaired quantiles."""
    places = {round(level, 6): n for n, level in enumerate(levels)}
    pairs = [(n, places.get(round(1 - level, 6))) for level, n in places.items() if level < 0.5]
    pairs = [(low, high) for low, high in pairs if high is not None]
    paired = {n for pair in pairs for n in pair}
    return pairs, [n for n in range(len(levels)) if n not in paired]


def _ticks(epochs):
    step = max(1, len(epochs) // 10)
    return epochs[::step]
