"""Faces, and how many of each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from ferlab.errors import FerlabError
from ferlab.figures.style import TALLEST, axes_or_new, figure_style, line_size
from ferlab.palette import class_colors


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
    with figure_style(classes) as names:
        ax = axes_or_new(ax, (0.78 * columns + 1.0, 0.78 * len(classes) + (0.4 if title else 0.1)))
        ax.imshow(sheet, interpolation="lanczos")
        ax.set_xticks([])
        ax.set_yticks([r * (height + gap) + height / 2 for r in range(len(classes))], names)
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


def embedding_stripes(images: np.ndarray, embeddings: np.ndarray, names: Sequence[str] = ()) -> np.ndarray:
    """Faces beside their embeddings, a stripe a number, red above zero and blue below: an array of Axes (N, 2).

    Args:
        images: uint8 array (N, H, W, 1 or 3).
        embeddings: float array (N, D); all have one scale of colors.
        names: of the faces, such as their classes.

    Raises:
        FerlabError: no images, or not as many as embeddings.
    """
    images, embeddings = np.asarray(images), np.asarray(embeddings)
    if not len(images) or images.ndim != 4 or embeddings.ndim != 2 or len(images) != len(embeddings):
        raise FerlabError(
            f"Stripes need images (N, H, W, 1 or 3) and embeddings (N, D), got {images.shape} and {embeddings.shape}."
        )
    largest = float(np.abs(embeddings).max()) or 1.0
    with figure_style():
        figure, axes = plt.subplots(
            len(images), 2, figsize=(8.6, 0.95 * len(images)), width_ratios=(1, 9), layout="constrained", squeeze=False
        )
        for row, (image, embedding) in enumerate(zip(images, embeddings, strict=True)):
            face, stripes = axes[row]
            face.imshow(np.squeeze(image), cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
            stripes.imshow(embedding[None], cmap="RdBu_r", vmin=-largest, vmax=largest, aspect="auto",
                           interpolation="nearest")  # fmt: skip
            for ax in (face, stripes):
                ax.set(xticks=[], yticks=[])
            if row < len(names):
                face.set_ylabel(names[row], rotation=0, ha="right", va="center", labelpad=8)
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
    splits = _by_split(counts)
    classes = list(next(iter(splits.values())))
    with figure_style(classes) as names:
        ax = axes_or_new(ax, (5.6, min(0.28 * len(classes) * len(splits) + 0.9, TALLEST)))
        size = line_size(ax, len(classes) * len(splits), usual=8.5)
        height = 0.8 / len(splits)
        colors = class_colors(classes)
        longest = max(max(numbers.values(), default=0) for numbers in splits.values())
        for s, (split, numbers) in enumerate(splits.items()):
            at = np.arange(len(classes)) + (s - (len(splits) - 1) / 2) * height
            values = np.array([numbers.get(name, 0) for name in classes])
            ax.barh(at, values, height * 0.9, color=colors, alpha=1 - 0.3 * s)
            for y, value in zip(at, values, strict=True):
                share = f"{value:,} ({value / max(values.sum(), 1):.0%})"
                ax.text(value + longest * 0.015, y, f"{share} {split}".strip(), va="center", fontsize=size)
        ax.set_yticks(range(len(classes)), names, fontsize=line_size(ax, len(classes), usual=10))
        ax.invert_yaxis()
        ax.set_xlim(0, longest * 1.3)
        ax.set_xlabel("images")
        ax.tick_params(axis="y", length=0)
        if title:
            ax.set_title(title)
    return ax


def _by_split(counts: Mapping[str, Mapping[str, int]] | Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Split -> class -> number; counts that know of no splits are one without a name."""
    splits = {name: dict(numbers) for name, numbers in counts.items() if isinstance(numbers, Mapping)}
    return splits or {"": {name: number for name, number in counts.items() if not isinstance(number, Mapping)}}
