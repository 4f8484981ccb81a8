"""Figures of scores: recall of every class, differences between methods, accuracy on parts of the faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from ferlab.errors import FerlabError
from ferlab.figures.style import FAINT, INK, axes_or_new, figure_style
from ferlab.palette import class_colors, method_color, method_label

# One marker a method, so that color is not alone.
MARKERS = "oDs^vPXd"


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
    classes = list(dict.fromkeys(name for of in recalls.values() for name in of))
    if not classes:
        raise FerlabError("There are no recalls to draw.")
    with figure_style():
        ax = axes_or_new(ax, (1.1 + 0.55 * len(classes) + 0.17 * len(classes) * len(recalls), 3.9))
        width = 0.84 / len(recalls)
        for m, (method, of) in enumerate(recalls.items()):
            places = np.arange(len(classes)) + (m - (len(recalls) - 1) / 2) * width
            means = [of[name]["mean"] if name in of else np.nan for name in classes]
            ax.bar(places, means, 0.92 * width, color=method_color(method), label=method_label(method))
            for place, name in zip(places, classes, strict=True):
                seeds = of.get(name, {}).get("values", [])
                if len(seeds) > 1:
                    ax.scatter(np.full(len(seeds), place), seeds, s=9, color=INK, zorder=3, linewidths=0)
        ax.set_xticks(range(len(classes)), classes)
        _shares_upward(ax, "recall")
        # Below the classes' names: bars may reach the top everywhere.
        ax.legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=min(4, len(recalls)))
        if title:
            ax.set_title(title)
    return ax


def method_differences(
    comparisons: Mapping[str, Mapping[str, Mapping[str, Any]]],
    measures: Sequence[tuple[str, str, float]] = (
        ("accuracy", "accuracy, points", 100),
        ("balanced_accuracy", "balanced, points", 100),
        ("within_between_ratio", "within / between", 1),
        ("silhouette", "silhouette", 1),
        ("map_at_r", "MAP@R", 1),
    ),
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
    shown = [of for of in measures if any(of[0] in found for found in comparisons.values())]
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
        labels = [
            f"{method_label(m)}\nagainst {method_label(next(iter(comparisons[m].values()))['reference'])}"
            for m in methods
        ]
        axes[0, 0].set_yticks(range(len(methods)), labels, fontsize=9)
        axes[0, 0].set_ylim(len(methods) - 0.5, -0.5)
        seeds = max(found["seeds"] for of in comparisons.values() for found in of.values())
        figure.supxlabel(
            f"difference to the reference: mean over {seeds} seeds, 95 % interval; filled: p < .05, corrected for the "
            "methods",
            fontsize=9, color=FAINT,
        )  # fmt: skip
    return axes[0]


def slice_accuracy(
    slices: Mapping[str, Sequence[Mapping[str, Any]]], score: str = "accuracy", title: str | None = None
) -> np.ndarray:
    """Accuracy on parts of the faces, one panel a kind (intensity, pose, light, ...): an array of Axes.

    Args:
        slices: method -> parts as `slices` in summary.json: `{"kind", "part", "faces", "accuracy": {"mean"}}`, the same
            parts in the same order for every method.
        score: `"accuracy"` or `"balanced_accuracy"`.
        title: above all.

    Raises:
        FerlabError: no parts.

    Example:
        >>> part = {"kind": "yaw", "part": "below 8", "faces": 40, "accuracy": {"mean": 0.8}}
        >>> len(slice_accuracy({"ce": [part]}))
        1
    """
    first = next(iter(slices.values()), [])
    kinds = [
        (kind, [i for i, _ in parts]) for kind, parts in groupby(enumerate(first), key=lambda item: item[1]["kind"])
    ]
    if not kinds:
        raise FerlabError("There are no parts to draw: nothing is known of these faces but their class.")
    # Two columns of panels, the longest ones dealt first, so that both are about as long.
    columns: list[list] = [[], []] if len(kinds) > 1 else [[]]
    rows = [0] * len(columns)
    for kind in sorted(kinds, key=lambda kind: -len(kind[1])):
        shorter = rows.index(min(rows))
        columns[shorter].append(kind)
        rows[shorter] += len(kind[1]) + 2
    for column in columns:
        column.sort(key=lambda kind: kind[1])  # as they came
    columns.sort(key=lambda column: column[0][1])
    with figure_style():
        figure = plt.figure(figsize=(5.6 * len(columns), 0.24 * max(rows) + 0.9), layout="constrained")
        drawn = []
        low = min(of[i][score]["mean"] for of in slices.values() for _, parts in kinds for i in parts)
        low = max(0.0, np.floor(10 * low) / 10 - 0.02)
        offsets = 0.14 * (np.arange(len(slices)) - (len(slices) - 1) / 2)  # or the markers would hide each other
        for sub, column in zip(np.atleast_1d(figure.subfigures(1, len(columns))), columns, strict=True):
            axes = sub.subplots(
                len(column),
                1,
                squeeze=False,
                sharex=True,
                gridspec_kw={"height_ratios": [len(p) + 1 for _, p in column]},
            )
            for ax, (kind, parts) in zip(axes[:, 0], column, strict=True):
                for m, (method, of) in enumerate(slices.items()):
                    ax.plot(
                        [of[i][score]["mean"] for i in parts], offsets[m] + np.arange(len(parts)), ls="",
                        marker=MARKERS[m % len(MARKERS)], color=method_color(method), ms=6, alpha=0.85,
                        label=method_label(method),
                    )  # fmt: skip
                ax.set_yticks(
                    range(len(parts)), [f"{first[i]['part']}  ({first[i]['faces']:,})" for i in parts], fontsize=8.5
                )
                ax.set_ylim(len(parts) - 0.4, -0.6)
                ax.set_xlim(low, 1.02)
                ax.grid(True, axis="both")
                ax.tick_params(axis="y", length=0)
                ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
                ax.set_title(kind, fontsize=10)
                drawn.append(ax)
            axes[-1, 0].set_xlabel(score.replace("_", " "))
        figure.legend(
            *drawn[0].get_legend_handles_labels(), loc="outside upper center", ncols=min(4, len(slices)), fontsize=9
        )
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return np.array(drawn)


def recall_bars(recalls: np.ndarray, classes: Sequence[str], ax: Axes | None = None, title: str | None = None) -> Axes:
    """Recall of every class of one network, in the classes' colors.

    Args:
        recalls: float (K,), NaN for a class without faces.
        classes: class names.
        ax: where to draw; a new figure otherwise.
        title: above the bars.
    """
    with figure_style():
        ax = axes_or_new(ax, (5.0, 0.34 * len(classes) + 0.5))
        ax.barh(range(len(classes)), np.nan_to_num(recalls), 0.66, color=class_colors(list(classes)))
        for row, recall in enumerate(recalls):
            text = "no faces" if np.isnan(recall) else f"{recall:.0%}"
            ax.text(0.01 + np.nan_to_num(recall), row, text, va="center", fontsize=9)
        ax.set_yticks(range(len(classes)), list(classes))
        ax.set(xlim=(0, 1.12), xticks=[])
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.spines["bottom"].set_visible(False)
        if title:
            ax.set_title(title)
    return ax


def _shares_upward(ax: Axes, name: str) -> None:
    ax.set(ylabel=name, ylim=(0, 1))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.set_axisbelow(True)
    ax.grid(axis="y")
    ax.tick_params(axis="x", length=0)


def confusion_matrix(
    counts: np.ndarray, classes: Sequence[str], ax: Axes | None = None, title: str | None = None
) -> Axes:
    """A confusion matrix: color and large number are the share of the row (of the true class), the small number
    the images.

    Args:
        counts: int array (K, K); row = true class, column = predicted class.
        classes: class names.
        ax: where to draw; a new figure otherwise.
        title: above the matrix.
    """
    counts = np.asarray(counts)
    if counts.shape != (len(classes), len(classes)):
        raise FerlabError(f"The confusion matrix has shape {counts.shape}, but there are {len(classes)} classes.")
    with figure_style():
        ax = axes_or_new(ax, (5.6, 5.0))
        rows = counts.sum(axis=1, keepdims=True)
        share = np.divide(counts, rows, out=np.zeros(counts.shape), where=rows > 0)
        text = np.array(
            [
                [f"{s:.0%}\n{c}" if c else "" for s, c in zip(*pair, strict=True)]
                for pair in zip(share, counts, strict=True)
            ]
        )
        sns.heatmap(
            share, vmin=0, vmax=1, cmap=sns.light_palette("#1f6fb5", as_cmap=True), annot=text, fmt="", cbar=False,
            square=True, linewidths=1.5, linecolor="white", xticklabels=list(classes), yticklabels=list(classes), ax=ax,
            annot_kws={"fontsize": 7.5},
        )  # fmt: skip
        for annotation in ax.texts:
            annotation.set_in_layout(False)  # they lie inside, and cost the layout seconds
        ax.set(xlabel="predicted", ylabel="true")
        ax.tick_params(length=0)
        ax.set_xticklabels(ax.get_xticklabels(), rotation=35, ha="right", rotation_mode="anchor")
        ax.set_yticklabels(ax.get_yticklabels(), rotation=0)
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
    with figure_style():
        figure, axes = plt.subplots(
            rows, columns, figsize=(5.4 * columns, 5.0 * rows), layout="constrained", squeeze=False
        )
        axes = axes.ravel()
        for ax, (name, counts) in zip(axes, confusions.items(), strict=False):
            confusion_matrix(counts, classes, ax, method_label(name))
        for ax in axes[len(confusions) :]:
            ax.remove()
    return axes[: len(confusions)]


def metric_bars(summary: Mapping, metric: str = "accuracy", ax: Axes | None = None, title: str | None = None) -> Axes:
    """One metric for every method: the mean as a bar, every seed as a dot.

    Args:
        summary: as in summary.json.
        metric: a name below the method, or below its `geometry`.
        ax: where to draw; a new figure otherwise.
        title: above the bars.
    """
    found = {}
    for name, of in summary["methods"].items():
        value = of.get(metric) or of.get("geometry", {}).get(metric)
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
                0.01,
                row,
                f"{value['mean']:.3f}",
                transform=ax.get_yaxis_transform(),
                va="center",
                color="white",
                fontweight="bold",
            )
        ax.set_yticks(range(len(found)), [method_label(name) for name in found])
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel(metric.replace("_", " "))
        if title:
            ax.set_title(title)
    return ax
