"""The neighbor graph of a space: who is near whom, and how strongly two points are linked."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ferlab.vectors import unit_rows

PAIRS_AT_ONCE = 32_000_000  # distances held in memory


def comparable_rows(space: np.ndarray, metric: str) -> np.ndarray:
    """Rows (N, D) float32 such that the metric is 1 - their products, or their plain distance for "euclidean".

    >>> comparable_rows(np.array([[0.0, 4.0]]), "cosine").tolist()
    [[0.0, 1.0]]
    """
    if metric == "euclidean":
        return np.asarray(space, dtype=np.float32)
    if metric == "correlation":
        space = space - space.mean(axis=1, keepdims=True)
    return unit_rows(space).astype(np.float32)


def nearest_rows(
    points: np.ndarray, count: int, metric: str = "cosine", chunk: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of each point, exactly, by matrix product.

    Args:
        points: float32 (N, D), :func:`comparable_rows`.
        count: how many of each, at most N.
        metric: as for :func:`comparable_rows`.
        chunk: points at once; None for so many that memory does not grow with N.

    Returns:
        Indices and distances, int32 and float32 (N, count), ascending; each point itself comes first.

    Example:
        >>> nearest_rows(np.eye(2, dtype=np.float32), 2)[0].tolist()
        [[0, 1], [1, 0]]
    """
    n = len(points)
    chunk = chunk or max(1, min(2048, PAIRS_AT_ONCE // max(n, 1)))
    squares = (points**2).sum(axis=1)
    indices = np.empty((n, count), dtype=np.int32)
    distances = np.empty((n, count), dtype=np.float32)
    for begin in range(0, n, chunk):
        rows = np.arange(begin, min(begin + chunk, n))
        d = points[rows] @ points.T
        if metric == "euclidean":
            d = squares[rows, None] + squares[None] - 2 * d  # squared, for the order is the same
        else:
            np.subtract(1.0, d, out=d)
        np.maximum(d, 0.0, out=d)
        d[np.arange(len(rows)), rows] = -1.0  # itself first, also among identical points
        nearest = np.argpartition(d, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(d, nearest, axis=1)
        order = np.lexsort((nearest, values), axis=1)
        indices[rows] = np.take_along_axis(nearest, order, axis=1)
        distances[rows] = np.maximum(np.take_along_axis(values, order, axis=1), 0.0)
    if metric == "euclidean":
        np.sqrt(distances, out=distances)
    return indices, distances


def neighbor_graph(indices: np.ndarray, distances: np.ndarray) -> sparse.coo_matrix:
    """UMAP's fuzzy neighbor graph: how strongly each pair of points is linked, 0 to 1.

    The same as umap's `fuzzy_simplicial_set`, but in NumPy: compiling that one takes seconds at every start, more than
    it then takes. A point's links fall off with distance beyond its nearest neighbor at a scale sigma of its own, such
    that they add up to log2(k); two points are linked by p + q - pq (McInnes et al., section 3.1).

    Args:
        indices: int array (N, k), each point's nearest, itself first.
        distances: float array (N, k), their distances, ascending.

    Returns:
        A symmetric sparse matrix (N, N).
    """
    n, k = indices.shape
    strength = link_strengths(distances)
    strength[indices == np.arange(n)[:, None]] = 0.0
    directed = sparse.csr_matrix((strength.ravel(), (np.repeat(np.arange(n), k), indices.ravel())), shape=(n, n))
    directed.eliminate_zeros()
    back = directed.T.tocsr()
    graph = directed + back - directed.multiply(back)
    return graph.tocoo().astype(np.float32)


def link_strengths(distances: np.ndarray) -> np.ndarray:
    """How strongly each point is linked to its neighbors, as seen from itself, 0 to 1; :func:`neighbor_graph` says how.

    Args:
        distances: float array (N, k), ascending; the first is each point's distance to itself.

    Returns:
        A float64 array (N, k); the first column means nothing.
    """
    distances = distances.astype(np.float64)
    # The nearest at a distance above zero; 0 where all are identical.
    nearest = np.where(distances > 0, distances, np.inf).min(axis=1)
    nearest = np.where(np.isfinite(nearest), nearest, 0.0)[:, None]
    beyond = np.maximum(distances - nearest, 0.0)
    sigma = _scales(beyond[:, 1:], np.log2(distances.shape[1]))
    own_mean = distances.mean(axis=1, keepdims=True)
    sigma = np.maximum(sigma, 1e-3 * np.where(nearest > 0, own_mean, distances.mean()))
    return np.exp(-beyond / np.maximum(sigma, 1e-300))


def _scales(beyond: np.ndarray, total: float) -> np.ndarray:
    """Sigma (N, 1) with sum(exp(-beyond / sigma)) = total, by bisection; where none exists, the last one tried."""
    low = np.zeros((len(beyond), 1))
    high = np.full((len(beyond), 1), np.inf)
    sigma = np.ones((len(beyond), 1))
    done = np.zeros((len(beyond), 1), dtype=bool)
    for _ in range(64):
        links = np.exp(-beyond / np.maximum(sigma, 1e-300)).sum(axis=1, keepdims=True)
        done |= np.abs(links - total) < 1e-5
        if done.all():
            break
        too_wide = links > total
        high = np.where(too_wide & ~done, sigma, high)
        low = np.where(~too_wide & ~done, sigma, low)
        step = np.where(np.isfinite(high), (low + np.where(np.isfinite(high), high, 0.0)) / 2, sigma * 2)
        sigma = np.where(done, sigma, step)
    return sigma
