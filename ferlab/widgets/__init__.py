"""Interactive parts for notebooks. Each is one call and degrades to a picture where nothing can move.

>>> from ferlab.widgets import EmbeddingExplorer, FaceLab, LossPlayground, TrainingMonitor, action_unit_slider
"""

from __future__ import annotations

__all__ = [
    "EmbeddingExplorer",
    "FaceLab",
    "FaceLabeling",
    "LossPlayground",
    "TrainingMonitor",
    "action_unit_slider",
    "ask",
    "check_claims",
    "check_common_neighbors",
    "check_continuity",
    "check_heads_disagree",
    "check_holm",
    "check_kappa",
    "check_least_disagreement",
    "check_little_movement",
    "check_lost_neighbor",
    "check_margin_shift",
    "check_mean_discriminator",
    "check_mixed_negative",
    "check_nearest_center",
    "check_right_but_scattered",
    "check_same_place",
    "check_selection",
    "check_semi_synthesized",
    "check_shared_images",
    "check_torn_apart",
    "check_weighted_distance",
    "check_within_between",
    "check_zero_loss",
]

_HOME = {
    "EmbeddingExplorer": "explorer",
    "FaceLab": "face_lab",
    "FaceLabeling": "labeling",
    "LossPlayground": "playground",
    "TrainingMonitor": "monitor",
    "action_unit_slider": "faces",
    "ask": "exercises",
    "check_claims": "evidence_exercises",
    "check_common_neighbors": "space_exercises",
    "check_continuity": "map_exercises",
    "check_heads_disagree": "loss_exercises",
    "check_holm": "evidence_exercises",
    "check_kappa": "label_exercises",
    "check_least_disagreement": "loss_exercises",
    "check_little_movement": "label_exercises",
    "check_lost_neighbor": "map_exercises",
    "check_margin_shift": "loss_exercises",
    "check_mean_discriminator": "loss_exercises",
    "check_mixed_negative": "loss_exercises",
    "check_nearest_center": "baseline_exercises",
    "check_right_but_scattered": "baseline_exercises",
    "check_same_place": "attention_exercises",
    "check_selection": "exercises",
    "check_semi_synthesized": "loss_exercises",
    "check_shared_images": "data_exercises",
    "check_torn_apart": "space_exercises",
    "check_weighted_distance": "attention_exercises",
    "check_within_between": "exercises",
    "check_zero_loss": "loss_exercises",
}


def __getattr__(name: str):
    # ipywidgets and jupyter-scatter are imported only when something is shown.
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"ferlab.widgets.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
