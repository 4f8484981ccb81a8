"""Rows as directions: what every measure and map of an embedding space starts with."""

from __future__ import annotations

import numpy as np


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows (N, D) scaled to length 1; a row of zeros stays one.

    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    units: np.ndarray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return units


def random_part(of: int, at_most: int) -> np.ndarray:
    """Indices of at most ``at_most`` out of ``of`` things, ascending, the same ones every time.

    >>> random_part(5, 3).tolist() == random_part(5, 3).tolist(), len(random_part(2, 3))
    (True, 2)
    """
    return np.sort(np.random.default_rng(0).permutation(of)[:at_most])
