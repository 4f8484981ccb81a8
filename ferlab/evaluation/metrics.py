"""How well a network names expressions."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from ferlab.evaluation.predict import Predictions


def classification_scores(labels: np.ndarray, predictions: Predictions) -> dict[str, float]:
    """Accuracy, balanced accuracy (mean recall of the classes present) and macro-F1.

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


def confusion_counts(labels: np.ndarray, predictions: Predictions, num_classes: int) -> np.ndarray:
    """int64 (K, K): rows are true classes, columns predicted ones."""
    return confusion_matrix(labels, predictions.predicted, labels=np.arange(num_classes))
