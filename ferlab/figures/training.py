"""A training at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ferlab.figures.palette import METHOD_COLORS
from ferlab.figures.plots import embedding_map
from ferlab.figures.scores import recall_bars
from ferlab.figures.style import FAINT, INK, figure_style

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
