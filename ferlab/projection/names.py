"""Where the names of the classes stand on a map."""

from __future__ import annotations

import numpy as np

# Of class names on a map some four inches or 350 pixels high, in units of half its height.
HALF_LETTER, LINE = 0.021, 0.09
MOST_NAMES = 20  # on a map: more would hide it
FEWEST = 3  # points of a class that is named


def named_classes(labels: np.ndarray, classes: int) -> list[int]:
    """The classes whose names stand on a map, ascending: those with three points or more, of many the largest ones.

    >>> named_classes(np.array([0, 0, 0, 1, 1, 2, 2, 2, 2]), 3)
    [0, 2]
    """
    counts = np.bincount(labels, minlength=classes)
    largest = np.argsort(-counts, kind="stable")[:MOST_NAMES]
    return sorted(int(k) for k in largest if counts[k] >= FEWEST)


def densest(points: np.ndarray) -> np.ndarray:
    """The point of `points` (N, 2) with the most others close by: float array (2,). A good place for a name,
    where the mean of a class in two pieces would lie between them."""
    sample = points if len(points) <= 400 else points[np.random.default_rng(0).choice(len(points), 400, replace=False)]
    distances = np.linalg.norm(sample[:, None] - sample[None], axis=2)
    return sample[np.sort(distances, axis=1)[:, : max(2, len(sample) // 3)].mean(axis=1).argmin()]


def apart(places: np.ndarray, names: list[str]) -> np.ndarray:
    """Move names up and down until none is written over another, in units of half a map's height.

    >>> apart(np.array([[0.0, 0.0], [0.0, 0.02]]), ["anger", "disgust"])[:, 1].round(3).tolist()
    [-0.035, 0.055]
    """
    x, y = places.T.tolist()
    close = [
        (i, j)
        for i in range(len(names))
        for j in range(i)
        if abs(x[i] - x[j]) < HALF_LETTER * (len(names[i]) + len(names[j]))
    ]
    for _ in range(20):
        moved = False
        for i, j in close:
            overlap = LINE - abs(y[i] - y[j])
            if overlap > 1e-3:
                step = overlap / 2 if y[i] >= y[j] else -overlap / 2
                y[i] += step
                y[j] -= step
                moved = True
        if not moved:
            break
    return np.array([x, y]).T
