"""The checks of the baseline notebook's exercises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from ferlab.classroom.exercises.tools import Mistake, known_mistake, number_of, solved
from ferlab.evaluation import knn_accuracy, nearest_center_accuracy, within_between_ratio
from ferlab.vectors import unit_rows


def check_nearest_center(
    function: Callable[[np.ndarray, np.ndarray], float], embeddings: np.ndarray, labels: np.ndarray
) -> str:
    """Judge a learner's `function(embeddings, labels)`: the share of faces nearest to the mean of their own class.

    A face is left out of its own class's mean. The function is tried on small made-up classes first.

    Args:
        function: the learner's.
        embeddings: float (N, D), rows of length 1, to try it on at last.
        labels: int (N,).

    Returns:
        What is right, or what seems to have gone wrong.
    """
    for seed, counts in enumerate(((3, 4, 6), (3, 3, 5, 9))):
        points, own = _small_classes(seed, counts)
        value, complaint = number_of(function, points.copy(), own.copy())
        if complaint:
            return complaint
        right = nearest_center_accuracy(points, own)
        if not np.isclose(value, right, atol=1e-6):
            return known_mistake(value, _center_mistakes(points, own, right), atol=1e-6) or (
                f"For {len(own)} points of {len(counts)} classes you get {value:.3f}, but it should be {right:.3f}. "
                "Look at the distances of one face to all class means first."
            )
    value, complaint = number_of(function, embeddings.copy(), labels.copy())
    right = nearest_center_accuracy(embeddings, labels)
    if complaint or not np.isclose(value, right, atol=1e-3):
        got = complaint or f"you get {value:.3f} instead of {right:.3f}."
        return f"Right for small made-up classes, but not for these {len(labels)} faces: {got}"
    return solved(f"Right. For these {len(labels)} faces it is {value:.3f}.")


def _small_classes(seed: int, counts: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping classes of a few points each: whether a point counts in its own mean makes a difference."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    points = random.normal(size=(len(counts), 4))[labels] + 1.6 * random.normal(size=(len(labels), 4))
    order = random.permutation(len(labels))
    return unit_rows(points)[order], labels[order]


def _center_mistakes(points: np.ndarray, labels: np.ndarray, right: float) -> list[Mistake]:
    means = np.stack([points[labels == c].mean(axis=0) for c in np.unique(labels)])
    to_means = cdist(points, means)
    included = float((to_means.argmin(axis=1) == labels).mean())
    counted = "This is a number of faces. Divide by how many there are, so that it is a share between 0 and 1."
    percent = "This looks like percent. Return a share between 0 and 1."
    wrong = "This is the share that is wrong. Count the faces whose nearest mean is that of their own class."
    return [
        (
            included,
            "Almost: each face is still part of the mean that it is compared with, and pulls it closer. Take it out of "
            "its own class's mean first.",
        ),
        *[(share * len(labels), counted) for share in (right, included)],
        *[(100 * share, percent) for share in (right, included)],
        *[(1 - share, wrong) for share in (right, included)],
        (
            knn_accuracy(points, labels, neighbors=1),
            "This compares with the nearest face. Asked for is the nearest class mean.",
        ),
        (
            float((to_means.argmax(axis=1) == labels).mean()),
            "This takes the farthest mean: use argmin, not argmax.",
        ),
    ]


def check_right_but_scattered(
    moved: ArrayLike, start: np.ndarray, labels: np.ndarray, classifier: np.ndarray, *, at_least: float = 0.8
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
        points = np.asarray(moved, dtype=np.float64)
    except (TypeError, ValueError):
        return f"`moved` should be an array of numbers, but is of type {type(moved).__name__}."
    if points.shape != start.shape:
        return f"`moved` has shape {points.shape}; it should have that of the points, {start.shape}."
    if not np.isfinite(points).all():
        return "Some of the coordinates are no numbers (NaN or infinite)."
    before = within_between_ratio(start, labels)
    if np.allclose(points, start):
        return f"These are the points as they were given, with within / between {before:.2f}. Move some of them."
    if complaint := _classified_wrong(points, labels, classifier):
        return complaint
    ratio = within_between_ratio(points, labels)
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


def _classified_wrong(points: np.ndarray, labels: np.ndarray, classifier: np.ndarray) -> str:
    """How many points the classifier gets wrong, and the first of them; empty where there are none."""
    logits = points @ classifier.T
    own = logits[np.arange(len(labels)), labels]
    others = np.where(np.eye(len(classifier), dtype=bool)[labels], -np.inf, logits).max(axis=1)
    wrong = np.flatnonzero(own <= others)
    if not len(wrong):
        return ""
    first = wrong[0]
    return (
        f"{len(wrong)} of {len(labels)} points are no longer classified right. Point {first} of class {labels[first]} "
        f"lies at ({points[first, 0]:.2f}, {points[first, 1]:.2f}): logit {own[first]:.2f} for its own class and "
        f"{others[first]:.2f} for another one."
    )
