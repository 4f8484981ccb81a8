"""Maps of embedding spaces, and how far they may be believed: each draws plain arrays on `ax` or on a new figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from ferlab.errors import FerlabError
from ferlab.figures.style import INK, axes_or_new, figure_style
from ferlab.methods import method_label
from ferlab.palette import class_colors
from ferlab.projection import map_quality, pair_distances
from ferlab.projection.names import apart, densest, named_classes
from ferlab.vectors import random_part

MOST_COLUMNS = 4  # of maps side by side
PAIRS_OF = 400  # points whose pairs a Shepard diagram holds: 80,000 pairs


def embedding_map(
    points: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    ax: Axes | None = None,
    title: str | None = None,
    names: bool = True,
    wrong: np.ndarray | None = None,
) -> Axes:
    """A map of an embedding space, one dot an image, in class colors.

    Args:
        points: float array (N, 2).
        labels: int array (N,), indices into `classes`.
        classes: class names.
        ax: where to draw; a new figure otherwise.
        title: above the map.
        names: write each class's name where its points lie densest.
        wrong: bool array (N,); these points get a dark ring.
    """
    points, labels = np.asarray(points, dtype=float), np.asarray(labels)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(labels):
        raise FerlabError(f"A map needs points (N, 2) and labels (N,), but got {points.shape} and {labels.shape}.")
    with figure_style(classes) as written:
        ax = axes_or_new(ax, (4.6, 4.8))
        colors = np.array(class_colors(list(classes)))
        size = float(np.clip(14000 / max(len(points), 1), 6, 28))
        rasterized = len(points) > 600
        order = np.random.default_rng(0).permutation(len(points))  # so that no class hides the others
        x, y = points.T
        ax.scatter(x[order], y[order], c=colors[labels[order]], s=size, alpha=0.85, linewidths=0, rasterized=rasterized)
        if wrong is not None and np.any(wrong):
            rings = np.asarray(wrong)
            ax.scatter(
                x[rings], y[rings], s=size * 1.6, facecolors="none", edgecolors=INK, linewidths=0.6,
                rasterized=rasterized,
            )  # fmt: skip
        if names:
            _write_names(ax, points, labels, classes, written)
        ax.set(xticks=[], yticks=[], aspect="equal")
        ax.margins(0.04)
        for spine in ax.spines.values():
            spine.set_visible(False)
        if title:
            ax.set_title(title)
    return ax


def _write_names(
    ax: Axes, points: np.ndarray, labels: np.ndarray, classes: Sequence[str], written: Sequence[str]
) -> None:
    """The name of every class with some points where these lie densest, none over another."""
    colors = class_colors(list(classes))
    present = named_classes(labels, len(classes))
    places = np.array([densest(points[labels == k]) for k in present]).reshape(-1, 2)
    unit = 1.2 * np.ptp(points, axis=0).max() / 2 or 1.0  # frames take a fifth more room than names alone
    places = unit * apart(places / unit, [written[k] for k in present])
    for k, (x, y) in zip(present, places, strict=True):
        ax.text(
            x, y, written[k], ha="center", va="center", fontsize=9, fontweight="bold",
            bbox={"boxstyle": "round,pad=0.2", "fc": "white", "ec": colors[k], "lw": 1.2, "alpha": 0.88},
        )  # fmt: skip


def embedding_maps(
    layouts: Mapping[str, np.ndarray],
    labels: np.ndarray,
    classes: Sequence[str],
    wrong: Mapping[str, np.ndarray] | None = None,
) -> np.ndarray:
    """Maps of several methods, at most four side by side, on one scale: an array of Axes.

    Args:
        layouts: method name -> float array (N, 2), as `aligned_layouts` gives them.
        labels: int array (N,).
        classes: class names.
        wrong: method name -> bool array (N,) of misclassified images, ringed.
    """
    with figure_style(classes):
        columns = min(len(layouts), MOST_COLUMNS)
        rows = -(-len(layouts) // columns)
        _, grid = plt.subplots(
            rows, columns, figsize=(4.3 * columns, 4.5 * rows), layout="constrained", squeeze=False,
            sharex=True, sharey=True,
        )  # fmt: skip
        axes = grid.ravel()
        for ax, (name, points) in zip(axes, layouts.items(), strict=False):
            embedding_map(points, labels, classes, ax, method_label(name), wrong=None if wrong is None else wrong[name])
        for ax in axes[len(layouts) :]:
            ax.remove()
    return axes[: len(layouts)]


def shepard_diagram(
    space: np.ndarray,
    layout: np.ndarray,
    ax: Axes | None = None,
    title: str | None = None,
    metric: str = "cosine",
) -> Axes:
    """Distances of pairs in the full space against their distances on the map (a Shepard diagram).

    A map that kept all distances would give one line; a wide cloud says that a distance on the map tells little.

    Args:
        space: float array (N, D).
        layout: float array (N, 2), row i the map position of row i of the space.
        ax: where to draw; a new figure otherwise.
        title: above the diagram.
        metric: of the space, "cosine", "correlation" or "euclidean".

    Raises:
        FerlabError: differing N, fewer than 4 points.
    """
    space, layout = np.asarray(space, dtype=float), np.asarray(layout, dtype=float)
    quality = map_quality(space, layout, metric)
    few = random_part(len(space), PAIRS_OF)
    pairs = np.triu_indices(len(few), k=1)
    in_space, on_map = pair_distances(space[few], metric)[pairs], pair_distances(layout[few], "euclidean")[pairs]
    # The median on the map of twenty equally large parts of the pairs, by their distance in the space.
    edges = np.quantile(in_space, np.linspace(0, 1, 21))
    part = np.clip(np.searchsorted(edges, in_space, side="right") - 1, 0, 19)
    medians = [np.median(on_map[part == k]) if (part == k).any() else np.nan for k in range(20)]
    with figure_style():
        ax = axes_or_new(ax, (4.4, 3.9))
        ax.hexbin(in_space, on_map, gridsize=45, cmap="Blues", bins="log", mincnt=1, linewidths=0)
        ax.plot((edges[1:] + edges[:-1]) / 2, medians, color=INK, lw=1.6, label="median")
        ax.set(xlabel=f"{metric} distance in the space", ylabel="distance on the map")
        ax.text(
            0.98, 0.03, f"rank correlation {quality.distance_correlation:.2f}\n"
            f"trustworthiness {quality.trustworthiness:.3f}",
            transform=ax.transAxes, ha="right", va="bottom", fontsize=9,
            bbox={"fc": "white", "ec": "none", "alpha": 0.8, "pad": 2},
        )  # fmt: skip
        ax.legend(loc="upper left", fontsize=9)
        if title:
            ax.set_title(title)
    return ax


def shepard_diagrams(
    spaces: Mapping[str, np.ndarray], layouts: Mapping[str, np.ndarray], metric: str = "cosine"
) -> np.ndarray:
    """:func:`shepard_diagram` of several methods side by side: an array of Axes.

    Args:
        spaces: method name -> float array (N, D_m).
        layouts: method name -> float array (N, 2), of the same methods.
        metric: as for :func:`shepard_diagram`.
    """
    with figure_style():
        figure, axes = plt.subplots(
            1, len(spaces), figsize=(4.3 * len(spaces), 3.9), layout="constrained", squeeze=False, sharey=True
        )
        for ax, (name, space) in zip(axes[0], spaces.items(), strict=True):
            shepard_diagram(space, layouts[name], ax, method_label(name), metric)
            ax.label_outer()
            ax.set_xlabel(f"{metric} distance in the space")
    return axes[0]
