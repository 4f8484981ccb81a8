"""Embedding spaces as the losses see them: TCL's plane, the class-mean plane, Ad-Corre's correlations.

Several spaces stand side by side on one scale, so that they may be compared by eye.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ferlab.errors import FerlabError
from ferlab.figures.maps import embedding_map
from ferlab.figures.spaces import add_scale, draw_sorted_matrix
from ferlab.figures.style import FAINT, INK, figure_style, legend_above
from ferlab.methods import METHODS, heads_of, method_color, method_label
from ferlab.palette import class_colors
from ferlab.projection import (
    PairHistograms,
    class_mean_epoch_planes,
    correlation_order,
    face_correlations,
    head_correlations,
    open_hinges,
    pair_histograms,
    split_heads,
    triplet_plane,
)
from ferlab.projection.captions import CAPTIONS
from ferlab.projection.planes import hinge_curve, root_ticks, triplet_reach

MARGIN = float(METHODS["tcl-nearest"].options["margin"])  # in squared distance divided by D


def triplet_planes(
    spaces: Mapping[str, np.ndarray],
    labels: np.ndarray,
    classes: Sequence[str],
    centers: Mapping[str, np.ndarray] | None = None,
    *,
    margin: float = MARGIN,
    caption: bool = True,
) -> np.ndarray:
    """Every face by its distance to its own center and to the nearest other one, a space a panel: an array of Axes.

    The curve is the hinge's: above it, in the shaded part, the loss is 0. The axes are those of square roots, so that
    small and large spaces can be read side by side, and are numbered by the squared distances, the data's units. All
    panels have one scale, which leaves out at most one face in two hundred of a space; how many lie beyond it is
    written there.

    Args:
        spaces: method -> float array (N, D_m), not scaled, row i the same face in each.
        labels: int array (N,).
        classes: class names.
        centers: method -> float array (K, D_m), such as the class means of the training faces; None: the class means of
            the faces themselves.
        margin: where the hinge's curve begins, in squared distance divided by D.
        caption: write below what the figure can show and what it cannot.

    Raises:
        FerlabError: no spaces, or as :func:`ferlab.projection.triplet_plane`.
    """
    _check_spaces(spaces)
    labels = np.asarray(labels)
    planes = {
        method: triplet_plane(space, labels, None if centers is None else centers[method])
        for method, space in spaces.items()
    }
    reach = triplet_reach(list(planes.values()), margin)
    with figure_style(classes) as names:
        figure, axes = _side_by_side(len(planes), height=4.4)
        for ax, (method, plane) in zip(axes, planes.items(), strict=True):
            _draw_triplet_plane(ax, plane, labels, classes, margin, reach)
            ax.set_title(f"{method_label(method)}\n", fontsize=11)
            ax.text(0, 1.02, f"hinge open: {open_hinges(plane, margin):.0%} of the faces", transform=ax.transAxes,
                    fontsize=9, va="bottom", color=FAINT)  # fmt: skip
            ax.set_xlabel("squared distance to the own center")
        axes[0].set_ylabel("squared distance to the nearest other center")
        line = Line2D([], [], color=INK, lw=1.2, ls="--", label=f"hinge, margin {margin:g}")
        _legend_of_classes(figure, labels, classes, names, [line])
        if caption:
            write_caption(figure, CAPTIONS["triplet"])
    return axes


def _draw_triplet_plane(
    ax: Axes, plane: np.ndarray, labels: np.ndarray, classes: Sequence[str], margin: float, reach: float
) -> None:
    ax.set_xscale("function", functions=(_root, _square))
    ax.set_yscale("function", functions=(_root, _square))
    own, other = hinge_curve(margin, reach).T ** 2
    ax.fill_between(own, other, reach, color="#eef1f4", lw=0, zorder=0)
    ax.plot(own, other, color=INK, lw=1.2, ls="--", zorder=3)
    order = np.random.default_rng(0).permutation(len(plane))  # so that no class hides the others
    colors = np.array(class_colors(list(classes)))[labels]
    size = float(np.clip(14000 / max(len(plane), 1), 5, 24))
    ax.scatter(*plane[order].T, c=colors[order], s=size, alpha=0.8, linewidths=0, rasterized=len(plane) > 600, zorder=2)
    beyond = int((plane > reach).any(axis=1).sum())
    if beyond:
        ax.text(0.98, 0.02, f"{beyond:,} beyond", transform=ax.transAxes, ha="right", va="bottom", fontsize=8,
                color=FAINT)  # fmt: skip
    ticks, ends = root_ticks(reach), (-((0.02) ** 2) * reach, reach)
    ax.set(xlim=ends, ylim=ends, aspect="equal", xticks=ticks, yticks=ticks)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:g}")


def _root(values: np.ndarray) -> np.ndarray:
    """The square root, mirrored below 0, where the frame begins."""
    return np.sign(values) * np.sqrt(np.abs(values))


def _square(roots: np.ndarray) -> np.ndarray:
    return np.sign(roots) * np.square(roots)


def class_mean_planes(
    spaces: Mapping[str, np.ndarray],
    labels: np.ndarray,
    classes: Sequence[str],
    means: Mapping[str, np.ndarray] | None = None,
    *,
    caption: bool = True,
) -> np.ndarray:
    """Every space on the plane of its class means, in units of their mean distance: an array of Axes of one scale.

    Args:
        spaces: method -> float array (N, D_m), not scaled, row i the same face in each.
        labels: int array (N,).
        classes: class names.
        means: method -> float array (K, D_m), such as those of the training faces; None: of the faces themselves.
        caption: write below what the figure can show and what it cannot.

    Raises:
        FerlabError: no spaces, or as :func:`ferlab.projection.class_mean_plane`.
    """
    _check_spaces(spaces)
    planes = {
        method: epochs[0]
        for method, epochs in class_mean_epoch_planes(
            {method: [space] for method, space in spaces.items()}, labels, means
        ).items()
    }
    with figure_style(classes):
        figure, axes = _side_by_side(len(planes), height=4.2)
        for ax, (method, plane) in zip(axes, planes.items(), strict=True):
            embedding_map(plane, labels, classes, ax, method_label(method))
        if caption:
            write_caption(figure, CAPTIONS["class-means"])
    return axes


def correlation_views(
    spaces: Mapping[str, np.ndarray], labels: np.ndarray, classes: Sequence[str], *, caption: bool = True
) -> np.ndarray:
    """What Ad-Corre sees of every space: an array of Axes, a row a space.

    From left to right: the correlations of at most 500 faces sorted by class; the distributions of those of one class
    and of two; and, where the network has heads, the correlations of the heads with each other. Faces correlate head
    by head, as in the loss, and the mean over the heads is drawn.

    Args:
        spaces: method -> float array (N, D_m), row i the same face in each; heads stand side by side.
        labels: int array (N,).
        classes: class names.
        caption: write below what the figure can show and what it cannot.

    Raises:
        FerlabError: no spaces, embeddings that do not fit the labels, NaN or infinite values.
    """
    _check_spaces(spaces)
    labels = np.asarray(labels)
    vectors = {method: split_heads(space, heads_of(method, space.shape[1])) for method, space in spaces.items()}
    if wrong := [method for method, space in vectors.items() if len(space) != len(labels)]:
        raise FerlabError(f"{wrong[0]} has {len(vectors[wrong[0]])} embeddings for {len(labels)} labels.")
    order = correlation_order(labels, len(classes))
    matrices = {method: face_correlations(space[order]) for method, space in vectors.items()}
    histograms = {method: pair_histograms(matrix, labels[order]) for method, matrix in matrices.items()}
    with figure_style(classes):
        figure, axes = plt.subplots(
            len(spaces), 3, figsize=(12.6, 3.7 * len(spaces) + 1.2), layout="constrained", squeeze=False,
            width_ratios=(1.1, 1.25, 0.95),
        )  # fmt: skip
        for row, method in zip(axes, spaces, strict=True):
            draw_sorted_matrix(row[0], matrices[method], labels[order], classes)
            row[0].set_title(method_label(method))
            _draw_histograms(row[1], histograms[method], method_color(method))
            _draw_heads(row[2], vectors[method])
        # One height for all: how tall a distribution stands is how sharply a loss has gathered its pairs.
        top = max(max(found.same.max(), found.other.max()) for found in histograms.values())
        for ax in axes[:, 1]:
            ax.set_ylim(0, 1.05 * top)
        axes[-1, 1].set_xlabel("correlation of two faces")
        add_scale(axes, axes[0, 0].images[0])
        if caption:
            write_caption(figure, CAPTIONS["correlations"])
    return axes


def _draw_histograms(ax: Axes, found: PairHistograms, color: str) -> None:
    ax.stairs(found.other, found.edges, fill=False, color=FAINT, hatch="////", lw=1.3,
              label=f"two classes, mean {_signed(found.other_mean)}")  # fmt: skip
    ax.stairs(found.same, found.edges, fill=True, color=color, alpha=0.45)
    ax.stairs(found.same, found.edges, color=color, lw=1.6, label=f"one class, mean {_signed(found.same_mean)}")
    ax.set(xlim=(-1, 1), xticks=[-1, -0.5, 0, 0.5, 1], yticks=[], title="pairs of faces")
    ax.spines["left"].set_visible(False)
    handles, names = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], names[::-1], loc="upper left", fontsize=9)


def _draw_heads(ax: Axes, vectors: np.ndarray) -> None:
    heads = vectors.shape[1]
    ax.set_title("heads with each other")
    if heads == 1:
        ax.set_axis_off()
        ax.text(0.5, 0.5, "one head", ha="center", va="center", transform=ax.transAxes, color=FAINT)
        return
    matrix = head_correlations(vectors)
    ax.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r")
    for i, j in np.ndindex(heads, heads):
        if i != j and heads <= 10:
            ax.text(j, i, _signed(float(matrix[i, j])), ha="center", va="center", fontsize=7.5).set_in_layout(False)
    ax.set(xticks=range(heads), yticks=range(heads), xticklabels=range(1, heads + 1), yticklabels=range(1, heads + 1))
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    others = matrix[~np.eye(heads, dtype=bool)].mean()
    ax.set_xlabel(f"mean of two heads {_signed(float(others))}")


def write_caption(figure: Figure, words: str) -> None:
    """Words below a figure, broken into lines of its width."""
    letters = int(figure.get_figwidth() * 14.5)  # of 9 points
    figure.supxlabel(textwrap.fill(words, letters), fontsize=9, x=0.01, ha="left", color=FAINT)


def _side_by_side(number: int, height: float) -> tuple[Figure, np.ndarray]:
    figure, axes = plt.subplots(
        1, number, figsize=(max(4.2 * number, 6.4), height + 1.3), layout="constrained", squeeze=False,
        sharex=True, sharey=True,
    )  # fmt: skip
    return figure, axes[0]


def _legend_of_classes(
    figure: Figure, labels: np.ndarray, classes: Sequence[str], names: Sequence[str], more: list[Line2D]
) -> None:
    colors = class_colors(list(classes))
    dots = [
        Line2D([], [], marker="o", ms=6, ls="none", color=colors[k], label=names[k]) for k in np.unique(labels).tolist()
    ]
    legend_above(figure, dots, more)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _check_spaces(spaces: Mapping[str, np.ndarray]) -> None:
    if not spaces:
        raise FerlabError("There is no space to draw: give {method: embeddings}.")
