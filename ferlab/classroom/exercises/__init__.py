"""The checks of the exercises: they say what is missing, and never raise.

>>> from ferlab.classroom.exercises import check_zero_loss
"""

from __future__ import annotations

from typing import Any

__all__ = [
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

# Where each check lies: a module for what it looks at.
_HOME = {
    "check_claims": "evidence",
    "check_common_neighbors": "spaces",
    "check_continuity": "maps",
    "check_heads_disagree": "losses",
    "check_holm": "evidence",
    "check_kappa": "labels",
    "check_least_disagreement": "losses",
    "check_little_movement": "labels",
    "check_lost_neighbor": "maps",
    "check_margin_shift": "losses",
    "check_mean_discriminator": "losses",
    "check_mixed_negative": "losses",
    "check_nearest_center": "baseline",
    "check_right_but_scattered": "baseline",
    "check_same_place": "attention",
    "check_selection": "spaces",
    "check_semi_synthesized": "losses",
    "check_shared_images": "data",
    "check_torn_apart": "spaces",
    "check_weighted_distance": "attention",
    "check_within_between": "spaces",
    "check_zero_loss": "losses",
}


def __getattr__(name: str) -> Any:
    # ipywidgets and jupyter-scatter are imported only when a check needs them.
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"ferlab.classroom.exercises.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
