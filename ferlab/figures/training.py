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
from ferlab.methods import method_color, method_label, method_style

MOST_WITHIN = 8  # names of methods within a figure of their lines
TOTAL_STYLE: tuple[str, str] = (INK, "-")
# Dealt to the parts of a loss in turn, cross-entropy first; color is never the only carrier of a meaning.
PART_STYLES: tuple[tuple[str, str], ...] = (
    (method_color("ce"), "-"),
    (method_color("tcl-nearest"), "-"),
    (method_color("tcl-predicted"), "--"),
    (method_color("tcl-semi-synthesized"), ":"),
    (method_color("ad-corre"), "-."),
)
SCORE_STYLES: dict[str, tuple[str, str, str]] = {
    "validation_accuracy": ("accuracy, validation", method_color("tcl-nearest"), "-"),
    "validation_balanced_accuracy": ("balanced, validation", method_color("ad-corre"), "-"),
    "train_accuracy": ("accuracy, training", method_color("tcl-nearest"), "--"),
    "train_balanced_accuracy": ("balanced, training", method_color("ad-corre"), "--"),
}


def part_style(place: int) -> tuple[str, str]:
    """Color and line style of a loss's line: the total is at place 0, its parts follow.

    >>> part_style(0) == TOTAL_STYLE, part_style(1) == part_style(1 + len(PART_STYLES))
    (True, True)
    """
    return PART_STYLES[(place - 1) % len(PART_STYLES)] if place else TOTAL_STYLE


def training_overview(
    title: str,
    *,
    places: np.ndarray,
    losses: Mapping[str, np.ndarray],
    history: pd.DataFrame,
    epochs: int,
    classes: Sequence[str],
    points: np.ndarray | None,
    labels: np.ndarray,
    recalls: np.ndarray | None,
    epoch: int | None,
    map_words: str = "PCA",
) -> np.ndarray:
    """Losses, accuracies, a map of the embedding and the recall of every class: an array of four Axes.

    Args:
        title: above all.
        places: float (P,), where on the way the losses stand, in epochs.
        losses: words -> float (P,), as they enter the total, which is the first one.
        history: one row an epoch, with `epoch` and the columns of `SCORE_STYLES` that are there.
        epochs: of the whole training.
        classes: class names.
        points: (n, 2), the map after `epoch`; None before the first one.
        labels: int (n,).
        recalls: float (K,), NaN for a class without faces; None before the first epoch.
        epoch: that the map and the recalls belong to.
        map_words: what the map is.
    """
    with figure_style(classes):
        figure, axes = plt.subplots(2, 2, figsize=(10.4, 7.6), layout="constrained")
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        loss_axes, score_axes, map_axes, recall_axes = axes.ravel()
        _draw_losses(loss_axes, places, losses)
        _draw_scores(score_axes, history)
        for ax in (loss_axes, score_axes):
            ax.set(xlabel="epoch", xlim=(0, epochs))
            ax.grid(axis="y")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            if ax.lines:
                ax.legend(fontsize=9)
        if points is None or recalls is None:
            for ax in (map_axes, recall_axes):
                ax.axis("off")
            map_axes.text(0.5, 0.5, "No epoch has finished yet.", ha="center", color=FAINT)
        else:
            words = f"Validation faces after epoch {epoch} ({map_words})"
            embedding_map(points, labels, classes, map_axes, words, names=False)
            recall_bars(recalls, classes, recall_axes, f"Recall after epoch {epoch}")
    return axes.ravel()


def _draw_losses(ax: Axes, places: np.ndarray, losses: Mapping[str, np.ndarray]) -> None:
    for place, (name, values) in enumerate(losses.items()):
        color, style = part_style(place)
        ax.plot(places, values, color=color, ls=style, lw=1.7 if place else 2.2, label=name)
    ax.set(title="Loss, smoothed")
    ax.set_ylim(bottom=0)


def _draw_scores(ax: Axes, history: pd.DataFrame) -> None:
    for column, (label, color, style) in SCORE_STYLES.items():
        if column in history:
            ax.plot(history["epoch"], history[column], color=color, ls=style, marker="o", ms=4, label=label)
    ax.set(title="Accuracy", ylim=(0, 1))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


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
        # Names of many methods, as of a comparison with strengths, would cover their lines: they stand beside them.
        methods = history.dropna(subset=[column])["method"].nunique()
        is_beside = methods > MOST_WITHIN
        ax = axes_or_new(ax, (8.6, max(3.6, 0.22 * methods + 0.4)) if is_beside else (5.4, 3.6))
        for name, rows in history.dropna(subset=[column]).groupby("method", sort=False):
            over = rows.groupby("epoch")[column]
            mean, low, high = over.mean(), over.min(), over.max()
            color = method_color(name)
            ax.plot(mean.index, mean, color=color, ls=method_style(name), lw=2, label=method_label(name))
            if rows["seed"].nunique() > 1:
                ax.fill_between(mean.index, low, high, color=color, alpha=0.18, lw=0)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        if "accuracy" in column:
            ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        ax.grid(axis="y")
        ax.set(xlabel="epoch", ylabel=column.replace("_", " "))
        if title:
            ax.set_title(title)
        if is_beside:
            ax.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        elif methods:
            ax.legend(fontsize=9)
    return ax
