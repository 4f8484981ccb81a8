"""A map that costs next to nothing: for looking at a space while it is being trained."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA

from ferlab.projection.aligned import procrustes
from ferlab.vectors import unit_rows


def principal_map(embeddings: np.ndarray, previous: np.ndarray | None = None) -> tuple[np.ndarray, float]:
    """The two principal components of unit-length embeddings, turned to lie like the map before.

    The axes of a PCA may flip or change places from one epoch to the next though the space hardly changed; a rotation
    or reflection onto the previous map (Procrustes) undoes that. Every map has root mean square radius 1, so sizes of
    maps say nothing.

    Args:
        embeddings: float array (N, D).
        previous: (N, 2), the map of the same faces one epoch earlier.

    Returns:
        The map, float32 (N, 2), centered, and the share of the variance that it shows, 0 to 1.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> space = rng.normal(size=(40, 8))
        >>> first, share = principal_map(space)
        >>> again, _ = principal_map(space, previous=-first)
        >>> bool(np.allclose(again, -first, atol=1e-5)), 0 < share < 1
        (True, True)
    """
    space = unit_rows(np.asarray(embeddings, dtype=np.float64))
    with np.errstate(invalid="ignore"):  # a space that has collapsed to a point has no variance to share
        components = PCA(n_components=2, svd_solver="covariance_eigh").fit(space)
    points = components.transform(space)
    if previous is not None:
        points, _ = procrustes(previous, points)
    points -= points.mean(axis=0)
    # Procrustes scales as well: where two epochs agree little, it would shrink the later one.
    points /= max(np.sqrt((points**2).sum(axis=1).mean()), 1e-12)
    return points.astype(np.float32), float(np.nan_to_num(components.explained_variance_ratio_.sum()))
