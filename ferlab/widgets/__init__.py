"""Interactive parts for notebooks. Each is one call and degrades to a picture where nothing can move.

>>> from ferlab.widgets import EmbeddingExplorer, FaceLab, LossPlayground, TrainingMonitor, action_unit_slider
"""

from __future__ import annotations

__all__ = [
    "EmbeddingExplorer",
    "FaceLab",
    "LossPlayground",
    "TrainingMonitor",
    "action_unit_slider",
    "ask",
    "check_selection",
    "check_within_between",
]

_HOME = {
    "EmbeddingExplorer": "explorer",
    "FaceLab": "face_lab",
    "LossPlayground": "playground",
    "TrainingMonitor": "monitor",
    "action_unit_slider": "faces",
    "ask": "exercises",
    "check_selection": "exercises",
    "check_within_between": "exercises",
}


def __getattr__(name: str):
    # ipywidgets and jupyter-scatter are imported only when something is shown.
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"ferlab.widgets.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
