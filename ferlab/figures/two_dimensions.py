"""Embeddings of two or three numbers, drawn as they are: no map stands between the network and the eye.

The classic figure of center loss (Wen et al., *A Discriminative Feature Learning Approach for Deep Face Recognition*,
ECCV 2016): what cross-entropy spreads into rays, a metric loss gathers into clouds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from ferlab.data import FaceDataset
from ferlab.errors import FerlabError
from ferlab.evaluation import predict
from ferlab.figures.own_views import write_caption
from ferlab.figures.style import FAINT, INK, figure_style, legend_above
from ferlab.methods import method_label
from ferlab.palette import class_colors
from ferlab.runs import Run, RunFolder
from ferlab.vectors import random_part

CLASS_MARKERS = ("o", "s", "D", "^", "v", "p", "h", "X")  # one shape a class, as in the loss playground
DRAWN = (2, 3)  # dimensions that can be drawn as they are
SHARE_IN_VIEW = 0.995  # of the faces: a stray one must not shrink the rest
RAY = 0.8  # length of the longest direction, as a share of half a panel
GRID = 300  # places along a side where the classifier is asked what it names
CAPTION = (
    "Every face at the numbers of its embedding, without a map. Large marks are the class means of the training faces, "
    "in both rows; lines are the classifier's directions, from the point at which its logits differ least, each "
    "as long as its weights are large."
)
GROUND = " The pale ground is the class that the classifier names there."
SCALES = (
    " Each space has a scale of its own, since a classifier with larger weights reads a smaller space as well: compare "
    "how far a class reaches with how far the classes lie apart, not the numbers on the axes."
)


@dataclass(frozen=True)
class LowSpace:
    """A space of two or three dimensions, and the classifier that reads it.

    Attributes:
        train, test: float arrays (N, D) of training and of test faces.
        train_labels, test_labels: int arrays (N,).
        weight: float (K, D), the classifier's weights, a row a class.
        bias: float (K,).
    """

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    weight: np.ndarray
    bias: np.ndarray

    @property
    def size(self) -> int:
        """D."""
        return int(self.train.shape[1])

    def directions(self) -> tuple[np.ndarray, np.ndarray]:
        """As :func:`classifier_directions`."""
        return classifier_directions(self.weight, self.bias)

    def class_means(self) -> dict[int, np.ndarray]:
        """Class -> the mean of its training faces."""
        return {int(k): self.train[self.train_labels == k].mean(axis=0) for k in np.unique(self.train_labels)}


def classifier_directions(weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a classifier's directions meet, (D,), and the directions, (K, D).

    The mean over the classes is taken out of the weights (K, D) and biases (K,): it moves all logits alike and decides
    nothing. They meet where what is left of the logits is smallest, by least squares: the logits of more than D + 1
    classes are equal nowhere.

    >>> meeting, directions = classifier_directions(np.array([[3.0, 0.0], [1.0, 0.0]]), np.array([0.0, 4.0]))
    >>> meeting.round(6).tolist(), directions.tolist()
    ([2.0, 0.0], [[1.0, 0.0], [-1.0, 0.0]])
    """
    directions = weight - weight.mean(axis=0)
    return np.linalg.lstsq(directions, bias.mean() - bias, rcond=None)[0], directions


def low_spaces(run: Run, train_set: FaceDataset, faces: int = 2000) -> dict[str, LowSpace]:
    """The spaces of a run that can be drawn as they are: of each method's first seed.

    Args:
        run: a run whose networks are on disk.
        train_set: the run's training split; the networks are shown some of its faces.
        faces: how many of them, the same ones for every method.

    Raises:
        FerlabError: no method has embeddings of two or three numbers; a damaged network.
    """
    part = train_set.subset(random_part(len(train_set), faces))
    spaces: dict[str, LowSpace] = {}
    for name, rows in run.embeddings.groupby("method", sort=False):
        if len(rows["embedding"].iloc[0]) not in DRAWN:
            continue
        seed = int(rows["seed"].min())
        rows = rows[rows["seed"] == seed]
        network = RunFolder(run.path).network(name, seed).network
        spaces[name] = LowSpace(
            train=predict(network, part.images).embeddings,
            train_labels=part.labels,
            test=np.stack(rows["embedding"].to_numpy()),
            test_labels=rows["label"].to_numpy(),
            weight=network.classifier.weight.detach().numpy(),
            bias=network.classifier.bias.detach().numpy(),
        )
    if not spaces:
        raise FerlabError(
            f"{run.path} has no embeddings of two or three numbers: run ferlab compare --embedding-size 2."
        )
    return spaces


