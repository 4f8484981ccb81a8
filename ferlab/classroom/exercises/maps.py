"""The checks of the exercises on maps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ferlab.classroom.exercises.tools import Mistake, known_mistake, number_of, solved
from ferlab.methods import method_label
from ferlab.projection import pair_distances
from ferlab.widgets.explorer.explorer import EmbeddingExplorer


def check_continuity(function: Callable[[np.ndarray, np.ndarray, int], float]) -> str:
    """Judge a learner's `function(in_space, on_map, k)` for the continuity of a map (Venna & Kaski 2001).

    Both arguments are float (N, N), the distances of all pairs, with zeros on the diagonal.

    Returns:
        What is right, or what seems to have gone wrong.
    """
    points = np.random.default_rng(4).normal(size=(90, 6))
    in_space = pair_distances(points, "euclidean")
    on_map = pair_distances(points[:, :2], "euclidean")  # a map that keeps some neighbors: two of the dimensions
    for k in (5, 12):
        value, complaint = number_of(function, in_space.copy(), on_map.copy(), k)
        if complaint:
            return complaint
        right, mistakes = _continuity(_ranks(in_space), _ranks(on_map), k)
        if not np.isclose(value, right):
            return known_mistake(value, mistakes) or (
                f"For {len(points)} points and k = {k} you get {value:.4f}, but the continuity is {right:.4f}."
            )
    return solved("Right, for 5 and for 12 neighbors.")


def _ranks(distances: np.ndarray) -> np.ndarray:
    """Rank of every point among the others of every point, 1 the nearest, itself last: int64 (N, N)."""
    others = distances.copy()
    np.fill_diagonal(others, np.inf)
    return others.argsort(axis=1).argsort(axis=1) + 1


def _continuity(true: np.ndarray, shown: np.ndarray, k: int) -> tuple[float, list[Mistake]]:
    """From the ranks (N, N) in the space and on the map: the continuity, and what comes out with a mistake."""
    points = len(true)
    lost, intruded = (true <= k) & (shown > k), (shown <= k) & (true > k)
    scale = 2 / (points * k * (2 * points - 3 * k - 1))
    excess = float((shown[lost] - k).sum())
    right = 1 - scale * excess
    mistakes: list[Mistake] = [
        (
            1 - scale * float((true[intruded] - k).sum()),
            "This is trustworthiness: it looks at neighbors on the map that are none in the space. Continuity looks "
            "at neighbors in the space that are none on the map.",
        ),
        (1 - right, "Almost: this is what the lost neighbors cost. Subtract it from 1."),
        (excess, "The sum over the lost neighbors is right. Scale it as trustworthiness does; subtract it from 1."),
        (1 - excess / (points * k), "The sum is right. Scale it with the same factor as trustworthiness."),
        (
            1 - scale * float((true[lost] - k).sum()),
            "You look at the right neighbors, but weigh them with their ranks in the space. What counts is how far "
            "away the map puts them.",
        ),
        (1 - scale * float(shown[lost].sum()), "Almost: subtract k from each rank; rank k costs nothing."),
        (
            1 - float(lost.sum()) / (points * k),
            "This is the share of neighbors that the map keeps. Continuity also asks how far the lost ones are.",
        ),
    ]
    return right, mistakes


def check_lost_neighbor(explorer: EmbeddingExplorer, *, rank: int = 300, count: int = 6) -> str:
    """Judge whether the focused face has a near neighbor in the full space that the map puts far away.

    Args:
        explorer: the learner's.
        rank: on the map, which the neighbor must be beyond.
        count: how many neighbors count as near; the explorer lists six.

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
    return solved(f"Found. Face {explorer.focus}: {found}. The map had to choose a side for it.")
