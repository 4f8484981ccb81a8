"""What Ad-Corre looks at: correlations of faces with each other, and of a face's heads with each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ferlab.errors import FerlabError
from ferlab.vectors import random_part, unit_rows

ROWS = 500  # faces of a correlation matrix: more would be finer than a screen's pixels


@dataclass(frozen=True)
class PairHistograms:
    """How pairs of faces correlate, as densities: each integrates to 1 over -1 to 1.

    Attributes:
        edges: float array (bins + 1,), from -1 to 1.
        same: float array (bins,), of pairs within a class.
        other: float array (bins,), of pairs of two classes.
        same_mean, other_mean: mean correlations of both; NaN without such pairs.
    """

    edges: np.ndarray
    same: np.ndarray
    other: np.ndarray
    same_mean: float
    other_mean: float


def standardized(vectors: np.ndarray) -> np.ndarray:
    """Vectors (.., D) without their means, of length 1: their products are Pearson correlations over D entries.

    A vector without variance becomes zeros: it correlates with nothing, as in :class:`~ferlab.losses.AdCorreLoss`.

    >>> standardized(np.array([[1.0, 3.0], [5.0, 5.0]])).round(3).tolist()
    [[-0.707, 0.707], [0.0, 0.0]]
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    centered = vectors - vectors.mean(axis=-1, keepdims=True)
    # What rounding leaves of a vector without variance is no direction.
    small = np.linalg.norm(centered, axis=-1) <= 1e-12 * np.linalg.norm(vectors, axis=-1)
    centered[small] = 0.0
    flat = unit_rows(centered.reshape(-1, vectors.shape[-1]))
    return flat.reshape(vectors.shape)


def split_heads(embeddings: np.ndarray, heads: int) -> np.ndarray:
    """Embeddings (N, k * D), the heads side by side, as (N, k, D).

    Raises:
        FerlabError: they cannot be parted into so many heads.

    >>> split_heads(np.zeros((5, 12)), heads=3).shape
    (5, 3, 4)
    """
    embeddings = np.asarray(embeddings)
    if embeddings.ndim != 2 or heads < 1 or embeddings.shape[1] % heads:
        raise FerlabError(f"Embeddings of shape {embeddings.shape} cannot be parted into {heads} heads of one size.")
    return embeddings.reshape(len(embeddings), heads, -1)


def face_correlations(embeddings: np.ndarray) -> np.ndarray:
    """Correlation of every face with every other, as Ad-Corre's feature discriminator sees it: a mean over the heads.

    Args:
        embeddings: float array (N, D), or (N, k, D) with k heads.

    Returns:
        A float64 array (N, N) of values from -1 to 1, symmetric.

    Raises:
        FerlabError: another shape, NaN or infinite values.

    Example:
        >>> face_correlations(np.array([[0.0, 1.0, 2.0], [0.0, 2.0, 4.0], [3.0, 2.0, 1.0]])).round(3).tolist()
        [[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]
    """
    vectors = standardized(_with_heads(embeddings))
    # The heads side by side: the sum of their products in one product of matrices.
    rows = vectors.reshape(len(vectors), -1)
    matrix: np.ndarray = np.clip(rows @ rows.T / vectors.shape[1], -1, 1)
    return matrix


def head_correlations(embeddings: np.ndarray) -> np.ndarray:
    """Correlation of a face's heads with each other, a mean over the faces: what the embedding discriminator lowers.

    Args:
        embeddings: float array (N, k, D).

    Returns:
        A float64 array (k, k), symmetric, with ones on its diagonal (less where heads have no variance).

    Raises:
        FerlabError: another shape, NaN or infinite values.

    Example:
        >>> head_correlations(np.array([[[0.0, 1.0], [3.0, 1.0]]])).round(3).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    vectors = standardized(_with_heads(embeddings))
    if not len(vectors):
        raise FerlabError("Correlations of heads need at least one face.")
    return np.clip(np.einsum("nkd,nld->kl", vectors, vectors) / len(vectors), -1, 1)


def correlation_order(labels: np.ndarray, num_classes: int, at_most: int = ROWS) -> np.ndarray:
    """Which faces a correlation matrix shows, and in which order: sorted by class, as many of each as fit.

    Args:
        labels: int array (N,), 0..K-1.
        num_classes: K.
        at_most: so many faces in all; a class with fewer than its share leaves the room empty.

    Returns:
        An int64 array of indices, class by class, the same ones every time.

    Example:
        >>> correlation_order(np.array([1, 0, 1, 0]), num_classes=2).tolist()
        [1, 3, 0, 2]
    """
    labels = np.asarray(labels)
    each = max(1, at_most // max(num_classes, 1))
    chosen = [(own := np.flatnonzero(labels == k))[random_part(len(own), each)] for k in range(num_classes)]
    return np.concatenate([*chosen, np.empty(0, dtype=np.int64)]).astype(np.int64)


def pair_histograms(correlations: np.ndarray, labels: np.ndarray, bins: int = 80) -> PairHistograms:
    """How pairs of one class and pairs of two classes correlate.

    Args:
        correlations: float array (N, N), :func:`face_correlations`; every pair counts once, a face with itself never.
        labels: int array (N,).
        bins: how many, from -1 to 1.

    Raises:
        FerlabError: arrays that do not fit together.

    Example:
        >>> matrix = face_correlations(np.array([[0.0, 1.0], [0.0, 2.0], [3.0, 2.0]]))
        >>> found = pair_histograms(matrix, np.array([0, 0, 1]), bins=2)
        >>> found.same.tolist(), found.other.tolist(), round(found.other_mean, 3)
        ([0.0, 1.0], [1.0, 0.0], -1.0)
    """
    labels = np.asarray(labels)
    if correlations.shape != (len(labels), len(labels)):
        raise FerlabError(
            f"Correlations of {len(labels)} labels must be a square of as many rows, not {correlations.shape}."
        )
    first, second = np.triu_indices(len(labels), k=1)
    values, same = correlations[first, second], labels[first] == labels[second]
    edges = np.linspace(-1, 1, bins + 1)
    within, across = values[same], values[~same]
    return PairHistograms(
        edges=edges,
        same=_density(within, edges),
        other=_density(across, edges),
        same_mean=float(within.mean()) if len(within) else float("nan"),
        other_mean=float(across.mean()) if len(across) else float("nan"),
    )


def _density(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    counts, _ = np.histogram(values, edges)
    density: np.ndarray = counts / (max(len(values), 1) * np.diff(edges))
    return density


def _with_heads(embeddings: np.ndarray) -> np.ndarray:
    """(N, k, D), or a FerlabError."""
    embeddings = np.asarray(embeddings, dtype=np.float64)
    if embeddings.ndim == 2:
        embeddings = embeddings[:, None, :]
    if embeddings.ndim != 3:
        raise FerlabError(f"Correlations need embeddings (N, D) or (N, k, D), but got {embeddings.shape}.")
    if not np.isfinite(embeddings).all():
        raise FerlabError("The embeddings hold NaN or infinite values; did the training diverge?")
    return embeddings
