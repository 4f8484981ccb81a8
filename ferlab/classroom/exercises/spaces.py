"""The checks of the exercises that look at embedding spaces, of one method or of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.spatial.distance import cdist, pdist

from ferlab.classroom.exercises.tools import Mistake, known_mistake, number_of, solved
from ferlab.evaluation import neighbor_overlap, relative_spread, within_between_ratio
from ferlab.methods import method_label, reference_of
from ferlab.runs import first_seed_spaces, read_run
from ferlab.vectors import unit_rows
from ferlab.widgets.explorer.explorer import EmbeddingExplorer

# ---- a selection on the border of two classes ----------------------------------------------------------------------


def check_selection(
    explorer: EmbeddingExplorer, classes: Sequence[str], *, at_least: int = 20, share: float = 0.8
) -> str:
    """Judge a lasso selection that should lie where two (or more) classes touch, on the first map.

    Args:
        explorer: the linked maps.
        classes: the classes looked for.
        at_least: faces to select.
        share: the part that must belong to `classes`; each must make up a fifth of that at least. At least half of the
            faces must lie on the border: a fifth of their 15 nearest on the map are of another one of `classes`.

    Returns:
        What is right or what to change, in a sentence or two.
    """
    chosen = len(explorer.selection)
    wanted = " and ".join(classes)
    if not chosen:
        return f"Nothing is selected yet. Draw a loop where {wanted} touch, then run this cell again."
    if chosen < at_least:
        return f"You have selected {chosen} faces; take at least {at_least}, so that the shares below mean something."
    per_class = np.bincount(explorer.selected_labels, minlength=len(explorer.classes))
    counts = dict(zip(explorer.classes, per_class.tolist(), strict=True))
    found = sum(counts[name] for name in classes)
    if found < share * chosen:
        other = max((name for name in counts if name not in classes), key=lambda name: counts[name])
        return (
            f"{found} of your {chosen} faces are {wanted} ({found / chosen:.0%}; {share:.0%} are asked for). Most of "
            f"the others are {other}: draw the loop away from them."
        )
    rare = min(classes, key=lambda name: counts[name])
    if counts[rare] < 0.2 * found:
        return (
            f"Only {counts[rare]} of your {chosen} faces are {rare}: move the loop closer to the border between "
            f"{wanted}."
        )
    touching = _on_border(explorer, classes)
    if touching < 0.5:
        return (
            f"Only {touching:.0%} of your {chosen} faces lie where {wanted} touch, on the map of "
            f"{method_label(explorer.methods[0])}: draw a smaller loop, around the place where their colors mix."
        )
    right = [f"{method_label(name)} {part:.0%}" for name, part in explorer.share_right().items()]
    return solved(
        f"Well found: {chosen} faces on the border of {wanted}. Classified right among them: {', '.join(right)}."
    )


def _on_border(explorer: EmbeddingExplorer, classes: Sequence[str], *, nearest: int = 15) -> float:
    """Share of the selected faces that have another one of the classes close by on the first map."""
    layout = explorer.map_of(explorer.methods[0])
    names = np.array(explorer.classes)[explorer.points.labels]
    mine = _selected(explorer)
    close = cdist(layout[mine], layout).argsort(axis=1)[:, 1 : nearest + 1]  # the first is the face itself
    is_other = np.isin(names[close], classes) & (names[close] != names[mine, None])
    return float((is_other.mean(axis=1) >= 0.2).mean())


def _selected(explorer: EmbeddingExplorer) -> np.ndarray:
    """The selected faces as positions among the points shown."""
    return np.flatnonzero(np.isin(explorer.points.indices, explorer.selection))


# ---- within / between ----------------------------------------------------------------------------------------------


def check_within_between(function: Callable[[np.ndarray, np.ndarray], float], run_dir: str | Path) -> str:
    """Judge a learner's `function(embeddings, labels)` for the within/between distance ratio, on every method of a run.

    `embeddings` is float (N, D) with rows of length 1, `labels` int (N,).

    Returns:
        What is right, or what seems to have gone wrong.
    """
    spaces, labels = first_seed_spaces(read_run(run_dir))
    answers = {}
    for name, embeddings in spaces.items():
        space = unit_rows(embeddings.astype(np.float64))
        value, complaint = number_of(function, space.copy(), labels.copy())
        if complaint:
            return complaint
        right = within_between_ratio(space, labels)
        if not np.isclose(value, right, rtol=1e-3):
            return known_mistake(value, _ratio_mistakes(space, labels), rtol=1e-3) or (
                f"For {method_label(name)} you get {value:.3f}, but it should be {right:.3f}. Check each mean on its "
                "own."
            )
        answers[name] = value
    numbers = ", ".join(f"{value:.3f} for {method_label(name)}" for name, value in answers.items())
    return solved(f"Right: {numbers}. These are the numbers of the table above.")


def _ratio_mistakes(space: np.ndarray, labels: np.ndarray) -> list[Mistake]:
    classes, own = np.unique(labels, return_inverse=True)
    means = np.stack([space[labels == c].mean(axis=0) for c in classes])
    to_own, between_means = np.linalg.norm(space - means[own], axis=1), pdist(means)
    within, between = to_own.mean(), between_means.mean()
    of_squares = (to_own**2).mean() / (between_means**2).mean()
    within_by_class = np.mean([to_own[labels == c].mean() for c in classes])
    squared = "Almost: these look like squared distances. Take the root of each distance before averaging."
    return [
        (between / within, "Almost: you divided between by within. Turn the fraction round."),
        (of_squares, squared),
        ((within / between) ** 2, squared),
        (within, "This is the mean distance within the classes. Divide it by the mean distance between class means."),
        (between, "This is the mean distance between class means. It belongs below the fraction line."),
        (
            np.sqrt(of_squares),
            "Almost: you average squared distances and take the root after. Take the mean of the distances.",
        ),
        (
            within_by_class / between,
            "Almost: you average within each class first, so that a rare class counts as much as a common one. Average "
            "over all faces at once.",
        ),
        (
            within / between * len(classes) / (len(classes) - 1),
            "Almost: the distance of a class mean to itself (0) is in your average. Take only pairs of different "
            "classes.",
        ),
    ]


# ---- a group that another loss tears apart -------------------------------------------------------------------------


def check_torn_apart(
    explorer: EmbeddingExplorer, *, at_least: int = 20, growth: float = 2.0, together: float = 0.6
) -> str:
    """Judge a lasso selection that should be tight in the explorer's first space and spread out in another.

    Args:
        explorer: the linked maps, with two methods at least.
        at_least: faces to select.
        growth: how much larger the spread must be in another space, see :func:`ferlab.evaluation.relative_spread`.
        together: the largest spread in the first space that still counts as close together.

    Returns:
        What is right or what to change, in a sentence or two.
    """
    chosen = _selected(explorer)
    first, *others = explorer.methods
    if not others:
        return "Only one space is shown: choose at least two methods."
    if len(chosen) < at_least:
        return f"You have selected {len(chosen)} faces; take at least {at_least}."
    spread = {}
    for name in explorer.methods:
        # Of a loss with several strengths, the one on the map.
        space = explorer.points.space(explorer.state.trained(name), explorer.epoch or 1)
        if space is None:
            return f"The embeddings of {method_label(name)} were not kept, so its spread cannot be measured."
        spread[name] = relative_spread(space, chosen)
    numbers = ", ".join(f"{value:.2f} in {method_label(name)}" for name, value in spread.items())
    if spread[first] > together:
        return (
            f"These faces do not lie close together in {method_label(first)}: their spread is {numbers} of that of all "
            f"faces, and {together:g} is the most that counts as close. Take a smaller loop."
        )
    widest = max(others, key=lambda name: spread[name])
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


# ---- neighbors in common -------------------------------------------------------------------------------------------


def check_common_neighbors(function: Callable[[np.ndarray, np.ndarray, int], float]) -> str:
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
        if not np.isclose(value, right):
            return known_mistake(value, _overlap_mistakes(first, second, neighbors)) or (
                f"On a test case with {neighbors} neighbors you get {value:.3f}, but it should be {right:.3f}. Compare "
                "the two lists of one face by hand."
            )
        if "neighbor_overlap" in getattr(getattr(function, "__code__", None), "co_names", ()):
            return "The number is right, but it is the package's own function that found it: write it with NumPy."
    return solved("Right.")


def _overlap_mistakes(first: np.ndarray, second: np.ndarray, neighbors: int) -> list[Mistake]:
    right = neighbor_overlap(first, second, neighbors).mean()
    in_common = right * neighbors
    with_itself = _share_in_common(_order(first), _order(second), neighbors)
    farthest = _share_in_common(_order(first)[:, ::-1], _order(second)[:, ::-1], neighbors)
    return [
        (1 - right, "This is the share that the two lists do not have in common."),
        (with_itself, "Almost: each face is among its own nearest neighbors here. Leave it out of its list."),
        (in_common, "This is the mean number of common neighbors; divide by how many there are."),
        (farthest, "These are the farthest faces: sort by falling similarity, or by rising distance."),
        (
            in_common / (2 * neighbors - in_common),
            "You divided by how many neighbors both lists hold together; divide by the length of one list.",
        ),
        (
            neighbor_overlap(first, second, 10).mean(),
            f"For {neighbors} neighbors you get what is right for 10: use the argument `neighbors`.",
        ),
    ]


def _order(space: np.ndarray) -> np.ndarray:
    """All faces by rising distance from each one, the face itself first: int (N, N)."""
    return (-space @ space.T).argsort(axis=1)


def _share_in_common(first: np.ndarray, second: np.ndarray, neighbors: int) -> float:
    """Mean share that the beginnings of two lists (N, N) have in common."""
    pairs = zip(first[:, :neighbors], second[:, :neighbors], strict=True)
    return float(np.mean([len(np.intersect1d(a, b)) for a, b in pairs]) / neighbors)
