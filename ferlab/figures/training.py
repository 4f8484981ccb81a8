"""A training at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ferlab.errors import FerlabError
from ferlab.figures.maps import embedding_map
from ferlab.figures.scores import recall_bars
from ferlab.figures.style import FAINT, INK, axes_or_new, figure_style
from ferlab.palette import METHOD_COLORS, method_color, method_label, method_style

# Parts of a loss: color, line style. The same on the page (monitor.js).
PART_STYLES: dict[str, tuple[str, str | tuple]] = {
    "total": (INK, "-"),
    "cross-entropy": (METHOD_COLORS["ce"], "-"),
    "TCL": (METHOD_COLORS["tcl-nearest"], "-"),
    "FD": (METHOD_COLORS["ad-corre"], "-"),
    "MD": (METHOD_COLORS["tcl-predicted"], "--"),
    "ED": (METHOD_COLORS["tcl-semi-synthesized"], ":"),
}
SCORE_STYLES: dict[str, tuple[str, str, str]] = {
    "validation_accuracy": ("accuracy, validation", METHOD_COLORS["tcl-nearest"], "-"),
    "validation_balanced_accuracy": ("balanced, validation", METHOD_COLORS["ad-corre"], "-"),
    "train_accuracy": ("accuracy, training", METHOD_COLORS["tcl-nearest"], "--"),
    "train_balanced_accuracy": ("balanced, training", METHOD_COLORS["ad-corre"], "--"),
}


def training_overview(
    title: str,
    places: np.ndarray,
    losses: Mapping[str, np.ndarray],
    history: pd.DataFrame,
    epochs: int,
    classes: Sequence[str],
    points: np.ndarray | None,
    labels: np.ndarray,
    recalls: np.ndarray | None,
    epoch: int | None,
) -> np.ndarray:
    """Losses, accuracies, a map of the embedding and the recall of every class: an array of four Axes.

    Args:
        title: above all.
        places: float (P,), where on the way the losses stand, in epochs.
        losses: name -> float (P,), as they enter the total.
        history: one row an epoch, with `epoch` and the columns of `SCORE_STYLES` that are there.
        epochs: of the whole training.
        classes: class names.
        points: (n, 2), the map after `epoch`; None before the first one.
        labels: int (n,).
        recalls: float (K,), NaN for a class without faces; None before the first epoch.
        epoch: that the map and the recalls belong to.
    """
    with figure_style():
        figure, axes = plt.subplots(2, 2, figsize=(10.4, 7.6), layout="constrained")
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        of_losses, of_scores, of_map, of_recalls = axes.ravel()
        for name, values in losses.items():
            color, style = PART_STYLES.get(name, (FAINT, "-"))
            of_losses.plot(places, values, color=color, ls=style, lw=2.2 if name == "total" else 1.7, label=name)
        of_losses.set(title="Loss, smoothed", xlabel="epoch", xlim=(0, epochs))
        of_losses.set_ylim(bottom=0)
        for column, (label, color, style) in SCORE_STYLES.items():
            if column in history:
                of_scores.plot(history["epoch"], history[column], color=color, ls=style, marker="o", ms=4, label=label)
        of_scores.set(title="Accuracy", xlabel="epoch", xlim=(0, epochs), ylim=(0, 1))
        of_scores.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        for ax in (of_losses, of_scores):
            ax.grid(axis="y")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            if ax.lines:
                ax.legend(fontsize=9)
        if points is None or recalls is None:
            for ax in (of_map, of_recalls):
                ax.axis("off")
            of_map.text(0.5, 0.5, "No epoch has finished yet.", ha="center", color=FAINT)
        else:
            embedding_map(points, labels, classes, of_map, f"Validation faces after epoch {epoch} (PCA)", names=False)
            recall_bars(recalls, classes, of_recalls, f"Recall after epoch {epoch}")
    return axes.ravel()


def learning_curves(
    history: pd.DataFrame, column: str = "validation_accuracy", ax: Axes | None = None, title: str | None = None
) -> Axes:
    """One line a method over the epochs; with several seeds the mean and the band from lowest to highest.

    Args:
        history: columns method, seed, epoch and `column`.
        column: what to draw, such as `validation_accuracy` or `train_loss`.
        ax: where to draw; a new figure otherwise.
        title: above the curves.
    """
    if column not in history:
        raise FerlabError(f"The history has no column {column!r}; it has: {', '.join(map(str, history.columns))}.")
    with figure_style():
        ax = axes_or_new(ax, (5.4, 3.6))
        ends = []
        for name, rows in history.dropna(subset=[column]).groupby("method", sort=False):
            over = rows.groupby("epoch")[column]
            mean, low, high = over.mean(), over.min(), over.max()
            color = method_color(name)
            ax.plot(mean.index, mean, color=color, ls=method_style(name), lw=2, label=method_label(name))
            if rows["seed"].nunique() > 1:
                ax.fill_between(mean.index, low, high, color=color, alpha=0.18, lw=0)
            ends.append(mean.iloc[-1])
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        if "accuracy" in column:
            ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        ax.grid(axis="y")
        ax.set(xlabel="epoch", ylabel=column.replace("_", " "))
        if title:
            ax.set_title(title)
        if ends:
            ax.legend(fontsize=9)
    return ax
