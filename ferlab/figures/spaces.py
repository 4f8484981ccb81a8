"""Figures of embedding spaces themselves, not of their maps: distances of pairs and correlations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.patches import Rectangle

from ferlab.errors import FerlabError
from ferlab.figures.names import drawn_names
from ferlab.figures.style import FAINT, INK, Cells, axes_or_new, figure_style, matrix_side
from ferlab.methods import method_color, method_label
from ferlab.palette import class_colors
from ferlab.projection import correlation_order, face_correlations
from ferlab.projection.correlations import standardized
from ferlab.vectors import random_part, unit_rows

PAIRS_OF = 1000  # faces whose pairs are drawn: half a million pairs


def pair_distance_distributions(
    spaces: Mapping[str, np.ndarray], labels: np.ndarray, title: str | None = None
) -> np.ndarray:
    """Distances of two faces of one class and of different classes, one row a method: an array of Axes.

    Embeddings are scaled to unit length, so that distances lie between 0 and 2 in every space. The less the two
    distributions overlap, the better a distance tells whether two faces show the same. The number, the area under the
    ROC curve, is the chance that a pair of one class is closer than a pair of two: 0.5 by guessing, 1 without overlap.

    Args:
        spaces: method -> float array (N, D_m), row i the same face in each.
        labels: int array (N,).
        title: above all.

    Raises:
        FerlabError: no spaces, differing N, faces of one class only.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> labels = np.arange(40) % 2
        >>> axes = pair_distance_distributions({"ce": rng.normal(size=(40, 3)) + 2 * labels[:, None]}, labels)
        >>> axes[0].texts[0].get_text()
        'AUC 0...'
    """
    labels = np.asarray(labels)
    if not spaces or any(len(space) != len(labels) for space in spaces.values()):
        raise FerlabError("Pair distances need at least one space, with one row for every label.")
    few = random_part(len(labels), PAIRS_OF)
    first, second = np.triu_indices(len(few), k=1)
    same = labels[few][first] == labels[few][second]
    if same.all() or not same.any():
        raise FerlabError("Pair distances need pairs of one class and of different classes.")
    edges = np.linspace(0, 2, 81)
    with figure_style():
        figure, axes = plt.subplots(
            len(spaces), 1, figsize=(6.4, 1.15 * len(spaces) + 1.1), layout="constrained", squeeze=False, sharex=True
        )
        for ax, (method, space) in zip(axes[:, 0], spaces.items(), strict=True):
            unit = unit_rows(np.asarray(space, dtype=float)[few])
            distances = np.sqrt(np.maximum(2 - 2 * (unit @ unit.T)[first, second], 0))
            color = method_color(method)
            ax.hist(
                distances[~same], edges, density=True, histtype="stepfilled", facecolor="none", edgecolor=FAINT,
                hatch="////", lw=1.3, label="different classes",
            )  # fmt: skip
            ax.hist(
                distances[same], edges, density=True, histtype="stepfilled", facecolor=(color, 0.55), edgecolor=color,
                lw=1.6, label="same class",
            )  # fmt: skip
            auc = closer_share(distances, same)
            ax.text(0.99, 0.9, f"AUC {auc:.3f}", transform=ax.transAxes, ha="right", va="top", fontsize=9)
            ax.set_title(method_label(method), fontsize=10)
            ax.set_yticks([])
            ax.spines["left"].set_visible(False)
        axes[-1, 0].set(xlabel="distance of two faces, embeddings of unit length", xlim=(0, 2))
        handles, names = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles[::-1], names[::-1], loc="outside upper right", ncols=2, fontsize=9)
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return axes[:, 0]


def closer_share(distances: np.ndarray, same: np.ndarray) -> float:
    """Chance that a pair of one class is closer than a pair of two classes (area under the ROC curve), 0 to 1.

    >>> closer_share(np.array([0.1, 0.2, 0.3, 0.4]), np.array([True, False, True, False]))
    0.75
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(same, -distances))


def mean_correlations(
    embeddings: np.ndarray, labels: np.ndarray, classes: Sequence[str], ax: Axes | None = None, title: str | None = None
) -> Axes:
    """Pearson correlations of the class means over their D entries: what Ad-Corre's mean discriminator pushes to -1.

    With several heads side by side, the correlation is over all their entries.

    Args:
        embeddings: float array (N, D).
        labels: int array (N,).
        classes: class names; one without faces leaves its row and column empty.
        ax: where to draw; a new figure, with a scale beside it, otherwise.
        title: above the matrix.

    Raises:
        FerlabError: embeddings and labels of differing N.
    """
    embeddings, labels = _checked(embeddings, labels)
    present = [k for k in range(len(classes)) if (labels == k).any()]
    means = standardized(np.stack([embeddings[labels == k].mean(axis=0) for k in present]))
    matrix = np.full((len(classes),) * 2, np.nan)
    matrix[np.ix_(present, present)] = means @ means.T
    with figure_style(classes) as names:
        alone = ax is None
        side = matrix_side(len(classes), 4.5)
        ax = axes_or_new(ax, (side + 0.7, side))
        cells = Cells.of(ax, len(classes))
        text = np.array([["" if np.isnan(c) else f"{c:.2f}".replace("-", "−") for c in row] for row in matrix])
        sns.heatmap(
            matrix, vmin=-1, vmax=1, cmap="RdBu_r", annot=text if cells.annotation else False, fmt="", square=True,
            linewidths=cells.gap, linecolor="white", xticklabels=False, yticklabels=False, ax=ax,
            annot_kws={"fontsize": cells.annotation}, cbar=False,
        )  # fmt: skip
        cells.name_sides(ax, names)
        if alone:
            add_scale(ax, ax.collections[0])
        if title:
            ax.set_title(title)
    return ax


