"""The loss playground as a still picture, for places that show no widgets."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ferlab.figures.style import INK
from ferlab.palette import class_colors
from ferlab.widgets.playground.plane import LevelSets, Plane, PlaneLoss, PlaneResult
from ferlab.widgets.playground.profiles import ProfilesResult

CLASS_MARKERS = "osD^vph"  # one a class, as on the page


def plane_figure(
    plane: Plane,
    loss: PlaneLoss,
    result: PlaneResult,
    levels: LevelSets,
    *,
    selected: int,
    span: float,
    gain: float,
    classes: tuple[str, ...],
    title: str,
) -> Figure:
    """Points, centers, negative gradients, and the level sets of the selected point."""
    figure = Figure(figsize=(7.2, 6), layout="constrained")
    axes = figure.add_subplot(aspect="equal", xlim=(-span, span), ylim=(-span, span), title=title)
    colors = class_colors(list(classes))
    for level, lines in levels.lines:
        for line in lines:
            axes.plot(*line.T, color="0.8", linewidth=0.8)
        if lines:
            axes.annotate(f"{level:g}", lines[0][len(lines[0]) // 2], fontsize=7, color="0.45", clip_on=True)
    for line in levels.through:
        axes.plot(*line.T, color=INK, linewidth=1, linestyle="--")
    for k, name in enumerate(classes):
        own = plane.labels == k
        for is_open, label in ((True, name), (False, None)):
            shown = plane.points[own & (result.open == is_open)]
            face = colors[k] if is_open else "white"
            axes.scatter(
                *shown.T, marker=CLASS_MARKERS[k], s=60, facecolor=face, edgecolor=colors[k], label=label, zorder=3
            )
        if "centers" in loss.uses:
            axes.scatter(*plane.centers[k], marker="P", s=190, color=colors[k], edgecolor=INK, zorder=4)
        if loss.uses_classifier:
            axes.annotate(
                "", plane.classifier[k], (0, 0), arrowprops={"arrowstyle": "-|>", "color": colors[k], "linewidth": 2}
            )
    for name in loss.uses:
        if name == "classifier":  # its vectors are arrows themselves
            continue
        at, arrows = plane.movable[name], -gain * result.gradients[name]
        axes.quiver(*at.T, *arrows.T, angles="xy", scale_units="xy", scale=1, color=INK, width=0.003, zorder=5)
    axes.scatter(*plane.points[selected], s=260, facecolor="none", edgecolor=INK, zorder=6)
    if result.negatives is not None:
        negative = plane.centers.gather(0, result.negatives[selected][None])[0]
        axes.plot(*torch.stack([plane.points[selected], negative]).T, color=INK, linewidth=1, linestyle=":")
        axes.scatter(*negative, marker="x", s=90, color=INK, zorder=6, label="negative of the ringed point")
    meaning = "equal loss of the ringed point, dashed: its loss now"
    if result.losses is None:
        meaning = "equal loss if the ringed point were there, dashed: the loss now"
    axes.set_xlabel(f"arrows: −gradient × {gain:g}; lines: {meaning}", fontsize=8)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    return figure


def profiles_figure(
    profiles: torch.Tensor, labels: torch.Tensor, result: ProfilesResult, classes: tuple[str, ...], title: str
) -> Figure:
    """The profiles of every face, and their correlations head by head."""
    heads = profiles.shape[1]
    figure = Figure(figsize=(4.2 * heads, 6.5), layout="constrained")
    figure.suptitle(title)
    grid = figure.subplots(2, heads, squeeze=False)
    colors = class_colors(list(classes))
    names = [classes[k] for k in labels]
    for head in range(heads):
        _draw_profiles(grid[0, head], profiles[:, head].numpy(), [colors[k] for k in labels], names)
        grid[0, head].set_title(f"head {head + 1}: entries")
        matrix = result.correlations[head].numpy()
        grid[1, head].imshow(matrix, vmin=-1, vmax=1, cmap="PRGn")
        grid[1, head].set(title=f"head {head + 1}: correlations", xticks=[], yticks=range(len(names)))
        grid[1, head].set_yticklabels(names, fontsize=8)
        for (row, column), value in np.ndenumerate(matrix):
            ink = "white" if abs(value) > 0.6 else "black"
            grid[1, head].text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=ink)
    return figure


def _draw_profiles(axes: Axes, vectors: np.ndarray, colors: list[str], names: list[str]) -> None:
    spread = 2 * max(2.0, float(np.abs(vectors).max()))
    for row, (vector, color) in enumerate(zip(vectors, colors, strict=True)):
        axes.axhline(-row, color="0.9", linewidth=0.8)
        axes.plot(-row + vector / spread, color=color, marker="o", markersize=3)
    axes.set(xticks=[], yticks=[-row for row in range(len(names))])
    axes.set_yticklabels(names, fontsize=8)
    axes.spines[:].set_visible(False)
