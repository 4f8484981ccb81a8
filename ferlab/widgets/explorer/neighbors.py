"""Neighbours in the full space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def distances_from(space: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Cosine distance of every row to the mean of some rows: float array (N,).

    Args:
        space: float array (N, D), rows of length 1.
        positions: int array, one row or more; their mean is scaled to length 1 again.

    >>> distances_from(np.eye(2), np.array([0])).tolist()
    [0.0, 1.0]
    """
    middle = space[positions].mean(axis=0)
    return np.maximum(1.0 - space @ (middle / max(float(np.linalg.norm(middle)), 1e-12)), 0.0)


def ranks_from(distances: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """Rank of every point by distance, 1 the nearest, those left out beyond all: int array (N,).

    >>> ranks_from(np.array([0.0, 0.5, 0.2]), np.array([0])).tolist()
    [3, 2, 1]
    """
    distances = np.asarray(distances, dtype=float).copy()
    distances[left_out] = np.inf
    ranks = np.empty(len(distances), dtype=np.int64)
    ranks[np.argsort(distances, kind="stable")] = np.arange(1, len(distances) + 1)
    return ranks


def nearer_than(distances: np.ndarray, distance: float) -> float:
    """Share of pairs that are farther apart than `distance`, from a sorted sample of distances.

    >>> nearer_than(np.array([0.1, 0.2, 0.3, 0.4]), 0.25)
    0.5
    """
    return 1.0 - float(np.searchsorted(distances, distance, side="right")) / max(len(distances), 1)


@dataclass(frozen=True)
class Near:
    """Neighbors of a face, or of the middle of several, in one space.

    Attributes:
        method: whose space.
        positions: int array, the nearest first.
        distances: float array, cosine distance in the space.
        map_ranks: int array, 1 for the nearest on the map.
    """

    method: str
    positions: np.ndarray
    distances: np.ndarray
    map_ranks: np.ndarray


@dataclass(frozen=True)
class Moved:
    """Points close by in the first space that are far in another.

    Attributes:
        method: the other space.
        positions: int array, the farthest first.
        before, after: int arrays, ranks in the first and in the other space.
    """

    method: str
    positions: np.ndarray
    before: np.ndarray
    after: np.ndarray


@dataclass(frozen=True)
class Pair:
    """Two points in one space and on its map: distances, and the shares of all pairs that are farther apart."""

    method: str
    in_space: float
    space_share: float
    on_map: float
    map_share: float
