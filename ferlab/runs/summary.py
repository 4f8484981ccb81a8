"""From the test faces of every finished training to the numbers of ``summary.json``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from ferlab.data.dataset import FaceDataset
from ferlab.evaluation import (
    Predictions,
    bootstrap_scores,
    calibration_error,
    class_recalls,
    classification_scores,
    comparisons,
    confusion_counts,
    geometry_scores,
    slice_scores,
)
from ferlab.methods import reference_of
from ferlab.models import ExpressionNetwork
from ferlab.runs.asked import measure_space
from ferlab.runs.doses import recorded_responses

SCORES = ("accuracy", "balanced_accuracy", "macro_f1")


@dataclass(frozen=True)
class FinishedTraining:
    """One method trained with one seed: what ``<method>/seed_<n>/`` holds."""

    method: str
    seed: int
    scores: dict[str, Any]
    history: pd.DataFrame
    embeddings: pd.DataFrame


def measure(
    network: ExpressionNetwork, train_set: FaceDataset, test_set: FaceDataset, predictions: Predictions, method: str
) -> dict[str, Any]:
    """All scores of one network: what ``scores.json`` holds.

    Args:
        network: in evaluation mode.
        train_set: for what a loss did to the faces that it acted on; all else is measured on the test split.
        test_set, predictions: what the network says of it.
        method: the name of what it was trained with.
    """
    scores: dict[str, Any] = classification_scores(test_set.labels, predictions)
    scores["calibration_error"] = calibration_error(test_set.labels, predictions)
    recalls = class_recalls(test_set.labels, predictions, len(test_set.classes))
    scores["class_recall"] = dict(zip(test_set.classes, recalls, strict=True))
    scores["geometry"] = geometry_scores(predictions.embeddings, test_set.labels)
    scores["slices"] = slice_scores(test_set.metadata, test_set.labels, predictions.predicted).to_dict("records")
    scores["confusion"] = confusion_counts(test_set.labels, predictions, len(test_set.classes)).tolist()
    scores["measures"] = measure_space(network, train_set, test_set, predictions, method, scores["geometry"])
    return scores


def summarize(
    runs: list[FinishedTraining],
    dataset: str,
    epochs: int,
    seconds: float,
    people: np.ndarray | None = None,
    diverged: Mapping[str, list[int]] = MappingProxyType({}),
) -> dict[str, Any]:
    """The content of ``summary.json``.

    Args:
        runs: every finished training.
        dataset, epochs, seconds: as they go into the summary.
        people: (N,), the person in each test face, for the intervals; None where that is not known.
        diverged: method -> seeds with which its loss broke the network; these methods are not among the runs.
    """
    names = list(dict.fromkeys(run.method for run in runs))
    methods = {name: _summarize_method([run for run in runs if run.method == name], people) for name in names}
    references = {name: other for name in names if (other := reference_of(name, names)) is not None}
    return {
        "dataset": dataset,
        "epochs": epochs,
        "seeds": sorted({run.seed for run in runs}),
        "seconds": round(seconds, 1),
        "methods": methods,
        "comparisons": {
            name: {measure: dataclasses.asdict(comparison) for measure, comparison in of.items()}
            for name, of in comparisons(methods, references).items()
        },
        "doses": recorded_responses(methods, diverged),
        "diverged": dict(diverged),
    }


def people_of(faces: FaceDataset) -> np.ndarray | None:
    """(N,): the person in each face, or None where the data set does not say."""
    return faces.metadata["identity"].to_numpy() if "identity" in faces.metadata else None


def _summarize_method(runs: list[FinishedTraining], people: np.ndarray | None) -> dict[str, Any]:
    scores = [run.scores for run in runs]
    summary: dict[str, Any] = {score: spread([of[score] for of in scores]) for score in (*SCORES, "calibration_error")}
    labels = runs[0].embeddings["label"].to_numpy()
    intervals = bootstrap_scores(
        labels,
        np.stack([run.embeddings["predicted"].to_numpy() for run in runs]),
        np.arange(len(labels)) if people is None else people,
        num_classes=len(scores[0]["confusion"]),
    )
    for score, (low, high) in intervals.items():
        summary[score] |= {"low": low, "high": high}
    summary["geometry"] = {name: spread([of["geometry"][name] for of in scores]) for name in scores[0]["geometry"]}
    summary["class_recall"] = {
        name: spread([of["class_recall"][name] for of in scores])
        for name, recall in scores[0]["class_recall"].items()
        if recall is not None
    }
    summary["slices"] = [
        {**part, **{score: spread([of["slices"][i][score] for of in scores]) for score in SCORES[:2]}}
        for i, part in enumerate(scores[0]["slices"])
    ]
    summary["confusion"] = scores[0]["confusion"]
    summary["measures"] = {
        split: {name: spread([of["measures"][split][name] for of in scores]) for name in measures}
        for split, measures in scores[0].get("measures", {}).items()  # none in a run of an earlier version
    }
    return summary


def spread(values: list[float]) -> dict[str, Any]:
    """Mean, sample standard deviation (0 for one value) and the values."""
    return {
        "mean": float(np.mean(values)),
        "std": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
        "values": values,
    }
