"""Who is close to whom, in the full spaces and on their maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

# How far down the list of neighbors still counts as close, and from where on as far.
CLOSE, FAR = 20, 60


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


# ---- of one space ------------------------------------------------------------------------------------------------


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


def pair_in(
    method: str,
    space: np.ndarray,
    layout: np.ndarray,
    *,
    at: Sequence[int] | np.ndarray,
    sample: tuple[np.ndarray, np.ndarray],
) -> Pair:
    """How far apart two points are in a space and on its map.

    Args:
        method: whose space.
        space: float array (N, D), rows of length 1.
        layout: float array (N, 2), the map.
        at: the two positions.
        sample: sorted distances of many pairs, in the space and on the map.
    """
    first, second = at
    in_space = float(1 - space[first] @ space[second])
    on_map = float(np.linalg.norm(layout[first] - layout[second]))
    return Pair(method, in_space, nearer_than(sample[0], in_space), on_map, nearer_than(sample[1], on_map))


# ---- of several spaces -------------------------------------------------------------------------------------------


def nearest(
    distances: Mapping[str, np.ndarray], layouts: Mapping[str, np.ndarray], asked: np.ndarray, *, count: int
) -> list[Near]:
    """The nearest points to some points, in every space.

    Args:
        distances: method -> float array (N,) of :func:`distances_from` them.
        layouts: method -> float array (N, 2), the maps.
        asked: int array, the points asked about, which are no neighbors.
        count: so many neighbors, or as many as there are.
    """
    found = []
    for method, of_space in distances.items():
        ranks = ranks_from(of_space, asked)
        positions = np.argsort(ranks)[: min(count, len(ranks) - len(asked))]
        layout = layouts[method]
        on_map = ranks_from(np.linalg.norm(layout - layout[asked].mean(axis=0), axis=1), asked)
        found.append(Near(method, positions, of_space[positions], on_map[positions]))
    return found


def moved_apart(distances: Mapping[str, np.ndarray], asked: np.ndarray, count: int) -> list[Moved]:
    """Points among the `CLOSE` nearest in the first space that are beyond the `FAR` nearest in another.

    Args:
        distances: method -> float array (N,) of :func:`distances_from` the points asked about.
        asked: int array, these points.
        count: at most so many a space.

    Returns:
        One a space after the first.
    """
    if len(distances) < 2:
        return []
    ranks = {method: ranks_from(of_space, asked) for method, of_space in distances.items()}
    first, *others = ranks
    close = np.flatnonzero(ranks[first] <= min(CLOSE, len(ranks[first]) - len(asked)))
    found = []
    for method in others:
        far = close[ranks[method][close] > FAR]
        far = far[np.argsort(-ranks[method][far], kind="stable")][:count]
        found.append(Moved(method, far, ranks[first][far], ranks[method][far]))
    return found


def shares_right(predicted: Mapping[str, np.ndarray], labels: np.ndarray, chosen: np.ndarray) -> dict[str, float]:
    """Method -> share of the chosen points that it gives their label; empty where none is chosen.

    >>> shares_right({"ce": np.array([0, 1, 1])}, np.array([0, 1, 0]), np.array([1, 2]))
    {'ce': 0.5}
    """
    if not len(chosen):
        return {}
    return {method: float((answers[chosen] == labels[chosen]).mean()) for method, answers in predicted.items()}


# ---- as tables ---------------------------------------------------------------------------------------------------


def near_table(found: Sequence[Near], indices: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """One row a (method, neighbor): `method`, `index`, `label`, `distance` and `map_rank`."""
    rows = [
        pd.DataFrame(
            {
                "method": near.method, "index": indices[near.positions], "label": labels[near.positions],
                "distance": near.distances, "map_rank": near.map_ranks,
            }
        )
        for near in found
    ]  # fmt: skip
    return _in_one(rows)


def moved_table(found: Sequence[Moved], indices: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """One row a (method, point): `method`, `index`, `label`, and the ranks `before` and `after`."""
    rows = [
        pd.DataFrame(
            {
                "method": moved.method, "index": indices[moved.positions], "label": labels[moved.positions],
                "before": moved.before, "after": moved.after,
            }
        )
        for moved in found
    ]  # fmt: skip
    return _in_one(rows)


def _in_one(rows: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["method", "index", "label"])
