"""Checks for the exercises that compare embedding spaces: they say what is missing, and never raise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ferlab.classroom.exercises.tools import number_of, solved
from ferlab.evaluation import neighbor_overlap
from ferlab.methods import reference_of
from ferlab.palette import method_label
from ferlab.runs.reading import read_run
from ferlab.vectors import unit_rows
from ferlab.widgets.explorer.explorer import EmbeddingExplorer


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


def check_selection(explorer: EmbeddingExplorer, classes: Sequence[str], at_least: int = 20, share: float = 0.8) -> str:
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
    chosen = explorer.selection
    wanted = " and ".join(classes)
    if not len(chosen):
        return f"Nothing is selected yet. Draw a loop where {wanted} touch, then run this cell again."
    names = np.array(explorer.classes)[explorer.selected_labels]
    counts = {name: int((names == name).sum()) for name in explorer.classes}
    if len(chosen) < at_least:
        return (
            f"You have selected {len(chosen)} faces; take at least {at_least}, so that the shares below mean something."
        )
    found = sum(counts[name] for name in classes)
    if found < share * len(chosen):
        other = max((name for name in counts if name not in classes), key=counts.get)
        return (
            f"{found} of your {len(chosen)} faces are {wanted} ({found / len(chosen):.0%}; {share:.0%} are asked for). "
            f"Most of the others are {other}: draw the loop away from them."
        )
    rare = min(classes, key=counts.get)
    if counts[rare] < 0.2 * found:
        return (
            f"Only {counts[rare]} of your {len(chosen)} faces are {rare}: move the loop closer to the border between "
            f"{wanted}."
        )
    touching = _on_border(explorer, classes)
    if touching < 0.5:
        return (
            f"Only {touching:.0%} of your {len(chosen)} faces lie where {wanted} touch, on the map of "
            f"{method_label(explorer.methods[0])}: draw a smaller loop, around the place where their colors mix."
        )
    right = [f"{method_label(name)} {part:.0%}" for name, part in explorer.share_right().items()]
    return solved(
        f"Well found: {len(chosen)} faces on the border of {wanted}. Classified right among them: {', '.join(right)}."
    )


def _on_border(explorer: EmbeddingExplorer, classes: Sequence[str], nearest: int = 15) -> float:
    """Share of the selected faces that have another one of the classes close by on the first map."""
    layout, names = explorer.map_of(explorer.methods[0]), np.array(explorer.classes)[explorer.points.labels]
    mine = np.flatnonzero(np.isin(explorer.points.indices, explorer.selection))
    others = min(nearest, len(layout) - 1)
    close = np.argsort(np.linalg.norm(layout[mine, None] - layout[None], axis=2), axis=1)[:, 1 : others + 1]
    is_other = np.isin(names[close], classes) & (names[close] != names[mine, None])
    return float((is_other.mean(axis=1) >= 0.2).mean())


def check_within_between(function: Callable, run_dir: str | Path) -> str:
    """Judge a learner's `function(embeddings, labels)` for the within/between distance ratio, on every method of a run.

    `embeddings` is float (N, D) with rows of length 1, `labels` int (N,).

    Returns:
        What is right, or what seems to have gone wrong.
    """
    run = read_run(run_dir)
    answers = {}
    for name in run.methods:
        rows = run.embeddings[run.embeddings["method"] == name]
        rows = rows[rows["seed"] == rows["seed"].min()]
        space = unit_rows(np.stack(rows["embedding"].to_numpy()).astype(np.float64))
        labels = rows["label"].to_numpy()
        value, complaint = number_of(function, space.copy(), labels.copy())
        if complaint:
            return complaint
        within, between, within_squared, between_squared = _distances(space, labels)
        if not np.isclose(value, within / between, rtol=1e-3):
            if np.isclose(value, between / within, rtol=1e-3):
                return "Almost: you divided between by within. Turn the fraction round."
            if any(
                np.isclose(value, x, rtol=1e-3) for x in (within_squared / between_squared, (within / between) ** 2)
            ):
                return "Almost: these look like squared distances. Take the root of each distance before averaging."
            if np.isclose(value, within, rtol=1e-3):
                return (
                    "This is the mean distance within the classes. Divide it by the mean distance between class means."
                )
            if np.isclose(value, between, rtol=1e-3):
                return "This is the mean distance between class means. It belongs below the fraction line."
            if np.isclose(value, np.sqrt(within_squared / between_squared), rtol=1e-3):
                return "Almost: you average squared distances and take the root after. Take the mean of the distances."
            if np.isclose(value, _within_by_class(space, labels) / between, rtol=1e-3):
                return (
                    "Almost: you average within each class first, so that a rare class counts as much as a common one. "
                    "Average over all faces at once."
                )
            classes = len(np.unique(labels))
            if np.isclose(value, within / between * classes / (classes - 1), rtol=1e-3):
                return (
                    "Almost: the distance of a class mean to itself (0) is in your average. Take only pairs of "
                    "different classes."
                )
            return (
                f"For {method_label(name)} you get {value:.3f}, but it should be {within / between:.3f}. Check each "
                "mean on its own."
            )
        answers[name] = value
    numbers = ", ".join(f"{value:.3f} for {method_label(name)}" for name, value in answers.items())
    return solved(f"Right: {numbers}. These are the numbers of the table above.")


def _within_by_class(space: np.ndarray, labels: np.ndarray) -> float:
    """Mean of the classes' mean distances within."""
    own = [space[labels == c] for c in np.unique(labels)]
    return float(np.mean([np.linalg.norm(of - of.mean(axis=0), axis=1).mean() for of in own]))


def _distances(space: np.ndarray, labels: np.ndarray) -> tuple[float, float, float, float]:
    """Mean distance within and between, then the same of squared distances."""
    classes, own = np.unique(labels, return_inverse=True)
    means = np.stack([space[own == k].mean(axis=0) for k in range(len(classes))])
    within = np.linalg.norm(space - means[own], axis=1)
    between = np.linalg.norm(means[:, None] - means[None], axis=2)[np.triu_indices(len(classes), k=1)]
    return within.mean(), between.mean(), (within**2).mean(), (between**2).mean()
