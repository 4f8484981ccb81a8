"""Measures of a trained network: predictions, scores, the geometry of its embedding space, what is significant."""

from ferlab.evaluation.agreement import linear_cka, neighbor_overlap
from ferlab.evaluation.collapse import collapse_scores
from ferlab.evaluation.geometry import (
    geometry_scores,
    knn_accuracy,
    nearest_center_accuracy,
    relative_spread,
    within_between_ratio,
)
from ferlab.evaluation.metrics import calibration_error, class_recalls, classification_scores, confusion_counts
from ferlab.evaluation.occlusion import cover, occlusion_costs
from ferlab.evaluation.predict import Predictions, predict
from ferlab.evaluation.significance import (
    Comparison,
    bootstrap_difference,
    bootstrap_scores,
    comparisons,
    holm,
    paired_test,
    share_interval,
)
from ferlab.evaluation.slices import slice_scores, slices_of

__all__ = [
    "Comparison",
    "Predictions",
    "bootstrap_difference",
    "bootstrap_scores",
    "calibration_error",
    "class_recalls",
    "classification_scores",
    "collapse_scores",
    "comparisons",
    "confusion_counts",
    "cover",
    "geometry_scores",
    "holm",
    "knn_accuracy",
    "linear_cka",
    "nearest_center_accuracy",
    "neighbor_overlap",
    "occlusion_costs",
    "paired_test",
    "predict",
    "relative_spread",
    "share_interval",
    "slice_scores",
    "slices_of",
    "within_between_ratio",
]
