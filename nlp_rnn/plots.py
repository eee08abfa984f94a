"""Pictures of a run, as PNG files."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_TRAIN, _VALIDATION = "#7a8fa6", "#c2571a"
_LINES = ("#c2571a", "#3d7ea6", "#5b5b5b", "#7a9a3a", "#8c5fa8")
_MOST_NAMES = 40  # more classes than this are shown without names and counts


def _figure(width, height):
    from matplotlib.figure import Figure  # without pyplot: no window system, no state

    return Figure(figsize=(width, height), layout="constrained")


def curves(history: Sequence[dict], path: Path) -> None:
    """Loss, and accuracy if there is one, over the epochs, in training and on the validation set, the kept one marked.

    Args:
        history: one dict an epoch: epoch, loss and val_loss, perhaps accuracy and val_accuracy.
        path: a new PNG file.
    """
    names = [name for name in ("loss", "accuracy") if name in history[0]]
    figure = _figure(4 * len(names), 3.2)
    epochs = [row["epoch"] for row in history]
    kept = min(history, key=lambda row: row["val_loss"])["epoch"]
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        axes.plot(epochs, [row[name] for row in history], "o-", color=_TRAIN, label="training")
        axes.plot(epochs, [row[f"val_{name}"] for row in history], "o-", color=_VALIDATION, label="validation")
        axes.axvline(kept, color="0.7", linestyle=":", label="kept")
        axes.set(title=name.capitalize(), xlabel="epoch", xticks=_ticks(epochs))
        axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


def confusion_matrix(counts: np.ndarray, classes: Sequence[str], path: Path) -> None:
    """A confusion matrix, coloured by the share of each true class.

    Args:
        counts: [C, C]; row the true class, column the predicted one.
        classes: the C names.
        path: a new PNG file.
    """
    size = max(3.6, min(12, 1.6 + 0.7 * len(classes)))
    figure = _figure(size + 1, size)
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, label="share of the true class")
    axes.set(xlabel="predicted", ylabel="true")
    if len(classes) <= _MOST_NAMES:
        names = [name if len(name) <= 24 else name[:23] + "…" for name in classes]
        axes.set_xticks(range(len(classes)), names, rotation=45 if len(classes) > 3 else 0, parse_math=False)
        axes.set_yticks(range(len(classes)), names, parse_math=False)
        for (row, column), count in np.ndenumerate(counts):
            dark = shares[row, column] > 0.5
            axes.text(column, row, f"{count:,}", ha="center", va="center", color="white" if dark else "black")
    figure.savefig(path, dpi=120)


def lines(named: dict[str, dict[float, float]], title: str, xlabel: str, ylabel: str, path: Path) -> None:
    """Lines by name, each a dict of x to y, with shares from 0 to 1 on the y axis.

    Args:
        path: a new PNG file.
    """
    figure = _figure(7, 4)
    axes = figure.subplots()
    for n, ((name, points), marker, colour) in enumerate(zip(named.items(), "osD^v", _LINES, strict=False)):
        over = len(named) - 1 - n  # lines that come after it: where they are equal, this one is seen around them
        style = {"color": colour, "linewidth": 1.5 + over, "markersize": 4 + 2 * over}
        axes.plot(list(points), list(points.values()), f"{marker}-", label=name, **style)
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel, ylim=(-0.02, 1.02))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="center right")
    figure.savefig(path, dpi=120)


def attention(source: Sequence[str], target: Sequence[str], weights: np.ndarray, path: Path) -> None:
    """How much of each source token went into each target token, darker where more.

    Args:
        source, target: the tokens, S and T of them.
        weights: [T, S], each row with sum 1.
        path: a new PNG file; it appears whole or not at all.
    """
    figure = _figure(max(3.5, 1.5 + 0.42 * len(source)), max(3.0, 1.2 + 0.36 * len(target)))
    axes = figure.subplots()
    image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    figure.colorbar(image, label="share of the attention")
    turned = {"rotation": 45, "ha": "left"} if max(map(len, source), default=0) > 3 else {}
    axes.set_xticks(range(len(source)), source, parse_math=False, **turned)
    axes.set_yticks(range(len(target)), target, parse_math=False)
    axes.xaxis.set_tick_params(top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.set(ylabel="translation, ∎ its end", title="source")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)  # a box is drawn for it
        partial = path.with_name(f"{path.name}.partial")
        figure.savefig(partial, dpi=120, format="png")
    partial.replace(path)


def fans(named: Sequence[dict], path: Path) -> None:
    """Series and what follows them: intervals as bands, the median and quantiles that have none opposite as lines.

    Args:
        named: of each series a dict: name, seen [T], told [H, Q] with the quantiles rising, their levels [Q],
            and perhaps actual [H], and when [T + H], the times.
        path: a new PNG file; it appears whole or not at all.
    """
    columns = min(3, len(named))
    rows = -(-len(named) // columns)
    figure = _figure(4.6 * columns, 2.7 * rows) if len(named) > 1 else _figure(8, 3.6)
    for axes, one in zip(figure.subplots(rows, columns, squeeze=False).flat, named, strict=False):
        _fan(axes, one)
    for axes in figure.axes[len(named) :]:
        axes.set_axis_off()
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    partial = path.with_name(f"{path.name}.partial")
    figure.savefig(partial, dpi=120, format="png")
    partial.replace(path)


def _fan(axes, one):
    told, levels, begin = one["told"], one["levels"], len(one["seen"])
    when = one.get("when")
    when = np.arange(begin + len(told)) if when is None else when
    ahead = when[begin:]
    axes.plot(when[:begin], one["seen"], color=_TRAIN, linewidth=1.2, label="seen")
    lonely = _lonely(one["seen"])
    axes.plot(when[:begin][lonely], one["seen"][lonely], ".", color=_TRAIN, markersize=4)
    pairs, alone = _intervals(levels)
    for shade, (low, high) in enumerate(pairs):
        share = f"{levels[high] - levels[low]:.0%} interval"
        look = {"color": _VALIDATION, "alpha": 0.2 + 0.15 * shade, "linewidth": 0}
        axes.fill_between(ahead, told[:, low], told[:, high], label=share, **look)
    for n in alone:
        middle = levels[n] == 0.5
        look = {"linewidth": 1.6} if middle else {"linewidth": 1.0, "linestyle": "--"}
        label = "median" if middle else f"quantile {levels[n]:g}"
        axes.plot(ahead, told[:, n], color=_VALIDATION, label=label, **look)
    if one.get("actual") is not None:
        axes.plot(ahead, one["actual"], ".", color="0.25", markersize=4, label="what came")
    axes.set_title(one["name"], fontsize=9, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    if when.dtype.kind == "M":
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        places = AutoDateLocator(minticks=3)
        axes.xaxis.set_major_locator(places)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(places))


def _lonely(values):
    """Which values have none beside them: a line does not show those."""
    there = np.isfinite(values)
    beside = np.concatenate([[False], there, [False]])
    return there & ~beside[:-2] & ~beside[2:]


def _intervals(levels):
    """The quantiles that are as far below the median as others are above it, outermost first, and all others."""
    places = {round(level, 6): n for n, level in enumerate(levels)}
    pairs = [(n, places.get(round(1 - level, 6))) for level, n in places.items() if level < 0.5]
    pairs = [(low, high) for low, high in pairs if high is not None]
    paired = {n for pair in pairs for n in pair}
    return pairs, [n for n in range(len(levels)) if n not in paired]


def _ticks(epochs):
    step = max(1, len(epochs) // 10)
    return epochs[::step]
