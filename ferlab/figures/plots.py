"""The figures. Each takes plain arrays or tables, draws on `ax` (or a new one) and returns it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ferlab.errors import FerlabError
from ferlab.figures.palette import class_colors, method_color, method_label, method_style
from ferlab.figures.style import INK, axes_or_new, figure_style

# Of class names on a map some four inches or 350 pixels high, in units of half its height.
HALF_LETTER, LINE = 0.021, 0.09


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
    with figure_style():
        ax = axes_or_new(ax, (4.6, 4.8))
        colors = np.array(class_colors(list(classes)))
        size = float(np.clip(14000 / max(len(points), 1), 6, 28))
        order = np.random.default_rng(0).permutation(len(points))  # so that no class hides the others
        ax.scatter(
            *points[order].T, c=colors[labels[order]], s=size, alpha=0.85, linewidths=0, rasterized=len(points) > 600
        )
        if wrong is not None and np.any(wrong):
            ax.scatter(
                *points[np.asarray(wrong)].T,
                s=size * 1.6,
                facecolors="none",
                edgecolors=INK,
                linewidths=0.6,
                rasterized=len(points) > 600,
            )
        if names:
            there = [k for k in range(len(classes)) if (labels == k).sum() >= 3]
            places = np.array([densest(points[labels == k]) for k in there]).reshape(-1, 2)
            unit = 1.2 * np.ptp(points, axis=0).max() / 2 or 1.0  # frames take a fifth more room than names alone
            places = unit * apart(places / unit, [classes[k] for k in there])
            for k, place in zip(there, places, strict=True):
                ax.text(
                    *place, classes[k], ha="center", va="center", fontsize=9, fontweight="bold",
                    bbox={"boxstyle": "round,pad=0.2", "fc": "white", "ec": colors[k], "lw": 1.2, "alpha": 0.88},
                )  # fmt: skip
        ax.set(xticks=[], yticks=[], aspect="equal")
        ax.margins(0.04)
        for spine in ax.spines.values():
            spine.set_visible(False)
        if title:
            ax.set_title(title)
    return ax


def embedding_maps(
    layouts: Mapping[str, np.ndarray],
    labels: np.ndarray,
    classes: Sequence[str],
    wrong: Mapping[str, np.ndarray] | None = None,
) -> np.ndarray:
    """Maps of several methods side by side, on one scale: an array of Axes.

    Args:
        layouts: method name -> float array (N, 2), as `aligned_layouts` gives them.
        labels: int array (N,).
        classes: class names.
        wrong: method name -> bool array (N,) of misclassified images, ringed.
    """
    with figure_style():
        figure, axes = plt.subplots(
            1, len(layouts), figsize=(4.3 * len(layouts), 4.5), layout="constrained", squeeze=False,
            sharex=True, sharey=True,
        )  # fmt: skip
        for ax, (name, points) in zip(axes[0], layouts.items(), strict=True):
            embedding_map(points, labels, classes, ax, method_label(name), wrong=None if wrong is None else wrong[name])
    return axes[0]


def densest(points: np.ndarray) -> np.ndarray:
    """The point of `points` (N, 2) with the most others close by: float array (2,). A good place for a name,
    where the mean of a class in two pieces would lie between them."""
    sample = points if len(points) <= 400 else points[np.random.default_rng(0).choice(len(points), 400, replace=False)]
    distances = np.linalg.norm(sample[:, None] - sample[None], axis=2)
    return sample[np.sort(distances, axis=1)[:, : max(2, len(sample) // 3)].mean(axis=1).argmin()]


def apart(places: np.ndarray, names: list[str]) -> np.ndarray:
    """Move names up and down until none is written over another, in units of half a map's height.

    >>> apart(np.array([[0.0, 0.0], [0.0, 0.02]]), ["anger", "disgust"])[:, 1].round(3).tolist()
    [-0.035, 0.055]
    """
    x, y = places.T.tolist()
    close = [
        (i, j)
        for i in range(len(names))
        for j in range(i)
        if abs(x[i] - x[j]) < HALF_LETTER * (len(names[i]) + len(names[j]))
    ]
    for _ in range(20):
        moved = False
        for i, j in close:
            overlap = LINE - abs(y[i] - y[j])
            if overlap > 1e-3:
                step = overlap / 2 if y[i] >= y[j] else -overlap / 2
                y[i] += step
                y[j] -= step
                moved = True
        if not moved:
            break
    return np.array([x, y]).T


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
    from ferlab.data.dataset import random_part
    from ferlab.projection import map_quality, pair_distances

    space, layout = np.asarray(space, dtype=float), np.asarray(layout, dtype=float)
    quality = map_quality(space, layout, metric)
    few = random_part(len(space), 400)  # 80,000 pairs
    pairs = np.triu_indices(len(few), k=1)
    in_space, on_map = pair_distances(space[few], metric)[pairs], pair_distances(layout[few], "euclidean")[pairs]
    with figure_style():
        ax = axes_or_new(ax, (4.4, 3.9))
        ax.hexbin(in_space, on_map, gridsize=45, cmap="Blues", bins="log", mincnt=1, linewidths=0)
        edges = np.quantile(in_space, np.linspace(0, 1, 21))
        places = np.clip(np.searchsorted(edges, in_space, side="right") - 1, 0, 19)
        medians = [np.median(on_map[places == k]) if (places == k).any() else np.nan for k in range(20)]
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


def contact_sheet(
    images: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    columns: int = 12,
    ax: Axes | None = None,
    title: str | None = None,
    seed: int | None = None,
) -> Axes:
    """Faces by class: a row a class, at most `columns` faces in each.

    Args:
        images: uint8 array (N, H, W, C) with C 1 or 3.
        labels: int array (N,).
        classes: class names; one without images leaves its row empty.
        columns: faces in a row.
        ax: where to draw; a new figure otherwise.
        title: above the sheet.
        seed: pick faces at random; the first ones of each class otherwise.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or len(images) != len(labels):
        raise FerlabError(
            f"A contact sheet needs images (N, H, W, 1 or 3) and labels (N,), got {images.shape} and {labels.shape}."
        )
    height, width = images.shape[1:3]
    gap = max(1, height // 24)
    strip = max(3, width // 10)  # the class's color, left of its row
    sheet = np.full((len(classes) * (height + gap) - gap, strip + columns * (width + gap), 3), 255, dtype=np.uint8)
    colors = [tuple(bytes.fromhex(color[1:])) for color in class_colors(list(classes))]
    rng = None if seed is None else np.random.default_rng(seed)
    for row in range(len(classes)):
        chosen = np.flatnonzero(labels == row)
        if rng is not None:
            chosen = rng.permutation(chosen)
        top = row * (height + gap)
        sheet[top : top + height, :strip] = colors[row]
        for column, index in enumerate(chosen[:columns]):
            left = strip + gap + column * (width + gap)
            sheet[top : top + height, left : left + width] = images[index]
    with figure_style():
        ax = axes_or_new(ax, (0.78 * columns + 1.0, 0.78 * len(classes) + (0.4 if title else 0.1)))
        ax.imshow(sheet, interpolation="lanczos")
        ax.set_xticks([])
        ax.set_yticks([r * (height + gap) + height / 2 for r in range(len(classes))], list(classes))
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
        if title:
            ax.set_title(title)
    return ax


def image_grid(
    images: Sequence[Sequence[np.ndarray]],
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    size: float = 1.3,
    captions: Sequence[Sequence[str]] = (),
) -> np.ndarray:
    """Pictures in rows and columns with their names: an array of Axes.

    Args:
        images: a list of rows, each a list of uint8 arrays (H, W, 1 or 3).
        rows: a name for each row.
        columns: a name for each column.
        size: of a picture in inches.
        captions: a text below each picture, in the shape of `images`.
    """
    across = max((len(row) for row in images), default=0)
    if not across:
        raise FerlabError("There are no images to draw.")
    lines = max((text.count("\n") + 1 for texts in captions for text in texts), default=0)
    below = 0.08 + 0.155 * lines if lines else 0.0
    with figure_style():
        figure, axes = plt.subplots(
            len(images),
            across,
            figsize=(size * across + (1.6 if rows else 0), (size + below) * len(images) + 0.3),
            layout="constrained",
            squeeze=False,
        )
        for r, row in enumerate(axes):
            for c, ax in enumerate(row):
                ax.set(xticks=[], yticks=[])
                for spine in ax.spines.values():
                    spine.set_visible(False)
                if c < len(images[r]):
                    ax.imshow(np.squeeze(images[r][c]), cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
                if r == 0 and c < len(columns):
                    ax.set_title(columns[c], fontsize=10, loc="center", fontweight="normal")
                if r < len(captions) and c < len(captions[r]):
                    ax.set_xlabel(captions[r][c], fontsize=8.5, labelpad=3)
            if r < len(rows):
                row[0].set_ylabel(rows[r], rotation=0, ha="right", va="center", labelpad=10)
    return axes


def class_counts(
    counts: Mapping[str, Mapping[str, int]] | Mapping[str, int], ax: Axes | None = None, title: str | None = None
) -> Axes:
    """Images a class as bars with their number and share.

    Args:
        counts: class -> number, as `FaceDataset.class_counts()` gives it, or split -> that.
        ax: where to draw; a new figure otherwise.
        title: above the bars.
    """
    if not counts:
        raise FerlabError("There are no classes to count.")
    nested = counts if isinstance(next(iter(counts.values())), Mapping) else {"": counts}
    classes = list(next(iter(nested.values())))
    with figure_style():
        ax = axes_or_new(ax, (5.6, 0.28 * len(classes) * len(nested) + 0.9))
        height = 0.8 / len(nested)
        colors = class_colors(classes)
        longest = max(max(of.values(), default=0) for of in nested.values())
        for s, (split, of) in enumerate(nested.items()):
            at = np.arange(len(classes)) + (s - (len(nested) - 1) / 2) * height
            values = np.array([of.get(name, 0) for name in classes])
            ax.barh(at, values, height * 0.9, color=colors, alpha=1 - 0.3 * s)
            for y, value in zip(at, values, strict=True):
                share = f"{value:,} ({value / max(values.sum(), 1):.0%})"
                ax.text(value + longest * 0.015, y, f"{share} {split}".strip(), va="center", fontsize=8.5)
        ax.set_yticks(range(len(classes)), classes)
        ax.invert_yaxis()
        ax.set_xlim(0, longest * 1.3)
        ax.set_xlabel("images")
        ax.tick_params(axis="y", length=0)
        if title:
            ax.set_title(title)
    return ax


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
