"""The measures of the report's tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """One measure of a method, as the tables head it.

    Attributes:
        key: its name in summary.json, below the method or below its `geometry`.
        heading: its name for people.
        more_is_better: whether a larger value is the better one.
        meaning: what it says.
    """

    key: str
    heading: str
    more_is_better: bool
    meaning: str

    @property
    def arrow(self) -> str:
        """The direction that is better."""
        return "↑" if self.more_is_better else "↓"


MEASURES = (
    Measure("accuracy", "accuracy", True, "share of test faces classified right"),
    Measure("balanced_accuracy", "balanced accuracy", True, "recall, averaged over the classes"),
    Measure("macro_f1", "macro-F1", True, "F1, averaged over the classes"),
    Measure(
        "within_between_ratio",
        "within / between",
        False,
        "distance to the own class center over the distance between class centers",
    ),
    Measure(
        "silhouette",
        "silhouette",
        True,
        "how much closer a face is to its own class than to the next one, from -1 to 1",
    ),
    Measure("knn_accuracy", "10-NN accuracy", True, "right by vote of the 10 nearest faces, without the classifier"),
    Measure("map_at_r", "MAP@R", True, "how well faces of the same class come first when searching with a face"),
)


# Over strengths: first what it costs and how compact the classes are, then what each loss asks for, then the collapse.
DOSE_MEASURES = {
    "balanced_accuracy": "balanced accuracy",
    "within_between_ratio": "within / between",
    "silhouette": "silhouette",
    "open_hinges": "TCL: share of open hinges",
    "mean_margin": "TCL: mean margin, / D",
    "own_distance": "center: own squared distance, / D",
    "correlation_within": "Ad-Corre: correlation within a class",
    "correlation_between": "Ad-Corre: correlation between classes",
    "correlation_of_heads": "Ad-Corre: correlation between heads",
    "own_probability": "CE: probability of the own class",
    "nc1": "NC1: spread within over between",
    "effective_rank": "effective rank",
}


def measured(scores: dict[str, Any], key: str) -> dict[str, Any] | None:
    """One measure of one method in summary.json, wherever it stands there; None when it is absent.

    >>> measured({"accuracy": {"mean": 0.5}, "geometry": {"silhouette": {"mean": None}}}, "accuracy")
    {'mean': 0.5}
    """
    value = scores.get(key) or scores.get("geometry", {}).get(key)
    if not isinstance(value, dict) or value.get("mean") is None or not math.isfinite(value["mean"]):
        return None
    return value
