"""Do two embedding spaces hold the same? Measures that no turn or common factor changes."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors

from ferlab.errors import FerlabError
from ferlab.vectors import unit_rows


def neighbor_overlap(first: np.ndarray, second: np.ndarray, neighbors: int = 10) -> np.ndarray:
    """For every face, the share of its nearest other faces in one space that are among the nearest in the other too.

    Nearest by Euclidean distance of embeddings scaled to unit length, as in :func:`ferlab.evaluation.geometry_scores`.

    Args:
        first, second: (N, D) and (N, D'), the same faces in the same order.
        neighbors: how many.

    Returns:
        (N,) shares from 0 to 1; by chance alone they would be neighbors / (N - 1) on average.

    Raises:
        FerlabError: different numbers of faces, or too few.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> space = rng.normal(size=(50, 8))
        >>> turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
        >>> neighbor_overlap(space, 3 * space @ turn).mean()
        np.float64(1.0)
    """
    _check(first, second)
    if len(first) <= neighbors:
        raise FerlabError(f"{neighbors} neighbors need more than {neighbors} faces, but there are {len(first)}.")
    near = [
        NearestNeighbors(n_neighbors=neighbors).fit(unit).kneighbors(return_distance=False)
        for unit in (unit_rows(first), unit_rows(second))
    ]
    return np.array([len(np.intersect1d(a, b)) for a, b in zip(*near, strict=True)]) / neighbors


def linear_cka(first: np.ndarray, second: np.ndarray) -> float:
    """Linear centered kernel alignment, 0 to 1 (Kornblith et al., ICML 2019, eq. 3 with linear kernels).

    1 for spaces that are the same up to a turn, a shift and a factor.

    Args:
        first, second: (N, D) and (N, D'), the same faces in the same order.

    Raises:
        FerlabError: different numbers of faces, or a space without any spread.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> space = rng.normal(size=(50, 8))
        >>> round(linear_cka(space, 5 - 2 * space), 6)
        1.0
    """
    _check(first, second)
    first, second = (space - space.mean(axis=0) for space in (first.astype(np.float64), second.astype(np.float64)))
    own, other = np.linalg.norm(first.T @ first), np.linalg.norm(second.T @ second)
    if not own or not other:
        raise FerlabError("All faces lie in one point of a space: there is nothing to compare.")
    return float(np.linalg.norm(first.T @ second) ** 2 / (own * other))


def _check(first: np.ndarray, second: np.ndarray) -> None:
    if len(first) != len(second):
        raise FerlabError(f"Both spaces must hold the same faces, but they hold {len(first)} and {len(second)}.")
