"""Where a network looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch

from ferlab.errors import FerlabError
from ferlab.figures.style import figure_style
from ferlab.methods import method_label
from ferlab.models import ExpressionNetwork
from ferlab.palette import class_colors

BATCH = 512  # faces at once, so that memory does not grow with their number


def attention_maps(network: ExpressionNetwork, images: np.ndarray) -> np.ndarray:
    """Pixel-wise attention of every face, relative to an even gate: float32 (N, H', W'), mean 1 over a face.

    Args:
        network: one with `"pixel"` attention.
        images: uint8 (N, H, W, C).

    Raises:
        FerlabError: a network without pixel-wise attention.
    """
    if network.attention.pixel is None:
        raise FerlabError("This network has no pixel-wise attention: train a method with it, such as ce+attention.")
    was_training, device = network.training, next(network.parameters()).device
    network.eval()
    gates = []
    with torch.no_grad():
        for batch in torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).split(BATCH):
            gates.append(network(batch.to(device)).pixel_attention[:, 0].float().cpu().numpy())
    network.train(was_training)
    maps = np.concatenate(gates)
    return maps / np.maximum(maps.mean(axis=(1, 2), keepdims=True), 1e-12)


def attention_overlays(
    maps: Mapping[str, np.ndarray],
    images: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    title: str | None = None,
) -> np.ndarray:
    """Faces, and below each where every method's attention lies: an array (1 + methods, N) of Axes.

    One color scale for all: yellow where a place counts more than at an even gate, violet where less.

    Args:
        maps: method -> (N, H', W'), from :func:`attention_maps`.
        images: uint8 (N, H, W, 1 or 3), at most a dozen fit a slide.
        labels: int (N,).
        classes: class names.
        title: above all.

    Raises:
        FerlabError: no faces, or as many maps as faces are not there.
    """
    if not len(images) or any(len(places) != len(images) for places in maps.values()):
        raise FerlabError("Attention overlays need at least one face, and one map for every face.")
    height, width = images.shape[1:3]
    most = max((float(places.max()) for places in maps.values()), default=1.0)
    with figure_style(classes) as names:
        figure, axes = plt.subplots(
            1 + len(maps), len(images), figsize=(1.15 * len(images) + 1.9, 1.2 * (1 + len(maps)) + 0.4),
            layout="constrained", squeeze=False,
        )  # fmt: skip
        colors = class_colors(list(classes))
        picture = None
        for column, (image, label) in enumerate(zip(images, labels, strict=True)):
            grey = image.mean(axis=2) / 255
            axes[0, column].imshow(np.squeeze(image), cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
            axes[0, column].set_title(names[label], fontsize=9, loc="center", fontweight="normal")
            for ax, places in zip(axes[1:, column], maps.values(), strict=True):
                ax.imshow(grey, cmap="gray", vmin=0, vmax=1, interpolation="lanczos")
                picture = ax.imshow(
                    places[column], cmap="viridis", vmin=0, vmax=max(most, 1.2), alpha=0.6, interpolation="bilinear",
                    extent=(-0.5, width - 0.5, height - 0.5, -0.5),
                )  # fmt: skip
            for ax in axes[:, column]:
                ax.set(xticks=[], yticks=[])
                for spine in ax.spines.values():
                    spine.set(visible=True, color=colors[label], linewidth=2)
        for row, name in zip(axes[1:], maps, strict=True):
            row[0].set_ylabel(method_label(name), rotation=0, ha="right", va="center", labelpad=8, fontsize=9)
        if picture is not None:
            bar = figure.colorbar(picture, ax=axes[1:], shrink=0.9, pad=0.01)
            bar.set_label("weight of a place\n(1: even)", fontsize=9)
            bar.ax.tick_params(labelsize=8)
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return axes
