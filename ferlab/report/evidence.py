"""What the report's tables hold: rows of plain numbers. How they look is for the templates to say."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from ferlab.evaluation.significance import Comparison
from ferlab.methods import reference_of
from ferlab.report.measures import MEASURES, measured
from ferlab.runs.folder import flatten
from ferlab.runs.reading import Run

FULL_HEAT = 15  # points; a change by as much or more has the full color


@dataclass(frozen=True)
class Score:
    """One measure of one method.

    Attributes:
        mean: over the seeds.
        std: over the seeds; None with one seed.
        interval: 95 % interval, where the summary has one.
        change: against cross-entropy, where that was run and is not the method itself.
    """

    mean: float
    std: float | None
    interval: tuple[float, float] | None
    change: float | None


def score_rows(run: Run) -> dict[str, list[Score | None]]:
    """Method -> its score in each of :data:`MEASURES`, None where it is absent."""
    methods = run.summary["methods"]
    several = has_several_seeds(run)
    rows: dict[str, list[Score | None]] = {}
    for name, scores in methods.items():
        rows[name] = []
        for measure in MEASURES:
            value = measured(scores, measure.key)
            if value is None:
                rows[name].append(None)
                continue
            base = measured(methods.get("ce", {}), measure.key) if name != "ce" else None
            low, high = value.get("low"), value.get("high")
            score = Score(
                mean=value["mean"],
                std=(value.get("std") or 0) if several else None,
                interval=None if low is None or high is None else (low, high),
                change=None if base is None else value["mean"] - base["mean"],
            )
            rows[name].append(score)
    return rows


def has_several_seeds(run: Run) -> bool:
    """More than one seed was run."""
    return len(run.summary.get("seeds") or []) > 1


@dataclass(frozen=True)
class Compared:
    """A measure in the table of differences: its key, its heading, and the factor and the digits of its numbers."""

    key: str
    heading: str
    factor: int = 1
    digits: int = 3


COMPARED = (
    Compared("accuracy", "accuracy, points", factor=100, digits=1),
    Compared("balanced_accuracy", "balanced accuracy, points", factor=100, digits=1),
    Compared("within_between_ratio", "within / between"),
    Compared("silhouette", "silhouette"),
    Compared("map_at_r", "MAP@R"),
)


def difference_rows(run: Run) -> dict[str, dict[str, Comparison]]:
    """Method -> measure -> its difference to the reference; empty for one seed or without a reference."""
    return {
        name: {measure: Comparison(**values) for measure, values in by_measure.items()}
        for name, by_measure in run.summary.get("comparisons", {}).items()
    }


def recall_rows(run: Run) -> tuple[list[str], dict[str, list[float | None]]]:
    """The classes, and method -> its recall of each, None where it has none."""
    recalls = {name: found for name, scores in run.summary["methods"].items() if (found := scores.get("class_recall"))}
    classes = list(dict.fromkeys(c for by_class in recalls.values() for c in by_class))
    return classes, {
        name: [by_class[c]["mean"] if c in by_class else None for c in classes] for name, by_class in recalls.items()
    }


@dataclass(frozen=True)
class Slice:
    """A part of the test faces: its name, how many they are, and the accuracy of every method on them."""

    part: str
    faces: int
    accuracies: list[float]


def slice_groups(run: Run) -> tuple[list[str], list[tuple[str, list[Slice]]]]:
    """The methods with slices, and for each kind of slice (yaw, light, ...) its parts."""
    slices = {name: found for name, scores in run.summary["methods"].items() if (found := scores.get("slices"))}
    first: list[dict[str, Any]] = next(iter(slices.values()), [])
    groups = []
    for kind, numbered in groupby(enumerate(first), key=lambda item: item[1]["kind"]):
        parts = [
            Slice(part["part"], part["faces"], [rows[i]["accuracy"]["mean"] for rows in slices.values()])
            for i, part in numbered
        ]
        groups.append((kind, parts))
    return list(slices), groups


@dataclass(frozen=True)
class ConfusionCell:
    """Faces of one class that were given one name.

    Attributes:
        count: how many.
        share: of the faces of their class.
        change: of the share against the reference, in points; 0 without one.
    """

    count: int
    share: float
    change: float

    @property
    def has_changed(self) -> bool:
        """By so much that the change, rounded to points, is not 0."""
        return abs(self.change) >= 0.5

    @property
    def change_heat(self) -> float:
        """How strongly the change is colored, 0 to 1."""
        return min(abs(self.change) / FULL_HEAT, 1.0)


@dataclass(frozen=True)
class Confusion:
    """The confusions of a method in its first seed: a row for every true class, with its number of faces."""

    method: str
    reference: str | None
    rows: list[tuple[int, list[ConfusionCell]]]

    def largest(self, most: int) -> list[tuple[int, int, ConfusionCell]]:
        """(true, predicted, cell) of the most frequent confusions of two classes, for when there are too many cells."""
        pairs = [(t, p, cell) for t, (_, cells) in enumerate(self.rows) for p, cell in enumerate(cells)]
        confused = [(t, p, cell) for t, p, cell in pairs if t != p and cell.count]
        return sorted(confused, key=lambda pair: (-pair[2].count, -pair[2].share))[:most]


def confusions(run: Run, num_classes: int) -> list[Confusion]:
    """The confusions of every method that has them, beside those of its reference where that has them too."""
    methods = run.summary["methods"]
    counts = {name: np.asarray(scores.get("confusion") or []) for name, scores in methods.items()}
    counts = {name: matrix for name, matrix in counts.items() if matrix.shape == (num_classes, num_classes)}
    return [_confusion(name, reference_of(name, methods), counts) for name in counts]


def _confusion(name: str, reference: str | None, counts: dict[str, np.ndarray]) -> Confusion:
    own = counts[name]
    shares = row_shares(own)
    change = np.zeros(own.shape)
    if reference in counts:
        change = 100 * (shares - row_shares(counts[reference]))
    else:
        reference = None
    rows = []
    for t, row in enumerate(own.tolist()):
        cells = [ConfusionCell(count, float(shares[t, p]), float(change[t, p])) for p, count in enumerate(row)]
        rows.append((sum(row), cells))
    return Confusion(name, reference, rows)


def row_shares(counts: np.ndarray) -> np.ndarray:
    """Counts (K, K) as shares of their rows; a row of zeros stays one.

    >>> row_shares(np.array([[3, 1], [0, 0]])).tolist()
    [[0.75, 0.25], [0.0, 0.0]]
    """
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def settings_groups(run: Run) -> dict[str, list[tuple[str, str]]]:
    """What was run, in groups (settings, versions, ...) of dotted names and their values in words."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for key, value in run.config.items():
        if isinstance(value, dict):
            groups.setdefault(key, []).extend((name, in_words(inner)) for name, inner in flatten(value).items())
        else:
            groups.setdefault("run", []).append((key, in_words(value)))
    results = ((key, run.summary.get(key)) for key in ("dataset", "epochs", "seeds", "seconds"))
    groups.setdefault("result", []).extend((key, in_words(value)) for key, value in results if value is not None)
    return groups


def in_words(value: Any) -> str:
    """A setting for people.

    >>> in_words([0.5, True, None]), in_words([])
    ('0.5, yes, none', 'none')
    """
    if isinstance(value, (list, tuple)):
        return ", ".join(in_words(item) for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "none" if value is None else str(value)
