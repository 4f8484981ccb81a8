"""Principal components as a second projection: linear, without settings, quick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ferlab.projection.aligned import check_epochs, similarity, unit_radius
from ferlab.projection.graph import comparable_rows


def pca_layouts(embeddings: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The first two principal components of every space, turned onto those of the first space.

    Rows are scaled to unit length first, as for :func:`ferlab.projection.aligned_layouts`: the angle is the measure
    that the spaces share. Turning is by Procrustes analysis, which changes no shape.

    Args:
        embeddings: method name -> float array (N, D_m); row i is the same image in each.

    Returns:
        method name -> float32 array (N, 2). The first is centered, with root mean square radius 1.

    Raises:
        FerlabError: no space, not a matrix, NaN or infinite values, fewer than 2 points, differing N.

    Example:
        >>> maps = pca_layouts({"ce": np.random.default_rng(0).normal(size=(40, 8))})
        >>> maps["ce"].shape
        (40, 2)
    """
    return {name: maps[0] for name, maps in pca_epoch_layouts({n: [s] for n, s in embeddings.items()}).items()}


def pca_epoch_layouts(embeddings: Mapping[str, Sequence[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    """Principal components over the epochs: every epoch on the axes of the method's last epoch.

    With the same axes for all epochs, a point's way over the map is its true way in that plane.

    Args:
        embeddings: method name -> one float array (N, D) an epoch, of the same images in the same order everywhere.

    Returns:
        method name -> one float32 array (N, 2) an epoch; all in the scale of the first method's last epoch.

    Raises:
        FerlabError: as :func:`pca_layouts`; a method without epochs.

    Example:
        >>> space = np.random.default_rng(0).normal(size=(40, 8))
        >>> len(pca_epoch_layouts({"ce": [space, space]})["ce"])
        2
    """
    check_epochs(embeddings, at_least=2)
    reference = None
    layouts = {}
    for name, epochs in embeddings.items():
        rows = [comparable_rows(np.asarray(space, dtype=np.float64), "cosine") for space in epochs]
        axes = _axes(rows[-1])
        flat = [(space - space.mean(axis=0)) @ axes for space in rows]
        if reference is None:
            reference = unit_radius(flat[-1])
        # One similarity for all epochs, found on the last one: it turns, reflects and scales about the origin.
        turn, _ = similarity(reference, flat[-1])
        layouts[name] = [(layout @ turn).astype(np.float32) for layout in flat]
    return layouts


def _axes(rows: np.ndarray) -> np.ndarray:
    """The first two principal axes as columns (D, 2); zero columns where a space has only one dimension."""
    centered = rows - rows.mean(axis=0)
    _, axes = np.linalg.eigh(centered.T @ centered)  # ascending; D is small, N large
    axes = axes[:, ::-1][:, :2]
    return np.pad(axes, ((0, 0), (0, 2 - axes.shape[1])))
