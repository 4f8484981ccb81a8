"""Static figures: one function a figure, each returning the matplotlib Axes it drew on.

>>> from ferlab.figures import CLASS_COLORS, METHOD_LABELS
"""

from __future__ import annotations

from ferlab.figures.palette import CLASS_COLORS, METHOD_COLORS, METHOD_LABELS, class_colors, method_color, method_label

__all__ = [
    "CLASS_COLORS",
    "METHOD_COLORS",
    "METHOD_LABELS",
    "class_colors",
    "class_counts",
    "confusion_matrices",
    "confusion_matrix",
    "contact_sheet",
    "embedding_map",
    "embedding_maps",
    "image_grid",
    "learning_curves",
    "method_color",
    "method_label",
    "metric_bars",
    "save_figures",
    "shepard_diagram",
    "shepard_diagrams",
    "show",
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


def __getattr__(name: str):
    # matplotlib takes a second to import: only when something is drawn.
    if name in _PLOTS:
        from ferlab.figures import plots

        return getattr(plots, name)
    if name == "save_figures":
        from ferlab.figures.saving import save_figures

        return save_figures
    if name == "show":
        from ferlab.figures.showing import show

        return show
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
