"""Figures of scores: recall of every class, differences between methods, accuracy on parts of the faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from ferlab.errors import FerlabError
from ferlab.figures.palette import class_colors, method_color, method_label
from ferlab.figures.style import FAINT, INK, axes_or_new, figure_style

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
