"""Static figures: one function a figure, each returning the matplotlib Axes it drew on.

>>> from ferlab.figures import CLASS_COLORS, METHOD_LABELS
"""

from __future__ import annotations

from ferlab.figures.palette import CLASS_COLORS, METHOD_COLORS, METHOD_LABELS, class_colors, method_color, method_label

__all__ = [
    "CLASS_COLORS",
    "METHOD_COLORS",
    "METHOD_LABELS",
    "attention_maps",
    "attention_overlays",
    "class_colors",
    "class_counts",
    "class_recall",
    "confusion_matrices",
    "confusion_matrix",
    "contact_sheet",
    "correlation_matrices",
    "embedding_correlations",
    "embedding_map",
    "embedding_maps",
    "image_grid",
    "learning_curves",
    "mean_correlations",
    "method_color",
    "method_differences",
    "method_label",
    "metric_bars",
    "pair_distance_distributions",
    "recall_bars",
    "save_figures",
    "shepard_diagram",
    "shepard_diagrams",
    "show",
    "slice_accuracy",
]

_PLOTS = {
    "class_counts",
    "confusion_matrices",
    "confusion_matrix",
    "contact_sheet",
    "embedding_map",
    "embedding_maps",
    "image_grid",
    "learning_curves",
    "metric_bars",
    "shepard_diagram",
    "shepard_diagrams",
}
_HOME = {
    "attention_maps": "attention",
    "attention_overlays": "attention",
    "class_recall": "scores",
    "correlation_matrices": "spaces",
    "embedding_correlations": "spaces",
    "mean_correlations": "spaces",
    "method_differences": "scores",
    "pair_distance_distributions": "spaces",
    "recall_bars": "scores",
    "save_figures": "saving",
    "show": "showing",
    "slice_accuracy": "scores",
} | dict.fromkeys(_PLOTS, "plots")


def __getattr__(name: str):
    # matplotlib takes a second to import: only when something is drawn.
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"ferlab.figures.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
