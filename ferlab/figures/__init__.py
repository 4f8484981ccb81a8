"""Static figures: one function a figure, each returning the matplotlib Axes it drew on.

>>> from ferlab.figures import CLASS_COLORS, method_label
"""

from __future__ import annotations

from typing import Any

from ferlab.late import late
from ferlab.methods import method_color, method_label
from ferlab.palette import CLASS_COLORS, class_colors

__all__ = [
    "CLASS_COLORS",
    "attention_maps",
    "attention_overlays",
    "class_colors",
    "class_counts",
    "class_mean_planes",
    "class_recall",
    "confusion_matrices",
    "confusion_matrix",
    "contact_sheet",
    "correlation_matrices",
    "correlation_views",
    "dose_curves",
    "dose_panels",
    "embedding_correlations",
    "embedding_map",
    "embedding_maps",
    "embedding_planes",
    "embedding_stripes",
    "figure_style",
    "image_grid",
    "learning_curves",
    "low_spaces",
    "mean_correlations",
    "method_color",
    "method_differences",
    "method_label",
    "metric_bars",
    "pair_distance_distributions",
    "recall_bars",
    "shepard_diagram",
    "shepard_diagrams",
    "show",
    "slice_accuracy",
    "trade_off",
    "triplet_planes",
]

_HOME = {
    "attention_maps": "attention",
    "attention_overlays": "attention",
    "class_counts": "faces",
    "class_mean_planes": "own_views",
    "class_recall": "scores",
    "confusion_matrices": "scores",
    "confusion_matrix": "scores",
    "contact_sheet": "faces",
    "correlation_matrices": "spaces",
    "correlation_views": "own_views",
    "dose_curves": "doses",
    "dose_panels": "doses",
    "embedding_correlations": "spaces",
    "embedding_map": "maps",
    "embedding_maps": "maps",
    "embedding_planes": "two_dimensions",
    "embedding_stripes": "faces",
    "figure_style": "style",
    "image_grid": "faces",
    "learning_curves": "training",
    "low_spaces": "two_dimensions",
    "mean_correlations": "spaces",
    "method_differences": "scores",
    "metric_bars": "scores",
    "pair_distance_distributions": "spaces",
    "recall_bars": "scores",
    "shepard_diagram": "maps",
    "shepard_diagrams": "maps",
    "show": "showing",
    "slice_accuracy": "slices",
    "trade_off": "doses",
    "triplet_planes": "own_views",
}


def __getattr__(name: str) -> Any:
    # matplotlib takes a second to import: only when something is drawn.
    return late(__name__, _HOME, name)


def __dir__() -> list[str]:
    return __all__
