"""New points in a map that is already there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferlab.errors import FerlabError
from ferlab.projection.aligned import aligned_layouts, similarity
from ferlab.projection.graph import link_strengths
from ferlab.vectors import unit_rows


class FittedMap:
    """A map that new points can be placed in, one after the other; :func:`place` says how.

    Args:
        reference_embeddings: float array (N, D), the points of the map in their space.
        layout: float array (N, 2), where they lie on the map.
        n_neighbors: size of the neighborhoods, as the map was made with; a point's own holds itself and
            `n_neighbors` - 1 others.

    Attributes:
        references: float32 (N, D), the reference embeddings scaled to length 1.
        layout: float64 (N, 2).

    Raises:
        FerlabError: arrays that do not fit together, NaN or infinite values, `n_neighbors` below 2.

    Example:
        >>> on_map = FittedMap(np.eye(3), np.array([[0.0, 0], [1, 0], [0, 1]]), n_neighbors=2)
        >>> on_map.place(np.array([[0.0, 2.0, 0.1]])).tolist()
        [[1.0, 0.0]]
    """

    def __init__(self, reference_embeddings: np.ndarray, layout: np.ndarray, n_neighbors: int = 15) -> None:
        reference = _matrix("reference embeddings", reference_embeddings)
        self.layout = _matrix("layout", layout).astype(np.float64)
        if self.layout.shape != (len(reference), 2):
            raise FerlabError(
                f"The layout must have one row (x, y) for each of the {len(reference)} reference embeddings, but has "
                f"shape {self.layout.shape}."
            )
        if n_neighbors < 2 or len(reference) < 2:
            raise FerlabError("A point is placed by its neighbors: n_neighbors and the references must be at least 2.")
        self.others = min(n_neighbors - 1, len(reference))
        self.references = unit_rows(reference)

    def place(self, new_embeddings: np.ndarray) -> np.ndarray:
        """Where the points lie on the map: float64 (M, 2) for `new_embeddings` (M, D)."""
        new = _matrix("new embeddings", new_embeddings)
        if new.shape[1] != self.references.shape[1]:
            raise FerlabError(
                f"The new embeddings have {new.shape[1]} dimensions, those of the map {self.references.shape[1]}: take "
                "both from the same network."
            )
        nearest, distances = self._nearest(new)
        # As for the points of the map itself, which are their own first neighbor.
        strengths = link_strengths(np.concatenate([np.zeros((len(new), 1)), distances], axis=1))[:, 1:]
        shares = strengths / strengths.sum(axis=1, keepdims=True)
        return np.einsum("mk,mkc->mc", shares, self.layout[nearest])

    def nearest(self, new_embeddings: np.ndarray) -> np.ndarray:
        """int64 (M, k): for each point its nearest references, the nearest first."""
        return self._nearest(_matrix("new embeddings", new_embeddings))[0]

    def _nearest(self, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Indices and cosine distances (M, k), ascending."""
        distances = np.maximum(1.0 - unit_rows(new) @ self.references.T, 0.0)
        nearest = np.argpartition(distances, self.others - 1, axis=1)[:, : self.others]
        values = np.take_along_axis(distances, nearest, axis=1)
        order = np.lexsort((nearest, values), axis=1)
        return np.take_along_axis(nearest, order, axis=1), np.take_along_axis(values, order, axis=1)


def place(
    reference_embeddings: np.ndarray, layout: np.ndarray, new_embeddings: np.ndarray, n_neighbors: int = 15
) -> np.ndarray:
    """Place new embeddings in a map from :func:`aligned_layouts`, without moving any of its points.

    A new point lies at the mean of its neighbors' positions, each weighted with UMAP's membership strength (the links
    of :func:`ferlab.projection.graph.neighbor_graph`, seen from the new point). Neighbors are exact, by cosine
    distance. This is how UMAP's own `transform` begins; what it then does, moving the point by stochastic gradient
    descent, was left out: against a refit it gained next to nothing (:func:`placing_error` computes such an error), and
    a point that is to follow a slider should not depend on random numbers.

    A point lies among its neighbors by construction, also one that is like none of them: a map cannot say "elsewhere".

    Args:
        reference_embeddings: float array (N, D), the points of the map in their space.
        layout: float array (N, 2), where they lie on the map.
        new_embeddings: float array (M, D), from the same network.
        n_neighbors: as the map was made with.

    Returns:
        A float64 array (M, 2). To place points again and again, :class:`FittedMap` prepares the references once.

    Raises:
        FerlabError: arrays that do not fit together, NaN or infinite values, `n_neighbors` below 2.

    Reference:
        McInnes, Healy & Melville, *UMAP: Uniform Manifold Approximation and Projection*, arXiv:1802.03426.

    Example:
        >>> space = np.random.default_rng(0).normal(size=(60, 8))
        >>> layout = aligned_layouts({"ce": space})["ce"]
        >>> place(space, layout, space[:2] + 0.01).shape
        (2, 2)
    """
    return FittedMap(reference_embeddings, layout, n_neighbors).place(new_embeddings)


