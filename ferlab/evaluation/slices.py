"""Accuracy by what is known of each face: intensity, pose, light, action units."""

from __future__ import annotations

from math import inf

import numpy as np
import pandas as pd

# Column of the built-in faces' metadata -> edges of the bins, on absolute values where the sign does not matter.
BINS: dict[str, tuple[str, bool, list[float]]] = {
    "intensity": ("intensity", False, [0.2, 0.4, 0.6, 0.8, inf]),
    "yaw (degrees, either side)": ("yaw", True, [0, 8, 16, 24, inf]),
    "pitch (degrees, up or down)": ("pitch", True, [0, 5, 10, inf]),
    "light from the side (degrees)": ("light_azimuth", True, [0, 30, 60, inf]),
    "exposure (stops)": ("light_exposure", False, [-inf, -0.3, 0.3, inf]),
    "skin tone (0 light, 1 dark)": ("skin_tone", False, [0, 1 / 3, 2 / 3, inf]),
}
VISIBLE = 0.4  # an action unit counts as there from this intensity on
SMALLEST = 20  # faces of a slice; fewer say nothing


def slice_scores(metadata: pd.DataFrame, labels: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
    """Accuracy on parts of a split.

    Args:
        metadata: one row a face; columns that are not there make no slices, so any data set will do.
        labels, predicted: int64 (N,).

    Returns:
        One row a slice: ``kind``, ``part``, ``faces``, ``accuracy``, ``balanced_accuracy`` (over the classes that the
        slice holds). Slices of fewer than 20 faces are left out.
    """
    rows = []
    for kind, part, inside in slices_of(metadata):
        if inside.sum() < SMALLEST:
            continue
        right = labels[inside] == predicted[inside]
        recalls = [right[labels[inside] == c].mean() for c in np.unique(labels[inside])]
        rows.append(
            {
                "kind": kind,
                "part": part,
                "faces": int(inside.sum()),
                "accuracy": float(right.mean()),
                "balanced_accuracy": float(np.mean(recalls)),
            }
        )
    return pd.DataFrame(rows, columns=["kind", "part", "faces", "accuracy", "balanced_accuracy"])


def slices_of(metadata: pd.DataFrame) -> list[tuple[str, str, np.ndarray]]:
    """Kind, part and the faces (bool (N,)) of every slice that the metadata allows."""
    found = []
    for kind, (column, absolute, edges) in BINS.items():
        if column not in metadata:
            continue
        values = metadata[column].to_numpy(dtype=float)
        values = np.abs(values) if absolute else values
        for low, high in zip(edges, edges[1:], strict=False):
            found.append((kind, _range(low, high), (values >= low) & (values < high)))
    for column in ("occluder", "glasses"):
        if column in metadata:
            values = metadata[column].astype(str).to_numpy()
            found += [(column, part, values == part) for part in sorted(set(values))]
    for unit in [column for column in metadata if column.startswith("AU") and column[2:].isdigit()]:
        found.append(("action unit", unit, metadata[unit].to_numpy(dtype=float) >= VISIBLE))
    return found


def _range(low: float, high: float) -> str:
    if low in (0, -inf):
        return f"below {high:.2g}"
    if high == inf:
        return f"from {low:.2g}"
    return f"{low:.2g} to {high:.2g}"
