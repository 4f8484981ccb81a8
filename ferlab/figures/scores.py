"""Figures of scores: confusions, recall of every class, one measure of all methods, differences between methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from ferlab.errors import FerlabError
from ferlab.figures.style import (
    FAINT,
    INK,
    TALLEST,
    Cells,
    axes_or_new,
    figure_style,
    line_size,
    matrix_side,
    name_columns,
)
from ferlab.methods import method_color, method_label
from ferlab.palette import class_colors

SHARE_COLOR = "#1f6fb5"  # of the cell that holds all faces of its class


def confusion_matrix(
    counts: np.ndarray, classes: Sequence[str], ax: Axes | None = None, title: str | None = None
) -> Axes:
    """A confusion matrix: color and large number are the share of the row (of the true class), the small number
    the images. Where there are too many classes for numbers that can be read, color stands alone.

    Args:
        counts: int array (K, K); row = true class, column = predicted class.
        classes: class names.
        ax: where to draw; a new figure otherwise.
        title: above the matrix.
    """
    counts = np.asarray(counts)
    if counts.shape != (len(classes), len(classes)):
        raise FerlabError(f"The confusion matrix has shape {counts.shape}, but there are {len(classes)} classes.")
    with figure_style(classes) as names:
        side = matrix_side(len(classes), 5.0)
        ax = axes_or_new(ax, (side + 0.6, side))
        cells = Cells.of(ax, len(classes))
        rows = counts.sum(axis=1, keepdims=True)
        share = np.divide(counts, rows, out=np.zeros(counts.shape), where=rows > 0)
        text = [
            [f"{share[t, p]:.0%}\n{count}" if count else "" for p, count in enumerate(row)]
            for t, row in enumerate(counts)
        ]
        sns.heatmap(
            share, vmin=0, vmax=1, cmap=sns.light_palette(SHARE_COLOR, as_cmap=True), square=True, cbar=False,
            annot=np.array(text) if cells.annotation else False, fmt="", annot_kws={"fontsize": cells.annotation},
            linewidths=cells.gap, linecolor="white", xticklabels=False, yticklabels=False, ax=ax,
        )  # fmt: skip
        cells.name_sides(ax, names)
        ax.set(xlabel="predicted", ylabel="true")
        if title:
            ax.set_title(title)
    return ax


def confusion_matrices(confusions: Mapping[str, np.ndarray], classes: Sequence[str]) -> np.ndarray:
    """Confusion matrices of several methods, two a row: an array of Axes.

    Args:
        confusions: method name -> int array (K, K); row = true class.
        classes: class names.
    """
    columns = min(2, len(confusions))
    rows = -(-len(confusions) // columns)
    side = matrix_side(len(classes), 5.0)
    with figure_style(classes):
        figure, axes = plt.subplots(
            rows, columns, figsize=((side + 0.4) * columns, side * rows), layout="constrained", squeeze=False
        )
        axes = axes.ravel()
        for ax, (name, counts) in zip(axes, confusions.items(), strict=False):
            confusion_matrix(counts, classes, ax, method_label(name))
        for ax in axes[len(confusions) :]:
            ax.remove()
    return axes[: len(confusions)]


def recall_bars(recalls: np.ndarray, classes: Sequence[str], ax: Axes | None = None, title: str | None = None) -> Axes:
    """Recall of every class of one network, in the classes' colors.

    Args:
        recalls: float (K,), NaN for a class without faces.
        classes: class names.
        ax: where to draw; a new figure otherwise.
        title: above the bars.
    """
    with figure_style(classes) as names:
        ax = axes_or_new(ax, (5.0, min(0.34 * len(classes) + 0.5, TALLEST)))
        size = line_size(ax, len(classes), usual=9)
        ax.barh(range(len(classes)), np.nan_to_num(recalls), 0.66, color=class_colors(list(classes)))
        for row, recall in enumerate(recalls):
            text = "no faces" if np.isnan(recall) else f"{recall:.0%}"
            ax.text(0.01 + np.nan_to_num(recall), row, text, va="center", fontsize=size)
        ax.set_yticks(range(len(classes)), names, fontsize=size * 10 / 9)
        ax.set(xlim=(0, 1.12), xticks=[])
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.spines["bottom"].set_visible(False)
        if title:
            ax.set_title(title)
    return ax


def class_recall(
    recalls: Mapping[str, Mapping[str, Mapping[str, Any]]], ax: Axes | None = None, title: str | None = None
) -> Axes:
    """Recall of every class, the methods side by side: the mean as a bar, every seed as a dot.

    Args:
        recalls: method -> class -> `{"mean", "values"}`, as `class_recall` in summary.json. A class may be missing.
        ax: where to draw; a new figure otherwise.
        title: above the bars.

    Raises:
        FerlabError: no recalls.

    Example:
        >>> ax = class_recall({"ce": {"fear": {"mean": 0.6, "values": [0.6]}}})
        >>> float(ax.patches[0].get_height())
        0.6
    """
    classes = list(dict.fromkeys(name for by_class in recalls.values() for name in by_class))
    if not classes:
        raise FerlabError("There are no recalls to draw.")
    with figure_style(classes) as names:
        width = 1.1 + 0.55 * len(classes) + 0.17 * len(classes) * len(recalls)
        ax = axes_or_new(ax, (min(width, TALLEST), 3.9))
        width = 0.84 / len(recalls)
        for m, (method, by_class) in enumerate(recalls.items()):
            places = np.arange(len(classes)) + (m - (len(recalls) - 1) / 2) * width
            means = [by_class[name]["mean"] if name in by_class else np.nan for name in classes]
            ax.bar(places, means, 0.92 * width, color=method_color(method), label=method_label(method))
            for place, name in zip(places, classes, strict=True):
                seeds = by_class.get(name, {}).get("values", [])
                if len(seeds) > 1:
                    ax.scatter(np.full(len(seeds), place), seeds, s=9, color=INK, zorder=3, linewidths=0)
        is_flat = name_columns(ax, names)
        ax.set(ylabel="recall", ylim=(0, 1))
        ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        ax.set_axisbelow(True)
        ax.grid(axis="y")
        ax.tick_params(axis="x", length=0)
        # Bars may reach the top everywhere: below the classes' names, or above all where these need the room.
        place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.1)}
        if not is_flat:
            place = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0)}
        ax.legend(fontsize=9, ncols=min(4, len(recalls)), **place)
        if title:
            ax.set_title(title)
    return ax


def metric_bars(
    summary: Mapping[str, Any], metric: str = "accuracy", ax: Axes | None = None, title: str | None = None
) -> Axes:
    """One metric for every method: the mean as a bar, every seed as a dot.

    Args:
        summary: as in summary.json.
        metric: a name below the method, or below its `geometry`.
        ax: where to draw; a new figure otherwise.
        title: above the bars.
    """
    found = {}
    for name, scores in summary["methods"].items():
        value = scores.get(metric) or scores.get("geometry", {}).get(metric)
        if value is not None and value.get("mean") is not None:
            found[name] = value
    if not found:
        raise FerlabError(f"No method has the metric {metric!r}.")
    with figure_style():
        ax = axes_or_new(ax, (5.2, 0.45 * len(found) + 0.9))
        for row, (name, value) in enumerate(found.items()):
            ax.barh(row, value["mean"], 0.62, color=method_color(name), alpha=0.75)
            seeds = value.get("values") or []
            ax.scatter(seeds, np.full(len(seeds), row), s=16, color=INK, zorder=3)
            ax.text(
                0.01, row, f"{value['mean']:.3f}", transform=ax.get_yaxis_transform(), va="center", color="white",
                fontweight="bold",
            )  # fmt: skip
        ax.set_yticks(range(len(found)), [method_label(name) for name in found])
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel(metric.replace("_", " "))
        if title:
            ax.set_title(title)
    return ax


# Measure, heading, factor.
DIFFERENCES: tuple[tuple[str, str, float], ...] = (
    ("accuracy", "accuracy, points", 100),
    ("balanced_accuracy", "balanced, points", 100),
    ("within_between_ratio", "within / between", 1),
    ("silhouette", "silhouette", 1),
    ("map_at_r", "MAP@R", 1),
)


def method_differences(
    comparisons: Mapping[str, Mapping[str, Mapping[str, Any]]],
    measures: Sequence[tuple[str, str, float]] = DIFFERENCES,
) -> np.ndarray:
    """Every method's difference to its reference with its 95 % interval, one panel a measure: an array of Axes.

    A filled dot says that the corrected test rejects chance, an open one that it does not.

    Args:
        comparisons: method -> measure -> :class:`~ferlab.evaluation.Comparison` as a dict, as in summary.json.
        measures: name, heading, factor; those that no method has are left out.

    Raises:
        FerlabError: no comparisons, which a run with one seed has not.

    Example:
        >>> found = {"reference": "ce", "seeds": 3, "difference": 0.02, "low": 0.01, "high": 0.03, "p": 0.01,
        ...          "p_corrected": 0.02}
        >>> method_differences({"tcl-nearest": {"accuracy": found}})[0].get_title(loc="left")
        'accuracy, points'
    """
    shown = [measure for measure in measures if any(measure[0] in found for found in comparisons.values())]
    if not shown:
        raise FerlabError("There are no comparisons to draw: they need at least two seeds and a reference.")
    methods = list(comparisons)
    with figure_style():
        figure, axes = plt.subplots(
            1, len(shown), figsize=(2.2 + 2.05 * len(shown), 0.45 * len(methods) + 1.5), layout="constrained",
            squeeze=False, sharey=True,
        )  # fmt: skip
        for ax, (measure, heading, factor) in zip(axes[0], shown, strict=True):
            ax.axvline(0, color=FAINT, lw=1)
            for row, method in enumerate(methods):
                if (found := comparisons[method].get(measure)) is None:
                    continue
                low, middle, high = (factor * found[name] for name in ("low", "difference", "high"))
                real = found["p_corrected"] < 0.05
                color = method_color(method)
                ax.plot([low, high], [row, row], color=color, lw=2, solid_capstyle="butt")
                ax.scatter(middle, row, s=46, color=color if real else "white", edgecolors=color, lw=1.8, zorder=3)
            ax.set_title(heading, fontsize=10)
            ax.margins(x=0.12)
            ax.grid(axis="x")
            ax.tick_params(axis="y", length=0)
        references = {method: next(iter(found.values()))["reference"] for method, found in comparisons.items()}
        labels = [f"{method_label(method)}\nagainst {method_label(references[method])}" for method in methods]
        axes[0, 0].set_yticks(range(len(methods)), labels, fontsize=9)
        axes[0, 0].set_ylim(len(methods) - 0.5, -0.5)
        seeds = max(found["seeds"] for by_measure in comparisons.values() for found in by_measure.values())
        figure.supxlabel(
            f"difference to the reference: mean over {seeds} seeds, 95 % interval; filled: p < .05, corrected for the "
            "methods",
            fontsize=9, color=FAINT,
        )  # fmt: skip
    return axes[0]
