"""How far a map may be believed, and what the full space says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ferlab.errors import FerlabError
from ferlab.projection.graph import comparable_rows
from ferlab.vectors import random_part

# Both measures need all pairs of points; more points change the third digit.
SAMPLE = 1500


@dataclass(frozen=True)
class MapQuality:
    """Two numbers for one map.

    Attributes:
        trustworthiness: 0 to 1; 1 when all neighbors on the map are neighbors in the space (Venna & Kaski 2001).
        distance_correlation: -1 to 1; Spearman's rank correlation of pairs' distances in the space and on the map.
    """

    trustworthiness: float
    distance_correlation: float


def map_quality(space: np.ndarray, layout: np.ndarray, metric: str = "cosine", n_neighbors: int = 15) -> MapQuality:
    """Measure a map against the space that it shows, on at most 1,500 of its points.

    Args:
        space: float array (N, D).
        layout: float array (N, 2), row i the map position of row i of the space.
        metric: of the space, as for :func:`ferlab.projection.aligned_layouts`.
        n_neighbors: neighborhood size of the trustworthiness; less for few points.

    Raises:
        FerlabError: differing N, fewer than 4 points.

    Reference:
        Venna & Kaski, *Neighborhood preservation in nonlinear projection methods*, ICANN 2001.

    Example:
        >>> flat = np.random.default_rng(0).normal(size=(50, 2))
        >>> map_quality(flat, flat, metric="euclidean")
        MapQuality(trustworthiness=1.0, distance_correlation=1.0)
    """
    from scipy.stats import spearmanr
    from sklearn.manifold import trustworthiness

    if len(space) != len(layout) or len(space) < 4:
        raise FerlabError(f"A map is measured on 4 points or more, one row each; got {len(space)} and {len(layout)}.")
    shown = random_part(len(space), SAMPLE)
    apart = pair_distances(space[shown], metric)
    n_neighbors = min(n_neighbors, (len(shown) - 1) // 2)
    near = trustworthiness(apart, layout[shown], n_neighbors=n_neighbors, metric="precomputed")
    pairs = np.triu_indices(len(shown), k=1)
    picked = random_part(len(pairs[0]), 20_000)
    on_map = np.linalg.norm(layout[shown][pairs[0][picked]] - layout[shown][pairs[1][picked]], axis=1)
    return MapQuality(float(near), float(spearmanr(apart[pairs][picked], on_map).statistic))


def pair_distances(space: np.ndarray, metric: str = "cosine") -> np.ndarray:
    """All distances of a few points, float array (N, N).

    >>> pair_distances(np.array([[1.0, 0.0], [0.0, 2.0]])).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    rows = comparable_rows(np.asarray(space, dtype=np.float64), metric).astype(np.float64)
    if metric == "euclidean":
        squares = (rows**2).sum(axis=1)
        distances = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * rows @ rows.T, 0.0))
    else:
        distances = np.maximum(1.0 - rows @ rows.T, 0.0)
    np.fill_diagonal(distances, 0.0)
    return distances
