"""Checks for the exercises that compare embedding spaces: they say what is missing, and never raise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ferlab.evaluation import neighbor_overlap
from ferlab.figures.palette import method_label
from ferlab.training.methods import reference_of
from ferlab.vectors import unit_rows
from ferlab.widgets.exercises import number_of, solved
from ferlab.widgets.explorer import EmbeddingExplorer


def relative_spread(space: np.ndarray, chosen: np.ndarray) -> float:
    """Mean distance of the chosen rows (positions) of a space (N, D) to their mean, over the same for all rows."""
    own, all_rows = space[chosen], space
    return float(
        np.linalg.norm(own - own.mean(axis=0), axis=1).mean()
        / np.linalg.norm(all_rows - all_rows.mean(axis=0), axis=1).mean()
    )


def check_torn_apart(
    explorer: EmbeddingExplorer, at_least: int = 20, growth: float = 2.0, together: float = 0.6
) -> str:
    """Judge a lasso selection that should be tight in the explorer's first space and spread out in another.

    Args:
        explorer: the linked maps, with two methods at least.
        at_least: faces to select.
        growth: how much larger the spread must be in another space, see :func:`relative_spread`.
        together: the largest spread in the first space that still counts as close together.

    Returns:
        What is right or what to change, in a sentence or two.
    """
    chosen = np.flatnonzero(np.isin(explorer.points.indices, explorer.selection))
    first, *others = explorer.methods
    if not others:
        return "Only one space is shown: choose at least two methods."
    if len(chosen) < at_least:
        return f"You have selected {len(chosen)} faces; take at least {at_least}."
    spaces = {name: explorer.points.space(name, explorer.epoch or 1) for name in explorer.methods}
    if missing := [name for name, space in spaces.items() if space is None]:
        return f"The embeddings of {method_label(missing[0])} were not kept, so its spread cannot be measured."
    spread = {name: relative_spread(spaces[name], chosen) for name in explorer.methods}
    numbers = ", ".join(f"{value:.2f} in {method_label(name)}" for name, value in spread.items())
    if spread[first] > together:
        return (
            f"These faces do not lie close together in {method_label(first)}: their spread is {numbers} of that of all "
            f"faces, and {together:g} is the most that counts as close. Take a smaller loop."
        )
    widest = max(others, key=spread.get)
    ratio = spread[widest] / spread[first]
    if ratio < growth:
        return (
            f"Their spread is {numbers}: {ratio:.2f} times as large in {method_label(widest)}, and {growth:g} times is "
            "asked for. Look for faces whose neighbors differ: “Close under ..., far now” below the maps lists some."
        )
    found = f"Found: {len(chosen)} faces, spread {numbers}: {ratio:.2f} times as large in {method_label(widest)}."
    control = reference_of(widest, explorer.available_methods)
    space = explorer.points.space(control, explorer.epoch or 1) if control not in (None, first) else None
    if space is None:
        return solved(found)
    without = relative_spread(space, chosen) / spread[first]
    return solved(
        f"{found} Now ask what did that: in its control, {method_label(control)}, which has the same network and no "
        f"{method_label(widest).removeprefix('CE + ')}, it is {without:.2f} times as large."
    )


def check_common_neighbors(function: Callable) -> str:
    """Judge a learner's `function(first, second, neighbors)` for the mean share of common nearest neighbors.

    Returns:
        What is right, or what seems to have gone wrong.
    """
    rng = np.random.default_rng(0)
    first = rng.normal(size=(80, 6))
    second = first + 0.5 * rng.normal(size=first.shape)
    first, second = unit_rows(first), unit_rows(second)
    for neighbors in (10, 3):
        right = neighbor_overlap(first, second, neighbors).mean()
        value, complaint = number_of(function, first.copy(), second.copy(), neighbors)
        if complaint:
            return complaint
        if np.isclose(value, right):
            if "neighbor_overlap" in getattr(getattr(function, "__code__", None), "co_names", ()):
                return "The number is right, but it is the package's own function that found it: write it with NumPy."
            continue
        if np.isclose(value, 1 - right):
            return "This is the share that the two lists do not have in common."
        with_itself = _share(first, second, neighbors, itself=True)
        if np.isclose(value, with_itself):
            return "Almost: each face is among its own nearest neighbors here. Leave it out of its list."
        if np.isclose(value, right * neighbors):
            return "This is the mean number of common neighbors; divide by how many there are."
        if np.isclose(value, _share(first, second, neighbors, farthest=True)):
            return "These are the farthest faces: sort by falling similarity, or by rising distance."
        if np.isclose(value, right * neighbors / (2 * neighbors - right * neighbors)):
            return "You divided by how many neighbors both lists hold together; divide by the length of one list."
        if neighbors == 3 and np.isclose(value, neighbor_overlap(first, second, 10).mean()):
            return "For 3 neighbors you get what is right for 10: use the argument `neighbors`."
        return (
            f"On a test case with {neighbors} neighbors you get {value:.3f}, but it should be {right:.3f}. Compare the "
            "two lists of one face by hand."
        )
    return solved("Right.")


def _share(
    first: np.ndarray, second: np.ndarray, neighbors: int, itself: bool = False, farthest: bool = False
) -> float:
    """Share of common neighbors as it comes out with a typical mistake."""
    lists = []
    for space in (first, second):
        similarity = space @ space.T
        if not itself:
            np.fill_diagonal(similarity, np.inf if farthest else -np.inf)
        lists.append(np.argsort(similarity if farthest else -similarity, axis=1)[:, :neighbors])
    return float(np.mean([len(np.intersect1d(a, b)) for a, b in zip(*lists, strict=True)]) / neighbors)
