"""The measures of the report's first table."""

from __future__ import annotations

import math

# Key, heading, is more better?, what it says. The last four are below `geometry`.
METRICS = (
    ("accuracy", "accuracy", True, "share of test faces classified right"),
    ("balanced_accuracy", "balanced accuracy", True, "recall, averaged over the classes"),
    ("macro_f1", "macro-F1", True, "F1, averaged over the classes"),
    (
        "within_between_ratio",
        "within / between",
        False,
        "distance to the own class center over the distance between class centers",
    ),
    ("silhouette", "silhouette", True, "how much closer a face is to its own class than to the next one, from -1 to 1"),
    ("knn_accuracy", "10-NN accuracy", True, "right by vote of the 10 nearest faces, without the classifier"),
    ("map_at_r", "MAP@R", True, "how well faces of the same class come first when searching with a face"),
)


def metric_of(of: dict, key: str) -> dict | None:
    """One metric of one method in summary.json, wherever it stands there; None when it is absent."""
    value = of.get(key) or of.get("geometry", {}).get(key)
    if not isinstance(value, dict) or value.get("mean") is None or not math.isfinite(value["mean"]):
        return None
    return value