@dataclass(frozen=True)
class PlacingError:
    """Distances on the map between where held-out points are put and where a refit with them puts them.

    All in units of the map's radius (the root mean square distance of its points from their center).

    Attributes:
        placed: (M,), of :func:`place`.
        nearest: (M,), of the naive way: on top of the nearest reference.
        refit: (N - M,), how far the points that are in both maps lie apart. No way of placing can be expected to do
            better.
    """

    placed: np.ndarray
    nearest: np.ndarray
    refit: np.ndarray

    def table(self) -> pd.DataFrame:
        """Median, mean and 90th percentile, one row a way."""
        rows = {"place()": self.placed, "nearest reference": self.nearest, "points in both maps": self.refit}
        return pd.DataFrame(
            {name: {"median": np.median(d), "mean": d.mean(), "90 %": np.quantile(d, 0.9)} for name, d in rows.items()}
        ).T


def placing_error(
    embeddings: np.ndarray, held_out: float = 0.1, n_neighbors: int = 15, min_dist: float = 0.1, seed: int = 0
) -> PlacingError:
    """How far :func:`place` puts points from where they would lie had the map been made with them.

    Two maps are made from scratch, one without the held-out points and one with all. The second is brought onto the
    first by Procrustes analysis of the points in both. UMAP arranges whole clouds anew each time, which moves also the
    points in both maps; so read the first row of the table against the last.

    Args:
        embeddings: float array (N, D).
        held_out: share of the points to hold out, drawn by `seed`.
        n_neighbors, min_dist, seed: of both maps, as for :func:`aligned_layouts`.

    Raises:
        FerlabError: as :func:`aligned_layouts`; a share that leaves no points on one side.

    Example:
        >>> space = np.random.default_rng(0).normal(size=(60, 8))
        >>> placing_error(space, held_out=0.2).table().shape
        (3, 3)
    """
    space = _matrix("embeddings", embeddings)
    count = round(held_out * len(space))
    if not 0 < count < len(space):
        raise FerlabError(f"Holding out {held_out} of {len(space)} points leaves none on one side; try 0.1.")
    order = np.random.default_rng(seed).permutation(len(space))
    out, kept = order[:count], order[count:]
    before = aligned_layouts({"kept": space[kept]}, seed, n_neighbors, min_dist)["kept"].astype(np.float64)
    refit = aligned_layouts({"all": space}, seed, n_neighbors, min_dist)["all"].astype(np.float64)
    turn, shift = similarity(before, refit[kept])
    refit = refit @ turn + shift
    fitted = FittedMap(space[kept], before, n_neighbors)
    radius = np.sqrt(((before - before.mean(axis=0)) ** 2).sum(axis=1).mean())

    def distance(positions: np.ndarray, truth: np.ndarray) -> np.ndarray:
        return np.linalg.norm(positions - truth, axis=1) / radius

    return PlacingError(
        placed=distance(fitted.place(space[out]), refit[out]),
        nearest=distance(before[fitted.nearest(space[out])[:, 0]], refit[out]),
        refit=distance(before, refit[kept]),
    )


def _matrix(what: str, values: np.ndarray) -> np.ndarray:
    matrix = np.asarray(values, dtype=np.float32)
    if matrix.ndim != 2:
        raise FerlabError(f"The {what} must be a matrix, one row a point, but have shape {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise FerlabError(f"The {what} hold NaN or infinite values; did the training diverge?")
    return matrix
