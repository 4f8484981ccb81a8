"""Checks for the exercises of the baseline notebook: they say what is missing, and never raise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import cdist

from ferlab.classroom.exercises.tools import number_of, solved
from ferlab.evaluation.geometry import nearest_center_accuracy, within_between_ratio
from ferlab.vectors import unit_rows


def check_nearest_center(function: Callable, embeddings: np.ndarray, labels: np.ndarray) -> str:
    """Judge a learner's `function(embeddings, labels)`: the share of faces nearest to the mean of their own class.

    A face is left out of its own class's mean. The function is tried on small made-up classes first.

    Args:
        function: the learner's.
        embeddings: float (N, D), rows of length 1, to try it on at last.
        labels: int (N,).

    Returns:
        What is right, or what seems to have gone wrong.
    """
    given = labels
    for seed, counts in enumerate(((3, 4, 6), (3, 3, 5, 9))):
        space, labels = _small_classes(seed, counts)
        value, complaint = number_of(function, space.copy(), labels.copy())
        if complaint:
            return complaint
        right = nearest_center_accuracy(space, labels)
        if np.isclose(value, right, atol=1e-6):
            continue
        means = np.stack([space[labels == c].mean(axis=0) for c in range(len(counts))])
        included = (cdist(space, means).argmin(axis=1) == labels).mean()
        if np.isclose(value, included, atol=1e-6):
            return (
                "Almost: each face is still part of the mean that it is compared with, and pulls it closer. Take it "
                "out of its own class's mean first."
            )
        if np.isclose(value, right * len(labels), atol=1e-6) or np.isclose(value, included * len(labels), atol=1e-6):
            return "This is a number of faces. Divide by how many there are, so that it is a share between 0 and 1."
        if np.isclose(value, 100 * right, atol=1e-4) or np.isclose(value, 100 * included, atol=1e-4):
            return "This looks like percent. Return a share between 0 and 1."
        if np.isclose(value, 1 - right, atol=1e-6) or np.isclose(value, 1 - included, atol=1e-6):
            return "This is the share that is wrong. Count the faces whose nearest mean is that of their own class."
        apart = cdist(space, space) + np.diag(np.full(len(space), np.inf))
        if np.isclose(value, (labels[apart.argmin(axis=1)] == labels).mean(), atol=1e-6):
            return "This compares with the nearest face. Asked for is the nearest class mean."
        if np.isclose(value, (cdist(space, means).argmax(axis=1) == labels).mean(), atol=1e-6):
            return "This takes the farthest mean: use argmin, not argmax."
        return (
            f"For {len(labels)} points of {len(counts)} classes you get {value:.3f}, but it should be {right:.3f}. "
            "Look at the distances of one face to all class means first."
        )
    value, complaint = number_of(function, embeddings.copy(), given.copy())
    right = nearest_center_accuracy(embeddings, given)
    if complaint or not np.isclose(value, right, atol=1e-3):
        got = complaint or f"you get {value:.3f} instead of {right:.3f}."
        return f"Right for small made-up classes, but not for these {len(given)} faces: {got}"
    return solved(f"Right. For these {len(given)} faces it is {value:.3f}.")


def _small_classes(seed: int, counts: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping classes of a few points each: whether a point counts in its own mean makes a difference."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    space = random.normal(size=(len(counts), 4))[labels] + 1.6 * random.normal(size=(len(labels), 4))
    order = random.permutation(len(labels))
    return unit_rows(space)[order], labels[order]


def check_right_but_scattered(
    moved, start: np.ndarray, labels: np.ndarray, classifier: np.ndarray, at_least: float = 0.8
) -> str:
    """Judge points that should be classified right by a linear classifier and yet be scattered.

    Args:
        moved: the learner's points, (N, 2).
        start: (N, 2), the points as they were given.
        labels: int (N,).
        classifier: (K, 2); a point's logit for a class is its dot product with that class's row.
        at_least: the ratio within / between (as the points lie, not scaled to length 1) that must be reached.

    Returns:
        What is right or what to change.
    """
    try:
        moved = np.asarray(moved, dtype=np.float64)
    except (TypeError, ValueError):
        return f"`moved` should be an array of numbers, but is of type {type(moved).__name__}."
    if moved.shape != start.shape:
        return f"`moved` has shape {moved.shape}; it should have that of the points, {start.shape}."
    if not np.isfinite(moved).all():
        return "Some of the coordinates are no numbers (NaN or infinite)."
    before = within_between_ratio(start, labels)
    if np.allclose(moved, start):
        return f"These are the points as they were given, with within / between {before:.2f}. Move some of them."
    logits = moved @ classifier.T
    own = logits[np.arange(len(labels)), labels]
    others = np.where(np.eye(len(classifier), dtype=bool)[labels], -np.inf, logits).max(axis=1)
    if len(wrong := np.flatnonzero(own <= others)):
        first = wrong[0]
        return (
            f"{len(wrong)} of {len(labels)} points are no longer classified right. Point {first} of class "
            f"{labels[first]} lies at ({moved[first, 0]:.2f}, {moved[first, 1]:.2f}): logit {own[first]:.2f} for its "
            f"own class and {others[first]:.2f} for another one."
        )
    ratio = within_between_ratio(moved, labels)
    if not ratio >= at_least:
        hint = (
            "All points are moved alike: that changes no ratio. Move the points of a class away from each other."
            if np.isclose(ratio, before)
            else "Move the points of a class further apart, in a direction in which they stay on their side."
        )
        return (
            f"All are right, and within / between is {ratio:.2f} (it was {before:.2f}); at least {at_least:g} is asked "
            f"for. {hint}"
        )
    return solved(
        f"There: all {len(labels)} points are classified right, and within / between is {ratio:.2f} instead of "
        f"{before:.2f}. The accuracy says nothing about it."
    )
