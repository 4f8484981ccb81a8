"""Checks for the exercises on maps: they say what is missing, and never raise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ferlab.figures.palette import method_label
from ferlab.projection import pair_distances
from ferlab.widgets.exercises import number_of
from ferlab.widgets.explorer import EmbeddingExplorer


def check_neighbors_kept(function: Callable[[np.ndarray, np.ndarray, int], float]) -> str:
    """Judge a learner's `function(in_space, on_map, k)` for the share of the k nearest neighbors that a map keeps.

    Both are float (N, N), the distances of all pairs, with zeros on the diagonal.

    Returns:
        What is right, or what seems to have gone wrong.
    """
    rng = np.random.default_rng(4)
    points = rng.normal(size=(90, 6))
    in_space = pair_distances(points, "euclidean")
    # A map that keeps some neighbors: two of the dimensions.
    on_map = pair_distances(points[:, :2], "euclidean")
    for k in (5, 12):
        value, complaint = number_of(function, in_space.copy(), on_map.copy(), k)
        if complaint:
            return complaint
        right = _kept(in_space, on_map, k)
        if not np.isclose(value, right):
            ordered = (_nearest(in_space, k) == _nearest(on_map, k)).mean()
            with_self = (right * k + 1) / (k + 1)  # k + 1 with the point itself among them
            one_less = (_kept(in_space, on_map, k - 1) * (k - 1) + 1) / k  # k, one of which is the point itself
            mistakes = {
                with_self: "Almost: every point counts as its own neighbor. Leave it out.",
                one_less: "Almost: the first of your k neighbors is the point itself. Put infinity on the diagonal.",
                _kept(in_space, on_map, k - 1): "Almost: these are k - 1 neighbors. Leave the point out and take k.",
                right * k: "This is how many of the k neighbors are kept, on average. Divide by k.",
                right * k / len(points): "Almost: divide by k, the number of neighbors, not by the number of points.",
                right * k * len(points): "This counts all kept neighbors. Divide by k and by the number of points.",
                ordered: (
                    "You compare the first neighbor with the first, the second with the second, and so on. Being among "
                    "the k nearest is enough: compare sets."
                ),
                1 - right: "This is the share that is lost. Asked for is the share that is kept.",
                _kept(-in_space, -on_map, k): "These are the farthest points. The nearest have the smallest distances.",
            }  # fmt: skip
            for wrong, sentence in mistakes.items():
                if np.isclose(value, wrong):
                    return sentence
            return f"For 90 points and k = {k} you get {value:.3f}, but the map keeps {right:.3f} of the neighbors."
    return "Right, for 5 and for 12 neighbors."


def check_torn_neighbor(explorer: EmbeddingExplorer, rank: int = 300, count: int = 10) -> str:
    """Judge whether the focused face has a near neighbor in the full space that the map puts far away.

    Args:
        explorer: the learner's.
        rank: on the map, which the neighbor must be beyond.
        count: how many neighbors count as near.

    Returns:
        What is right or what to change.
    """
    if explorer.focus is None:
        chosen = len(explorer.selection)
        return (
            f"{chosen} faces are selected: click on one of them, so that its own neighbors are shown."
            if chosen
            else "No face is chosen yet. Click on a dot that lies on a border or between two clouds."
        )
    near = explorer.neighbors(count)
    if not len(near):
        return "These points came without embeddings, so nobody knows their true neighbors."
    worst = near.loc[near["map_rank"].idxmax()]
    own = near[near["method"] == worst["method"]].reset_index(drop=True)
    place = int(own.index[own["index"] == worst["index"]][0]) + 1
    found = (
        f"in the space of {method_label(worst['method'])} its neighbor no. {place} is face {worst['index']} "
        f"({explorer.classes[worst['label']]}), and on the map that one is no. {worst['map_rank']:,}"
    )
    if worst["map_rank"] <= rank:
        return (
            f"Face {explorer.focus}: {found}. Look for one beyond no. {rank}: faces at the rim of a cloud that faces "
            "another, or lonely ones between clouds."
        )
    return f"Found. Face {explorer.focus}: {found}. The map had to choose a side for it."


def _nearest(distances: np.ndarray, k: int) -> np.ndarray:
    """The k nearest others of every point, int64 (N, k)."""
    others = distances.copy()
    np.fill_diagonal(others, np.inf)
    return np.argsort(others, axis=1)[:, :k]


def _kept(in_space: np.ndarray, on_map: np.ndarray, k: int) -> float:
    true, shown = _nearest(in_space, k), _nearest(on_map, k)
    return float((true[:, :, None] == shown[:, None, :]).any(axis=2).mean())
