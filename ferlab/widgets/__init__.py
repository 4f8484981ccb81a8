"""Interactive parts for notebooks. Each is one call and degrades to a picture where nothing can move.

>>> from ferlab.widgets import EmbeddingExplorer, FaceLab, LossPlayground, TrainingMonitor, action_unit_slider
"""

from __future__ import annotations

from typing import Any

from ferlab.late import late

__all__ = [
    "EmbeddingExplorer",
    "FaceLab",
    "FaceLabeling",
    "LossPlayground",
    "TrainingMonitor",
    "action_unit_slider",
]

_HOME = {
    "EmbeddingExplorer": "explorer.explorer",
    "FaceLab": "face_lab.face_lab",
    "FaceLabeling": "labeling",
    "LossPlayground": "playground.playground",
    "TrainingMonitor": "monitor.monitor",
    "action_unit_slider": "faces",
}


def __getattr__(name: str) -> Any:
    # ipywidgets and jupyter-scatter are imported only when something is shown.
    return late(__name__, _HOME, name)


def __dir__() -> list[str]:
    return __all__
