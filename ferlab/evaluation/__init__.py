"""Measures of a trained network: predictions and the geometry of its embedding space."""

from ferlab.evaluation.geometry import geometry_scores
from ferlab.evaluation.metrics import classification_scores, confusion_counts
from ferlab.evaluation.predict import Predictions, predict

__all__ = ["Predictions", "classification_scores", "confusion_counts", "geometry_scores", "predict"]
