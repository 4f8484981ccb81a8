"""How well a network names expressions."""

from __future__ import annotations

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from ferlab.evaluation.predict import Predictions


def classification_scores(labels: np.ndarray, predictions: Predictions) -> dict[str, float]:
    """Accuracy, balanced accuracy (mean recall of the classes present; the papers' average accuracy) and macro-F1.

    Args:
        labels: int64 (N,).
        predictions: of the same N faces.
    """
    predicted = predictions.predicted
    present = np.unique(labels)
    return {
        "accuracy": float(accuracy_score(labels, predicted)),
        "balanced_accuracy": float(recall_score(labels, predicted, labels=present, average="macro", zero_division=0)),
        "macro_f1": float(f1_score(labels, predicted, labels=present, average="macro", zero_division=0)),
    }


def calibration_error(labels: np.ndarray, predictions: Predictions, bins: int = 15) -> float:
    """Expected calibration error (Guo et al., ICML 2017, eq. 3): how far confidence and accuracy lie apart, 0..1.

    Faces are binned by the probability of the predicted class; the gaps of the bins are averaged by their sizes.
    """
    # Rounding can lift a probability a little above 1.
    confidence = np.minimum(predictions.confidence.astype(np.float64), 1.0)
    right = (predictions.predicted == labels).astype(int)
    shares, means = calibration_curve(right, confidence, n_bins=bins, pos_label=1)
    sizes = np.bincount(np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence))
    return float(np.average(np.abs(shares - means), weights=sizes[sizes > 0]))


def class_recalls(labels: np.ndarray, predictions: Predictions, num_classes: int) -> list[float | None]:
    """Recall of every class (K,), None for a class that no face has."""
    counts = confusion_counts(labels, predictions, num_classes)
    return [float(row[c] / row.sum()) if row.sum() else None for c, row in enumerate(counts)]


def confusion_counts(labels: np.ndarray, predictions: Predictions, num_classes: int) -> np.ndarray:
    """int64 (K, K): rows are true classes, columns predicted ones."""
    return confusion_matrix(labels, predictions.predicted, labels=np.arange(num_classes))