def embedding_correlations(
    embeddings: np.ndarray, labels: np.ndarray, classes: Sequence[str], ax: Axes | None = None, title: str | None = None
) -> Axes:
    """Pearson correlations of every pair of embeddings, sorted by class: what Ad-Corre's feature discriminator sees.

    It pulls the squares on the diagonal (pairs of one class) to 1 and all else to -1. At most 500 faces are drawn, as
    many of each class.

    Args:
        embeddings: float array (N, D); of several heads side by side, or one head's.
        labels: int array (N,).
        classes: class names; one without faces is left out.
        ax: where to draw; a new figure, with a scale beside it, otherwise.
        title: above the matrix.

    Raises:
        FerlabError: embeddings and labels of differing N.
    """
    embeddings, labels = _checked(embeddings, labels)
    order = correlation_order(labels, len(classes))
    with figure_style(classes):
        alone = ax is None
        ax = axes_or_new(ax, (5.4, 4.7))
        draw_sorted_matrix(ax, face_correlations(embeddings[order]), labels[order], classes)
        if alone:
            add_scale(ax, ax.images[0])
        if title:
            ax.set_title(title)
    return ax


def draw_sorted_matrix(ax: Axes, matrix: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> None:
    """A matrix of faces sorted by class, with a frame around each class and its color and name beside it.

    Args:
        ax: where to draw.
        matrix: float array (N, N), -1 to 1.
        labels: int array (N,), ascending.
        classes: class names; one without faces is left out.
    """
    ax.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r", interpolation="antialiased")
    height = ax.get_window_extent().height / ax.figure.dpi * 72 * 0.8  # before the layout: a little too large
    start, middles, names, free = 0, [], [], 0.0
    for k, (name, color) in enumerate(zip(drawn_names(classes), class_colors(list(classes)), strict=True)):
        count = int((labels == k).sum())
        if not count:
            continue
        ax.add_patch(Rectangle((start - 0.5, start - 0.5), count, count, fill=False, ec=INK, lw=1))
        # The class's color beside its rows.
        ax.add_patch(
            Rectangle((-0.035, 1 - (start + count) / len(matrix)), 0.022, count / len(matrix),
                      transform=ax.transAxes, color=color, lw=0, clip_on=False)
        )  # fmt: skip
        if (place := (start + count / 2) / len(matrix) * height) >= free:  # of many small classes not all names fit
            middles.append(start + count / 2 - 0.5)
            names.append(name)
            free = place + 11
        start += count
    ax.set_yticks(middles, names)
    ax.set_xticks(middles, names, rotation=35, ha="right", rotation_mode="anchor")
    ax.tick_params(length=0)
    ax.tick_params(axis="y", pad=10)
    for spine in ax.spines.values():
        spine.set_visible(False)


def correlation_matrices(spaces: Mapping[str, np.ndarray], labels: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """:func:`embedding_correlations` above :func:`mean_correlations`, one column a method: an array of Axes.

    Args:
        spaces: method -> float array (N, D_m).
        labels: int array (N,).
        classes: class names.
    """
    with figure_style(classes):
        figure, axes = plt.subplots(
            2, len(spaces), figsize=(4.2 * len(spaces) + 0.7, 8.4), layout="constrained", squeeze=False
        )
        for (above, below), (method, space) in zip(axes.T, spaces.items(), strict=True):
            embedding_correlations(space, labels, classes, above, method_label(method))
            mean_correlations(space, labels, classes, below, "class means")
        add_scale(axes, axes[0, 0].images[0])
    return axes


def add_scale(axes: Axes | np.ndarray, drawn: ScalarMappable) -> None:
    """A bar beside one or more Axes that says which color is which correlation."""
    first = axes.flat[0] if isinstance(axes, np.ndarray) else axes
    first.figure.colorbar(drawn, ax=axes, label="correlation", shrink=0.6 if isinstance(axes, np.ndarray) else 0.8)


def _checked(embeddings: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    embeddings, labels = np.asarray(embeddings, dtype=float), np.asarray(labels)
    if embeddings.ndim != 2 or len(embeddings) != len(labels):
        raise FerlabError(
            f"Correlations need embeddings (N, D) and labels (N,), but got {embeddings.shape} and {labels.shape}."
        )
    return embeddings, labels