def embedding_planes(spaces: Mapping[str, LowSpace], classes: Sequence[str], *, caption: bool = True) -> np.ndarray:
    """Spaces of two or three dimensions as they are: an array of Axes, a column a method, training faces above.

    Args:
        spaces: method -> its space, as :func:`low_spaces` gives them; all of one dimension.
        classes: class names.
        caption: write below what the figure shows and how to read it.

    Raises:
        FerlabError: no spaces, other dimensions than two or three, or several.
    """
    sizes = sorted({space.size for space in spaces.values()})
    if len(sizes) != 1 or sizes[0] not in DRAWN:
        found = " and ".join(map(str, sizes)) or "no"
        raise FerlabError(f"Spaces of two or of three dimensions can be drawn as they are, but these have {found}.")
    is_plane = sizes == [2]
    with figure_style(classes) as names:
        figure, axes = plt.subplots(
            2, len(spaces), figsize=(max(4.2 * len(spaces), 6.4), 9.5), layout="constrained", squeeze=False,
            subplot_kw={} if is_plane else {"projection": "3d"},
        )  # fmt: skip
        for column, (method, space) in zip(axes.T, spaces.items(), strict=True):
            middle, reach = _view(space)
            for ax, split in zip(column, ("train", "test"), strict=True):
                _draw_space(ax, space, split, classes, middle, reach)
            column[0].set_title(method_label(method))
        _name_rows(axes, is_plane)
        present = np.unique(np.concatenate([space.train_labels for space in spaces.values()]))
        _legend(figure, present, classes, names)
        if caption:
            write_caption(figure, CAPTION + (GROUND if is_plane else "") + SCALES)
    return axes


def _view(space: LowSpace) -> tuple[np.ndarray, float]:
    """The middle of the panels of a method, and half their side: one view for training and test faces."""
    points = np.concatenate([space.train, space.test])
    low, high = np.quantile(points, [1 - SHARE_IN_VIEW, SHARE_IN_VIEW], axis=0)
    return (low + high) / 2, 0.54 * float((high - low).max()) or 1.0


def _draw_space(ax: Any, space: LowSpace, split: str, classes: Sequence[str], middle: np.ndarray, reach: float) -> None:
    points, labels = getattr(space, split), getattr(space, f"{split}_labels")
    colors = class_colors(list(classes))
    is_inside = (np.abs(points - middle) <= reach).all(axis=1)
    if space.size == 2:
        _draw_ground(ax, space, colors, middle, reach)
    size = float(np.clip(9000 / max(len(points), 1), 5, 20))
    # Class after class, since a call of scatter has one shape; half transparent, so that the last hides little.
    for k in np.unique(labels):
        own = points[is_inside & (labels == k)]
        ax.scatter(*own.T, c=colors[k], marker=_marker(k), s=size, alpha=0.55, linewidths=0,
                   rasterized=len(points) > 600)  # fmt: skip
    _draw_directions(ax, space, colors, reach)
    for k, mean in space.class_means().items():
        ax.scatter(*mean[:, None], c=colors[k], marker=_marker(k), s=95, edgecolors=INK, linewidths=1.3, zorder=5)
    ax.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach))
    ax.locator_params(nbins=5)
    if space.size == 2:
        ax.set(aspect="equal")
    else:
        ax.set(zlim=(middle[2] - reach, middle[2] + reach), box_aspect=(1, 1, 1))
    if not is_inside.all():
        write = ax.text if space.size == 2 else ax.text2D
        write(0.98, 0.02, f"{(~is_inside).sum():,} beyond", transform=ax.transAxes, ha="right", va="bottom", fontsize=8,
              color=FAINT)  # fmt: skip


def _draw_ground(ax: Axes, space: LowSpace, colors: Sequence[str], middle: np.ndarray, reach: float) -> None:
    """What the classifier names at every place."""
    steps = (np.arange(GRID) + 0.5) / GRID * 2 - 1
    x, y = np.meshgrid(middle[0] + reach * steps, middle[1] + reach * steps)
    named = (np.stack([x, y], axis=-1) @ space.weight.T + space.bias).argmax(axis=-1)
    left, right, bottom, top = middle[0] - reach, middle[0] + reach, middle[1] - reach, middle[1] + reach
    ax.imshow(
        named, cmap=ListedColormap(list(colors)), vmin=-0.5, vmax=len(colors) - 0.5, origin="lower", alpha=0.13,
        extent=(left, right, bottom, top), interpolation="nearest", zorder=0,
    )  # fmt: skip


def _draw_directions(ax: Any, space: LowSpace, colors: Sequence[str], reach: float) -> None:
    meeting, directions = space.directions()
    longest = float(np.linalg.norm(directions, axis=1).max()) or 1.0
    for color, direction in zip(colors, directions, strict=False):
        end = meeting + RAY * reach * direction / longest
        ax.plot(*np.stack([meeting, end]).T, color=color, lw=2.2, solid_capstyle="round", zorder=4,
                path_effects=[withStroke(linewidth=4.2, foreground="white")])  # fmt: skip


def _name_rows(axes: np.ndarray, is_plane: bool) -> None:
    for row, words in zip(axes, ("training faces", "test faces"), strict=True):
        if is_plane:
            row[0].set_ylabel(words, fontweight="bold")
        else:
            row[0].text2D(0.0, 0.98, words, transform=row[0].transAxes, fontweight="bold", va="top")


def _legend(figure: Figure, present: np.ndarray, classes: Sequence[str], names: Sequence[str]) -> None:
    colors = class_colors(list(classes))
    marks = [
        Line2D([], [], marker=_marker(k), ms=7, ls="none", color=colors[k], label=names[k]) for k in present.tolist()
    ]
    more = [
        Line2D([], [], marker="o", ms=8, ls="none", mfc="none", mec=INK, mew=1.3, label="class mean"),
        Line2D([], [], color=INK, lw=2.2, label="direction of the classifier"),
    ]
    legend_above(figure, marks, more)


def _marker(k: int) -> str:
    return CLASS_MARKERS[int(k) % len(CLASS_MARKERS)]
